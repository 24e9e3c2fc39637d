"""How much is sent at a time, and how long is waited when it is not taken."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Lock

from elkmon.events.errors import StoreError
from elkmon.stores.elastic.retry import jitter

__all__ = ["BatchSize", "Patience", "StoppedError"]

KiB = 1024
_LEAST, _FIRST, _MOST = 64 * KiB, 512 * KiB, 1024 * KiB
_QUICK, _SLOW = 0.5, 5.0
"""Seconds of one request: below the first more is sent at a time, above the second less."""
_LONGEST = 30.0
"""Seconds of the longest wait that a destination may ask for."""
_REPEAT = 60.0
"""Seconds after which the same trouble is told again."""
_WORTH_TELLING = 10.0
"""Seconds of trouble whose end is told, too."""


class StoppedError(Exception):
    """Say that waiting was ended, since the process is to stop."""


class BatchSize:
    """Bytes of the next batch: grows while the destination is quick, shrinks when it is not."""

    def __init__(self, *, first: int = _FIRST, most: int = _MOST) -> None:
        self._lock = Lock()
        self._most = most
        self._now = min(first, most)

    def __call__(self) -> int:
        """Give the present size."""
        return self._now

    def took(self, size: int, seconds: float) -> None:
        """Learn from a batch that was taken."""
        with self._lock:
            if seconds > _SLOW:
                self._now = max(self._now // 2, _LEAST)
            elif seconds < _QUICK and size >= self._now // 2:  # a small one tells nothing
                self._now = min(self._now * 3 // 2, self._most)

    def overloaded(self) -> None:
        """Learn that the destination had too much to do."""
        with self._lock:
            self._now = max(self._now // 2, _LEAST)

    def too_large(self, size: int) -> None:
        """Learn that so many bytes were refused for their number."""
        with self._lock:
            self._most = max(min(self._most, size // 2), _LEAST)
            self._now = min(self._now, self._most)


@dataclass
class Patience:
    """Wait out a destination's trouble, tell people of it, and lose patience in the end.

    All who send share one: it is the same destination.

    Args:
        stop: set when the process is to stop.
        tell: takes a sentence for people.
        limit: seconds without any success after which it is given up; None: never.
        draw: gives a number from 0 to 1.
        clock: gives seconds.
    """

    stop: Event
    tell: Callable[[str], None]
    limit: float | None = None
    draw: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic
    trouble: str | None = None
    """What is waited out at present."""

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._since: float | None = None
        self._told = ("", 0.0)

    def wait(self, attempt: int, reason: str, at_least: float = 0.0) -> None:
        """Wait before the next attempt.

        Raises:
            StoppedError: the process is to stop.
            StoreError: patience is at its end.
        """
        with self._lock:
            now = self.clock()
            self._since = now if self._since is None else self._since
            self.trouble = reason
            if self.limit is not None and now - self._since >= self.limit:
                raise StoreError(
                    f"{reason}; given up after {self.limit:,.0f} s: nothing is lost, and the next "
                    "elkmon ship goes on from here"
                )
            known, at = self._told
            if reason != known or now - at >= _REPEAT:
                self._told = (reason, now)
                self.tell(f"{reason}; nothing is lost, it is tried again")
        if self.stop.wait(max(jitter(attempt, self.draw), min(at_least, _LONGEST))):
            raise StoppedError

    def over(self) -> None:
        """Learn that the destination takes events."""
        if self.trouble is None:
            return
        with self._lock:
            since, self.trouble, self._since = self._since, None, None
            if since is not None and self.clock() - since >= _WORTH_TELLING:
                self._told = ("", 0.0)
                self.tell("it takes events again")
