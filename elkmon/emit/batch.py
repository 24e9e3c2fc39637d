"""A batch of predictions or labels: columns become lines, with one write a chunk.

A column whose values are all numbers, or all texts that are clean, is encoded as a whole. A row
with anything else (a missing value, NaN, something to redact) takes the careful way of
``attempt.py``; both give the same event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import compress, islice
from math import log as ln
from typing import Any

import orjson

from elkmon.emit import reports
from elkmon.emit.attempt import Attempt, answer_label, submit, usable_id
from elkmon.emit.emitter import Emitter, trace_fields
from elkmon.emit.exceptions import text_of
from elkmon.emit.plain import Notes
from elkmon.emit.recorder import LOG_BIN, Recorder
from elkmon.emit.shed import shed
from elkmon.emit.table import Shapeless, as_columns, column, frame, height, is_single, rows_of
from elkmon.emit.values import FEATURES, category, named
from elkmon.events.errors import UsageError
from elkmon.events.ids import kept

__all__ = ["label_many", "predict_many"]

Pieces = list[str | None]
"""One value of a column a row, as JSON; None where the row needs care."""

_CHUNK = 250
"""Rows of one write: so many stay in the processor's cache."""
_IDS = 4096
"""Ids of one millisecond that the clock's counter tells apart."""
_TABLES = ("features", "segment", "scores")
_SCALARS = frozenset((str, int, bool))
_CATEGORIES = frozenset((str, bool))
_ESCAPED = re.compile(r'["\\\x00-\x1f]')
_PLAIN_NUMBERS = frozenset((float, int, type(None)))


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
        ids = _ids(emitter, columns.pop("id"), number)
    except Shapeless as error:
        emitter.misuse("shapeless_batch", f"a batch was not written: {error}")
        return []
    whole = _whole_columns(recorder, emitter, columns, number)
    careful = (
        [True] * number if whole is None else _write_lines(recorder, emitter, whole, ids, labels)
    )
    if any(careful):
        tables = {name: rows_of(columns.pop(name), number) for name in _TABLES}
        for row in compress(range(number), careful):
            one = {n: v[row] if isinstance(v, list) else v for n, v in columns.items()}
            one.update((name, table[row]) for name, table in tables.items())
            _each(emitter, submit, recorder, Attempt(id=ids[row], **one), labels)
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
                table = columns[name] = frame(value)
                lists.extend([table] if isinstance(table, list) else table.values())
            else:
                columns[name] = value if is_single(value) else column(value)
                lists.append(columns[name])
    except Exception as error:
        raise Shapeless(text_of(error)) from error
    return columns, height(lists)


def _ids(emitter: Emitter, given: object, number: int) -> list[str]:
    if isinstance(given, list):
        return [usable_id(emitter, each) or emitter.new_id() for each in given]
    if given is not None:
        raise Shapeless("one id cannot stand for a batch: give id= as a column")
    ids: list[str] = []
    while len(ids) < number:
        now = emitter.clock.fresh()
        count = min(number - len(ids), _IDS)
        ids.extend([f"{now.head}{each:03x}{now.tail}" for each in range(count)])
    return ids


Whole = list[tuple[str, Pieces | str]]
"""The changing part of a line, in order: what stands before a value, and the values."""


def _whole_columns(
    recorder: Recorder, emitter: Emitter, columns: dict[str, Any], number: int
) -> Whole | None:
    """Encode columns as a whole; None where something asks for care in every row."""
    simple = ("value", "scores", "at", "user")
    if not emitter.settings.enabled or any(columns[name] is not None for name in simple):
        return None
    features = as_columns(columns["features"])
    segment = as_columns(columns["segment"])
    if features is None or segment is None:
        return None
    durations = _durations(columns["duration"], number)
    whole: Whole = [] if durations is None else [(',"duration":', durations[0])]
    whole.append(("", "\0"))  # here stands what comes between event and answer
    answers: tuple[tuple[str, Callable[[], Pieces | None]], ...] = (
        ("label", lambda: _labels(recorder, emitter, columns["label"], number)),
        ("score", lambda: _numbers(columns["score"], number)),
    )
    for name, encode in answers:
        if columns[name] is not None:
            pieces = encode()
            if pieces is None:
                return None
            whole.append((f',"{name}":', pieces))
    whole.append(("}", ""))
    if columns["features"] is not None:
        made = _split(emitter, features, number)
        if made is None:
            return None
        whole.extend(made)
    if segment:
        made = _object(emitter, segment, number, "ml.segment", _SCALARS)
        if made is None or len(segment) > FEATURES:
            return None
        whole.extend([(',"segment":{', ""), *made, ("}", "")])
    if durations is not None:
        whole.append((',"duration_bin":', durations[1]))
    return whole


