"""The spool: files that one process appends to, rotated, capped, and never torn by itself.

A file is made under a dot name, locked, and then renamed to ``*.ndjson``: whoever lists it finds
it locked for as long as it is written. Rotation puts the next file under the same descriptor.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from time import gmtime, monotonic, strftime
from typing import NamedTuple

__all__ = ["SUFFIX", "Loss", "Spool"]

SUFFIX = ".ndjson"
_RETRY = 1.0
"""Seconds between two attempts to open, and between two looks at a folder that is full."""

_LOOK_MS = 1000

_REASONS = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "file_too_big",
    errno.EACCES: "unwritable",
    errno.EPERM: "unwritable",
    errno.EROFS: "unwritable",
    errno.ENOENT: "unwritable",
    errno.ENOTDIR: "unwritable",
    errno.EEXIST: "unwritable",
    errno.ELOOP: "unwritable",
    errno.EMFILE: "no_descriptor",
    errno.ENFILE: "no_descriptor",
}


class Loss(NamedTuple):
    """What a sink could not write."""

    reason: str
    lines: int


def reason_of(error: OSError) -> str:
    """Name a failed write or open, as it is counted."""
    return _REASONS.get(error.errno or 0, "io_error")


class Spool:
    """Append lines to files in a folder.

    Args:
        folder: where; made when the first event is written.
        entity: identity of this process, part of each file's name.
        rotate_bytes, rotate_seconds: when a file is closed and the next begun.
        max_bytes: size of the whole folder at which writing stops.
        on_close: called with the lock held before a file is left; gives its last line, or None.
        on_trouble: called with a sentence for people.
    """

    limit = 256 * 1024
    """An event longer than this, in bytes, has to shed something first."""

    def __init__(
        self,
        folder: Path,
        *,
        entity: str,
        rotate_bytes: int,
        rotate_seconds: int,
        max_bytes: int,
        on_close: Callable[[], bytes | None],
        on_trouble: Callable[[str], None],
    ) -> None:
        self.folder = folder.absolute()  # the application may change its directory later
        self.lock = RLock()  # re-entrant: a signal handler or a __repr__ may log, too
        self._entity = entity
        self._rotate_bytes = rotate_bytes
        self._rotate_ms = rotate_seconds * 1000
        self._max_bytes = max_bytes
        self._step = max(min(rotate_bytes, max_bytes // 8), 1)
        self._on_close = on_close
        self._on_trouble = on_trouble
        self._fd = -1
        self._number = 0
        self._size = 0
        self._look_at_size = 0
        """At this size, rotation or the cap is to be looked at."""
        self._rotate_at = 0
        self._look_at_ms = 0
        """From then on, age and whether the file is still listed are to be looked at."""
        self._torn = False
        self._rotating = False
        self._blocked: str | None = None
        self._blocked_until = 0.0

    def write(self, data: bytes, ms: int, lines: int = 1) -> Loss | None:
        """Append whole lines with one system call.

        Args:
            data: ends with a newline.
            ms: the present, in milliseconds.
            lines: how many lines it holds.

        Returns:
            None when all is written, else why not, and how many lines are lost.
        """
        with self.lock:
            if self._size >= self._look_at_size or ms >= self._look_at_ms or self._torn:
                reason = self._prepare(ms)
                if reason is not None:
                    return Loss(reason, lines)
            try:
                written = os.write(self._fd, data)
            except OSError as error:
                return Loss(self._failed(error), lines)
            self._size += written
            if written != len(data):
                return self._short(lines - data.count(b"\n", 0, written))
            return None

    def close(self) -> None:
        """Write the last line and let the file go; the next write opens another."""
        with self.lock:
            if self._fd >= 0:
                self._last_line()
                self.abandon()

    def abandon(self) -> None:
        """Let the file go as it is: what a forked child does with what it inherited."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
        self._size = self._look_at_size = 0
        self._torn = False

    def _prepare(self, ms: int) -> str | None:
        """Bring the descriptor into a state that a line can be appended to."""
        if self._blocked is not None:
            if monotonic() < self._blocked_until:
                return self._blocked
            self._blocked = None
        try:
            if self._fd >= 0 and not self._rotating and os.fstat(self._fd).st_nlink == 0:
                self._on_trouble(f"{self.folder} was emptied while it was written to")
                self.abandon()
            if self._fd < 0:
                self._open(ms)
            self._look_at_ms = ms + _LOOK_MS
            if self._torn:
                os.write(self._fd, b"\n")
                self._size += 1
                self._torn = False
            if self._rotating:
                return None
            if self._size >= self._rotate_bytes or ms >= self._rotate_at:
                self._rotate(ms)
            if self._size >= self._look_at_size:
                if self._folder_bytes() >= self._max_bytes:
                    return self._block(
                        "spool_full",
                        f"{self.folder} holds {self._max_bytes:,} bytes or more: events are "
                        "dropped and counted until room is made (ELKMON_MAX_BYTES, elkmon compact)",
                    )
                self._look_at_size = min(self._rotate_bytes, self._size + self._step)
        except OSError as error:
            return self._failed(error)
        return None

    def _open(self, ms: int) -> None:
        self._fd = self._new_file()
        os.set_inheritable(self._fd, False)
        self._size = self._look_at_size = 0
        self._rotate_at = ms + self._rotate_ms

    def _rotate(self, ms: int) -> None:
        """Put the next file under the same descriptor; on failure the present one goes on."""
        self._rotating = True
        try:
            fresh = self._new_file()
            try:
                self._last_line()
                os.dup2(fresh, self._fd, inheritable=False)
            finally:
                os.close(fresh)
            self._size = self._look_at_size = 0
            self._rotate_at = ms + self._rotate_ms
        except OSError as error:
            self._on_trouble(f"cannot begin a new file in {self.folder}: {error}")
            self._rotate_at = ms + _LOOK_MS
            self._look_at_size = self._size + self._step
        finally:
            self._rotating = False

    def _last_line(self) -> None:
        line = self._on_close()
        if line is not None:
            try:
                os.write(self._fd, line)
            except OSError as error:
                self._on_trouble(f"cannot end a file in {self.folder}: {error}")

    def _new_file(self) -> int:
        """Make the next file, locked before anybody can list it; give its descriptor."""
        if not self.folder.is_dir():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = self.folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="ascii")
        self._number += 1
        host = "".join(c if c.isalnum() else "-" for c in socket.gethostname())[:40]
        stamp = strftime("%Y%m%dT%H%M%SZ", gmtime())
        name = f"{stamp}-{host}-{os.getpid()}-{self._entity}-{self._number:05d}"
        hidden = self.folder / f".{name}.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(hidden, flags, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(self.folder / (name + SUFFIX))
        except OSError:
            os.close(fd)
            hidden.unlink(missing_ok=True)
            raise
        return fd

    def _folder_bytes(self) -> int:
        with os.scandir(self.folder) as entries:
            return sum(e.stat(follow_symlinks=False).st_size for e in entries if _is_file(e))

    def _short(self, lost: int) -> Loss:
        self._torn = True  # the next line begins with a newline, which sets this rest apart
        self._on_trouble(f"a line in {self.folder} was cut short: is the disk full?")
        return Loss("disk_full", lost)

    def _failed(self, error: OSError) -> str:
        reason = reason_of(error)
        if self._fd >= 0 and error.errno != errno.EBADF:
            self._on_trouble(f"cannot write to {self.folder}: {error}")
            return reason
        self._fd = -1  # not ours any more: somebody closed it
        self._size = self._look_at_size = 0
        return self._block(reason, f"cannot write to {self.folder}: {error}")

    def _block(self, reason: str, sentence: str) -> str:
        self._on_trouble(f"{sentence}; events are dropped and counted, and it is tried again")
        self._blocked = reason
        self._blocked_until = monotonic() + _RETRY
        return reason


def _is_file(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False)
