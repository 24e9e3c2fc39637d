"""The course of a figure as a line of bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["course", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"
_NO_BAR = "·"


def sparkline(values: Sequence[float | None], top: float) -> str:
    """Draw values from 0 to ``top``; a dot where there is none."""
    last = len(_BARS) - 1
    return "".join(
        _NO_BAR if value is None else _BARS[round(last * min(value / top, 1.0)) if top else 0]
        for value in values
    )


def course(values: Sequence[float | None], known: Iterable[float | None]) -> str:
    """Draw values from the lowest that is known to the highest; a dot where there is none."""
    there = [value for value in known if value is not None]
    low, high = min(there, default=0.0), max(there, default=0.0)
    if low == high:
        return sparkline([None if value is None else 0.5 for value in values], 1.0)
    return sparkline([None if value is None else value - low for value in values], high - low)
