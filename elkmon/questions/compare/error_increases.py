"""Which wrong answers became more frequent, tested with false-discovery control, named once each.

Every pair of truth and prediction is tried in whole and within every segment value. One cause makes
several of these groups rise: the segment value where it acts, the whole that holds it, and whatever
else overlaps. So of the groups of one pair that rose,

1. a segment value that rose more than the rest did is named, and its predictions are taken out;
2. what no longer rises without them is explained by it, and is not named; the others go on with 1;
3. where no segment value rose more than the rest, the whole is named, and explains what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt

from elkmon.query.slices import Counts, Pair, Part, Slice, count
from elkmon.statistics.intervals import effective
from elkmon.statistics.rate import Rate, Sums
from elkmon.statistics.significance import fisher_rise, normal_tail, significant

__all__ = ["LEVEL", "Rise", "Sides", "Trial", "rise_of", "risen", "supported", "trials"]

LEVEL = 0.01
"""Of the rises that are called one, so many are none in the long run, at most."""
_FEWEST = 30
"""Labelled predictions that a group needs on each side."""
_FEWEST_WRONG = 8
"""Wrong ones that it needs on both sides together."""
_MORE_THAN_REST = 0.01
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Sides:
    """Labelled predictions of one model on both sides, at equal label age."""

    model: str
    baseline: tuple[Part, ...]
    current: tuple[Part, ...]
    late: float = 0.0
    """Share of the current side's labels that are still to be corrected."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One group that was tried: does its share of labelled predictions rise?"""

    pair: Pair
    slice: Slice | None
    p_value: float
    """One-sided, by Fisher's exact test on effective numbers."""


@dataclass(frozen=True, slots=True)
class Rise:
    """A group whose share rose, and that nothing else explains."""

    pair: Pair
    slice: Slice | None
    baseline: Rate
    current: Rate
    p_value: float
    apart: tuple[Slice, ...]
    """Segment values that are named by themselves, and that do not count here."""


def supported(baseline: Sums, current: Sums, wrong: Sums) -> bool:
    """Say whether a group is large enough to be tried.

    Which side its wrong ones are on plays no part, so that the choice favours no side.

    Args:
        baseline: its labelled predictions there.
        current: its labelled predictions here.
        wrong: its wrong ones, on both sides together.
    """
    return min(baseline.count, current.count) >= _FEWEST and wrong.count >= _FEWEST_WRONG


def rise_of(baseline: tuple[Sums, Sums], current: tuple[Sums, Sums], late: float = 0.0) -> float:
    """Give the one-sided p-value that a share rose, by Fisher's exact test.

    Weighted counts become effective numbers, rounded against a rise. Of the current side's wrong
    ones, as many are taken to be right as labels are still to be corrected.

    Args:
        baseline: what counts, and what it is counted from; not empty.
        current: the same on the current side.
        late: share of the current side's labels that are still to be corrected.
    """
    k1, n1 = _effective(*baseline)
    k2, n2 = _effective(*current)
    n1, n2 = round(n1), round(n2)
    fewer = max(floor(k2 - late * n2 + _ROUNDING), 0)
    return fisher_rise(min(ceil(k1 - _ROUNDING), n1), n1, min(fewer, n2), n2)


def _effective(some: Sums, whole: Sums) -> tuple[float, float]:
    n = effective(whole.weight, whole.weight2)
    return min(some.weight / whole.weight, 1.0) * n, n


def trials(sides: Sides) -> list[Trial]:
    """Try every group of a model that has enough predictions."""
    baseline, current = count(sides.baseline), count(sides.current)
    groups = dict.fromkeys((*current.wrong, *baseline.wrong))
    tried = (_trial(group, baseline, current, sides.late) for group in groups)
    return [each for each in tried if each is not None]


