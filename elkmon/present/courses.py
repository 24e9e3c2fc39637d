"""How figures look that are no shares: as everywhere, and their course as a line of bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from elkmon.present.formatting import duration, limits, made_of, number, span, spread
from elkmon.present.sparklines import sparkline

__all__ = ["course", "duration", "limits", "made_of", "number", "span", "spread"]


def course(values: Sequence[float | None], known: Iterable[float | None]) -> str:
    """Draw values from the lowest that is known to the highest; a dot where there is none."""
    there = [value for value in known if value is not None]
    low, high = min(there, default=0.0), max(there, default=0.0)
    if low == high:
        return sparkline([None if value is None else 0.5 for value in values], 1.0)
    return sparkline([None if value is None else value - low for value in values], high - low)
