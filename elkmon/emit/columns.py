"""Columns of a batch as JSON: the bytes of each row's value, or those that all rows share.

A column is encoded as a whole: one that says the same in every row once, numbers in one call, and
of texts each different one. A row with anything else (a missing value, NaN, something to redact)
is named instead, and takes the careful way of ``attempt.py``; both give the same event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import compress, count
from math import isnan
from math import log as ln
from operator import countOf
from typing import Any, TypeAlias

import orjson

from elkmon.emit.attempt import answer_label
from elkmon.emit.emitter import Emitter
from elkmon.emit.fast import NUMBERS
from elkmon.emit.lines import Part
from elkmon.emit.recorder import LOG_BIN, Recorder
from elkmon.emit.table import as_columns
from elkmon.emit.to_json import Notes
from elkmon.emit.values import category, named
from elkmon.events.limits import FEATURES

__all__ = ["Encoder", "NeedsCare"]

Recipe: TypeAlias = "bytes | Callable[[slice], list[bytes]]"
"""A piece of a line that is the same in all rows, or what makes those of some rows."""

_SCALARS = frozenset((str, int, bool))
_CATEGORIES = frozenset((str, bool))
_PLAIN_NUMBERS = NUMBERS | {type(None)}
_NUMBERS_ONLY = (
    orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)


class NeedsCare(Exception):  # noqa: N818 - no error: it is the other way
    """Every row has something that takes the careful way."""


class Encoder:
    """Encode columns of a batch, some rows at a time.

    What all rows share, and what the columns are, is found out once.

    Args:
        recorder: the model.
        emitter: whose redaction holds.
        columns: by name, as a call of ``predictions`` had them: lists, or a value for all rows.

    Attributes:
        careful: numbers of the rows, among those encoded last, that need care; their values are to
            be left out.

    Raises:
        NeedsCare: all rows do.
    """

    def __init__(self, recorder: Recorder, emitter: Emitter, columns: dict[str, Any]) -> None:
        self._recorder = recorder
        self._emitter = emitter
        self._bins: list[bytes] = []
        self.careful: set[int] = set()
        event: list[Recipe] = []
        ml: list[Recipe] = []
        if any(columns[name] is not None for name in ("value", "scores", "at", "user")):
            raise NeedsCare
        if columns["label"] is not None:
            ml += [b',"label":', self._label(columns["label"])]
        if columns["score"] is not None:
            score = self._numbers(columns["score"])
            if score is None:
                raise NeedsCare
            ml += [b',"score":', score]
        ml.append(b"}")
        if columns["features"] is not None:
            ml += self._features(_named(columns["features"]))
        if columns["segment"]:
            segment = _named(columns["segment"])
            if len(segment) > FEATURES:
                raise NeedsCare
            ml += _object(b"segment", self._texts_of(segment, "ml.segment", _SCALARS))
        if columns["duration"] is not None:
            nanoseconds, bins = self._durations(columns["duration"])
            event += [b',"duration":', nanoseconds]
            ml += [b',"duration_bin":', bins]
        self._event = _merged(event)
        self._ml = _merged(ml)

    def encode(self, rows: slice) -> tuple[list[Part], list[Part]]:
        """Encode some rows.

        Returns:
            What follows the sequence number within ``event``, and what follows the prediction's id
            and positive class within ``ml``.

        Raises:
            NeedsCare: all of them do.
        """
        self.careful = set()
        event = [each if isinstance(each, bytes) else each(rows) for each in self._event]
        return event, [each if isinstance(each, bytes) else each(rows) for each in self._ml]

    def _label(self, values: object) -> Recipe:
        if self._recorder.task == "regression":
            raise NeedsCare

        def encode(value: object, path: str, notes: Notes) -> str | None:
            return answer_label(self._recorder, self._emitter, value, path, notes)

        return self._texts(values, "ml.prediction.label", encode, _SCALARS)

    def _features(self, features: dict[Any, Any]) -> list[Recipe]:
        numbers: dict[str, Recipe] = {}
        texts: dict[str, Any] = {}
        for name, values in features.items():
            self._check(name)
            recipe = self._numbers(values)
            if recipe is None:
                texts[name] = values
            else:
                numbers[name] = recipe
        if max(len(numbers), len(texts)) > FEATURES:
            raise NeedsCare
        categories = self._texts_of(texts, "ml.features.category", _CATEGORIES)
        rest = _object(b"category", categories) if texts else []
        return [b',"features":{', *_object(b"number", numbers)[1:], *rest, b"}"]

    def _texts_of(
        self, columns: dict[Any, Any], path: str, scalars: frozenset[type]
    ) -> dict[str, Recipe]:
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
    ) -> Recipe:
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
        known: dict[str, bytes] = {}

        def learnt(some: list[Any]) -> list[bytes]:
            if countOf(map(type, some), str) != len(some):
                return list(map(encoded, some))
            known.update((value, encoded(value)) for value in set(some) - known.keys())
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

        return rows_of

    def _numbers(self, values: object) -> Recipe | None:
        """Encode a column of numbers, many in one call; None where it is not one."""
        if not isinstance(values, list):
            if type(values) not in NUMBERS:
                return None
            try:
                text = orjson.dumps(values, option=orjson.OPT_STRICT_INTEGER)
            except TypeError:  # an integer that a double cannot hold
                return None
            if text == b"null":
                raise NeedsCare
            return text
        told = next(filter(_tells, values), None)
        if told is not None and type(told) not in NUMBERS:
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

        return rows_of

    def _durations(self, given: object) -> tuple[Recipe, Recipe]:
        """Give nanoseconds and their bins, as :func:`elkmon.emit.attempt.duration_bin` has them."""
        if not isinstance(given, list):
            text, one = _duration(given)
            if not text:
                raise NeedsCare
            return text, one

        def nanoseconds(rows: slice) -> list[bytes]:
            made = list(map(_duration, given[rows]))
            self._bins = [each for _, each in made]
            self._leave(not text for text, _ in made)
            return [text for text, _ in made]

        return nanoseconds, lambda _: self._bins

    def _leave(self, which: Iterable[bool]) -> None:
        """Leave rows to the careful way."""
        self.careful.update(compress(count(), which))


def _tells(value: object) -> bool:
    """Say whether a value tells what its column is made of: one that is missing does not."""
    return value is not None and not (type(value) is float and isnan(value))


def _adds_up(values: list[Any]) -> bool:
    """Say whether values can be added, as numbers can: it takes a tenth of looking at each type."""
    try:
        sum(values)
    except Exception:  # noqa: BLE001 - whatever is in it, its methods included
        return False
    return True


def _duration(given: Any) -> tuple[bytes, bytes]:  # noqa: ANN401 - whatever the column has
    """Give nanoseconds and their bin; nothing where they need care."""
    if not (isinstance(given, (int, float)) and 1e-8 < given < 1e9):  # noqa: PLR2004 - the rest is rare
        return b"", b""
    nanoseconds = int(given * 1e9)
    return b"%d" % nanoseconds, b"%d" % int(ln(nanoseconds) / LOG_BIN)


def _named(table: dict[Any, Any] | list[Any]) -> dict[Any, Any]:
    columns = as_columns(table)
    if columns is None:
        raise NeedsCare
    return columns


def _object(name: bytes, members: dict[str, Recipe]) -> list[Recipe]:
    """Give a member that is an object, as it follows others."""
    recipes: list[Recipe] = [b",", b'"' + name + b'":{']
    for place, (key, recipe) in enumerate(members.items()):
        recipes += [(b"," if place else b"") + orjson.dumps(key) + b":", recipe]
    return [*recipes, b"}"]


def _merged(recipes: list[Recipe]) -> list[Recipe]:
    """Put together neighbours that are the same in all rows."""
    merged: list[Recipe] = []
    for each in recipes:
        if merged and isinstance(each, bytes) and isinstance(merged[-1], bytes):
            merged[-1] += each
        else:
            merged.append(each)
    return merged
