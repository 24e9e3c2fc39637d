"""How much to send at a time, and how long to wait when it is not taken."""

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
"""Seconds of one request: a faster one makes batches larger, a slower one smaller."""
_LONGEST = 30.0
"""Longest wait in seconds that a destination may ask for."""
_REPEAT = 60.0
"""Seconds after which the same message is repeated."""
_WORTH_TELLING = 10.0
"""Seconds of trouble after which its end is reported, too."""


class StoppedError(Exception):
    """Waiting was ended, because the process is to stop."""


class BatchSize:
    """Bytes of the next batch: more while the destination is quick, less if it is not."""

    def __init__(self, *, first: int = _FIRST, most: int = _MOST) -> None:
        self._lock = Lock()
        self._most = most
        self._size = min(first, most)

    def __call__(self) -> int:
        """Return the current size."""
        return self._size

    def accepted(self, size: int, seconds: float) -> None:
        """Adapt after a batch was accepted."""
        with self._lock:
            if seconds > _SLOW:
                self._size = max(self._size // 2, _LEAST)
            elif seconds < _QUICK and size >= self._size // 2:  # a small batch proves nothing
                self._size = min(self._size * 3 // 2, self._most)

    def overloaded(self) -> None:
        """Adapt to a destination that is overloaded."""
        with self._lock:
            self._size = max(self._size // 2, _LEAST)

    def too_large(self, size: int) -> None:
        """Adapt after a batch was refused for its size."""
        with self._lock:
            self._most = max(min(self._most, size // 2), _LEAST)
            self._size = min(self._size, self._most)


@dataclass
class Patience:
    """Wait while a destination takes nothing, report it, and give up in the end.

    All threads that send to a destination share one.

    Args:
        stop: set when the process is to stop.
        tell: called with a sentence to show.
        limit: seconds without any success after which to give up; None for never.
        draw: returns a number from 0 to 1.
        clock: returns seconds.
    """

    stop: Event
    tell: Callable[[str], None]
    limit: float | None = None
    draw: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic
    trouble: str | None = None
    """Why it waits now; None if it does not."""

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._since: float | None = None
        self._last_told = ("", 0.0)

    def wait(self, attempt: int, reason: str, at_least: float = 0.0) -> None:
        """Wait before the next attempt.

        Raises:
            StoppedError: the process is to stop.
            StoreError: it has waited for too long.
        """
        with self._lock:
            now = self.clock()
            self._since = now if self._since is None else self._since
            self.trouble = reason
            if self.limit is not None and now - self._since >= self.limit:
                raise StoreError(
                    f"{reason}; gave up after {self.limit:,.0f} s: nothing is lost, and the next "
                    "elkmon ship continues from here"
                )
            last_reason, at = self._last_told
            if reason != last_reason or now - at >= _REPEAT:
                self._last_told = (reason, now)
                self.tell(f"{reason}; nothing is lost, will try again")
        if self.stop.wait(max(jitter(attempt, self.draw), min(at_least, _LONGEST))):
            raise StoppedError

    def recovered(self) -> None:
        """Note that the destination takes events."""
        if self.trouble is None:
            return
        with self._lock:
            since, self.trouble, self._since = self._since, None, None
            if since is not None and self.clock() - since >= _WORTH_TELLING:
                self._last_told = ("", 0.0)
                self.tell("the destination takes events again")
