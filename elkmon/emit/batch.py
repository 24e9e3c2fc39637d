"""A batch of predictions or labels: columns become lines, with one write a chunk.

What ``columns.py`` can encode, ``lines.py`` puts together; the rows that it leaves take the careful
way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import compress
from typing import Any

import orjson

from elkmon.emit import event_builders as reports
from elkmon.emit.attempt import Attempt, submit, usable_id
from elkmon.emit.clock import COUNTERS
from elkmon.emit.columns import Encoder, NeedsCare
from elkmon.emit.emitter import Emitter, following, trace_fields
from elkmon.emit.exceptions import text_of
from elkmon.emit.lines import NUMBERS, Part, write_lines
from elkmon.emit.recorder import Recorder
from elkmon.emit.table import Shapeless, as_columns, column, frame, height, is_single, own, rows_of
from elkmon.emit.to_json import Notes
from elkmon.events.errors import UsageError
from elkmon.events.ids import kept

__all__ = ["label_many", "predict_many"]

_BLOCK = 2000
"""Rows that are encoded at once: with more, their pieces leave the processor's cache."""
_TABLES = ("features", "segment", "scores")


def predict_many(
    recorder: Recorder, given: Mapping[str, object], labels: dict[str, Any]
) -> list[str]:
    """Write a batch of successful predictions; give their ids.

    Raises:
        UsageError: in strict mode, for columns that do not fit each other.
    """
    emitter = recorder.ready()
    try:
        columns, number = _read(given)
        ids, raw = _ids(emitter, columns.pop("id"), number)
    except Shapeless as error:
        emitter.misuse("shapeless_batch", f"a batch was not written: {error}")
        return []
    batch = _Batch(recorder, emitter, columns, ids, raw, labels)
    for at in range(0, number, _BLOCK):
        batch.write(slice(at, at + _BLOCK))
    return ids


def label_many(
    recorder: Recorder, ids: object, given: Mapping[str, object], labels: dict[str, Any]
) -> None:
    """Write a batch of labels.

    Raises:
        UsageError: in strict mode, for columns that do not fit each other.
    """
    emitter = recorder.ready()
    try:
        keys, columns = _columns(ids, given)
        number = height([keys, *columns.values()])
    except Shapeless as error:
        emitter.misuse("shapeless_batch", f"a batch was not written: {error}")
        return
    for row in range(number):
        one = {n: v[row] if isinstance(v, list) else v for n, v in columns.items()}
        _each(emitter, reports.label, recorder, keys[row], reports.Truth(**one), labels)


def _each(emitter: Emitter, write: Callable[..., None], *given: object) -> None:
    """Write one row; one that cannot be made is counted, and costs no other."""
    try:
        write(*given)
    except UsageError:  # strict mode asked for it
        raise
    except Exception as error:  # noqa: BLE001 - emitting never raises into the caller
        emitter.lost(error)


def _columns(ids: object, given: Mapping[str, object]) -> tuple[list[Any], dict[str, Any]]:
    """Read the columns of labels.

    Raises:
        Shapeless: one cannot be read.
    """
    if is_single(ids):
        raise Shapeless("a batch of labels needs a column of ids")
    try:
        columns = {name: each if is_single(each) else column(each) for name, each in given.items()}
        return column(ids), columns
    except Exception as error:
        raise Shapeless(text_of(error)) from error


def _read(given: Mapping[str, object]) -> tuple[dict[str, Any], int]:
    """Read all columns of predictions; give them, and the number of rows.

    Raises:
        Shapeless: they do not fit each other, or one cannot be read.
    """
    columns: dict[str, Any] = {}
    lists: list[object] = []
    try:
        for name, value in given.items():
            if name in _TABLES and value is not None:
                table = frame(value)
                lists.extend([table] if isinstance(table, list) else table.values())
                named = as_columns(table)
                columns[name] = (
                    list(table) if named is None else {n: own(each) for n, each in named.items()}
                )
            else:
                read = value if is_single(value) else column(value)
                columns[name] = read if name == "id" else own(read)
                lists.append(read)
    except Exception as error:
        raise Shapeless(text_of(error)) from error
    return columns, height(lists)


def _ids(emitter: Emitter, given: object, number: int) -> tuple[list[str], list[bytes]]:
    """Give the ids of all rows, and new ones as bytes, too; those of a caller may need escapes."""
    if isinstance(given, list):
        return [usable_id(emitter, each) or emitter.new_id() for each in given], []
    if given is not None:
        raise Shapeless("one id cannot stand for a batch: give id= as a column")
    ids: list[str] = []
    raw: list[bytes] = []
    while len(ids) < number:
        now = emitter.clock.fresh()
        apart = f"{now.tail} {now.head}"  # a join and a split take a third of so many formats
        counters = COUNTERS[: number - len(ids)]
        text = f"{now.head}{apart.join(counters)}{now.tail}"
        ids += text.split(" ")
        raw += text.encode().split(b" ")
    return ids, raw


