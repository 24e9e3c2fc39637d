"""Compute a share of events and its interval, weighted if events are sampled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from elkmon.statistics.intervals import effective, wilson

__all__ = ["Rate", "Sums"]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share k / n with its 95 % Wilson interval; None, with a reason, if n is 0."""

    value: float | None
    low: float | None
    high: float | None
    k: int
    """Stored events that count; with weights, this is not ``value`` · n."""
    n: int
    """Stored events in all."""
    weighted_k: float
    weighted_n: float
    n_eff: float
    """(Σw)² / Σw²: n if nothing is sampled."""
    reason: str | None = None

    @property
    def weighted(self) -> bool:
        """Return whether events are weighted, so that the share need not be k / n."""
        return abs(self.weighted_n - self.n) > 1e-9 * self.n


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over events: their count, Σw, Σw²."""

    count: int = 0
    weight: float = 0.0
    weight2: float = 0.0

    @classmethod
    def of(cls, cells: Iterable[Any]) -> Sums:
        """Return the sums from a store's answer to :func:`elkmon.query.groups.support`."""
        count, weight, weight2 = cells
        return cls(int(count or 0), float(weight or 0.0), float(weight2 or 0.0))

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.count + other.count, self.weight + other.weight, self.weight2 + other.weight2
        )

    def out_of(self, whole: Sums, reason: str) -> Rate:
        """Return these events as a share of a larger set that contains them.

        Args:
            whole: the larger set.
            reason: why there is no share if the larger set is empty.
        """
        if whole.weight2 <= 0:
            return Rate(None, None, None, self.count, whole.count, 0.0, 0.0, 0.0, reason)
        share = min(self.weight / whole.weight, 1.0)
        n_eff = effective(whole.weight, whole.weight2)
        low, high = wilson(share, n_eff)
        return Rate(share, low, high, self.count, whole.count, self.weight, whole.weight, n_eff)
