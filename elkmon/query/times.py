"""Parse times as people type them: ``24h``, ``7d``, ``2026-11-01``, ISO with a zone, ``now``."""

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
    "text_of",
    "utc",
    "width_of",
    "window",
]

Moment = str | datetime | date | timedelta
"""A time: text, a datetime (UTC without a zone), a day's beginning, or how long ago."""

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
    """Return the end of the current second, so that everything logged so far is before it."""
    return datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=1)


def moment(value: Moment, at: datetime) -> datetime:
    """Return a time in UTC, aware; a time without a zone is in UTC.

    Args:
        value: a time, or how long ago.
        at: the current time, which ``24h`` and the like count back from.

    Raises:
        QueryError: it is not a time.
    """
    try:
        if isinstance(value, timedelta):
            return at - value
        if isinstance(value, datetime):
            return utc(value)
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=timezone.utc)
        text = value.strip()
        if text.lower() == "now":
            return at
        ago = _AGO.fullmatch(text)
        if ago is not None:
            return at - timedelta(seconds=int(ago[1]) * SECONDS[ago[2]])
        return from_iso(text)
    except (AttributeError, OverflowError, TypeError, ValueError):
        raise QueryError(f"not a time: {value!r}; {_FORMS}") from None


def window(
    since: Moment | None, until: Moment | None, at: datetime | None = None
) -> tuple[datetime, datetime]:
    """Return a half-open window [since, until) in UTC.

    Args:
        since: its beginning; 7 days before its end if not given.
        until: its end, not included; now if not given.
        at: the current time.

    Raises:
        QueryError: either is not a time, or the window is empty.
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
    """Return the steps over time that a text means: ``5m``, ``1h``, ``12h``, ``1d``, ``1w``.

    Raises:
        QueryError: it is not such a width.
    """
    if isinstance(every, TimeBucket):
        return every
    if isinstance(every, timedelta):
        seconds = every.total_seconds()
        for unit in _UNITS:
            if seconds > 0 and seconds % SECONDS[unit] == 0:
                return TimeBucket(int(seconds) // SECONDS[unit], unit)
        every = str(every)
    match = _EVERY.fullmatch(str(every).strip())
    number = int(match[1] or 1) if match is not None else 0
    if match is None or number == 0:
        raise QueryError(f"not a width in time: {every!r}; use 5m, 1h, 12h, 1d or 1w")
    return TimeBucket(number, cast("_Unit", match[2]))


def step(since: datetime, until: datetime, most: int = _MOST_STEPS) -> TimeBucket:
    """Return the width of steps so that a span has at most ``most`` of them."""
    fits = (every for every in _STEPS if until - since <= most * width_of(every))
    return next(fits, _STEPS[-1])


def grid(every: TimeBucket, since: datetime, until: datetime) -> list[datetime]:
    """Return the beginnings of all steps that a span touches.

    Args:
        every: width of the steps, of minutes to weeks.
        since: beginning of the span.
        until: its end, not included.
    """
    width = width_of(every)
    first = _MONDAY if every.unit == "w" else datetime(1970, 1, 1, tzinfo=timezone.utc)
    begin = first + (utc(since) - first) // width * width
    number = -((begin - utc(until)) // width)
    return [begin + width * position for position in range(number)]


def width_of(every: TimeBucket) -> timedelta:
    """Return the width of a step of minutes to weeks."""
    return timedelta(seconds=every.every * SECONDS[every.unit])


def text_of(every: TimeBucket) -> str:
    """Return the width of a step as people type it: ``12h``."""
    return f"{every.every}{every.unit}"


def utc(time: datetime) -> datetime:
    """Return a time in UTC, aware; a time without a zone is in UTC."""
    if time.tzinfo is None:
        return time.replace(tzinfo=timezone.utc)
    return time.astimezone(timezone.utc)


def iso(time: datetime) -> str:
    """Return a time as ISO 8601 in UTC, with milliseconds only if there are any."""
    time = utc(time)
    text = time.isoformat(timespec="milliseconds" if time.microsecond else "seconds")
    return text.replace("+00:00", "Z")