def risen(looked: Sequence[tuple[Sides, Sequence[Trial]]]) -> list[list[Rise]]:
    """Give the groups that rose, each cause once, at a false-discovery rate of :data:`LEVEL`.

    The rate is controlled twice: over all groups that were tried, and then over those that are
    named, out of as many tries; else the many groups that one cause explains would pay for others.

    Args:
        looked: the predictions of each model, and its groups, all tried.

    Returns:
        The rises of each model.
    """
    p_values = [trial.p_value for _, tried in looked for trial in tried]
    cut = significant(p_values, LEVEL)
    found = [_risen(sides, tried, cut) for sides, tried in looked]
    named = [rise.p_value for rises in found for rise in rises]
    cut = significant(named, LEVEL, len(p_values))
    return [[rise for rise in rises if rise.p_value <= cut] for rises in found]


def _risen(sides: Sides, tried: Sequence[Trial], cut: float) -> list[Rise]:
    rose: dict[Pair, list[Trial]] = {}
    for each in tried:
        if each.p_value <= cut:
            rose.setdefault(each.pair, []).append(each)
    return [rise for group in rose.values() for rise in _named(sides, group, cut)]


def _named(sides: Sides, rose: list[Trial], cut: float) -> list[Rise]:
    """Explain the groups of one pair by as few of them as can be."""
    named: list[Rise] = []
    apart: list[Slice] = []
    left = rose
    while left:
        baseline, current = count(sides.baseline, apart), count(sides.current, apart)
        again = [_trial((t.pair, t.slice), baseline, current, sides.late) for t in left]
        # what has risen only because of what was taken out rises no more
        still = [each for each in again if each is not None and each.p_value <= cut]
        if not still:
            break
        chosen = _chosen(still, baseline, current)
        named.append(_rise(chosen, baseline, current, tuple(apart)))
        if chosen.slice is None:
            break
        apart.append(chosen.slice)
        left = [each for each in still if each.slice != chosen.slice]
    return named


def _chosen(rose: list[Trial], baseline: Counts, current: Counts) -> Trial:
    ordered = sorted(rose, key=lambda each: (each.p_value, each.slice or ("", "")))
    more = [each for each in ordered if _more_than_rest(each, baseline, current)]
    whole = [each for each in ordered if each.slice is None]
    return (more or whole or ordered)[0]


def _more_than_rest(trial: Trial, baseline: Counts, current: Counts) -> bool:
    """Say whether a segment value rose more than all others together.

    By a z test on both differences; half an answer is added to each side of each share, so that no
    variance is 0.
    """
    if trial.slice is None:
        return False
    rose = 0.0
    variance = 0.0
    for side, sign in ((current, 1.0), (baseline, -1.0)):
        own = _shares(side, trial.pair, trial.slice)
        rest = _rest(own, _shares(side, trial.pair, None))
        for (k, n), direction in ((own, sign), (rest, -sign)):
            share = (k + 0.5) / (n + 1)
            rose += direction * share
            variance += share * (1 - share) / (n + 1)
    return normal_tail(rose / sqrt(variance)) <= _MORE_THAN_REST


def _shares(side: Counts, pair: Pair, where: Slice | None) -> tuple[float, float]:
    whole = side.whole.get(where, Sums())
    some = side.wrong.get((pair, where), Sums())
    return _effective(some, whole) if whole.count else (0.0, 0.0)


def _rest(own: tuple[float, float], whole: tuple[float, float]) -> tuple[float, float]:
    return max(whole[0] - own[0], 0.0), max(whole[1] - own[1], 0.0)


def _trial(
    group: tuple[Pair, Slice | None], baseline: Counts, current: Counts, late: float
) -> Trial | None:
    pair, where = group
    before, after = _sums(baseline, group), _sums(current, group)
    if not supported(before[1], after[1], before[0] + after[0]):
        return None
    return Trial(pair, where, rise_of(before, after, late))


def _sums(side: Counts, group: tuple[Pair, Slice | None]) -> tuple[Sums, Sums]:
    return side.wrong.get(group, Sums()), side.whole.get(group[1], Sums())


def _rise(trial: Trial, baseline: Counts, current: Counts, apart: tuple[Slice, ...]) -> Rise:
    before, after = (_sums(side, (trial.pair, trial.slice)) for side in (baseline, current))
    return Rise(
        trial.pair,
        trial.slice,
        before[0].out_of(before[1], "no label yet"),
        after[0].out_of(after[1], "no label yet"),
        trial.p_value,
        apart,
    )
