"""Scan an NDJSON file line by line: which lines are no events, where, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from elkmon.store.columns import MAX_LINE

__all__ = ["Line", "scan", "trouble"]

_DEPTH = 100
"""DuckDB gives up on a whole file at 128 levels; the emitter writes no more than 20."""
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKETS = re.compile(rb"[{}\[\]]")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file.

    Attributes:
        number: from 1.
        data: its bytes, newline included; of a line that is too long only the beginning.
        reason: why it is no event, None where it is one.
        ended: whether its newline is there; the last line of a live file may still be written.
    """

    number: int
    data: bytes
    reason: str | None
    ended: bool = True


def scan(file: Path) -> Iterator[Line]:
    """Give the lines of a file but for blank ones, with bounded memory.

    Raises:
        OSError: the file cannot be read.
    """
    with file.open("rb") as stream:
        number = 0
        while data := stream.readline(MAX_LINE + 1):
            number += 1
            rest = data
            while len(rest) > MAX_LINE and not rest.endswith(b"\n"):
                rest = stream.readline(MAX_LINE + 1)
            if not data.isspace():
                yield Line(number, data, trouble(data), rest.endswith(b"\n"))


def trouble(data: bytes) -> str | None:
    """Say why a line is no event; None where it is one."""
    if len(data) > MAX_LINE:
        return f"longer than {MAX_LINE // 1024 // 1024} MiB"
    if b"\0" in data:
        return "NUL bytes"
    try:
        data.decode()
    except UnicodeDecodeError:
        return "not UTF-8"
    if _deep(data):
        return "nested too deeply"
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        return f"not JSON: {error.msg}"
    return _incomplete(event)


def _deep(data: bytes) -> bool:
    if data.count(b"{") + data.count(b"[") <= _DEPTH:
        return False
    depth = deepest = 0
    for bracket in _BRACKETS.findall(_STRING.sub(b"", data)):
        depth += 1 if bracket in b"{[" else -1
        deepest = max(deepest, depth)
    return deepest > _DEPTH


def _incomplete(event: object) -> str | None:
    if not isinstance(event, dict):
        return "not a JSON object"
    meta = event.get("event")
    meta = meta if isinstance(meta, dict) else {}
    missing = [f"event.{name}" for name in ("id", "dataset") if meta.get(name) is None]
    if event.get("@timestamp") is None:
        missing.append("@timestamp")
    return f"without {' and '.join(missing)}" if missing else None
