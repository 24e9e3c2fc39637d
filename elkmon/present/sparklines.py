"""Draw the course of a figure as a line of bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["course", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"
_NO_BAR = "·"


def sparkline(values: Sequence[float | None], top: float) -> str:
    """Return bars from 0 to ``top``, and a dot for an absent value."""
    last = len(_BARS) - 1
    return "".join(
        _NO_BAR if value is None else _BARS[round(last * min(value / top, 1.0)) if top else 0]
        for value in values
    )


def course(values: Sequence[float | None], known: Iterable[float | None] | None = None) -> str:
    """Return bars from the lowest known value to the highest, and a dot for an absent value."""
    present = [value for value in (values if known is None else known) if value is not None]
    low, high = min(present, default=0.0), max(present, default=0.0)
    if low == high:
        return sparkline([None if value is None else 0.5 for value in values], 1.0)
    return sparkline([None if value is None else value - low for value in values], high - low)
