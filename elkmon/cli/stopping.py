"""A clean stop: SIGTERM and Ctrl-C end the work at the next good place."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

__all__ = ["Stopping", "stopping"]


class Stopping(Event):
    """Set when the process was asked to stop; it knows by which signal."""

    by: int | None = None


@contextmanager
def stopping() -> Iterator[Stopping]:
    """Give an event that SIGTERM and SIGINT set; a second signal ends the process at once."""
    event = Stopping()
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int, _frame: FrameType | None) -> None:
        event.by = number
        for each, handler in before.items():
            signal.signal(each, handler)
        event.set()

    for each in before:
        signal.signal(each, stop)
    try:
        yield event
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
