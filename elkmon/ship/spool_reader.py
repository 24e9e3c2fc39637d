"""Read the new lines of a folder's files, the oldest first, and notice what becomes of files."""

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
"""Age in seconds: a file without a lock that was changed more recently may still be copied here."""
_STAMP = re.compile(r"\d{8}T\d{6}Z")
_STAMP_FORMAT = "%Y%m%dT%H%M%SZ"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class _File:
    """A file with something to read.

    Attributes:
        path, state: the file.
        ended: whether nothing writes to it any more.
        created: when it was created, in seconds since 1970.
    """

    path: Path
    state: Seen
    ended: bool
    created: float


class SpoolReader:
    """Read what is new in a folder's files.

    Args:
        folder: folder of the events; it need not exist yet.
        files: what is settled of each file, by name; this is kept up to date.
        admission: checks which lines may be sent.
        tell: called with a sentence to show.
        now: returns seconds since 1970.

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
        """Read what is there now; what is written meanwhile is read by the next call.

        All batches have to be settled, or given up, before this is called again.

        Args:
            size: returns the bytes at which a batch is full.

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
        """Move the offsets past a batch: its events are delivered, and its other lines stored."""
        for name, mark in batch.marks.items():
            state = self._files[name]
            self.behind -= mark.offset - state.offset
            state.offset, state.lines = mark.offset, mark.lines

    def look(self) -> list[_File]:
        """Look which files exist, and report what happened to known ones.

        Returns:
            The files with something to read, the oldest first.

        Raises:
            StoreError: the folder cannot be read.
        """
        inodes, parquet = _listed(self._folder)
        self._rename(inodes)
        files = [file for name in inodes if (file := self._check(name)) is not None]
        self._report_missing(set(inodes), parquet)
        self.behind = sum(state.size - state.offset for state in self._files.values())
        return sorted(files, key=lambda file: (file.created, file.path.name))

    def _rename(self, inodes: Mapping[str, int]) -> None:
        """Move the states of renamed files to the new names."""
        names = {state.inode: name for name, state in self._files.items()}
        moves = [
            (names[inode], name)
            for name, inode in inodes.items()
            if inode in names and inodes.get(names[inode]) != inode  # no longer at the old name
        ]
        states = {old: self._files.pop(old) for old, _ in moves}
        for old, new in moves:
            if _begins(self._folder / new, states[old]):
                self._tell(f"{old} was renamed to {new}")
                self._files[new] = states[old]

    def _report_missing(self, existing: set[str], parquet: set[str]) -> None:
        """Report files that are gone, and files that were compacted before they were ever seen."""
        for name in [name for name in self._files if name not in existing]:
            state = self._files[name]
            if state.size > state.offset:
                missing = state.size - state.offset
                self._tell(f"{name} is gone, and {missing:,} bytes of it were not shipped")
                state.size = state.offset
            if name.removesuffix(NDJSON) + PARQUET not in parquet:
                del self._files[name]
        names = [name.removesuffix(PARQUET) + NDJSON for name in sorted(parquet)]
        unseen = [name for name in names if name not in existing and name not in self._files]
        if unseen:
            self._tell(
                f"{len(unseen):,} files were compacted before anything was shipped from here: "
                "their events stay here, and are not sent"
            )
            self._files.update((name, Seen()) for name in unseen)

    def _check(self, name: str) -> _File | None:
        """Compare a file with the known one of its name; return None if it has nothing new."""
        path = self._folder / name
        known = self._files.get(name)
        try:
            if known is not None and _unchanged(known, path.lstat()):
                return None
            closed = is_closed(path)  # before the size is read, which is then final
            with path.open("rb") as stream:
                status = os.fstat(stream.fileno())
                head = stream.read(HEAD)
                state = Seen(0, 0, status.st_ino, len(head), head_of(head), status.st_size)
                change = None if known is None else _change(known, state, head, stream)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell(f"{path} cannot be read, and is skipped for now: {error.strerror}")
            return None
        if change is not None:
            self._tell(f"{name} {change}: reading it again from the beginning")
        elif known is not None:
            state.offset, state.lines = known.offset, known.lines
        self._files[name] = state
        if state.offset == state.size:
            return None
        ended = closed and self._now() - status.st_mtime >= _SETTLED
        return _File(path, state, ended, _created(name, status.st_mtime))

    def _read(self, file: _File, size: Callable[[], int]) -> Iterator[Batch]:
        """Read a file's new lines; lines that fill no batch wait in the next one."""
        state, name = file.state, file.path.name
        start, number = state.offset, state.lines
        try:
            stream = file.path.open("rb")
        except OSError as error:
            self._tell(f"{file.path} cannot be read, and is skipped for now: {error.strerror}")
            return
        with stream:
            if os.fstat(stream.fileno()).st_ino != state.inode:
                return  # reported by the next look
            stream.seek(start)
            while start < state.size:
                line = read_line(stream, state.size - start)
                if line is None or not (line.ended or file.ended):
                    break  # the rest of it is not written yet
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
    """Return the NDJSON files with their inodes, and the names of Parquet files.

    A file may be in both: compaction keeps its NDJSON until it is shipped.

    Raises:
        StoreError: it is not a folder, or may not be read.
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
    """Return whether a file begins like a known one: a new file may have an old file's inode."""
    try:
        with path.open("rb") as stream:
            return known.head_size > 0 and head_of(stream.read(known.head_size)) == known.head
    except OSError:
        return False


def _unchanged(known: Seen, status: os.stat_result) -> bool:
    return known.inode == status.st_ino and known.offset == known.size == status.st_size


def _change(known: Seen, state: Seen, head: bytes, stream: BinaryIO) -> str | None:
    """Return how a file differs from the one that was read before; None if it is the same."""
    if known.inode != state.inode:
        return "is another file than before"
    if state.size < known.offset:
        return f"was cut short to {state.size:,} bytes, after {known.offset:,} were read"
    if head_of(head[: known.head_size]) != known.head:
        return "begins differently than before"
    if state.size > known.offset > 0:
        stream.seek(known.offset - 1)
        if stream.read(1) != b"\n":
            return "was rewritten, or a line grew that had ended"
    return None


def _created(name: str, modified: float) -> float:
    """Return when a file was created, by the time in its name, else when it was changed."""
    match = _STAMP.match(name)
    try:
        return modified if match is None else timegm(time.strptime(match[0], _STAMP_FORMAT))
    except ValueError:
        return modified
