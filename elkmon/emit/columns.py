"""Columns of a batch as JSON: the bytes of each row's value, or those that all rows share.

A column is encoded as a whole: one that says the same in every row once, numbers in one call, and
of texts each different one. A row with anything else (a missing value, NaN, something to redact)
is named instead, and takes the careful way of ``attempt.py``; both give the same event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import compress, count
from math import log as ln
from operator import countOf
from typing import Any, TypeAlias

import orjson

from elkmon.emit.attempt import answer_label
from elkmon.emit.emitter import Emitter
from elkmon.emit.fast import NUMBERS
from elkmon.emit.lines import Part
from elkmon.emit.plain import Notes
from elkmon.emit.recorder import LOG_BIN, Recorder
from elkmon.emit.table import as_columns
from elkmon.emit.values import FEATURES, category, named

__all__ = ["Encoder", "Known", "NeedsCare", "folded"]

Known: TypeAlias = dict[str, dict[str, bytes]]
"""Texts that were encoded, by the path that they stand under; empty where they need care."""

_SCALARS = frozenset((str, int, bool))
_CATEGORIES = frozenset((str, bool))
_PLAIN_NUMBERS = NUMBERS | {type(None)}
_FOLDABLE = NUMBERS | _SCALARS
_AS_THEY_ARE = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATETIME


class NeedsCare(Exception):  # noqa: N818 - no error: it is the other way
    """Every row has something that takes the careful way."""


class Encoder:
    """Encode columns of some rows of a batch.

    Args:
        recorder: the model.
        emitter: whose redaction holds.
        columns: by name, as a call of ``predictions`` had them: lists, or a value for all rows.
        known: what was encoded for the rows before; it is added to.

    Attributes:
        event: what follows the sequence number within ``event``.
        ml: what follows the prediction's id and positive class within ``ml``.
        careful: numbers of the rows that need care; their values are to be left out.

    Raises:
        NeedsCare: all of them do.
    """

    def __init__(
        self, recorder: Recorder, emitter: Emitter, columns: dict[str, Any], known: Known
    ) -> None:
        self._recorder = recorder
        self._emitter = emitter
        self._known = known
        self.careful: set[int] = set()
        self.event: list[Part] = []
        self.ml: list[Part] = []
        if any(columns[name] is not None for name in ("value", "scores", "at", "user")):
            raise NeedsCare
        if columns["label"] is not None:
            self.ml += [b',"label":', self._label(columns["label"])]
        if columns["score"] is not None:
            score = self._numbers(columns["score"])
            if score is None:
                raise NeedsCare
            self.ml += [b',"score":', score]
        self.ml.append(b"}")
        if columns["features"] is not None:
            self.ml += self._features(_named(columns["features"]))
        if columns["segment"]:
            segment = _named(columns["segment"])
            if len(segment) > FEATURES:
                raise NeedsCare
            self.ml += _object(b"segment", self._texts_of(segment, "ml.segment", _SCALARS))
        if columns["duration"] is not None:
            nanoseconds, bins = self._durations(columns["duration"])
            self.event = [b',"duration":', nanoseconds]
            self.ml += [b',"duration_bin":', bins]

    def _label(self, values: object) -> Part:
        if self._recorder.task == "regression":
            raise NeedsCare

        def encode(value: object, path: str, notes: Notes) -> str | None:
            return answer_label(self._recorder, self._emitter, value, path, notes)

        return self._texts(values, "ml.prediction.label", encode, _SCALARS)

    def _features(self, features: dict[Any, Any]) -> list[Part]:
        numbers: dict[str, Part] = {}
        texts: dict[str, Any] = {}
        for name, values in features.items():
            self._check(name)
            pieces = self._numbers(values)
            if pieces is None:
                texts[name] = values
            else:
                numbers[name] = pieces
        if max(len(numbers), len(texts)) > FEATURES:
            raise NeedsCare
        categories = self._texts_of(texts, "ml.features.category", _CATEGORIES)
        rest = _object(b"category", categories) if texts else []
        return [b',"features":{', *_object(b"number", numbers)[1:], *rest, b"}"]

    def _texts_of(
        self, columns: dict[Any, Any], path: str, scalars: frozenset[type]
    ) -> dict[str, Part]:
        def encode(value: object, path: str, notes: Notes) -> str | None:
            return category(self._emitter, value, path, notes)

        made = {}
        for name, values in columns.items():
            self._check(name)
            made[name] = self._texts(values, f"{path}.{name}", encode, scalars)
        return made

    def _check(self, name: object) -> None:
        if named(name) != name or self._emitter.redactor.key(name):
            raise NeedsCare

    def _texts(
        self,
        values: object,
        path: str,
        encode: Callable[[object, str, Notes], str | None],
        scalars: frozenset[type],
    ) -> Part:
        """Encode each different text once."""

        def encoded(value: object) -> bytes:
            notes = Notes()
            text = encode(value, path, notes) if type(value) in scalars else None
            return orjson.dumps(text) if text is not None and notes == Notes() else b""

        if not isinstance(values, list):
            one = encoded(values)
            if not one:
                raise NeedsCare
            return one
        if countOf(map(type, values), str) == len(values):
            known = self._known.setdefault(path, {})
            for value in set(values) - known.keys():
                known[value] = encoded(value)
            pieces = list(map(known.__getitem__, values))
            whole = b"" not in known.values()
        else:
            pieces = list(map(encoded, values))
            whole = False
        if not whole:
            self._leave(not piece for piece in pieces)
        return pieces

    def _numbers(self, values: object) -> Part | None:
        """Encode a column of numbers at once; None where it is not one."""
        if isinstance(values, list):
            floats = countOf(map(type, values), float) == len(values)  # most often, and soonest
            if not floats and not _PLAIN_NUMBERS.issuperset(map(type, values)):
                return None
        elif type(values) not in _PLAIN_NUMBERS:
            return None
        try:
            text = orjson.dumps(values, option=orjson.OPT_STRICT_INTEGER)
        except TypeError:  # an integer that a double cannot hold
            return None
        if not isinstance(values, list):
            if text == b"null":
                raise NeedsCare
            return text
        pieces = text[1:-1].split(b",")
        if b"n" in text:  # of null; one character is looked for ten times as fast
            self._leave(piece == b"null" for piece in pieces)
        return pieces

    def _durations(self, given: object) -> tuple[Part, Part]:
        """Give nanoseconds and their bins, as :func:`elkmon.emit.attempt.duration_bin` has them."""
        values: Any = given
        texts, bins = [], []
        for each in values if isinstance(values, list) else [values]:
            fine = isinstance(each, (int, float)) and 1e-8 < each < 1e9  # noqa: PLR2004 - the rest is rare
            nanoseconds = int(each * 1e9) if fine else 0
            texts.append(b"%d" % nanoseconds if fine else b"")
            bins.append(b"%d" % int(ln(nanoseconds) / LOG_BIN) if fine else b"")
        if isinstance(values, list):
            self._leave(not text for text in texts)
            return texts, bins
        if not texts[0]:
            raise NeedsCare
        return texts[0], bins[0]

    def _leave(self, which: Iterable[bool]) -> None:
        """Leave rows to the careful way."""
        self.careful.update(compress(count(), which))


def folded(values: object) -> object:
    """Give the one value of a column that says the same in every row; else the column.

    That it compares equal is seen at once where it is not; that it also looks equal in JSON tells
    1 from 1.0 and True.
    """
    if not isinstance(values, list) or not values or type(values[0]) not in _FOLDABLE:
        return values
    first = values[0]
    try:
        if values != [first] * len(values):
            return values
        one = orjson.dumps(first)
        text = orjson.dumps(values, option=_AS_THEY_ARE)
    except Exception:  # noqa: BLE001 - whatever is in it, its methods included
        return values
    return first if text == b"[" + (one + b",") * (len(values) - 1) + one + b"]" else values


def _named(table: dict[Any, Any] | list[Any]) -> dict[Any, Any]:
    columns = as_columns(table)
    if columns is None:
        raise NeedsCare
    return columns


def _object(name: bytes, members: dict[str, Part]) -> list[Part]:
    """Give a member that is an object, as it follows others."""
    parts: list[Part] = [b",", b'"' + name + b'":{']
    for place, (key, part) in enumerate(members.items()):
        parts += [(b"," if place else b"") + orjson.dumps(key) + b":", part]
    return [*parts, b"}"]
