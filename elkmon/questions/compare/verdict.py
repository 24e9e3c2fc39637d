"""Judge whether a rate differs between two sides, in figures and in words."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Literal

from elkmon.present.formatting import points, share_percent, size_in_points
from elkmon.questions.compare.label_age import LabelAge
from elkmon.statistics.intervals import Z95, effective
from elkmon.statistics.rate import Rate, Sums
from elkmon.statistics.significance import fisher, newcombe, two_proportion_z

__all__ = ["Difference", "Verdict", "difference"]

Verdict = Literal["worse", "better", "no evidence", "not enough"]
_LEVEL = 0.05
_Z80 = 0.8416212335729143
"""The 80 % quantile of the standard normal distribution: the power of the test."""
_FEWEST_EXPECTED = 5.0
_LEAST_CHANGE = 0.01


@dataclass(frozen=True, slots=True)
class Difference:
    """A rate on both sides, and the verdict on its change."""

    value: float | None
    """The current rate minus the baseline's; None if one of them is absent."""
    low: float | None
    """Newcombe's 95 % interval."""
    high: float | None
    p_value: float | None
    """Two-sided, of no change."""
    test: Literal["z", "Fisher"] | None
    """Fisher's exact test if a count below 5 is expected."""
    baseline: Rate
    current: Rate
    verdict: Verdict
    words: str
    detectable: float | None
    """The change that would be detected four times in five."""
    more: int | None
    """If there is not enough data: how many more the current side needs; None if the baseline
    alone has too few."""


def difference(
    baseline: tuple[Sums, Sums], current: tuple[Sums, Sums], of: str, age: LabelAge | None = None
) -> Difference:
    """Compare a rate.

    It is worse, or better, if both the test (5 %) and the interval say so, by more than labels
    that will still be corrected can explain. The verdict is "no evidence", not "not enough", if a
    change by half of the baseline's rate (at least one point) would be detected four times in five.

    Args:
        baseline: the numerator and the denominator of the rate.
        current: the same on the current side.
        of: what the denominator counts, such as ``labels``.
        age: which labels count, if the rate comes from labels.
    """
    before, after = (part.out_of(whole, f"no {of}") for part, whole in (baseline, current))
    if before.value is None or after.value is None:
        side = "the baseline" if before.value is None else "the current side"
        words = f"{side} has no {of} to compare"
        return Difference(
            None, None, None, None, None, before, after, "not enough", words, None, None
        )
    n1, n2 = (effective(whole.weight, whole.weight2) for _, whole in (baseline, current))
    p_value, test = _test(before.value * n1, n1, after.value * n2, n2)
    low, high = newcombe(before.value, n1, after.value, n2)
    change = after.value - before.value
    detectable = _detectable(before.value, n1, after.value, n2)
    verdict: Verdict = "no evidence"
    more = None
    up, down = (0.0, 0.0) if age is None else (age.late_right, age.late_wrong)
    notable = max(before.value / 2, _LEAST_CHANGE)
    if p_value <= _LEVEL and low > up:
        verdict = "worse"
    elif p_value <= _LEVEL and high < -down:
        verdict = "better"
    elif detectable > notable:
        verdict = "not enough"
        more = _more(before.value, n1, n2, notable)
    words = _words(verdict, before.value, after.value, of)
    if verdict in {"no evidence", "not enough"} and p_value <= _LEVEL:
        words += ", which labels that will still be corrected may explain"
    if verdict == "no evidence":
        least = detectable + (up if change > 0 else down)
        words += f"; a change of {size_in_points(least)} points would have been detected"
    elif verdict == "not enough":
        words += _how_many(more, notable, of)
    return Difference(
        *(change, low, high, p_value, test, before, after, verdict, words, detectable, more)
    )


def _test(k1: float, n1: float, k2: float, n2: float) -> tuple[float, Literal["z", "Fisher"]]:
    pooled = (k1 + k2) / (n1 + n2)
    if min(pooled, 1 - pooled) * min(n1, n2) >= _FEWEST_EXPECTED:
        return two_proportion_z(k1, n1, k2, n2), "z"
    whole1, whole2 = round(n1), round(n2)
    return fisher(min(round(k1), whole1), whole1, min(round(k2), whole2), whole2), "Fisher"


def _detectable(p1: float, n1: float, p2: float, n2: float) -> float:
    """Return the change that is detected four times in five, at 5 %: (z₀.₉₇₅ + z₀.₈) · std. error.

    Half an answer is added to each side, so that a rate of 0 has an error, too.
    """
    variance = 0.0
    for share, n in ((p1, n1), (p2, n2)):
        moved = (share * n + 0.5) / (n + 1)
        variance += moved * (1 - moved) / n
    return (Z95 + _Z80) * sqrt(variance)


def _more(p1: float, n1: float, n2: float, change: float) -> int | None:
    """Return how many more the current side needs to show a change, the baseline unchanged."""
    p2 = min(p1 + change, 1.0)
    moved = (p1 * n1 + 0.5) / (n1 + 1)
    allowed = (change / (Z95 + _Z80)) ** 2 - moved * (1 - moved) / n1
    if allowed <= 0:
        return None
    return max(ceil(max(p2 * (1 - p2), 0.25 / n2) / allowed - n2), 1)


def _words(verdict: Verdict, before: float, after: float, of: str) -> str:
    change = f"{share_percent(after)} instead of {share_percent(before)}"
    change += f" ({points(after - before)} points)"
    return f"too few {of} to tell: {change}" if verdict == "not enough" else change


def _how_many(more: int | None, change: float, of: str) -> str:
    change_words = f"a change of {size_in_points(change)} points"
    if more is None:
        return f"; the baseline alone has too few to show {change_words}"
    return f"; about {more:,} more {of} would show {change_words}"
