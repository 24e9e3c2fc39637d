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

from elkmon.emit.plain import Notes

__all__ = ["NUMBERS", "TAIL", "Plans"]

NUMBERS = frozenset((float, int))
TAIL = 3000
"""Bytes of each part, at most: together they stay below every sink's limit."""
_SHAPES = 256
_VALUES = 4096

Plan = tuple[tuple[str, ...], Callable[[dict[str, Any]], Any], dict[Any, bytes]]
"""Names of categories, what takes their values out of a dict, and the bytes of those seen."""


def _nothing(_: dict[str, Any]) -> tuple[()]:
    return ()


class Plans:
    """What is known of the features, segments and classes of one model."""

    __slots__ = ("classes", "features", "segments")

    def __init__(self) -> None:
        self.features: dict[tuple[str, ...], Plan] = {}
        self.segments: dict[tuple[str, ...], Plan] = {(): ((), _nothing, {(): b""})}
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
            text = b',"category":' + orjson.dumps(categories) if categories else b""
            _remember(self.features, features, categories, text, made["number"])
        if type(segment) is dict and segment:
            text = b'"segment":' + orjson.dumps(ml["segment"]) + b","
            _remember(self.segments, segment, ml["segment"], text, {})
        if label is None or type(label) is str:
            answer = {
                k: ml["prediction"][k] for k in ("positive", "label") if k in ml["prediction"]
            }
            if len(self.classes) >= _VALUES:
                self.classes.clear()
            text = b"," + orjson.dumps(answer)[1:-1] if answer else b""
            if len(text) <= TAIL:
                self.classes[label] = text


def _remember(
    plans: dict[tuple[str, ...], Plan],
    given: dict[str, Any],
    categories: dict[str, str],
    text: bytes,
    numbers: dict[str, Any],
) -> None:
    names = (*given,)
    if len(text) > TAIL or len(str(names)) > TAIL:
        return
    for name in names:
        kind = type(given[name])
        if not (kind is str and name in categories) and not (kind in NUMBERS and name in numbers):
            return  # a cleaned name, a missing value, or a type that needs care each time
    plan = plans.get(names)
    if plan is None or plan[0] != (*categories,):
        if len(plans) >= _SHAPES:
            plans.clear()
        take = itemgetter(*categories) if categories else _nothing
        plan = plans[names] = ((*categories,), take, {})
    seen = plan[2]
    if len(seen) >= _VALUES:
        seen.clear()
    seen[plan[1](given)] = text
