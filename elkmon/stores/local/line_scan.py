"""Read an NDJSON file line by line, and tell which lines are no events, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import orjson

from elkmon.events.limits import LINE, NESTING
from elkmon.events.lines import read_line
from elkmon.events.times import from_iso
from elkmon.stores.local.columns import REQUIRED, UNREADABLE, shape, structure

__all__ = ["Line", "has_long_line", "scan"]

_BOM = b"\xef\xbb\xbf"
_PLAIN_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKETS = re.compile(rb"[{}\[\]]")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file.

    Attributes:
        number: from 1.
        data: its bytes, newline included; of a line beyond the limit only the beginning.
        reason: why it is no event; None if it is one.
        start, size: where all its bytes are in the file.
        ended: whether its newline is there; the last line of a live file may still be written.
        too_long: whether it is beyond the limit.
    """

    number: int
    data: bytes
    reason: str | None
    start: int
    size: int
    ended: bool = True
    too_long: bool = False


def scan(file: Path) -> Iterator[Line]:
    """Yield the lines of a file that are not blank, with bounded memory.

    Raises:
        OSError: the file cannot be read.
    """
    with file.open("rb") as stream, closing(_Judge()) as judge:
        number = start = 0
        while line := read_line(stream):
            number += 1
            data = line.data.removeprefix(_BOM) if number == 1 else line.data
            reason = line.too_long
            if reason is not None:
                yield Line(number, data, reason, start, line.size, line.ended, too_long=True)
            elif data and not data.isspace():
                yield Line(number, data, judge.trouble(data), start, line.size, line.ended)
            start += line.size


def has_long_line(file: Path) -> bool:
    """Return whether a file holds a line beyond the limit, with a few small reads for most files.

    Such a line fills at least one whole block of half the limit: if every block has a newline,
    there is none. Else the file is read line by line.

    Raises:
        OSError: the file cannot be read.
    """
    size, block = file.stat().st_size, LINE // 2
    if size <= LINE:
        return False
    with file.open("rb") as stream:
        for start in range(0, size - block, block):
            stream.seek(start)
            if not stream.readline(block).endswith(b"\n"):
                break
        else:
            return False
        stream.seek(0)
        return any(line.too_long for line in iter(lambda: read_line(stream), None))


class _Judge:
    """Tells whether DuckDB, which answers the questions, takes a line for an event.

    Most lines are strict JSON. DuckDB itself decides on the others: it also reads NaN, a trailing
    comma, and other forms of a time.
    """

    def __init__(self) -> None:
        self._connection: duckdb.DuckDBPyConnection | None = None
        paths, _ = shape(REQUIRED)
        there = " AND ".join(f"{path} IS NOT NULL" for path in paths.values())
        read = f"unnest(json_transform(?, '{structure(REQUIRED)}'))"
        self._query = f"SELECT {there} FROM (SELECT {read})"

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()

    def trouble(self, data: bytes) -> str | None:
        """Return why a line is no event; None if it is one."""
        if b"\0" in data:
            return "NUL bytes"
        try:
            line = data.strip().decode()
        except UnicodeDecodeError:
            return "not UTF-8"
        doubt = _doubt(data)
        return None if doubt is None or self._accepts(line) else doubt

    def _accepts(self, line: str) -> bool:
        if not (line.startswith("{") and line.endswith("}")):  # most lines that were cut short
            return False
        if self._connection is None:
            self._connection = duckdb.connect()
            self._connection.execute("SET TimeZone = 'UTC'")
        try:
            ((accepted,),) = self._connection.execute(self._query, [line]).fetchall()
        except UNREADABLE:
            return False
        return bool(accepted)


def _doubt(data: bytes) -> str | None:
    """Return why a line may be no event; None if it certainly is one."""
    if _deep(data):
        return "nested too deeply"
    try:
        event = orjson.loads(data.strip())
    except orjson.JSONDecodeError as error:
        return f"not JSON: {error.msg}"
    if not isinstance(event, dict):
        return "not a JSON object"
    meta = event.get("event")
    meta = meta if isinstance(meta, dict) else {}
    missing = [f"event.{name}" for name in ("id", "dataset") if meta.get(name) is None]
    if event.get("@timestamp") is None:
        missing.append("@timestamp")
    if missing:
        return f"without {' and '.join(missing)}"
    return None if _is_plain_time(event["@timestamp"]) else "@timestamp is no time"


def _is_plain_time(value: object) -> bool:
    if not isinstance(value, str) or not _PLAIN_TIME.fullmatch(value):
        return False
    try:
        from_iso(value)
    except ValueError:
        return False
    return True


def _deep(data: bytes) -> bool:
    if data.count(b"{") + data.count(b"[") <= NESTING:
        return False
    depth = deepest = 0
    for bracket in _BRACKETS.findall(_STRING.sub(b"", data)):
        depth += 1 if bracket in b"{[" else -1
        deepest = max(deepest, depth)
    return deepest > NESTING
