"""How figures look on a terminal: as everywhere, and their course as a line of bars."""

from __future__ import annotations

from collections.abc import Sequence

from elkmon.present.formatting import ABSENT, cell, command_line, counts, interval, percent, when
from elkmon.query.times import step

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

_BARS = "▁▂▃▄▅▆▇█"
_NO_BAR = "·"
SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def sparkline(values: Sequence[float | None], top: float) -> str:
    """Draw values from 0 to ``top``; a dot where there is none."""
    last = len(_BARS) - 1
    return "".join(
        _NO_BAR if value is None else _BARS[round(last * min(value / top, 1.0)) if top else 0]
        for value in values
    )