def _split(emitter: Emitter, features: dict[Any, Any], number: int) -> Whole | None:
    numbers: Whole = []
    texts: dict[Any, Any] = {}
    for name, values in features.items():
        if named(name) != name or emitter.redactor.key(name):
            return None
        pieces = _numbers(values, number)
        if pieces is None:
            texts[name] = values
        else:
            numbers.append((f"{',' if numbers else ''}{_quoted(name)}:", pieces))
    categories = _object(emitter, texts, number, "ml.features.category", _CATEGORIES)
    if categories is None or max(len(numbers), len(texts)) > FEATURES:
        return None
    whole: Whole = [(',"features":{"number":{', ""), *numbers, ("}", "")]
    if texts:
        whole.extend([(',"category":{', ""), *categories, ("}", "")])
    return [*whole, ("}", "")]


def _object(
    emitter: Emitter, columns: dict[Any, Any], number: int, path: str, scalars: frozenset[type]
) -> Whole | None:
    """Encode columns of texts as the members of an object."""
    whole: Whole = []
    for name, values in columns.items():
        if named(name) != name or emitter.redactor.key(name):
            return None
        each = values if isinstance(values, list) else [values] * number
        pieces = _texts(each, lambda v, notes: category(emitter, v, path, notes), scalars)
        whole.append((f"{',' if whole else ''}{_quoted(name)}:", pieces))
    return whole


def _labels(recorder: Recorder, emitter: Emitter, values: object, number: int) -> Pieces | None:
    each = values if isinstance(values, list) else [values] * number
    if recorder.task == "regression" or not set(map(type, each)) <= {str, int, bool}:
        return None
    return _texts(
        each,
        lambda value, notes: answer_label(recorder, emitter, value, "ml.prediction.label", notes),
        _SCALARS,
    )


def _texts(
    values: list[Any],
    encode: Callable[[object, Notes], str | None],
    scalars: frozenset[type],
) -> Pieces:
    """Encode each different value once; None where there is no value, or something was found."""

    def encoded(value: object) -> str | None:
        notes = Notes()
        text = encode(value, notes)
        return _quoted(text) if text is not None and notes == Notes() else None

    if set(map(type, values)) == {str}:
        known = {value: encoded(value) for value in set(values)}
        return list(map(known.__getitem__, values))
    return [encoded(value) if type(value) in scalars else None for value in values]


def _numbers(values: object, number: int) -> Pieces | None:
    """Encode a column of numbers at once; None where it is not one."""
    if not isinstance(values, list):
        one = _numbers([values], 1)
        return None if one is None else one * number
    if not _PLAIN_NUMBERS.issuperset(map(type, values)):
        return None
    try:
        text = orjson.dumps(values, option=orjson.OPT_STRICT_INTEGER).decode()
    except TypeError:  # an integer that a double cannot hold
        return None
    pieces: Pieces = [*text[1:-1].split(",")]
    return [None if each == "null" else each for each in pieces] if "null" in text else pieces


