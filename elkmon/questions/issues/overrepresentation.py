"""In which segment values an issue is over-represented: each against the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from elkmon.query.slices import Slice
from elkmon.questions.compare.error_increases import LEVEL, rise_of, supported
from elkmon.statistics.rate import Rate, Sums
from elkmon.statistics.significance import significant

__all__ = ["Over", "Share", "over_represented"]


@dataclass(frozen=True, slots=True)
class Share:
    """Where an issue occurs: in a segment value, and in all."""

    issue: str
    slice: Slice
    hit: Sums
    """Its occurrences with this value."""
    whole: Sums
    """All that it could have occurred in, with this value."""
    hit_all: Sums
    whole_all: Sums


@dataclass(frozen=True, slots=True)
class Over:
    """A segment value in which an issue occurs more often than elsewhere."""

    segment: str
    """As it is typed: ``site=porto``."""
    inside: Rate
    outside: Rate
    p_value: float
    """One-sided, by Fisher's exact test."""


def over_represented(shares: Iterable[Share]) -> dict[str, list[Over]]:
    """Give the segment values of each issue that stand out, the most evident first.

    Every value is tested against the rest, with the false-discovery rate of issues over all that
    are tried.

    Args:
        shares: of all issues and segment values.
    """
    tried = []
    for each in shares:
        outside = _less(each.hit_all, each.hit), _less(each.whole_all, each.whole)
        if supported(outside[1], each.whole, each.hit_all):
            p_value = rise_of(outside, (each.hit, each.whole))
            rates = each.hit.out_of(each.whole, ""), outside[0].out_of(outside[1], "")
            tried.append((each.issue, Over("=".join(each.slice), *rates, p_value)))
    cut = significant([over.p_value for _, over in tried], LEVEL)
    found: dict[str, list[Over]] = {}
    for issue, over in sorted(tried, key=lambda each: each[1].p_value):
        if over.p_value <= cut:
            found.setdefault(issue, []).append(over)
    return found


def _less(whole: Sums, part: Sums) -> Sums:
    return Sums(
        whole.count - part.count,
        max(whole.weight - part.weight, 0.0),
        max(whole.weight2 - part.weight2, 0.0),
    )
