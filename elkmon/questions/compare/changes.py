"""Find the true classes and segment values whose error rate rose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from elkmon.query.conditions import equal
from elkmon.query.slices import Counts
from elkmon.questions.compare.error_increases import increase_p_value, supported
from elkmon.statistics.rate import Rate, Sums
from elkmon.statistics.significance import newcombe, significant
from elkmon.stores.protocol import Condition

__all__ = ["Change", "changes"]

LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Change:
    """A slice whose error rate rose."""

    kind: Literal["class", "segment"]
    name: str
    """The true class, or the segment value: ``site=porto``."""
    baseline: Rate
    current: Rate
    difference: float
    low: float
    """Newcombe's 95 % interval."""
    high: float
    p_value: float
    """One-sided, by Fisher's exact test."""
    where: tuple[Condition, ...]
    """The conditions of its predictions; in dictionaries as text."""


def changes(older: Counts, newer: Counts, late: float) -> tuple[int, tuple[Change, ...]]:
    """Test every true class and every segment value that is large enough.

    Args:
        older: labelled predictions of the baseline.
        newer: labelled predictions of the current side.
        late: the share of the current side's labels that will still be corrected.

    Returns:
        How many were tested, and those whose error rate rose, the most evident first, at a
        false-discovery rate of 5 %.
    """
    slices = list(_slices(older, newer, late))
    cut = significant([change.p_value for change in slices], LEVEL)
    rose = sorted((c for c in slices if c.p_value <= cut), key=lambda change: change.p_value)
    return len(slices), tuple(rose)


def _slices(older: Counts, newer: Counts, late: float) -> Iterator[Change]:
    for name, whole in newer.truth.items():
        before = older.wrong_truth.get(name, Sums()), older.truth.get(name, Sums())
        now = newer.wrong_truth[name], whole
        yield from _change("class", equal("ml.truth.label", name), name, before, now, late)
    for slice_, whole in newer.whole.items():
        if slice_ is not None:
            before = older.wrong_slice.get(slice_, Sums()), older.whole.get(slice_, Sums())
            now = newer.wrong_slice.get(slice_, Sums()), whole
            where = equal(f"ml.segment.{slice_[0]}", slice_[1])
            yield from _change("segment", where, "=".join(slice_), before, now, late)


def _change(
    kind: Literal["class", "segment"],
    where: Condition,
    name: str,
    before: tuple[Sums, Sums],
    now: tuple[Sums, Sums],
    late: float,
) -> Iterator[Change]:
    if not supported(before[1], now[1], before[0] + now[0]):
        return
    older, newer = (wrong.out_of(whole, "no labels") for wrong, whole in (before, now))
    share, then = newer.value or 0.0, older.value or 0.0
    low, high = newcombe(then, older.n_eff, share, newer.n_eff)
    p_value = increase_p_value(before, now, late)
    yield Change(kind, name, older, newer, share - then, low, high, p_value, (where,))