def _durations(given: object, number: int) -> tuple[Pieces, Pieces] | None:
    """Give nanoseconds and their bins, as :func:`elkmon.emit.attempt.duration_bin` has them."""
    if given is None:
        return None
    if not isinstance(given, list):
        texts, bins = _durations([given], 1) or ([], [])
        return texts * number, bins * number
    bins, texts = [], []
    for each in given:
        fine = isinstance(each, (int, float)) and 1e-8 < each < 1e9  # noqa: PLR2004 - the rest is rare
        nanoseconds = int(each * 1e9) if fine else 0
        texts.append(str(nanoseconds) if fine else None)
        bins.append(str(int(ln(nanoseconds) / LOG_BIN)) if fine else None)
    return texts, bins


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def _write_lines(
    recorder: Recorder,
    emitter: Emitter,
    whole: Whole,
    ids: list[str],
    labels: dict[str, Any],
) -> list[bool]:
    """Write the rows that need no care; say which ones do."""
    whole = [_settled(before, pieces) for before, pieces in whole]
    notes = Notes()
    tail = orjson.dumps({**emitter.labels(labels, notes), **trace_fields()}).decode()[1:-1]
    varying = [pieces for _, pieces in whole if isinstance(pieces, list)]
    careful = [None in row for row in zip(*varying, strict=True)] if _holes(varying) else []
    careful = careful or [False] * len(ids)
    if notes != Notes():
        return [True] * len(ids)
    rate = recorder.rate
    keep = [not need for need in careful]
    if rate < 1.0:
        for row, one in enumerate(ids):
            if keep[row] and not kept(one, rate):
                keep[row] = False
                emitter.sampled_out += 1
    now = emitter.clock.instant()
    iso = now.iso.decode()
    line = (
        _escaped(f'{{"@timestamp":"{iso}","event":{{"id":"')
        + "%s"
        + _escaped('","dataset":"elkmon.prediction","kind":"event","outcome":"success",')
        + _escaped(f'"created":"{iso}","sequence":')
        + "%d"
    )
    for before, pieces in whole:
        if pieces == "\0":
            line += _escaped("}," + recorder.head.decode() + '"id":"') + '%s"'
            line += _escaped(recorder.positive_text)
        else:
            line += _escaped(before) + ("%s" if isinstance(pieces, list) else "")
    line += _escaped("}" + (f",{tail}" if tail else "") + "}\n")
    place = next(i for i, (_, pieces) in enumerate(whole) if pieces == "\0")
    first = [pieces for _, pieces in whole[:place] if isinstance(pieces, list)]
    rest = [pieces for _, pieces in whole[place:] if isinstance(pieces, list)]
    rows = range(len(ids)) if all(keep) else list(compress(range(len(ids)), keep))
    if len(rows) != len(ids):
        first = [list(compress(pieces, keep)) for pieces in first]
        rest = [list(compress(pieces, keep)) for pieces in rest]
        ids = list(compress(ids, keep))
    keys = recorder.keys_of(ids)
    shown = ids if _are_plain(ids) else [_quoted(each)[1:-1] for each in ids]
    for at in range(0, len(ids), _CHUNK):
        part = slice(at, at + _CHUNK)
        many = len(ids[part])
        columns = [
            keys[part],
            list(islice(emitter.sequence, many)),
            *(pieces[part] for pieces in first),
            shown[part],
            *(pieces[part] for pieces in rest),
        ]
        data = "".join(map(line.__mod__, zip(*columns, strict=True))).encode()
        if len(data) > emitter.sink.limit:  # else none of them can be longer
            for each in data.splitlines(keepends=True):
                _write_one(emitter, each, now.ms)
        else:
            emitter.write(data, now.ms, many)
    return careful


def _settled(before: str, pieces: Pieces | str) -> tuple[str, Pieces | str]:
    """Make a column that says the same in every row a part of what stands before the next."""
    if isinstance(pieces, list) and pieces:
        first = pieces[0]
        if first is not None and pieces.count(first) == len(pieces):
            return before + first, ""
    return before, pieces


def _are_plain(ids: list[str]) -> bool:
    """Say whether ids stand in JSON as they are: those that nobody gave do."""
    return not _ESCAPED.search("".join(ids))


def _write_one(emitter: Emitter, line: bytes, ms: int) -> None:
    """Write a line that may be too long."""
    limit = emitter.sink.limit
    try:
        made = line if len(line) <= limit else shed(orjson.loads(line), limit)
    except ValueError as error:
        emitter.drop("unencodable", f"cannot encode an event of a batch: {error}")
        return
    emitter.write(made, ms)


def _holes(varying: list[Pieces]) -> bool:
    return any(None in pieces for pieces in varying)


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
