"""Times as text: the one rule for reading ISO 8601, whatever the Python version."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

__all__ = ["from_iso"]

_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)"
    r"(?:[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?)?"
    r"\s?([Zz]|[+-]\d\d(?::?\d\d)?)?)?"
)


def from_iso(text: str) -> datetime:
    """Read ISO 8601, extended or basic; a time without a zone is in UTC.

    Calendar dates only. What is beyond microseconds is cut.

    Returns:
        The time, aware and in UTC.

    Raises:
        ValueError: it is no such time.
    """
    # by hand, since datetime.fromisoformat reads less on Python 3.10 than on 3.11
    found = _ISO.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no time in ISO 8601")
    *parts, fraction, zone = found.groups(default="0")
    year, month, day, hour, minute, second = map(int, parts)
    micro = int(f"{fraction[:6]:0<6}")
    moment = datetime(year, month, day, hour, minute, second, micro, timezone.utc)
    if zone in {"0", "Z", "z"}:
        return moment
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:].lstrip(":") or 0))
    return moment + offset if zone[0] == "-" else moment - offset
