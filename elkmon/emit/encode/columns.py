"""Columns of a batch as JSON: the bytes of each row's value, or those that all rows share.

A column is encoded as a whole: one that says the same in every row once, numbers in one call, and
of texts each different one. A row with anything else (a missing value, NaN, something to redact)
is named instead, and written by itself. The layout is that of a single prediction, with gaps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import compress, count
from math import isnan, log
from operator import countOf
from typing import Any, TypeAlias

import orjson

from elkmon.emit.encode.answers import answer_label
from elkmon.emit.encode.lines import gap, json_texts
from elkmon.emit.encode.prediction import lay_out
from elkmon.emit.encode.scalars import LOG_BIN, category, duration_bin
from elkmon.emit.encode.tables import as_columns
from elkmon.emit.model import Model
from elkmon.emit.to_json import Notes
from elkmon.events.limits import FEATURES

__all__ = ["Columns", "NeedsCare"]

Recipe: TypeAlias = Callable[[slice], list[bytes]]
"""Makes the values of some rows."""

_NUMBERS = frozenset((float, int))
_SCALARS = frozenset((str, int, bool))
_CATEGORIES = frozenset((str, bool))
_PLAIN_NUMBERS = _NUMBERS | {type(None)}
_NUMBERS_ONLY = (
    orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)


class NeedsCare(Exception):  # noqa: N818 - no error: it is the other way
    """Every row has something that has to be looked at by itself."""


class Columns:
    """Encode columns of a batch, some rows at a time.

    What all rows share, and what the columns are, is found out once.

    Args:
        model: whose predictions they are.
        columns: by name, as a call of ``predictions`` had them: lists, or a value for all rows.
        first: the place of the first gap.

    Attributes:
        careful: numbers of the rows, among those encoded last, that need care; their values are to
            be left out.

    Raises:
        NeedsCare: all rows do.
    """

    def __init__(
        self,
        model: Model,
        columns: dict[str, Any],
        answer: dict[str, Any],
        first: int,
    ) -> None:
        self._model = model
        self._emitter = model.ready()
        self._first = first
        self._recipes: list[Recipe] = []
        self.careful: set[int] = set()
        if any(columns[name] is not None for name in ("value", "scores", "at", "user")):
            raise NeedsCare
        if columns["label"] is not None:
            answer["label"] = self._label(columns["label"])
        if columns["score"] is not None:
            answer["score"] = self._numbers(columns["score"])
            if answer["score"] is None:
                raise NeedsCare
        features = segment = duration = None
        if columns["features"] is not None:
            features = self._features(_named(columns["features"]))
        if columns["segment"]:
            segment = _named(columns["segment"])
            if len(segment) > FEATURES:
                raise NeedsCare
            segment = self._texts_of(segment, "ml.segment", _SCALARS)
        if columns["duration"] is not None:
            duration = self._durations(columns["duration"])
        self._layout = (answer, features, segment, duration)

    def lay_out(self, event_id: object, sequence: object) -> dict[str, Any]:
        """Return a prediction with a gap for each column."""
        return lay_out(self._emitter, self._model, event_id, *self._layout, sequence)

    def encode(self, rows: slice) -> list[list[bytes]]:
        """Return the values of some rows, by the places of their gaps.

        Raises:
            NeedsCare: all of them do.
        """
        self.careful = set()
        return [recipe(rows) for recipe in self._recipes]

    def _gap(self, recipe: Recipe, *, quoted: bool = False) -> orjson.Fragment:
        self._recipes.append(recipe)
        return gap(self._first + len(self._recipes) - 1, quoted=quoted)

    def _label(self, values: object) -> orjson.Fragment:
        if self._model.task == "regression":
            raise NeedsCare

        def encode(value: object, path: str, notes: Notes) -> str | None:
            return answer_label(self._model, self._emitter, value, path, notes)

        return self._texts(values, "ml.prediction.label", encode, _SCALARS)

    def _features(self, features: dict[Any, Any]) -> dict[str, Any]:
        numbers: dict[str, orjson.Fragment] = {}
        texts: dict[str, Any] = {}
        self._check(features)
        for name, values in features.items():
            fragment = self._numbers(values)
            if fragment is None:
                texts[name] = values
            else:
                numbers[name] = fragment
        if max(len(numbers), len(texts)) > FEATURES:
            raise NeedsCare
        if not texts:
            return {"number": numbers}
        categories = self._texts_of(texts, "ml.features.category", _CATEGORIES)
        return {"number": numbers, "category": categories}

    def _texts_of(
        self, columns: dict[Any, Any], path: str, scalars: frozenset[type]
    ) -> dict[str, orjson.Fragment]:
        def encode(value: object, path: str, notes: Notes) -> str | None:
            return category(self._emitter, value, path, notes)

        fragments = {}
        self._check(columns)
        for name, values in columns.items():
            fragments[name] = self._texts(values, f"{path}.{name}", encode, scalars)
        return fragments

    def _check(self, names: Iterable[object]) -> None:
        if not all(map(self._emitter.plain_names.learn, names)):
            raise NeedsCare

    def _texts(
        self,
        values: object,
        path: str,
        encode: Callable[[object, str, Notes], str | None],
        scalars: frozenset[type],
    ) -> orjson.Fragment:
        """Encode each different text once."""

        def encoded(value: object) -> bytes:
            notes = Notes()
            text = encode(value, path, notes) if type(value) in scalars else None
            return b"" if not text or notes else orjson.dumps(text)[1:-1]

        if not isinstance(values, list):
            one = encoded(values)
            if not one:
                raise NeedsCare
            return orjson.Fragment(b'"%b"' % one)
        known: dict[str, bytes] = {}

        def learnt(some: list[Any]) -> list[bytes]:
            if countOf(map(type, some), str) != len(some):
                return list(map(encoded, some))
            new = set(some) - known.keys()
            odd = self._emitter.plain_texts.odd_ones(list(new))
            known.update((text, encoded(text)) for text in odd)
            plain = list(new.difference(odd))
            known.update(zip(plain, json_texts(plain), strict=True))
            return list(map(known.__getitem__, some))

        def rows_of(rows: slice) -> list[bytes]:
            some = values[rows]
            try:  # what is equal to a text, such as a member of an enumeration, is written as that
                pieces = list(map(known.__getitem__, some))
            except Exception:  # noqa: BLE001 - new ones; or whatever is in it, its methods included
                pieces = learnt(some)
            if not all(pieces):
                self._leave(not piece for piece in pieces)
            return pieces

        return self._gap(rows_of, quoted=True)

    def _numbers(self, values: object) -> orjson.Fragment | None:
        """Encode a column of numbers, many in one call; None where it is not one."""
        if not isinstance(values, list):
            if type(values) not in _NUMBERS:
                return None
            try:
                text = orjson.dumps(values, option=orjson.OPT_STRICT_INTEGER)
            except TypeError:  # an integer that a double cannot hold
                return None
            if text == b"null":
                raise NeedsCare
            return orjson.Fragment(text)
        telling = next(filter(_tells, values), None)
        if telling is not None and type(telling) not in _NUMBERS:
            return None

        def rows_of(rows: slice) -> list[bytes]:
            some = values[rows]
            if not _adds_up(some) and not _PLAIN_NUMBERS.issuperset(map(type, some)):
                raise NeedsCare
            try:
                text = orjson.dumps(some, option=_NUMBERS_ONLY)
            except TypeError as error:  # such as an integer that a double cannot hold
                raise NeedsCare from error
            if b"t" in text or b"f" in text:  # a boolean adds up, too
                raise NeedsCare
            pieces = text[1:-1].split(b",")
            if b"n" in text:  # of null; one character is looked for ten times as fast
                self._leave(piece == b"null" for piece in pieces)
            return pieces

        return self._gap(rows_of)

    def _durations(self, given: object) -> tuple[orjson.Fragment, orjson.Fragment]:
        """Encode nanoseconds and their bins."""
        if not isinstance(given, list):
            text, one = _duration(given)
            if not text:
                raise NeedsCare
            return orjson.Fragment(text), orjson.Fragment(one)
        bins: list[bytes] = []

        def nanoseconds(rows: slice) -> list[bytes]:
            some = given[rows]
            try:
                whole = [int(seconds * 1e9) for seconds in some]
                if min(whole) >= 10 and max(whole) < 10**18:  # noqa: PLR2004 - the rest is rare
                    bins[:] = _digits([int(log(duration) / LOG_BIN) for duration in whole])
                    return _digits(whole)
            except Exception:  # noqa: BLE001, S110 - whatever is in it, its methods included
                pass
            pairs = list(map(_duration, some))
            bins[:] = [number for _, number in pairs]
            self._leave(not text for text, _ in pairs)
            return [text for text, _ in pairs]

        return self._gap(nanoseconds), self._gap(lambda _: bins)

    def _leave(self, which: Iterable[bool]) -> None:
        """Leave rows to be written by themselves."""
        self.careful.update(compress(count(), which))


def _tells(value: object) -> bool:
    """Return whether a value tells what its column is made of: one that is missing does not."""
    return value is not None and not (type(value) is float and isnan(value))


def _adds_up(values: list[Any]) -> bool:
    """Return whether values can be added as numbers: it takes a tenth of looking at each type."""
    try:
        sum(values)
    except Exception:  # noqa: BLE001 - whatever is in it, its methods included
        return False
    return True


def _digits(numbers: list[int]) -> list[bytes]:
    return orjson.dumps(numbers)[1:-1].split(b",")


def _duration(given: Any) -> tuple[bytes, bytes]:  # noqa: ANN401 - whatever the column has
    """Return nanoseconds and their bin; nothing where they need care."""
    if not (isinstance(given, (int, float)) and 1e-8 < given < 1e9):  # noqa: PLR2004 - the rest is rare
        return b"", b""
    nanoseconds = int(given * 1e9)
    return b"%d" % nanoseconds, b"%d" % duration_bin(nanoseconds)


def _named(table: dict[Any, Any] | list[Any]) -> dict[Any, Any]:
    columns = as_columns(table)
    if columns is None:
        raise NeedsCare
    return columns
