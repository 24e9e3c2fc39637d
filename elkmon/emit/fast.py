"""The short way of a prediction whose names and categories have been seen before.

A model asks for the same features in every call, and its categories repeat. What was made of
them once, carefully, is kept as bytes; a call that meets nothing new is these bytes, put together.
Anything else (a new name, a new category, NaN, a value of another type) takes the careful way of
``attempt.py``, which gives the same event, and is remembered from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

import orjson

from elkmon.emit.redaction.redactor import Redactor
from elkmon.emit.to_json import Notes

__all__ = ["LONG", "NUMBERS", "TAIL", "Plans", "Shape"]

LONG = 2**63
NUMBERS = frozenset((float, int))
TAIL = 1800
"""Bytes of each part, at most: together they stay below every sink's limit."""
_SHAPES = 256
_VALUES = 4096
_TEXT = 1000
"""Characters of a category: what is longer is cut, the careful way."""


def _nothing(_: dict[str, Any]) -> tuple[()]:
    return ()


class Shape:
    """What is known of dicts that have the same names in the same order.

    Attributes:
        names: those that hold categories.
        take: takes the categories out of such a dict.
        seen: bytes of the categories that were seen, by what ``take`` gives.
    """

    __slots__ = ("_after", "_before", "names", "seen", "take")

    def __init__(self, names: tuple[str, ...], before: bytes, after: bytes) -> None:
        self.names = names
        self.take: Callable[[dict[str, Any]], Any] = itemgetter(*names) if names else _nothing
        self.seen: dict[Any, bytes] = {} if names else {(): after}
        self._before = before
        self._after = after

    def encode(self, given: dict[str, Any], redactor: Redactor) -> bytes | None:
        """Give the bytes of categories that are new, and remember them; None where care is due."""
        made = {name: given[name] for name in self.names}
        for text in made.values():
            if type(text) is not str or not text or len(text) > _TEXT or "\0" in text:
                return None
            if redactor.text(text) != text:
                return None
        data = self._before + orjson.dumps(made) + self._after
        if len(data) > TAIL:
            return None
        if len(self.seen) >= _VALUES:
            self.seen.clear()
        self.seen[self.take(given)] = data
        return data


class Plans:
    """What is known of the features, segments and classes of one model."""

    __slots__ = ("classes", "features", "segments")

    def __init__(self) -> None:
        self.features: dict[tuple[str, ...], Shape] = {}
        self.segments: dict[tuple[str, ...], Shape] = {(): Shape((), b"", b"")}
        self.classes: dict[str | None, bytes] = {}

    def learn(
        self, features: object, segment: object, label: object, ml: dict[str, Any], notes: Notes
    ) -> None:
        """Remember what the careful way made of a call.

        Args:
            features: as the call had them.
            segment: likewise.
            label: likewise.
            ml: what was made of them.
            notes: what was found; a call with a finding is not remembered.
        """
        if notes.redacted or notes.truncated or notes.nonfinite:
            return
        made = ml.get("features", {})
        if type(features) is dict and "dropped" not in made:
            categories = made.get("category", {})
            _remember(self.features, features, categories, made["number"], b',"category":', b"},")
        if type(segment) is dict and "segment" in ml:
            _remember(self.segments, segment, ml["segment"], {}, b'"segment":', b",")
        answer = {k: ml["prediction"][k] for k in ("positive", "label") if k in ml["prediction"]}
        if label is None or (type(label) is str and "label" in answer):
            if len(self.classes) >= _VALUES:
                self.classes.clear()
            text = b'",' + orjson.dumps(answer)[1:-1] if answer else b'"'
            if len(text) <= TAIL:
                self.classes[label] = text


def _remember(
    shapes: dict[tuple[str, ...], Shape],
    given: dict[str, Any],
    categories: dict[str, str],
    numbers: dict[str, Any],
    before: bytes,
    after: bytes,
) -> None:
    names = (*given,)
    if names in shapes and shapes[names].names == (*categories,):
        return
    for name in names:
        kind = type(given[name])
        if not (kind is str and name in categories) and not (kind in NUMBERS and name in numbers):
            return  # a cleaned name, a missing value, or a type that needs care each time
    if len(orjson.dumps(names)) > TAIL:
        return
    if len(shapes) >= _SHAPES:
        shapes.clear()
    shapes[names] = Shape((*categories,), before, after)
