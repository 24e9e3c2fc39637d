"""Stop cleanly: SIGTERM and Ctrl-C set an event, so that the work ends at the next good moment."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

__all__ = ["Stopping", "stopping"]


class Stopping(Event):
    """Set when the process is to stop; ``by`` is the signal that asked for it."""

    by: int | None = None


@contextmanager
def stopping() -> Iterator[Stopping]:
    """Yield an event that SIGTERM and SIGINT set; a second signal ends the process at once."""
    event = Stopping()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def stop(number: int, _frame: FrameType | None) -> None:
        restore()
        event.by = number
        event.set()

    for number in handlers:
        signal.signal(number, stop)
    try:
        yield event
    finally:
        restore()
