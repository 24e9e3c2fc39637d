"""A finding of ``elkmon doctor``, and the order in which findings are shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "ordered"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or good to know.

    Attributes:
        level: a problem makes figures wrong or loses events; a warning may; a note is good to know.
        what: what it is, in words.
        count: how often it occurs.
        places: the first few, as ``file:line`` or the like.
        advice: what to do next.
    """

    level: Literal["problem", "warning", "note"]
    what: str
    count: int = 1
    places: tuple[str, ...] = ()
    advice: str = ""


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Return problems first, then warnings, then notes."""
    levels = ("problem", "warning", "note")
    return sorted(findings, key=lambda finding: levels.index(finding.level))
