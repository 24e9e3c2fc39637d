"""Events that cannot be delivered: kept whole, each with its place and the reason."""

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
from elkmon.ship.batch import Place, Unfit
from elkmon.stores.local.atomic_file import sync_folder
from elkmon.stores.local.file_lock import holding

__all__ = ["DeadLetters", "Letter"]


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter.

    Attributes:
        at: when it was set apart.
        shipper: which one set it apart.
        unfit: the line, its place and the reason.
    """

    at: str
    shipper: str
    unfit: Unfit

    @property
    def id(self) -> str:
        """Name it by what it is: the same line of the same place has the same name."""
        place = self.unfit.place
        key = b"%d %b %b" % (place.offset, place.file.encode(), self.unfit.line)
        return blake2b(key, digest_size=6).hexdigest()

    def dump(self) -> bytes:
        """Write it as a line of NDJSON."""
        unfit = self.unfit
        row: dict[str, Any] = {"id": self.id, "at": self.at, "shipper": self.shipper}
        row |= {"file": unfit.place.file, "line": unfit.place.line, "offset": unfit.place.offset}
        row["reason"] = unfit.reason
        if unfit.cut:
            row["cut"] = True
        try:
            row["raw"] = unfit.line.decode()
        except UnicodeDecodeError:
            row["raw_base64"] = base64.b64encode(unfit.line).decode()
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _parsed(line: bytes) -> Letter | None:
    """Read a line; None where it is torn, as a process that was killed may leave its last one."""
    try:
        row = orjson.loads(line)
        raw = row["raw"].encode() if "raw" in row else base64.b64decode(row["raw_base64"])
        place = Place(row["file"], row["line"], row["offset"])
        unfit = Unfit(raw, row["reason"], place, row.get("cut", False))
        return Letter(row["at"], row["shipper"], unfit)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


class DeadLetters:
    """The dead letters of a folder: ``deadletter/<shipper>.ndjson``.

    Args:
        folder: of the events.
        now: gives the present.
    """

    def __init__(
        self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
    ) -> None:
        self.folder = folder / "deadletter"
        self._now = now

    def add(self, shipper: str, unfit: Iterable[Unfit]) -> None:
        """Set lines apart; they are on the disk when this returns.

        A process that is killed right after it does so again when it is started: ``letters`` gives
        such a letter once.

        Raises:
            OSError: they cannot be written.
        """
        at = f"{self._now().astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        self.put(shipper, [Letter(at, shipper, each) for each in unfit])

    def put(self, shipper: str, letters: Sequence[Letter]) -> None:
        """Keep letters as they are.

        Raises:
            OSError: they cannot be written.
        """
        if letters:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            with holding(self.folder / ".lock"):
                _append(self._file(shipper), b"".join(letter.dump() for letter in letters))
                sync_folder(self.folder)

    def letters(self, shipper: str | None = None) -> Iterator[Letter]:
        """Give the letters of a shipper, or of all, the oldest first, each once.

        Raises:
            StoreError: they cannot be read.
        """
        paths = sorted(self.folder.glob("[!.]*.ndjson"))
        mine = [path for path in paths if shipper in {None, path.name.split(".")[0]}]
        return self.read(mine)

    def read(self, paths: Iterable[Path]) -> Iterator[Letter]:
        """Give the letters of some files, each once.

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
    def taken(self, shipper: str) -> Iterator[list[Path]]:
        """Take the letters of a shipper out, to try them again; they go when this ends well.

        What another attempt took, and was killed over, is taken, too.
        """
        self.folder.mkdir(mode=0o700, exist_ok=True)
        with holding(self.folder / ".lock"):
            path = self._file(shipper)
            if path.exists():
                path.rename(self.folder / f"{shipper}.{self._free(shipper)}.ndjson")
        taken = sorted(self.folder.glob(f"{shipper}.*.ndjson"))
        yield taken
        for each in taken:
            each.unlink(missing_ok=True)

    def _free(self, shipper: str) -> str:
        numbers = [int(each.name.split(".")[1]) for each in self.folder.glob(f"{shipper}.*.ndjson")]
        return f"{max(numbers, default=0) + 1:06d}"

    def _file(self, shipper: str) -> Path:
        return self.folder / f"{shipper}.ndjson"


def _append(path: Path, data: bytes) -> None:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(path, flags, 0o600)
    try:
        before = os.fstat(fd).st_size
        if before and os.pread(fd, 1, before - 1) != b"\n":  # a process was killed over it
            data = b"\n" + data
        try:
            while data:
                data = data[os.write(fd, data) :]
            os.fsync(fd)
        except OSError:
            os.ftruncate(fd, before)  # a full disk: no half a letter
            raise
    finally:
        os.close(fd)


def _read(path: Path) -> Iterator[Letter]:
    try:
        with path.open("rb") as file:
            for line in file:
                letter = _parsed(line)
                if letter is not None:
                    yield letter
    except FileNotFoundError:  # tried again meanwhile
        return
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
