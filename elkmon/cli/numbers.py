"""How figures look that are no shares: with the digits that their interval allows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor, log10

from elkmon.analysis.figure import Figure
from elkmon.cli.figures import ABSENT, sparkline

__all__ = ["course", "duration", "limits", "made_of", "number", "span", "spread"]

_MOST_DIGITS = 6
_UNITS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def number(figure: Figure) -> str:
    """Write a value: ``0.878``; with ``*`` where it is weighted, ``–`` where there is none."""
    if figure.value is None:
        return ABSENT
    return _rounded(figure.value, _places(figure)) + ("*" if figure.weighted else "")


def limits(figure: Figure) -> str:
    """Write the 95 % interval: ``[0.866, 0.890]``, with the digits of the value."""
    if figure.low is None or figure.high is None:
        return ""
    places = _places(figure)
    return f"[{_rounded(figure.low, places)}, {_rounded(figure.high, places)}]"


def spread(figure: Figure) -> str:
    """Write how far binning may have moved the value: ``±0.0017 by binning``."""
    if not figure.bound:
        return ""
    places = max(1 - floor(log10(figure.bound)), 0)
    return f"±{figure.bound:.{min(places, _MOST_DIGITS)}f} by binning"


def made_of(figure: Figure) -> str:
    """Write what it is counted from: ``29 / 7,200``, or ``7,200``."""
    return f"{figure.n:,}" if figure.k is None else f"{figure.k:,} / {figure.n:,}"


def _places(figure: Figure) -> int:
    """Give as many decimals as half the interval needs for two digits."""
    if figure.low is None or figure.high is None:
        about = abs(figure.value or 0.0) / 10
    else:
        about = (figure.high - figure.low) / 2
    return min(max(1 - floor(log10(about)), 0), _MOST_DIGITS) if about > 0 else 2


def _rounded(value: float, places: int) -> str:
    text = f"{value:,.{places}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text


def duration(seconds: float | None) -> str:
    """Write a time to three digits in the unit that suits it: ``4.49 ms``, ``9.50 h``."""
    if seconds is None:
        return ABSENT
    unit, name = _unit(seconds)
    return f"{_three_digits(seconds / unit)} {name}"


def span(figure: Figure, unit: float = 1.0) -> str:
    """Write the interval of a time, in the unit of its value: ``[3.11, 4.02] h``.

    Args:
        figure: a time.
        unit: of its values, in seconds.
    """
    if figure.value is None or figure.low is None or figure.high is None:
        return ""
    own, name = _unit(figure.value * unit)
    low, high = (_three_digits(limit * unit / own) for limit in (figure.low, figure.high))
    return f"[{low}, {high}] {name}"


def _unit(seconds: float) -> tuple[float, str]:
    return next((each for each in _UNITS if seconds >= each[0]), _UNITS[-1])


def _three_digits(value: float) -> str:
    places = 0 if value >= 100 else 1 if value >= 10 else 2  # noqa: PLR2004 - three digits
    return f"{value:,.{places}f}"


def course(values: Sequence[float | None], known: Iterable[float | None]) -> str:
    """Draw values from the lowest that is known to the highest; a dot where there is none."""
    there = [value for value in known if value is not None]
    low, high = min(there, default=0.0), max(there, default=0.0)
    if low == high:
        return sparkline([None if value is None else 0.5 for value in values], 1.0)
    return sparkline([None if value is None else value - low for value in values], high - low)
