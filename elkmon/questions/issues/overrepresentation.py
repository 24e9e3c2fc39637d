"""Find the segment values in which an issue is over-represented: each against the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from elkmon.query.slices import Slice
from elkmon.questions.compare.error_increases import LEVEL, increase_p_value, supported
from elkmon.statistics.rate import Rate, Sums
from elkmon.statistics.significance import significant

__all__ = ["Overrepresentation", "Share", "overrepresentations"]


@dataclass(frozen=True, slots=True)
class Share:
    """How often an issue occurs in a segment value, and overall."""

    issue: str
    slice: Slice
    hit: Sums
    """The issue's occurrences with this value."""
    whole: Sums
    """All predictions or attempts with this value."""
    hit_all: Sums
    whole_all: Sums


@dataclass(frozen=True, slots=True)
class Overrepresentation:
    """A segment value in which an issue occurs more often than elsewhere."""

    segment: str
    """As it is typed: ``site=porto``."""
    inside: Rate
    outside: Rate
    p_value: float
    """One-sided, by Fisher's exact test."""


def overrepresentations(shares: Iterable[Share]) -> dict[str, list[Overrepresentation]]:
    """Return the over-represented segment values of each issue, the most evident first.

    Every value is tested against the rest, at the false-discovery rate of issues over all tests.

    Args:
        shares: the shares of all issues and segment values.
    """
    tests = []
    for share in shares:
        outside = _less(share.hit_all, share.hit), _less(share.whole_all, share.whole)
        if supported(outside[1], share.whole, share.hit_all):
            p_value = increase_p_value(outside, (share.hit, share.whole))
            rates = share.hit.out_of(share.whole, ""), outside[0].out_of(outside[1], "")
            tests.append((share.issue, Overrepresentation("=".join(share.slice), *rates, p_value)))
    cut = significant([over.p_value for _, over in tests], LEVEL)
    by_issue: dict[str, list[Overrepresentation]] = {}
    for issue, over in sorted(tests, key=lambda test: test[1].p_value):
        if over.p_value <= cut:
            by_issue.setdefault(issue, []).append(over)
    return by_issue


def _less(whole: Sums, part: Sums) -> Sums:
    return Sums(
        whole.count - part.count,
        max(whole.weight - part.weight, 0.0),
        max(whole.weight2 - part.weight2, 0.0),
    )
