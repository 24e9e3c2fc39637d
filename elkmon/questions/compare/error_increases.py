"""Find the wrong answers that became more frequent, and report each cause once.

Every pair of truth and prediction is tested over all predictions and within every segment value.
One cause makes several of these groups rise: the segment value where it acts, the group of all
predictions, and every group that overlaps. So among the groups of one pair that rose,

1. a segment value that rose more than the rest is reported, and its predictions are excluded;
2. a group that no longer rises without them is explained by it; step 1 repeats with the others;
3. if no segment value rose more than the rest, the group of all predictions is reported, and
   explains the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt

from elkmon.query.slices import Counts, Pair, Part, Slice, count
from elkmon.statistics.intervals import effective
from elkmon.statistics.rate import Rate, Sums
from elkmon.statistics.significance import fisher_rise, normal_tail, significant

__all__ = [
    "LEVEL",
    "ErrorIncrease",
    "GroupTest",
    "LabelledSides",
    "error_increases",
    "group_tests",
    "increase_p_value",
    "supported",
]

LEVEL = 0.01
"""The false-discovery rate: at most this share of the reported increases is chance."""
_FEWEST = 30
"""Labelled predictions that a group needs on each side to be tested."""
_FEWEST_WRONG = 8
"""Wrong answers that it needs on both sides together."""
_MORE_THAN_REST = 0.01
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class LabelledSides:
    """The labelled predictions of one model on both sides, at equal label age."""

    model: str
    baseline: tuple[Part, ...]
    current: tuple[Part, ...]
    late: float = 0.0
    """The share of the current side's labels that will still be corrected."""


@dataclass(frozen=True, slots=True)
class GroupTest:
    """The test whether one group's share of the labelled predictions rose."""

    pair: Pair
    slice: Slice | None
    p_value: float
    """One-sided, by Fisher's exact test on effective numbers."""


@dataclass(frozen=True, slots=True)
class ErrorIncrease:
    """A group whose share rose, and that no other group explains."""

    pair: Pair
    slice: Slice | None
    baseline: Rate
    current: Rate
    p_value: float
    excluded: tuple[Slice, ...]
    """Segment values that are reported on their own, and are not counted here."""


def supported(baseline: Sums, current: Sums, wrong: Sums) -> bool:
    """Return whether a group is large enough to be tested.

    It does not matter on which side the wrong answers are, so the choice favours no side.

    Args:
        baseline: the group's labelled predictions on the baseline side.
        current: the group's labelled predictions on the current side.
        wrong: its wrong answers on both sides together.
    """
    return min(baseline.count, current.count) >= _FEWEST and wrong.count >= _FEWEST_WRONG


def increase_p_value(
    baseline: tuple[Sums, Sums], current: tuple[Sums, Sums], late: float = 0.0
) -> float:
    """Return the one-sided p-value of an increase, by Fisher's exact test.

    Weighted counts become effective numbers, rounded against an increase. The labels that will
    still be corrected count as if each made a wrong answer of the current side right.

    Args:
        baseline: the numerator and the denominator of the share; the latter is not empty.
        current: the same on the current side.
        late: the share of the current side's labels that will still be corrected.
    """
    k1, n1 = _effective(*baseline)
    k2, n2 = _effective(*current)
    n1, n2 = round(n1), round(n2)
    fewer = max(floor(k2 - late * n2 + _ROUNDING), 0)
    return fisher_rise(min(ceil(k1 - _ROUNDING), n1), n1, min(fewer, n2), n2)


def _effective(part: Sums, whole: Sums) -> tuple[float, float]:
    n = effective(whole.weight, whole.weight2)
    return min(part.weight / whole.weight, 1.0) * n, n


def group_tests(sides: LabelledSides) -> list[GroupTest]:
    """Test every group of a model that has enough predictions."""
    baseline, current = count(sides.baseline), count(sides.current)
    groups = dict.fromkeys((*current.wrong, *baseline.wrong))
    tests = (_test(group, baseline, current, sides.late) for group in groups)
    return [test for test in tests if test is not None]


