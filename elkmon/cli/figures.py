"""How figures look: shares with their interval, counts, times, sparklines, commands."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from elkmon.analysis.question import Question
from elkmon.analysis.rates import Rate
from elkmon.analysis.times import iso, step
from elkmon.analysis.where import typed
from elkmon.cli.output import clean
from elkmon.store.base import Cell

__all__ = [
    "ABSENT",
    "SECONDS",
    "cell",
    "command_line",
    "counts",
    "interval",
    "percent",
    "sparkline",
    "step",
    "when",
]

ABSENT = "–"
_BARS = "▁▂▃▄▅▆▇█"
_NO_BAR = "·"
SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def percent(rate: Rate) -> str:
    """Write a share: ``12.3 %``; with ``*`` where it is weighted, ``–`` where there is none."""
    if rate.value is None:
        return ABSENT
    return f"{_digits(rate.value, _places(rate))} %{'*' if rate.weighted else ''}"


def interval(rate: Rate) -> str:
    """Write the 95 % interval: ``[10.1, 14.9]``, in percent as the share."""
    if rate.low is None or rate.high is None:
        return ""
    places = _places(rate)
    return f"[{_digits(rate.low, places)}, {_digits(rate.high, places)}]"


def counts(rate: Rate) -> str:
    """Write what the share was counted from: ``29 / 7,200``."""
    return f"{rate.k:,} / {rate.n:,}"


def _places(rate: Rate) -> int:
    """Give as many decimals as the interval's end needs for two digits or so."""
    high = 100 * (rate.high or 0.0)
    return 1 if high >= 1 else 2 if high >= 0.1 else 3 if high >= 0.01 else 4  # noqa: PLR2004


def _digits(share: float, places: int) -> str:
    if share in {0, 1}:
        return f"{100 * share:.0f}"
    text = f"{100 * share:.{places}f}"
    # what is more than nothing is never shown as nothing
    return text if float(text) > 0 else f"{100 * share:.0e}"


def sparkline(values: Sequence[float | None], top: float) -> str:
    """Draw values from 0 to ``top``; a dot where there is none."""
    last = len(_BARS) - 1
    return "".join(
        _NO_BAR if value is None else _BARS[round(last * min(value / top, 1.0)) if top else 0]
        for value in values
    )


def when(time: datetime) -> str:
    """Write a time to the minute, in UTC."""
    return iso(time)[:16].replace("T", " ")


def cell(value: Cell) -> str:
    """Write a group's value."""
    if value is None:
        return "(none)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return clean(value)


def command_line(command: str, store: Path, question: Question, *more: str) -> str:
    """Write the command that asks about the same model, span and conditions.

    Args:
        command: its name.
        store: the folder.
        question: what it asks.
        more: further arguments.
    """
    arguments = ["elkmon", command, "--store", str(store)]
    if question.model is not None:
        arguments += ["--model", question.model]
    arguments += ["--since", iso(question.since), "--until", iso(question.until)]
    for text in typed(question.conditions):
        arguments += ["--where", text]
    return clean(shlex.join([*arguments, *more]))
