"""Figures in sentences: spans of time, shares, probabilities."""

from __future__ import annotations

__all__ = ["duration", "percent", "points", "probability", "size_in_points"]

_UNITS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"))
_LEAST = 1e-300


def duration(seconds: float) -> str:
    """Write a span of time: ``36 h``, ``7 d``, ``5 min``; what is below 3 days in hours."""
    for size, unit in _UNITS:
        if seconds >= (3 * size if unit == "d" else size):
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def percent(share: float) -> str:
    """Write a share: ``12.3 %``."""
    return f"{_digits(100 * share)} %"


def points(difference: float) -> str:
    """Write a difference of two shares, in points of a percentage: ``+2.5``, ``−0.31``."""
    return f"{'−' if difference < 0 else '+'}{size_in_points(difference)}"


def size_in_points(difference: float) -> str:
    """Write the size of a difference of two shares, in points of a percentage: ``2.5``."""
    return _digits(abs(100 * difference))


def probability(p_value: float) -> str:
    """Write a p-value: ``p = 0.003``, ``p = 2e-12``."""
    if p_value < _LEAST:
        return f"p < {_LEAST:.0e}"
    return f"p = {p_value:.2g}" if p_value >= 0.001 else f"p = {p_value:.0e}"  # noqa: PLR2004 - as people write them


def _digits(value: float) -> str:
    return f"{value:.1f}" if value >= 1 or value == 0 else f"{value:.2g}"
