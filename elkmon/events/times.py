"""Times as text: the one rule for reading ISO 8601, whatever the Python version."""

from __future__ import annotations

import re
from datetime import datetime, timezone

__all__ = ["from_iso"]

_FRACTION = re.compile(r"\.(\d{1,9})(?=$|[+\-])")


def from_iso(text: str) -> datetime:
    """Read ISO 8601; a time without a zone is in UTC. What is beyond microseconds is cut.

    Returns:
        The time, aware and in UTC.

    Raises:
        ValueError: it is no such time.
    """
    text = text.strip()
    if text.endswith(("Z", "z")):
        text = text[:-1] + "+00:00"
    # before Python 3.11 a fraction had to have three or six digits
    text = _FRACTION.sub(lambda found: f".{found[1][:6]:0<6}", text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc)
