"""What goes by age: the time before which events are old, and the parts of a store that are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

__all__ = ["OldPart", "cut_off"]

_AGE = re.compile(r"([1-9][0-9]{0,4})([dw])")


@dataclass(frozen=True, slots=True)
class OldPart:
    """A part of a store whose events are all before the cut-off; it goes as a whole or stays.

    Attributes:
        kind: what such a part is called: ``file``, ``index``.
        name: of the part.
        events: how many it holds.
        size: in bytes, all that goes with it included.
        stays: why it is not deleted; empty where it is.
    """

    kind: str
    name: str
    events: int
    size: int
    stays: str = ""


def cut_off(age: str) -> datetime:
    """Return the time before which events are older than an age such as ``90d`` or ``26w``.

    Raises:
        ValueError: the text is no such age.
    """
    match = _AGE.fullmatch(age.strip())
    if match is None:
        raise ValueError(f"{age!r} is no age: use days or weeks, such as 90d or 26w")
    days = int(match[1]) * (7 if match[2] == "w" else 1)
    return datetime.now(timezone.utc) - timedelta(days=days)
