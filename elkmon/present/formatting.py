"""Write shares, estimates, durations, times and commands as text for people.

Each is one line of text that cannot control a terminal or a page; other forms (HTML, CSV) need
their own escapes on top.
"""

from __future__ import annotations

import re
import shlex
from datetime import datetime
from math import floor, log10

from elkmon.query.conditions import condition_texts
from elkmon.query.question import Question
from elkmon.query.times import iso
from elkmon.statistics.estimate import Estimate
from elkmon.statistics.rate import Rate
from elkmon.stores.location import Place
from elkmon.stores.protocol import Cell

__all__ = [
    "ABSENT",
    "about_duration",
    "cell",
    "clean",
    "command_line",
    "counts",
    "duration",
    "duration_interval",
    "interval",
    "number",
    "percent",
    "points",
    "probability",
    "share_percent",
    "size_in_points",
    "spread",
    "when",
    "with_interval",
]

ABSENT = "–"

# Controls, directions that can be turned around, line separators, halves of surrogates.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_NAMES = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
_MOST_DIGITS = 6
_LONG_UNITS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"))
_LEAST_P = 1e-300
_UNITS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def clean(value: object) -> str:
    """Return a value as text, with characters that could control a terminal written out."""
    return _UNSAFE.sub(_written_out, str(value))


def _written_out(match: re.Match[str]) -> str:
    char = match[0]
    code = ord(char)
    return _NAMES.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")  # noqa: PLR2004


def percent(rate: Rate) -> str:
    """Return a share: ``12.3 %``; ``*`` marks a weighted share, ``–`` an absent one."""
    if rate.value is None:
        return ABSENT
    return f"{_share(rate.value, _share_places(rate))} %{'*' if rate.weighted else ''}"


def number(figure: Estimate) -> str:
    """Return a value: ``0.878``; ``*`` marks a weighted value, ``–`` an absent one."""
    if figure.value is None:
        return ABSENT
    return _rounded(figure.value, _places(figure)) + ("*" if figure.weighted else "")


def interval(figure: Rate | Estimate) -> str:
    """Return the 95 % interval, with the digits of the value: ``[10.1, 14.9]``."""
    if figure.low is None or figure.high is None:
        return ""
    if isinstance(figure, Rate):
        places = _share_places(figure)
        return f"[{_share(figure.low, places)}, {_share(figure.high, places)}]"
    places = _places(figure)
    return f"[{_rounded(figure.low, places)}, {_rounded(figure.high, places)}]"


def with_interval(figure: Rate | Estimate) -> str:
    """Return the value and its interval: ``12.3 % [10.1, 14.9]``."""
    value = percent(figure) if isinstance(figure, Rate) else number(figure)
    return f"{value} {interval(figure)}".strip()


def spread(figure: Estimate) -> str:
    """Return how far binning may have moved the value: ``±0.0017 by binning``."""
    if not figure.bound:
        return ""
    places = max(1 - floor(log10(figure.bound)), 0)
    return f"±{figure.bound:.{min(places, _MOST_DIGITS)}f} by binning"


def counts(figure: Rate | Estimate) -> str:
    """Return the events that a figure is computed from: ``29 / 7,200``, or ``7,200``."""
    return f"{figure.n:,}" if figure.k is None else f"{figure.k:,} / {figure.n:,}"


def duration(seconds: float | None) -> str:
    """Return a time to three digits in the unit that suits it: ``4.49 ms``, ``9.50 h``."""
    if seconds is None:
        return ABSENT
    unit, name = _unit(seconds)
    return f"{_three_digits(seconds / unit)} {name}"


def duration_interval(figure: Estimate, unit: float = 1.0) -> str:
    """Return the interval of a time, in the unit of its value: ``[3.11, 4.02] h``.

    Args:
        figure: a time.
        unit: of its values, in seconds.
    """
    if figure.value is None or figure.low is None or figure.high is None:
        return ""
    size, name = _unit(figure.value * unit)
    low, high = (_three_digits(limit * unit / size) for limit in (figure.low, figure.high))
    return f"[{low}, {high}] {name}"


def when(time: datetime | None) -> str:
    """Return a time to the minute, in UTC; nothing if there is none."""
    return "" if time is None else iso(time)[:16].replace("T", " ")


def cell(value: Cell) -> str:
    """Return a group's value."""
    if value is None:
        return "(none)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return clean(value)


def command_line(command: str, store: Place, question: Question, *more: str) -> str:
    """Return a command line for the same model, span and conditions.

    Args:
        command: its name, such as ``errors`` or ``issues show``.
        store: the folder or the address.
        question: with the model, the span and the conditions.
        more: further arguments.
    """
    arguments = ["elkmon", *command.split(), "--store", str(store)]
    if question.model is not None:
        arguments += ["--model", question.model]
    arguments += ["--since", iso(question.since), "--until", iso(question.until)]
    for text in condition_texts(question.conditions):
        arguments += ["--where", text]
    return clean(shlex.join([*arguments, *more]))


def about_duration(seconds: float) -> str:
    """Return a span of time: ``36 h``, ``7 d``, ``5 min``; below 3 days in hours."""
    for size, unit in _LONG_UNITS:
        if seconds >= (3 * size if unit == "d" else size):
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def share_percent(share: float) -> str:
    """Return a share: ``12.3 %``."""
    return f"{_digits(100 * share)} %"


def points(difference: float) -> str:
    """Return a difference of two shares, in points of a percentage: ``+2.5``, ``−0.31``."""
    return f"{'−' if difference < 0 else '+'}{size_in_points(difference)}"


def size_in_points(difference: float) -> str:
    """Return the size of a difference of two shares, in points of a percentage: ``2.5``."""
    return _digits(abs(100 * difference))


def probability(p_value: float) -> str:
    """Return a p-value: ``p = 0.003``, ``p = 2e-12``."""
    if p_value < _LEAST_P:
        return f"p < {_LEAST_P:.0e}"
    return f"p = {p_value:.2g}" if p_value >= 0.001 else f"p = {p_value:.0e}"  # noqa: PLR2004 - as people write them


def _digits(value: float) -> str:
    return f"{value:.1f}" if value >= 1 or value == 0 else f"{value:.2g}"


def _unit(seconds: float) -> tuple[float, str]:
    return next((unit for unit in _UNITS if seconds >= unit[0]), _UNITS[-1])


def _three_digits(value: float) -> str:
    places = 0 if value >= 100 else 1 if value >= 10 else 2  # noqa: PLR2004 - three digits
    return f"{value:,.{places}f}"


def _share_places(rate: Rate) -> int:
    """Return how many decimals the interval's end needs for about two digits."""
    high = 100 * (rate.high or 0.0)
    return 1 if high >= 1 else 2 if high >= 0.1 else 3 if high >= 0.01 else 4  # noqa: PLR2004


def _share(share: float, places: int) -> str:
    if share in {0, 1}:
        return f"{100 * share:.0f}"
    text = f"{100 * share:.{places}f}"
    # a share above 0 is never written as 0
    return text if float(text) > 0 else f"{100 * share:.0e}"


def _places(figure: Estimate) -> int:
    """Return how many decimals half the interval needs for two digits."""
    if figure.low is None or figure.high is None:
        about = abs(figure.value or 0.0) / 10
    else:
        about = (figure.high - figure.low) / 2
    return min(max(1 - floor(log10(about)), 0), _MOST_DIGITS) if about > 0 else 2


def _rounded(value: float, places: int) -> str:
    text = f"{value:,.{places}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text
