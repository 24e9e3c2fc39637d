"""A share of events, weighted where they are sampled, with its interval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from elkmon.statistics.intervals import effective, wilson

__all__ = ["Rate", "Sums"]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share k / n with its 95 % Wilson interval; None, with the reason, where there is none."""

    value: float | None
    low: float | None
    high: float | None
    k: int
    """Stored events that count; where they are weighted, not ``value`` · n."""
    n: int
    """Stored events that are counted from."""
    weighted_k: float
    weighted_n: float
    n_eff: float
    """(Σw)² / Σw²: n where nothing is sampled."""
    reason: str | None = None

    @property
    def weighted(self) -> bool:
        """Say whether sampling makes the share another than k / n."""
        return abs(self.weighted_n - self.n) > 1e-9 * self.n


@dataclass(frozen=True, slots=True)
class Sums:
    """Events of one sort: how many, Σw, Σw²."""

    count: int = 0
    weight: float = 0.0
    weight2: float = 0.0

    @classmethod
    def of(cls, cells: Iterable[Any]) -> Sums:
        """Take what a store answers for :func:`elkmon.query.groups.support`."""
        count, weight, weight2 = cells
        return cls(int(count or 0), float(weight or 0.0), float(weight2 or 0.0))

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.count + other.count, self.weight + other.weight, self.weight2 + other.weight2
        )

    def out_of(self, whole: Sums, reason: str) -> Rate:
        """Give this sort's share of a whole that holds it.

        Args:
            whole: what it is a share of.
            reason: why there is no share, where the whole is empty.
        """
        if whole.weight2 <= 0:
            return Rate(None, None, None, self.count, whole.count, 0.0, 0.0, 0.0, reason)
        share = min(self.weight / whole.weight, 1.0)
        n_eff = effective(whole.weight, whole.weight2)
        low, high = wilson(share, n_eff)
        return Rate(share, low, high, self.count, whole.count, self.weight, whole.weight, n_eff)
