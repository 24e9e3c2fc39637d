"""Read the lines of a folder's files, each once, the oldest first; see what becomes of files."""

from __future__ import annotations

import os
import re
import time
from calendar import timegm
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from elkmon.events.errors import StoreError
from elkmon.events.lines import RawLine, read_line
from elkmon.ship.admission import Admission, NotAdmittedError
from elkmon.ship.batch import Batch, Event, Mark, Position, RejectedLine
from elkmon.stores.local.files import NDJSON, PARQUET, is_closed
from elkmon.stores.local.reader_registration import HEAD, Seen, head_of

__all__ = ["SpoolReader"]

_SETTLED = 10.0
"""A file without a lock that was written to more recently, in seconds, may still be copied here."""
_STAMP = re.compile(r"\d{8}T\d{6}Z")
_STAMPED = "%Y%m%dT%H%M%SZ"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class _File:
    """A file of which something is to be read.

    Attributes:
        path, seen: the file.
        ended: whether nobody writes to it any more.
        age: when it was begun, in seconds since 1970.
    """

    path: Path
    seen: Seen
    ended: bool
    age: float


class SpoolReader:
    """Give what is new in a folder's files.

    Args:
        folder: of the events; it need not exist yet.
        files: what is settled of each file, by name; it is kept up to date.
        admission: says what may be sent, and where to.
        tell: takes a sentence for people.
        now: gives seconds since 1970.

    Attributes:
        behind: bytes that were there at the last look, and are not settled.
    """

    def __init__(
        self,
        folder: Path,
        files: dict[str, Seen],
        admission: Admission,
        *,
        tell: Callable[[str], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._files = files
        self._admission = admission
        self._tell = tell
        self._now = now
        self._batch = Batch()
        self.behind = 0

    def batches(self, size: Callable[[], int]) -> Iterator[Batch]:
        """Read what is there now; what is written meanwhile is for the next time.

        All batches have to be settled, or given up, before this is called again.

        Args:
            size: gives the bytes at which a batch is full.

        Raises:
            StoreError: the folder cannot be read.
        """
        self._admission.refresh()
        self._batch = Batch()
        for file in self.look():
            yield from self._read(file, size)
        if self._batch.marks:
            yield self._batch

    def settle(self, batch: Batch) -> None:
        """Move on behind a batch: its events are delivered, and its other lines kept."""
        for name, mark in batch.marks.items():
            seen = self._files[name]
            self.behind -= mark.offset - seen.offset
            seen.offset, seen.lines = mark.offset, mark.lines

    def look(self) -> list[_File]:
        """See which files there are, and what happened to those that are known.

        Returns:
            Those of which something is to be read, the oldest first.

        Raises:
            StoreError: the folder cannot be read.
        """
        inodes, parquet = _listed(self._folder)
        self._rename(inodes)
        files = [file for name in inodes if (file := self._recognised(name)) is not None]
        self._miss(set(inodes), parquet)
        self.behind = sum(seen.size - seen.offset for seen in self._files.values())
        return sorted(files, key=lambda file: (file.age, file.path.name))

    def _rename(self, inodes: Mapping[str, int]) -> None:
        """Let what is known of files follow them to new names."""
        homes = {seen.inode: name for name, seen in self._files.items()}
        moves = [
            (homes[inode], name)
            for name, inode in inodes.items()
            if inode in homes and inodes.get(homes[inode]) != inode  # not there any more
        ]
        taken = {before: self._files.pop(before) for before, _ in moves}
        for before, name in moves:
            if _begins(self._folder / name, taken[before]):
                self._tell(f"{before} is called {name} now")
                self._files[name] = taken[before]

    def _miss(self, there: set[str], parquet: set[str]) -> None:
        """Tell which files are gone, and which were gone before they were ever seen."""
        for name in [name for name in self._files if name not in there]:
            seen = self._files[name]
            if seen.size > seen.offset:
                self._tell(
                    f"{name} is gone, and {seen.size - seen.offset:,} bytes of it were not shipped"
                )
                seen.size = seen.offset
            if name.removesuffix(NDJSON) + PARQUET not in parquet:
                del self._files[name]
        before = [name.removesuffix(PARQUET) + NDJSON for name in sorted(parquet)]
        before = [name for name in before if name not in there and name not in self._files]
        if before:
            self._tell(
                f"{len(before):,} files were compacted before anything was shipped from here: "
                "their events stay here, and are not sent"
            )
            self._files.update((name, Seen()) for name in before)

    def _recognised(self, name: str) -> _File | None:
        """See whether a file is the one known by its name; None where nothing is new in it."""
        path = self._folder / name
        known = self._files.get(name)
        try:
            if known is not None and _unchanged(known, path.lstat()):
                return None
            closed = is_closed(path)  # before its size is looked at: that is then its last one
            with path.open("rb") as stream:
                status = os.fstat(stream.fileno())
                head = stream.read(HEAD)
                fresh = Seen(0, 0, status.st_ino, len(head), head_of(head), status.st_size)
                changed = None if known is None else _changed(known, fresh, head, stream)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell(f"{path} cannot be read, and is left out for now: {error.strerror}")
            return None
        if changed is not None:
            self._tell(f"{name} {changed}: it is read from its beginning")
        elif known is not None:
            fresh.offset, fresh.lines = known.offset, known.lines
        self._files[name] = fresh
        if fresh.offset == fresh.size:
            return None
        ended = closed and self._now() - status.st_mtime >= _SETTLED
        return _File(path, fresh, ended, _age(name, status.st_mtime))

    def _read(self, file: _File, size: Callable[[], int]) -> Iterator[Batch]:
        """Read a file's new lines; what fills no batch waits in the next one."""
        seen, name = file.seen, file.path.name
        start, number = seen.offset, seen.lines
        try:
            stream = file.path.open("rb")
        except OSError as error:
            self._tell(f"{file.path} cannot be read, and is left out for now: {error.strerror}")
            return
        with stream:
            if os.fstat(stream.fileno()).st_ino != seen.inode:
                return  # told at the next look
            stream.seek(start)
            while start < seen.size:
                line = read_line(stream, seen.size - start)
                if line is None or not (line.ended or file.ended):
                    break  # it is not whole yet
                number += 1
                self._put(line, Position(name, number, start))
                start += line.size
                self._batch.marks[name] = Mark(start, number)
                if self._batch.size >= size():
                    full, self._batch = self._batch, Batch()
                    yield full

    def _put(self, line: RawLine, position: Position) -> None:
        batch = self._batch
        data = line.data.removesuffix(b"\n")
        data = data.removeprefix(_BOM) if position.offset == 0 else data
        if line.too_long is None and (data.isspace() or not data):
            return
        batch.size += len(data)
        reason = line.too_long or (None if line.ended else "cut short: its end was never written")
        if reason is not None:
            cut = line.too_long is not None
            batch.rejected.append(RejectedLine(data, reason, position, cut))
            return
        try:
            event_id, index = self._admission(data)
        except NotAdmittedError as error:
            batch.rejected.append(RejectedLine(data, str(error), position))
        else:
            batch.events.append(Event(data, event_id, index, position))


def _listed(folder: Path) -> tuple[dict[str, int], set[str]]:
    """Give the NDJSON files with their inodes, and the names of Parquet files.

    A file that is there in both forms is in both: compaction keeps the first for us.

    Raises:
        StoreError: it is no folder, or may not be read.
    """
    try:
        with os.scandir(folder) as entries:
            inodes = {
                entry.name: entry.inode()
                for entry in entries
                if entry.name.endswith((NDJSON, PARQUET))
                and not entry.name.startswith(".")
                and entry.is_file(follow_symlinks=False)
            }
    except FileNotFoundError:
        return {}, set()
    except NotADirectoryError as error:
        raise StoreError(f"{folder} is a file: give the folder that holds the events") from error
    except OSError as error:
        raise StoreError(f"{folder} cannot be read: {error.strerror}") from error
    ndjson = {name: inodes[name] for name in sorted(inodes) if name.endswith(NDJSON)}
    return ndjson, set(inodes) - set(ndjson)


def _begins(path: Path, known: Seen) -> bool:
    """Say whether a file begins as one that is known: an inode is soon another file's."""
    try:
        with path.open("rb") as stream:
            return known.head_size > 0 and head_of(stream.read(known.head_size)) == known.head
    except OSError:
        return False


def _unchanged(known: Seen, status: os.stat_result) -> bool:
    return known.inode == status.st_ino and known.offset == known.size == status.st_size


def _changed(known: Seen, fresh: Seen, head: bytes, stream: BinaryIO) -> str | None:
    """Say why a file is not the one that was read before; None where it is."""
    if known.inode != fresh.inode:
        return "is another file than before"
    if fresh.size < known.offset:
        return f"was cut short to {fresh.size:,} bytes, after {known.offset:,} were read"
    if head_of(head[: known.head_size]) != known.head:
        return "begins in another way than before"
    if fresh.size > known.offset > 0:
        stream.seek(known.offset - 1)
        if stream.read(1) != b"\n":
            return "was written anew, or a line went on that nobody was to end"
    return None


def _age(name: str, modified: float) -> float:
    """Give when a file was begun: its name says it, else it is as old as its last line."""
    found = _STAMP.match(name)
    try:
        return modified if found is None else timegm(time.strptime(found[0], _STAMPED))
    except ValueError:
        return modified
