"""Which prediction is under way, per thread and per asyncio task."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["UNDER_WAY", "UnderWay"]


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A prediction that is being made: errors and log lines inside are linked to it."""

    id: str
    model: str | None
    version: str | None


UNDER_WAY: ContextVar[UnderWay | None] = ContextVar("elkmon_under_way", default=None)
