"""Follow the files of a folder as they grow: new ones, rotated ones, lines not whole yet."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from elkmon.stores.local.files import listing

__all__ = ["Follower"]

_CHUNK = 1024 * 1024
_LOOK_BACK = 4 * 1024 * 1024
"""Bytes of each file in which the last events are looked for."""
_LONGEST = 16 * 1024 * 1024
"""A line of more bytes is no event."""


@dataclass
class _File:
    """How far a file was read."""

    inode: int
    offset: int = 0
    torn: bytes = b""
    """The beginning of a line that is not whole yet."""
    skipping: bool = False
    """Within a line that is too long to be an event."""


class Follower:
    """Return the events that are written to a folder, each once, as soon as its line is whole.

    Args:
        folder: that holds the events; it need not exist yet.
        wanted: says which events count; all where not given.
    """

    def __init__(
        self, folder: Path, wanted: Callable[[dict[str, Any]], bool] | None = None
    ) -> None:
        self._folder = folder
        self._wanted = wanted
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
                start = max(status.st_size - _LOOK_BACK, 0)
                file.seek(start)
                data = file.read(status.st_size - start)
        except FileNotFoundError:
            return []
        whole = data.rfind(b"\n") + 1
        state = _File(status.st_ino, start + len(data), data[whole:])
        if whole == 0 and start > 0:
            state.torn, state.skipping = b"", True
        self._files[path] = state
        lines = data[:whole].split(b"\n")[1 if start else 0 :]
        found: list[tuple[str, dict[str, Any]]] = []
        for line in reversed(lines):
            if len(found) == number:
                break
            event = self._event(line)
            if event is not None:
                found.append((_written(event), event))
        return found[::-1]

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
                while chunk := file.read(_CHUNK):
                    state.offset += len(chunk)
                    yield from self._events(state, chunk)
        except FileNotFoundError:
            return

    def _events(self, state: _File, chunk: bytes) -> Iterator[dict[str, Any]]:
        *lines, rest = (state.torn + chunk).split(b"\n")
        if lines and state.skipping:
            lines, state.skipping = lines[1:], False
        state.torn = rest
        if state.skipping or len(rest) > _LONGEST:
            state.torn, state.skipping = b"", True
        for line in lines:
            event = self._event(line)
            if event is not None:
                yield event

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
