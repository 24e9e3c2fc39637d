"""Estimate which share of labels arrives within a delay, also when many predictions are young."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from elkmon.statistics.estimate import Estimate, absent
from elkmon.statistics.quantiles import woodruff
from elkmon.statistics.rate import Sums

__all__ = ["EDGES", "Arrivals", "arrivals", "bin_of"]

EDGES: tuple[float, ...] = (0.0, *(1.1**power for power in range(221)))
"""Bins of delays in seconds: each 10 % wide, from one second to 40 years."""


def bin_of(seconds: float) -> int:
    """Return the bin of a delay or an age; the last bin if it is longer than all of them."""
    return min(bisect_right(EDGES, max(seconds, 0.0)), len(EDGES) - 1) - 1


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The share of predictions whose first label has arrived within a delay.

    Attributes:
        shares: at the upper edge of each bin, up to the last bin with a prediction.
    """

    shares: tuple[float, ...]

    @property
    def horizon(self) -> float:
        """Return the longest delay in seconds for which the share is known."""
        return EDGES[len(self.shares)] if self.shares else 0.0

    def within(self, seconds: float) -> float | None:
        """Return the share that arrives within a delay; None beyond the horizon."""
        if not self.shares or seconds > self.horizon:
            return None
        position = bisect_right(EDGES, seconds) - 1
        before = self.shares[position - 1] if position else 0.0
        if position >= len(self.shares):
            return before
        part = (seconds - EDGES[position]) / (EDGES[position + 1] - EDGES[position])
        return before + part * (self.shares[position] - before)

    def delay(self, share: float, support: Sums) -> Estimate:
        """Return the delay in seconds within which a share of the labels arrives.

        The share is of the labels that arrive within the horizon; the interval treats those that
        have arrived as a sample of them.

        Args:
            share: above 0, below 1.
            support: predictions whose label has arrived.
        """
        if support.weight2 <= 0 or not self.shares or self.shares[-1] <= 0:
            return absent("no label yet", support)
        return woodruff(self._bin, share, lambda number: EDGES[number], support)

    def _bin(self, share: float) -> int:
        target = share * self.shares[-1] * (1 - 1e-12)
        return next(number for number, reached in enumerate(self.shares) if reached >= target)


def arrivals(delays: Mapping[int, float], ages: Mapping[int, float]) -> Arrivals:
    """Estimate arrivals from labelled predictions and from those that may still be labelled.

    The actuarial life table (S. J. Cutler and F. Ederer, J. Chronic Diseases 8, 1958): a prediction
    without a label counts up to its age, and for half of the bin in which its age ends. So young
    predictions, which can have no label yet, do not lower the share.

    Args:
        delays: Σw of labelled predictions by bin of their delay.
        ages: Σw of unlabelled predictions by bin of their age.
    """
    at_risk = sum(delays.values()) + sum(ages.values())
    waiting, shares = 1.0, []
    for number in range(max([*delays, *ages], default=-1) + 1):
        came, young = delays.get(number, 0.0), ages.get(number, 0.0)
        exposed = at_risk - young / 2
        if exposed > 0 and came > 0:
            waiting *= max(1 - came / exposed, 0.0)
        shares.append(1 - waiting)
        at_risk -= came + young
    return Arrivals(tuple(shares))
