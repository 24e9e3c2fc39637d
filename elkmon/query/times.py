"""Times as people type them: ``24h``, ``7d``, ``2026-11-01``, ISO with a zone, ``now``."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import Literal, cast

from elkmon.events.errors import QueryError
from elkmon.events.times import from_iso
from elkmon.stores.protocol import TimeBucket

__all__ = [
    "DEFAULT_SPAN",
    "SECONDS",
    "Moment",
    "bucket",
    "grid",
    "iso",
    "moment",
    "now",
    "step",
    "utc",
    "window",
]

Moment = str | datetime | date | timedelta
"""A time: as people type it, aware or in UTC, a day's beginning, or how long ago."""

DEFAULT_SPAN = timedelta(days=7)

_AGO = re.compile(r"(\d{1,9})\s*([smhdw])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_EVERY = re.compile(r"(\d{1,6})?\s*([mhdw])")
_Unit = Literal["m", "h", "d", "w"]
_UNITS: tuple[_Unit, ...] = ("w", "d", "h", "m")
_STEPS: tuple[TimeBucket, ...] = (
    *(TimeBucket(n, "m") for n in (1, 5, 15, 30)),
    *(TimeBucket(n, "h") for n in (1, 2, 3, 6, 12)),
    *(TimeBucket(n, "d") for n in (1, 2)),
    *(TimeBucket(n, "w") for n in (1, 2, 4, 13, 26, 52)),
)
_MOST_STEPS = 16
_MONDAY = datetime(1969, 12, 29, tzinfo=timezone.utc)
_FORMS = "use 24h, 7d, 2026-11-01, 2026-11-01T08:30:00+01:00 or now"


def now() -> datetime:
    """Give the end of the present second: whatever was logged before is within."""
    return datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=1)


def moment(given: Moment, at: datetime) -> datetime:
    """Understand a time.

    Args:
        given: a time, or how long ago.
        at: the present, which ``24h`` and the like count back from.

    Returns:
        The time in UTC, aware; a time without a zone is taken as UTC.

    Raises:
        QueryError: it is no time.
    """
    try:
        if isinstance(given, timedelta):
            return at - given
        if isinstance(given, datetime):
            return utc(given)
        if isinstance(given, date):
            return datetime(given.year, given.month, given.day, tzinfo=timezone.utc)
        text = given.strip()
        if text.lower() == "now":
            return at
        ago = _AGO.fullmatch(text)
        if ago is not None:
            return at - timedelta(seconds=int(ago[1]) * SECONDS[ago[2]])
        return from_iso(text)
    except (AttributeError, OverflowError, TypeError, ValueError):
        raise QueryError(f"not a time: {given!r}; {_FORMS}") from None


def window(
    since: Moment | None, until: Moment | None, at: datetime | None = None
) -> tuple[datetime, datetime]:
    """Give a half-open window [since, until) in UTC.

    Args:
        since: its beginning; 7 days before its end where not given.
        until: its end, which does not belong to it; now where not given.
        at: the present.

    Raises:
        QueryError: either is no time, or there is nothing between them.
    """
    at = now() if at is None else at
    end = at if until is None else moment(until, at)
    begin = end - DEFAULT_SPAN if since is None else moment(since, at)
    if begin >= end:
        raise QueryError(
            f"the span is empty: since {iso(begin)} is not before until {iso(end)}; "
            "24h and the like count back from now"
        )
    return begin, end


def bucket(every: str | timedelta | TimeBucket) -> TimeBucket:
    """Understand how wide the steps over time are: ``5m``, ``1h``, ``12h``, ``1d``, ``1w``.

    Raises:
        QueryError: it is no such width.
    """
    if isinstance(every, TimeBucket):
        return every
    if isinstance(every, timedelta):
        seconds = every.total_seconds()
        for unit in _UNITS:
            if seconds > 0 and seconds % SECONDS[unit] == 0:
                return TimeBucket(int(seconds) // SECONDS[unit], unit)
        every = str(every)
    found = _EVERY.fullmatch(str(every).strip())
    number = int(found[1] or 1) if found is not None else 0
    if found is None or number == 0:
        raise QueryError(f"not a width in time: {every!r}; use 5m, 1h, 12h, 1d or 1w")
    return TimeBucket(number, cast("_Unit", found[2]))


def step(since: datetime, until: datetime, most: int = _MOST_STEPS) -> TimeBucket:
    """Choose steps over a span, at most so many; so few that a sparkline stays short."""
    seconds = (until - since).total_seconds()
    fits = (s for s in _STEPS if seconds <= most * s.every * SECONDS[s.unit])
    return next(fits, _STEPS[-1])


def grid(every: TimeBucket, since: datetime, until: datetime) -> list[datetime]:
    """List the beginnings of all steps that a span touches.

    Args:
        every: width of the steps, of minutes to weeks.
        since: beginning of the span.
        until: its end, which does not belong to it.
    """
    width = timedelta(seconds=every.every * SECONDS[every.unit])
    first = _MONDAY if every.unit == "w" else datetime(1970, 1, 1, tzinfo=timezone.utc)
    begin = first + (utc(since) - first) // width * width
    number = -((begin - utc(until)) // width)
    return [begin + width * place for place in range(number)]


def utc(time: datetime) -> datetime:
    """Make a time aware, in UTC; one without a zone is in UTC already."""
    if time.tzinfo is None:
        return time.replace(tzinfo=timezone.utc)
    return time.astimezone(timezone.utc)


def iso(time: datetime) -> str:
    """Write a time as ISO 8601 in UTC, with milliseconds only where there are any."""
    time = utc(time)
    text = time.isoformat(timespec="milliseconds" if time.microsecond else "seconds")
    return text.replace("+00:00", "Z")