def _some(columns: dict[str, Any], rows: slice) -> dict[str, Any]:
    """Give some rows of all columns."""
    some = _sliced(columns, rows)
    for name in _TABLES:
        if isinstance(columns[name], dict):
            some[name] = _sliced(columns[name], rows)
    return some


def _sliced(columns: dict[Any, Any], rows: slice) -> dict[Any, Any]:
    return {name: v[rows] if isinstance(v, list) else v for name, v in columns.items()}


def _bound(emitter: Emitter, labels: dict[str, Any]) -> bytes | None:
    """Give what was bound as it ends every line; None where that needs care each time."""
    notes = Notes()
    fields = {**emitter.labels(labels, notes), **trace_fields()}
    if notes != Notes() or not emitter.settings.enabled:
        return None
    return following(fields)


class _Batch:
    """Predictions that are written block by block."""

    def __init__(
        self,
        recorder: Recorder,
        emitter: Emitter,
        columns: dict[str, Any],
        ids: list[str],
        raw: list[bytes],
        labels: dict[str, Any],
    ) -> None:
        self._recorder = recorder
        self._emitter = emitter
        self._columns = columns
        self._ids = ids
        self._raw = raw
        self._labels = labels
        self._encoder: Encoder | None = None
        bound = _bound(emitter, labels)
        if bound is not None:
            self._end = b"}%b}\n" % bound
            with suppress(NeedsCare):
                self._encoder = Encoder(recorder, emitter, columns)

    def write(self, rows: slice) -> None:
        """Write some rows: first those that need no care."""
        ids = self._ids[rows]
        careful: Iterable[int] = range(len(ids))
        if self._encoder is not None:
            with suppress(NeedsCare):
                careful = self._write_quickly(self._encoder, ids, rows)
        if careful:
            self._write_carefully(ids, rows, careful)

    def _write_carefully(self, ids: list[str], rows: slice, careful: Iterable[int]) -> None:
        columns = _some(self._columns, rows)
        tables = {name: rows_of(columns.pop(name), len(ids)) for name in _TABLES}
        for row in careful:
            one = {n: v[row] if isinstance(v, list) else v for n, v in columns.items()}
            one.update((name, table[row]) for name, table in tables.items())
            attempt = Attempt(id=ids[row], **one)
            _each(self._emitter, submit, self._recorder, attempt, self._labels)

    def _write_quickly(self, encoder: Encoder, ids: list[str], rows: slice) -> list[int]:
        """Write the rows that need no care; give the others.

        Raises:
            NeedsCare: all of them do.
        """
        recorder, emitter = self._recorder, self._emitter
        event, ml = encoder.encode(rows)
        keep = _kept(recorder, emitter, ids, encoder.careful)
        if self._raw:
            raw = shown = self._raw[rows] if keep is None else list(compress(self._raw[rows], keep))
        else:
            raw, shown = _encoded(ids if keep is None else list(compress(ids, keep)))
        now = emitter.clock.instant()
        parts: list[Part] = [
            b'{"@timestamp":"%b","event":{"id":"' % now.iso,
            recorder.keys_of(raw),
            b'","dataset":"elkmon.prediction","kind":"event","outcome":"success",'
            b'"created":"%b","sequence":' % now.iso,
            NUMBERS,
            *_rows(event, keep),
            b"},%b" % recorder.head,
            shown,
            b'"%b' % recorder.positive_text,
            *_rows(ml, keep),
            self._end,
        ]
        if raw:
            write_lines(emitter, parts, len(raw), now.ms)
        return sorted(encoder.careful)


def _kept(
    recorder: Recorder, emitter: Emitter, ids: list[str], careful: set[int]
) -> list[bool] | None:
    """Say which rows are written at once; None where all are. Sampled-out ones are counted."""
    rate = recorder.rate
    if rate == 1.0 and not careful:
        return None
    keep = [row not in careful for row in range(len(ids))]
    if rate < 1.0:
        for row, one in enumerate(ids):
            if keep[row] and not kept(one, rate):
                keep[row] = False
                emitter.sampled_out += 1
    return keep


def _rows(parts: list[Part], keep: list[bool] | None) -> list[Part]:
    if keep is None:
        return parts
    return [part if isinstance(part, bytes) else list(compress(part, keep)) for part in parts]


def _encoded(ids: list[str]) -> tuple[list[bytes], list[bytes]]:
    """Give ids as they are hashed, and as they stand in JSON: the same, where none is escaped."""
    text = orjson.dumps(ids)
    if b"\\" in text or not ids:
        return [each.encode() for each in ids], [orjson.dumps(each)[1:-1] for each in ids]
    plain = text[2:-2].split(b'","')
    return plain, plain
