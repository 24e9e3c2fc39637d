"""Milliseconds now, with the two texts that every event needs, formatted once a millisecond."""

from __future__ import annotations

from itertools import product
from os import urandom
from time import gmtime, strftime, time_ns
from typing import NamedTuple

__all__ = ["COUNTERS", "Clock", "Instant", "iso"]

COUNTERS = tuple(map("".join, product("0123456789abcdef", repeat=3)))
"""What stands between an instant's head and tail, for 4,096 ids of one millisecond.

To format one takes longer than the rest of an id; to make them all at the first event, too long for
one that a signal handler logs.
"""


class Instant(NamedTuple):
    """One millisecond."""

    ms: int
    iso: str
    """As ``2026-11-24T08:00:00.123Z``."""
    head: str
    """The first 15 characters of a UUIDv7 of this millisecond; its counter follows."""
    tail: str
    """``-`` and the last two groups of it: random, and this process's own."""


def iso(ms: int) -> str:
    """Write milliseconds since 1970 as ISO 8601 in UTC.

    Raises:
        ValueError, OverflowError, OSError: a year that has not four digits.
    """
    seconds, rest = divmod(ms, 1000)
    text = strftime("%Y-%m-%dT%H:%M:%S", gmtime(seconds))
    if len(text) != 19:  # noqa: PLR2004 - four digits of a year, and the rest
        raise ValueError(f"{text} is not between the years 1000 and 9999")
    return f"{text}.{rest:03d}Z"


def _random_tail() -> str:
    bits = int.from_bytes(urandom(8), "big") & 0x3FFFFFFFFFFFFFFF | 0x8000000000000000
    text = f"{bits:016x}"
    return f"-{text[:4]}-{text[4:]}"


class Clock:
    """Tell the time; make UUIDv7 that are unique without a system call each.

    RFC 9562 (section 6.2) lets a counter stand in the 12 bits after the time. The other 62 bits are
    random, drawn once a process, and again whenever the clock steps back or a batch takes more
    ids of one millisecond than the counter has.
    """

    __slots__ = ("_second", "now")

    def __init__(self) -> None:
        self._second = (-1, "")  # one value, so that no thread sees half of it
        self.now = Instant(0, "", "", _random_tail())
        self.turn(time_ns() // 1_000_000)

    def instant(self) -> Instant:
        """Return the present millisecond."""
        ms = time_ns() // 1_000_000
        now = self.now
        return now if now.ms == ms else self.turn(ms)

    def turn(self, ms: int) -> Instant:
        """Make a millisecond the present one."""
        before = self.now
        second, rest = divmod(ms, 1000)
        at, text = self._second
        if at != second:
            text = iso(second * 1000)[:19]
            self._second = (second, text)
        head = f"{ms:012x}"
        self.now = now = Instant(
            ms,
            f"{text}.{rest:03d}Z",
            f"{head[:8]}-{head[8:]}-7",
            before.tail if ms > before.ms else _random_tail(),
        )
        return now

    def fresh(self) -> Instant:
        """Return the present millisecond with a new random part: for 4,096 ids in a row."""
        return self.turn(time_ns() // 1_000_000)._replace(tail=_random_tail())
