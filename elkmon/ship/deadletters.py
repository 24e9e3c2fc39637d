"""Store lines that cannot be delivered, each with its position and the reason."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from elkmon.events.errors import StoreError
from elkmon.ship.batch import Position, RejectedLine
from elkmon.stores.local.atomic_file import sync_folder
from elkmon.stores.local.file_lock import holding

__all__ = ["DeadLetters", "Letter"]


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter.

    Attributes:
        at: when it was written.
        shipper: name of the shipper that wrote it.
        rejected: the line, its position and the reason.
    """

    at: str
    shipper: str
    rejected: RejectedLine

    @property
    def id(self) -> str:
        """A hash of the line and its position."""
        position = self.rejected.position
        key = b"%d %b %b" % (position.offset, position.file.encode(), self.rejected.line)
        return blake2b(key, digest_size=6).hexdigest()

    def dump(self) -> bytes:
        """Return it as a line of NDJSON."""
        line, reason, position, cut = self.rejected
        row: dict[str, Any] = {"id": self.id, "at": self.at, "shipper": self.shipper}
        row |= {**position._asdict(), "reason": reason}
        if cut:
            row["cut"] = True
        try:
            row["raw"] = line.decode()
        except UnicodeDecodeError:
            row["raw_base64"] = base64.b64encode(line).decode()
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _parse(line: bytes) -> Letter | None:
    """Read a line; return None if it is torn, like the last line of a process that was killed."""
    try:
        row = orjson.loads(line)
        raw = row["raw"].encode() if "raw" in row else base64.b64decode(row["raw_base64"])
        position = Position(row["file"], row["line"], row["offset"])
        rejected = RejectedLine(raw, row["reason"], position, row.get("cut", False))
        return Letter(row["at"], row["shipper"], rejected)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


class DeadLetters:
    """The dead letters of a folder: ``deadletter/<shipper>.ndjson``.

    Args:
        folder: folder of the events.
        now: returns the time.
    """

    def __init__(
        self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
    ) -> None:
        self.folder = folder / "deadletter"
        self._now = now

    def add(self, shipper: str, rejected: Iterable[RejectedLine]) -> None:
        """Write lines as dead letters; they are on the disk when this returns.

        A process that is killed right after this writes them again when it is restarted:
        ``letters`` yields such a letter once.

        Raises:
            OSError: they cannot be written.
        """
        at = f"{self._now().astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        self.put(shipper, [Letter(at, shipper, line) for line in rejected])

    def put(self, shipper: str, letters: Sequence[Letter]) -> None:
        """Write letters as they are.

        Raises:
            OSError: they cannot be written.
        """
        if letters:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            with holding(self.folder / ".lock"):
                _append(self._file(shipper), b"".join(letter.dump() for letter in letters))
                sync_folder(self.folder)

    def letters(self, shipper: str | None = None) -> Iterator[Letter]:
        """Yield the letters of a shipper, or of all shippers, the oldest first, each once.

        Raises:
            StoreError: they cannot be read.
        """
        paths = sorted(self.folder.glob("[!.]*.ndjson"))
        return self.read(path for path in paths if shipper in {None, path.name.split(".")[0]})

    def read(self, paths: Iterable[Path]) -> Iterator[Letter]:
        """Yield the letters of some files, each once.

        Raises:
            StoreError: they cannot be read.
        """
        seen: set[str] = set()
        for path in paths:
            for letter in _read(path):
                if letter.id not in seen:
                    seen.add(letter.id)
                    yield letter

    @contextmanager
    def claimed(self, shipper: str) -> Iterator[list[Path]]:
        """Set the letters of a shipper apart to send them again; delete them if that succeeds.

        Letters of an earlier attempt that was killed are among them.
        """
        self.folder.mkdir(mode=0o700, exist_ok=True)
        with holding(self.folder / ".lock"):
            path = self._file(shipper)
            if path.exists():
                path.rename(self.folder / f"{shipper}.{self._next_number(shipper)}.ndjson")
        paths = sorted(self.folder.glob(f"{shipper}.*.ndjson"))
        yield paths
        for path in paths:
            path.unlink(missing_ok=True)

    def _next_number(self, shipper: str) -> str:
        numbers = [int(path.name.split(".")[1]) for path in self.folder.glob(f"{shipper}.*.ndjson")]
        return f"{max(numbers, default=0) + 1:06d}"

    def _file(self, shipper: str) -> Path:
        return self.folder / f"{shipper}.ndjson"


def _append(path: Path, data: bytes) -> None:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(path, flags, 0o600)
    try:
        before = os.fstat(fd).st_size
        if before and os.pread(fd, 1, before - 1) != b"\n":  # a process was killed while writing
            data = b"\n" + data
        try:
            while data:
                data = data[os.write(fd, data) :]
            os.fsync(fd)
        except OSError:
            os.ftruncate(fd, before)  # the disk is full: leave no half letter
            raise
    finally:
        os.close(fd)


def _read(path: Path) -> Iterator[Letter]:
    try:
        with path.open("rb") as file:
            for line in file:
                letter = _parse(line)
                if letter is not None:
                    yield letter
    except FileNotFoundError:  # claimed by a retry meanwhile
        return
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
