"""A batch of predictions or labels: columns become lines, with one write a chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import compress
from typing import Any

import orjson

from elkmon.emit import event_builders
from elkmon.emit.clock import COUNTERS
from elkmon.emit.emitter import Emitter
from elkmon.emit.encode.answers import usable_id
from elkmon.emit.encode.columns import Columns, NeedsCare
from elkmon.emit.encode.lines import SEQUENCE, gap, json_texts, write_lines
from elkmon.emit.encode.prediction import write_prediction
from elkmon.emit.encode.tables import (
    Shapeless,
    as_columns,
    column,
    frame,
    height,
    is_single,
    own,
    rows_of,
)
from elkmon.emit.exceptions import text_of
from elkmon.emit.model import Model
from elkmon.emit.to_json import Notes
from elkmon.events.errors import UsageError
from elkmon.events.ids import kept

__all__ = ["label_many", "predict_many"]

_BLOCK = 2000
"""Rows that are encoded at once: with more, their pieces leave the processor's cache."""
_TABLES = ("features", "segment", "scores")
_KEYS, _SEQUENCE, _IDS, _FIRST = range(4)
"""Places of gaps in a line; those of the columns follow."""


def predict_many(model: Model, given: Mapping[str, object], labels: dict[str, Any]) -> list[str]:
    """Write a batch of successful predictions; return their ids.

    Raises:
        UsageError: in strict mode, for columns that do not fit each other.
    """
    emitter = model.ready()
    try:
        columns, number = _read(given)
        ids = _ids(emitter, columns.pop("id"), number)
    except Shapeless as error:
        emitter.misuse("shapeless_batch", f"a batch was not written: {error}")
        return []
    batch = _Batch(model, columns, ids, labels)
    for at in range(0, number, _BLOCK):
        batch.write(slice(at, at + _BLOCK))
    return ids


def label_many(
    model: Model, ids: object, given: Mapping[str, object], labels: dict[str, Any]
) -> None:
    """Write a batch of labels.

    Raises:
        UsageError: in strict mode, for columns that do not fit each other.
    """
    emitter = model.ready()
    try:
        keys, columns = _columns(ids, given)
        number = height([keys, *columns.values()])
    except Shapeless as error:
        emitter.misuse("shapeless_batch", f"a batch was not written: {error}")
        return
    for row in range(number):
        one = {n: v[row] if isinstance(v, list) else v for n, v in columns.items()}
        _write_row(
            emitter, event_builders.label, model, keys[row], event_builders.Truth(**one), labels
        )


def _write_row(emitter: Emitter, write: Callable[..., None], *given: object) -> None:
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
        columns = {name: one if is_single(one) else column(one) for name, one in given.items()}
        return column(ids), columns
    except Exception as error:
        raise Shapeless(text_of(error)) from error


def _read(given: Mapping[str, object]) -> tuple[dict[str, Any], int]:
    """Read all columns of predictions; return them, and the number of rows.

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
                    list(table)
                    if named is None
                    else {name: own(values) for name, values in named.items()}
                )
            else:
                read = value if is_single(value) else column(value)
                columns[name] = read if name == "id" else own(read)
                lists.append(read)
    except Exception as error:
        raise Shapeless(text_of(error)) from error
    return columns, height(lists)


def _ids(emitter: Emitter, given: object, number: int) -> list[str]:
    """Return the ids of all rows."""
    if isinstance(given, list):
        return [usable_id(emitter, one) or emitter.new_id() for one in given]
    if given is not None:
        raise Shapeless("one id cannot stand for a batch: give id= as a column")
    ids: list[str] = []
    while len(ids) < number:
        now = emitter.clock.fresh()
        between = f"{now.tail} {now.head}"  # a join and a split take a third of so many formats
        text = f"{now.head}{between.join(COUNTERS[: number - len(ids)])}{now.tail}"
        ids += text.split(" ")
    return ids


def _some(columns: dict[str, Any], rows: slice) -> dict[str, Any]:
    """Return some rows of all columns."""
    some = _sliced(columns, rows)
    for name in _TABLES:
        if isinstance(columns[name], dict):
            some[name] = _sliced(columns[name], rows)
    return some


def _sliced(columns: dict[Any, Any], rows: slice) -> dict[Any, Any]:
    return {name: v[rows] if isinstance(v, list) else v for name, v in columns.items()}


class _Batch:
    """Predictions that are written block by block."""

    def __init__(
        self,
        model: Model,
        columns: dict[str, Any],
        ids: list[str],
        labels: dict[str, Any],
    ) -> None:
        self._model = model
        self._emitter = model.ready()
        self._given = columns
        self._ids = ids
        self._labels = labels
        self._columns: Columns | None = None
        notes = Notes()
        self._bound = self._emitter.labels(labels, notes)
        if self._emitter.settings.enabled and not notes:
            answer: dict[str, object] = {"id": gap(_IDS, quoted=True)}
            if model.positive is not None:
                answer["positive"] = model.positive
            with suppress(NeedsCare):
                self._columns = Columns(model, columns, answer, _FIRST)

    def write(self, rows: slice) -> None:
        """Write some rows: first those that need no care."""
        ids = self._ids[rows]
        careful: Iterable[int] = range(len(ids))
        if self._columns is not None:
            with suppress(NeedsCare):
                careful = self._write_together(self._columns, ids, rows)
        if careful:
            self._write_one_by_one(ids, rows, careful)

    def _write_one_by_one(self, ids: list[str], rows: slice, careful: Iterable[int]) -> None:
        columns = _some(self._given, rows)
        tables = {name: rows_of(columns.pop(name), len(ids)) for name in _TABLES}
        for row in careful:
            one = {n: v[row] if isinstance(v, list) else v for n, v in columns.items()}
            one.update((name, table[row]) for name, table in tables.items())
            _write_row(self._emitter, self._write_one, ids[row], one)

    def _write_one(self, prediction_id: str, values: dict[str, Any]) -> None:
        write_prediction(self._model, self._emitter, prediction_id, **values, labels=self._labels)

    def _write_together(self, columns: Columns, ids: list[str], rows: slice) -> list[int]:
        """Write the rows that need no care; return the others.

        Raises:
            NeedsCare: all of them do.
        """
        model, emitter = self._model, self._emitter
        values = columns.encode(rows)
        keep = _kept(model, emitter, ids, columns.careful)
        if keep is not None:
            ids = list(compress(ids, keep))
            values = [list(compress(some, keep)) for some in values]
        if ids:
            event = columns.lay_out(gap(_KEYS, quoted=True), gap(_SEQUENCE))
            event.update(self._bound)
            template = orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)
            filling = [model.keys(ids), SEQUENCE, json_texts(ids), *values]
            write_lines(emitter, template, filling, len(ids), emitter.clock.now.ms)
        return sorted(columns.careful)


def _kept(model: Model, emitter: Emitter, ids: list[str], careful: set[int]) -> list[bool] | None:
    """Return which rows are written together, None for all; count those that are sampled out."""
    rate = model.rate
    if rate == 1.0 and not careful:
        return None
    keep = [row not in careful for row in range(len(ids))]
    if rate < 1.0:
        for row, one in enumerate(ids):
            if keep[row] and not kept(one, rate):
                keep[row] = False
                emitter.sampled_out += 1
    return keep
