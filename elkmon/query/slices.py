"""Count labelled predictions by class and segment, and add the counts up by slice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from elkmon.events.datasets import PREDICTION
from elkmon.query.groups import support
from elkmon.statistics.rate import Sums
from elkmon.stores.protocol import Cell, FieldValue, Filter, Measure, Store

__all__ = [
    "MOST_VALUES",
    "Counts",
    "Pair",
    "Part",
    "Slice",
    "Usable",
    "count",
    "parts",
    "usable_segments",
]

Pair = tuple[str | None, str | None]
"""The true and the predicted class; None if a label or an answer names no class."""
Slice = tuple[str, str]
"""The name of a segment and one value of it."""

_PREFIX = "ml.segment."
MOST_VALUES = 50
"""A segment with more values is not sliced by."""
_MOST_PARTS = 5_000


@dataclass(frozen=True, slots=True)
class Part:
    """Predictions with the same classes and the same segments."""

    pair: Pair
    wrong: bool
    slices: tuple[Slice, ...]
    sums: Sums


@dataclass(slots=True)
class Counts:
    """Labelled predictions in all and by slice; the slice None is all of them."""

    whole: dict[Slice | None, Sums] = field(default_factory=dict)
    wrong: dict[tuple[Pair, Slice | None], Sums] = field(default_factory=dict)
    truth: dict[str, Sums] = field(default_factory=dict)
    """By true class."""
    wrong_truth: dict[str, Sums] = field(default_factory=dict)
    wrong_slice: dict[Slice | None, Sums] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usable:
    """The segments to slice by, and notes on those left out."""

    names: tuple[str, ...]
    notes: tuple[str, ...]


def usable_segments(store: Store, names: Iterable[str], where: Filter) -> Usable:
    """Return the segments to slice by: those with few values.

    Args:
        store: to ask.
        names: of all segments.
        where: the predictions to count.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    values = {}
    for name in names:
        by = (FieldValue(_PREFIX + name),)
        table = store.aggregate(PREDICTION, by=by, measures=(Measure("count"),), where=where)
        values[name] = len(table.rows)
    kept: list[str] = []
    notes = []
    product = 1
    for name in sorted(values, key=lambda segment: (values[segment], segment)):
        if values[name] <= MOST_VALUES and product * values[name] <= _MOST_PARTS:
            kept.append(name)
            product *= max(values[name], 1)
        else:
            notes.append(f"segment {name} is left out of slices: it has {values[name]:,} values")
    return Usable(tuple(kept), tuple(notes))


def parts(store: Store, where: Filter, names: Sequence[str]) -> list[Part]:
    """Return counts of labelled predictions by both classes and all segments.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    fields = ("ml.eval.outcome", "ml.truth.label", "ml.prediction.label")
    table = store.aggregate(
        PREDICTION,
        by=tuple(FieldValue(name) for name in (*fields, *(_PREFIX + name for name in names))),
        measures=support(),
        where=where,
    )
    counted = []
    for outcome, truth, predicted, *rest in table.rows:
        values, sums = rest[: len(names)], rest[len(names) :]
        slices = tuple(
            (name, str(value))
            for name, value in zip(names, values, strict=True)
            if value is not None
        )
        pair = (_text(truth), _text(predicted))
        counted.append(Part(pair, outcome == "wrong", slices, Sums.of(sums)))
    return counted


def count(counted: Iterable[Part], without: Sequence[Slice] = ()) -> Counts:
    """Add counts up, in all and by slice.

    Args:
        counted: the counts.
        without: slices to leave out.
    """
    apart = set(without)
    whole: defaultdict[Slice | None, Sums] = defaultdict(Sums)
    wrong: defaultdict[tuple[Pair, Slice | None], Sums] = defaultdict(Sums)
    truth: defaultdict[str, Sums] = defaultdict(Sums)
    wrong_truth: defaultdict[str, Sums] = defaultdict(Sums)
    wrong_slice: defaultdict[Slice | None, Sums] = defaultdict(Sums)
    for part in counted:
        if apart and not apart.isdisjoint(part.slices):
            continue
        name = part.pair[0]
        if name is not None:
            truth[name] += part.sums
            wrong_truth[name] += part.sums if part.wrong else Sums()
        for piece in (None, *part.slices):
            whole[piece] += part.sums
            if part.wrong:
                wrong_slice[piece] += part.sums
                wrong[part.pair, piece] += part.sums
    return Counts(dict(whole), dict(wrong), dict(truth), dict(wrong_truth), dict(wrong_slice))


def _text(value: Cell) -> str | None:
    return None if value is None else str(value)
