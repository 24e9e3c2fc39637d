"""Follow the files of a folder as they grow: new ones, rotated ones, lines not whole yet."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from elkmon.events.limits import LINE, MiB, too_long
from elkmon.events.lines import read_line
from elkmon.stores.local.files import listing

__all__ = ["Follower"]

_LOOK_BACK = 4 * MiB
"""Bytes of each file in which the last events are looked for."""


@dataclass
class _File:
    """How far a file was read.

    Attributes:
        inode: of the file.
        offset: what follows is new.
        begun: where the line beyond the limit begins that is not whole yet, if there is one.
    """

    inode: int
    offset: int = 0
    begun: int | None = None


class Follower:
    """Return the events that are written to a folder, each once, as soon as its line is whole.

    Args:
        folder: that holds the events; it need not exist yet.
        wanted: says which events count; all where not given.
        tell: takes a sentence on each line that is beyond the limit, and therefore no event.
    """

    def __init__(
        self,
        folder: Path,
        wanted: Callable[[dict[str, Any]], bool] | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._folder = folder
        self._wanted = wanted
        self._tell = tell
        self._files: dict[Path, _File] = {}

    def last(self, number: int) -> list[dict[str, Any]]:
        """Return the last events that are there, oldest first; what comes later is new.

        Args:
            number: how many at most, by time of writing, from the last 4 MiB of each file.

        Raises:
            StoreError: the folder cannot be read.
        """
        found: list[tuple[str, dict[str, Any]]] = []
        for path in listing(self._folder).ndjson:
            found += self._last_of(path, number)
            found.sort(key=lambda each: each[0])
            found = found[len(found) - number :] if len(found) > number else found
        return [event for _, event in found]

    def new(self) -> Iterator[dict[str, Any]]:
        """Return the events that were written since the last call, file by file.

        Raises:
            StoreError: the folder cannot be read.
        """
        paths = listing(self._folder).ndjson
        for path in [known for known in self._files if known not in paths]:
            yield from self._new_of(path)  # compacted: it may still be there, with a last line
            del self._files[path]
        for path in paths:
            yield from self._new_of(path)

    def _last_of(self, path: Path, number: int) -> list[tuple[str, dict[str, Any]]]:
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                end = _line_start(file, status.st_size)
                start = max(end - _LOOK_BACK, 0)
                file.seek(start)
                partial = file.readline(end - start) if start else b""
                lines = file.read(end - file.tell()).split(b"\n")
                self._files[path] = _File(status.st_ino, end)
                events: list[tuple[str, dict[str, Any]]] = []
                for line in reversed(lines):
                    if len(events) == number:
                        return events[::-1]
                    event = self._event(line)
                    if event is not None:
                        events.append((_written(event), event))
                if partial:
                    behind = start + len(partial)
                    begin = _line_start(file, behind - 1)
                    self._check(file, path, begin, behind - 1 - begin)
        except FileNotFoundError:
            return []
        return events[::-1]

    def _new_of(self, path: Path) -> Iterator[dict[str, Any]]:
        try:
            status = path.stat()
            state = self._files.get(path)
            if state is None or state.inode != status.st_ino:
                state = self._files[path] = _File(status.st_ino)
            if status.st_size <= state.offset:
                return
            with path.open("rb") as file:
                file.seek(state.offset)
                while line := read_line(file):
                    if not (line.ended or line.too_long or state.begun is not None):
                        break  # it is not whole yet
                    begin = state.offset if state.begun is None else state.begun
                    state.offset += line.size
                    state.begun = None if line.ended else begin
                    if line.ended and self._check(file, path, begin, state.offset - 1 - begin):
                        event = self._event(line.data)
                        if event is not None:
                            yield event
        except FileNotFoundError:
            return

    def _check(self, file: BinaryIO, path: Path, begin: int, length: int) -> bool:
        """Say whether a line is within the limit; tell where one is that is not."""
        if length <= LINE:
            return True
        if self._tell is not None:
            number = _newlines(file, begin) + 1
            self._tell(f"{path.name}: line {number} is {too_long(length)}: it is left out")
        return False

    def _event(self, line: bytes) -> dict[str, Any] | None:
        """Read a line; None where it is no event, or not a wanted one."""
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            return None
        if not isinstance(event, dict) or not isinstance(event.get("event"), dict):
            return None
        return event if self._wanted is None or self._wanted(event) else None


def _written(event: dict[str, Any]) -> str:
    """Return when it was written, as ISO text, which sorts as time does."""
    return str(event["event"].get("created") or event.get("@timestamp") or "")


def _line_start(file: BinaryIO, end: int) -> int:
    """Return where the line begins that is under way at an offset, with bounded memory."""
    while end:
        start = max(end - _LOOK_BACK, 0)
        file.seek(start)
        newline = file.read(end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _newlines(file: BinaryIO, end: int) -> int:
    """Count the newlines before an offset, and leave the file where it stands."""
    stands = file.tell()
    file.seek(0)
    count = 0
    while end and (chunk := file.read(min(end, _LOOK_BACK))):
        count, end = count + chunk.count(b"\n"), end - len(chunk)
    file.seek(stands)
    return count