def error_increases(
    models: Sequence[tuple[LabelledSides, Sequence[GroupTest]]],
) -> list[list[ErrorIncrease]]:
    """Return the groups that rose, each cause once, at a false-discovery rate of :data:`LEVEL`.

    The rate is controlled twice: over all groups that were tested, and then over those that are
    reported. Otherwise the many groups that one cause explains would let chance findings in.

    Args:
        models: the predictions of each model, and the tests of all its groups.

    Returns:
        The increases of each model.
    """
    p_values = [test.p_value for _, tests in models for test in tests]
    cut = significant(p_values, LEVEL)
    by_model = [_increases(sides, tests, cut) for sides, tests in models]
    reported = [increase.p_value for increases in by_model for increase in increases]
    cut = significant(reported, LEVEL, len(p_values))
    return [[item for item in increases if item.p_value <= cut] for increases in by_model]


def _increases(sides: LabelledSides, tests: Sequence[GroupTest], cut: float) -> list[ErrorIncrease]:
    by_pair: dict[Pair, list[GroupTest]] = {}
    for test in tests:
        if test.p_value <= cut:
            by_pair.setdefault(test.pair, []).append(test)
    return [increase for rose in by_pair.values() for increase in _explain(sides, rose, cut)]


def _explain(sides: LabelledSides, rose: list[GroupTest], cut: float) -> list[ErrorIncrease]:
    """Explain the groups of one pair by as few of them as possible."""
    increases: list[ErrorIncrease] = []
    excluded: list[Slice] = []
    while rose:
        baseline, current = count(sides.baseline, excluded), count(sides.current, excluded)
        again = [_test((t.pair, t.slice), baseline, current, sides.late) for t in rose]
        # a group that rose only because of the excluded predictions rises no more
        still = [test for test in again if test is not None and test.p_value <= cut]
        if not still:
            break
        test = _best_explanation(still, baseline, current)
        before, after = (
            wrong.out_of(whole, "no label yet")
            for wrong, whole in (_sums(side, test.pair, test.slice) for side in (baseline, current))
        )
        increases.append(
            ErrorIncrease(test.pair, test.slice, before, after, test.p_value, tuple(excluded))
        )
        if test.slice is None:
            break
        excluded.append(test.slice)
        rose = [other for other in still if other.slice != test.slice]
    return increases


def _best_explanation(rose: list[GroupTest], baseline: Counts, current: Counts) -> GroupTest:
    ordered = sorted(rose, key=lambda test: (test.p_value, test.slice or ("", "")))
    more = [test for test in ordered if _rose_more_than_rest(test, baseline, current)]
    whole = [test for test in ordered if test.slice is None]
    return (more or whole or ordered)[0]


def _rose_more_than_rest(test: GroupTest, baseline: Counts, current: Counts) -> bool:
    """Return whether a segment value rose more than all others together.

    By a z test on both differences; half an answer is added to each side of each share, so that no
    variance is 0.
    """
    if test.slice is None:
        return False
    difference = variance = 0.0
    for side, sign in ((current, 1.0), (baseline, -1.0)):
        inside, everywhere = (_counts(side, test.pair, where) for where in (test.slice, None))
        outside = [max(a - b, 0.0) for a, b in zip(everywhere, inside, strict=True)]
        for (k, n), direction in ((inside, sign), (outside, -sign)):
            share = (k + 0.5) / (n + 1)
            difference += direction * share
            variance += share * (1 - share) / (n + 1)
    return normal_tail(difference / sqrt(variance)) <= _MORE_THAN_REST


def _counts(side: Counts, pair: Pair, where: Slice | None) -> tuple[float, float]:
    wrong, whole = _sums(side, pair, where)
    return _effective(wrong, whole) if whole.count else (0.0, 0.0)


def _test(
    group: tuple[Pair, Slice | None], baseline: Counts, current: Counts, late: float
) -> GroupTest | None:
    before, after = _sums(baseline, *group), _sums(current, *group)
    if not supported(before[1], after[1], before[0] + after[0]):
        return None
    return GroupTest(*group, increase_p_value(before, after, late))


def _sums(side: Counts, pair: Pair, where: Slice | None) -> tuple[Sums, Sums]:
    return side.wrong.get((pair, where), Sums()), side.whole.get(where, Sums())
