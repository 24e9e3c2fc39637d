"""The spool: files that one process appends to, rotated, capped, and never torn by itself.

A file is made under a dot name, locked, and then renamed to ``*.ndjson``: whoever lists it finds
it locked for as long as it is written. Rotation puts the next file under the same descriptor.
Before each write the position in the file tells that it still is its own.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import RLock
from time import gmtime, monotonic, strftime
from typing import TypeAlias

from elkmon.events.limits import FILE_LINE

__all__ = ["SUFFIX", "Spool"]

SUFFIX = ".ndjson"
_RETRY = 1.0
"""Seconds between two attempts to open, and between two looks at a folder that is full."""
_LOOK_MS = 1000
_Identity: TypeAlias = "tuple[int, ...]"
_NO_FILE = (0, 0, 0)
_STANDARD = 3
"""Descriptors below are standard input, output and error, also where they are closed."""

_REASONS = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "file_too_big",
    errno.EBADF: "descriptor_closed",
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


def reason_of(error: OSError) -> str:
    """Name a failed write or open, as it is counted."""
    return _REASONS.get(error.errno or 0, "io_error")


class Spool:
    """Append lines to files in a folder, and count what became of them.

    Args:
        folder: where; made when the first event is written.
        entity: identity of this process, part of each file's name.
        rotate_bytes, rotate_seconds: when a file is closed and the next begun.
        max_bytes: size of the whole folder at which writing stops.
        on_close: called with the lock held before a file is left; gives its last line, or None.
        on_trouble: called with a sentence for people.
        on_misuse: called with a kind of wrong use, to be counted, and a sentence.

    Attributes:
        written: lines that are in a file.
        dropped: lines that are lost, by reason.
    """

    limit = FILE_LINE
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
        on_misuse: Callable[[str, str], None],
    ) -> None:
        self.folder = folder
        self.lock = RLock()  # re-entrant: a signal handler may log, too
        self.written = 0
        self.dropped: dict[str, int] = {}
        self._entity = entity
        self._rotate_bytes = rotate_bytes
        self._rotate_seconds = rotate_seconds
        self._max_bytes = max_bytes
        self._step = max(min(rotate_bytes, max_bytes // 8), 1)
        self._on_close = on_close
        self._on_trouble = on_trouble
        self._on_misuse = on_misuse
        self._fd = -1
        self._file: _Identity = _NO_FILE
        """Inode, device and links of our file, as ``fstat`` has them."""
        self._number = 0
        self._size = 0
        self._look_at_size = 0
        """At this size, rotation or the cap is to be looked at."""
        self._rotate_at = 0.0
        self._looked_ms = self._look_at_ms = 0
        """Outside of this span, age and whether the file is still listed are to be looked at."""
        self._torn = False
        self._rotating = False
        self._blocked: str | None = None
        self._blocked_until = 0.0

    def write(self, data: bytes, ms: int, lines: int = 1) -> None:
        """Append whole lines with one system call.

        Args:
            data: ends with a newline.
            ms: the present, in milliseconds; it may step back.
            lines: how many lines it holds.
        """
        with self.lock:
            length = len(data)
            file: _Identity | None = None
            grown: int | None = None
            try:
                if (
                    self._size >= self._look_at_size
                    or not self._looked_ms <= ms < self._look_at_ms
                    or self._torn
                    or self._position() != self._size
                ):
                    reason = self._prepare(ms)
                    if reason is not None:
                        self._drop(reason, lines)
                        return
                file = self._file
                grown = os.write(self._fd, data)
                if grown == length:  # no call from here on, so that no signal comes between
                    self._size += length
                    self.written += lines
                    return
                reason = "disk_full"
            except OSError as error:
                reason = self._failed(error)
            except Exception as error:  # noqa: BLE001 - emitting never raises into the caller
                self._on_trouble(f"cannot write to {self.folder}: {error!r}")
                reason = "internal"
            except BaseException:  # a signal handler raised, such as KeyboardInterrupt
                self._settle(data, lines, file, None, "interrupted")
                raise
            self._settle(data, lines, file, grown, reason)

    def close(self) -> None:
        """Write the last line and let the file go; the next write opens another."""
        with self.lock:
            self._look()
            if self._fd >= 0:
                self._last_line()
                _release(self._forget())

    def abandon(self) -> None:
        """Let the file go as it is: what a forked child does with what it inherited."""
        ours = self._identity()[:2] == self._file[:2]
        fd = self._forget()  # first: a closed descriptor's number may soon be another file's
        if ours:
            with suppress(OSError):
                os.close(fd)

    def _position(self) -> int:
        """Return the position in the file behind the descriptor: in ours it is the size.

        An application may close all descriptors and open files of its own, which are at other
        positions; one that happens to be at the same is noticed within a second, by its inode. To
        ask ``fstat`` before each write would double its time: the kernel then gives the next change
        a finer time.
        """
        try:
            return os.lseek(self._fd, 0, os.SEEK_CUR)
        except OSError:  # it is closed, or a pipe by now
            return -1

    def _identity(self) -> _Identity:
        """Return inode, device and links of the file behind the descriptor; zeros for none."""
        try:
            return os.fstat(self._fd)[1:4]
        except OSError:
            return _NO_FILE

    def _forget(self) -> int:
        fd, self._fd = self._fd, -1
        self._size = self._look_at_size = 0
        self._torn = False
        return fd

    def _prepare(self, ms: int) -> str | None:
        """Bring the descriptor into a state that a line can be appended to."""
        if self._blocked is not None:
            if monotonic() < self._blocked_until:
                return self._blocked
            self._blocked = None
        if self._fd >= 0 and not self._rotating:
            self._look()
        if self._fd < 0:
            try:
                self._open()
            except OSError as error:
                return self._block(reason_of(error), f"cannot write to {self.folder}: {error}")
        self._looked_ms, self._look_at_ms = ms, ms + _LOOK_MS
        due = self._size >= self._rotate_bytes or monotonic() >= self._rotate_at
        if due and not self._rotating:
            self._rotate()
        if self._torn:
            self._set_apart()
        if self._size >= self._look_at_size and not self._rotating:
            if self._folder_bytes() >= self._max_bytes:
                return self._block(
                    "spool_full",
                    f"{self.folder} holds {self._max_bytes:,} bytes or more: make room, or raise "
                    "ELKMON_MAX_BYTES",
                )
            self._look_at_size = min(self._rotate_bytes, self._size + self._step)
        return None

    def _look(self) -> None:
        """See whether the descriptor still is our file, and whether that is still listed."""
        if self._fd < 0:
            return
        here = self._identity()
        if here[:2] != self._file[:2]:
            self._forget()  # and leave it alone: it may be another file's by now
            self._on_misuse(
                "descriptor_closed",
                f"the descriptor of a file in {self.folder} was closed; another file is begun: do "
                "not close descriptors that are not yours, or log only after that",
            )
        elif here[2] == 0:
            self._on_trouble(f"{self.folder} was emptied while it was written to")
            self.abandon()
        else:
            self._file = here
            self._size = os.fstat(self._fd).st_size

    def _open(self) -> None:
        fresh, path = self._new_file()
        if self._fd >= 0:  # a signal handler logged meanwhile, and opened one
            os.close(fresh)
            path.unlink(missing_ok=True)
            return
        self._fd = fresh
        self._began()

    def _began(self) -> None:
        self._file = self._identity()
        self._size = self._look_at_size = 0
        self._torn = False
        self._rotate_at = monotonic() + self._rotate_seconds

    def _rotate(self) -> None:
        """Put the next file under the same descriptor; on failure the present one goes on."""
        self._rotating = True
        try:
            fresh, _ = self._new_file()
            try:
                self._last_line()
                left = os.dup(self._fd)
                try:
                    os.dup2(fresh, self._fd, inheritable=False)
                except BaseException:
                    os.close(left)  # still locked: it goes on
                    raise
                _release(left)
            finally:
                os.close(fresh)
            self._began()
        except OSError as error:
            self._on_trouble(f"cannot begin a new file in {self.folder}: {error}")
            self._rotate_at = monotonic() + _RETRY
            self._look_at_size = self._size + self._step
        finally:
            self._rotating = False

    def _last_line(self) -> None:
        line = self._on_close()
        if line is None:
            return
        length = len(line)
        grown: int | None = None
        try:
            if self._torn:
                self._set_apart()
            grown = os.write(self._fd, line)
            if grown == length:  # as in write()
                self._size += length
                self.written += 1
                return
            reason = "disk_full"
        except OSError as error:
            reason = reason_of(error)
        except BaseException:
            self._settle(line, 1, self._file, None, "interrupted")
            raise
        self._settle(line, 1, self._file, grown, reason)

    def _set_apart(self) -> None:
        """End the line that was cut short."""
        self._size += os.write(self._fd, b"\n")
        self._torn = False

    def _new_file(self) -> tuple[int, Path]:
        """Make the next file, locked before anybody can list it; give its descriptor and path."""
        self._make_folder()
        number = self._number = self._number + 1
        host = "".join(c if c.isalnum() else "-" for c in socket.gethostname())[:40]
        stamp = strftime("%Y%m%dT%H%M%SZ", gmtime())
        name = f"{stamp}-{host}-{os.getpid()}-{self._entity}-{number:05d}"
        hidden, path = self.folder / f".{name}.new", self.folder / (name + SUFFIX)
        fd = _create(hidden, os.O_WRONLY | os.O_APPEND)
        try:
            if fd < _STANDARD:  # else print() would write into it
                fd = _higher(fd)
            os.fchmod(fd, 0o600)  # whatever the umask
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(path)
        except BaseException:
            os.close(fd)
            hidden.unlink(missing_ok=True)
            raise
        return fd, path

    def _make_folder(self) -> None:
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)  # whatever the umask
        with suppress(OSError):  # it is there already, or the file itself will say why not
            fd = _create(self.folder / ".gitignore", os.O_WRONLY)
            try:
                os.write(fd, b"*\n")
            finally:
                os.close(fd)

    def _folder_bytes(self) -> int:
        total = 0
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):  # compacted meanwhile
                        if entry.is_file(follow_symlinks=False):
                            total += entry.stat(follow_symlinks=False).st_size
        except OSError as error:  # such as no descriptor left: not a reason to lose an event
            self._on_trouble(f"cannot see the size of {self.folder}: {error}")
        return total

    def _settle(
        self,
        data: bytes,
        lines: int,
        file: _Identity | None,
        grown: int | None,
        reason: str,
    ) -> None:
        """Count lines whose write did not simply succeed.

        Args:
            data: the lines.
            lines: how many.
            file: that they were handed to; None where it did not come to that.
            grown: bytes that were written; None where only the file's size can tell.
            reason: why what is missing is missing.
        """
        self._look_at_ms = 0
        if grown is not None:
            self._size += grown
        else:
            grown = self._grown(data, file)
        whole = data.count(b"\n", 0, grown) + (data[grown : grown + 1] == b"\n")  # that will follow
        if grown and not data.endswith(b"\n", 0, grown):
            self._torn = True
            self._on_trouble(f"a line in {self.folder} was cut short: is the disk full?")
        self.written += whole
        if lines > whole:
            self._drop(reason, lines - whole)

    def _grown(self, data: bytes, file: _Identity | None) -> int:
        """Return how much of the data arrived, by the file's size: nobody else writes to it."""
        if file is not None and file[:2] != self._file[:2]:
            return len(data)  # a signal handler came after the write, and began another file
        before = self._size
        with suppress(OSError):
            self._size = os.fstat(self._fd).st_size
        return 0 if file is None else min(max(self._size - before, 0), len(data))

    def _drop(self, reason: str, lines: int) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + lines

    def _failed(self, error: OSError) -> str:
        self._on_trouble(f"cannot write to {self.folder}: {error}")
        if error.errno == errno.EBADF:
            self._forget()
        elif error.errno == errno.EFBIG and self._size >= self.limit:
            self._rotate_at = self._look_at_ms = 0  # the next file has room for any event
        return reason_of(error)

    def _block(self, reason: str, sentence: str) -> str:
        self._on_trouble(f"{sentence}; events are dropped and counted, and it is tried again")
        self._blocked = reason
        self._blocked_until = monotonic() + _RETRY
        return reason


def _create(path: Path, flags: int) -> int:
    """Make a file that was not there; a link laid in the way is not followed."""
    safe = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags | safe, 0o600)


def _release(fd: int) -> None:
    """Close a file for all, also where a child has not yet dropped what it inherited."""
    with suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)


def _higher(fd: int) -> int:
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _STANDARD)
    finally:
        os.close(fd)
