"""The protocol of a destination: its answers, and the errors with which it takes no events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from elastic_transport import ApiResponseMeta

from elkmon.ship.batch import Event

__all__ = ["Answer", "BusyError", "Destination", "RefusedError", "retry_after"]


class RefusedError(Exception):
    """The whole request was refused, for its content or its size.

    Attributes:
        too_large: whether it was refused for its size.
    """

    def __init__(self, reason: str, *, too_large: bool = False) -> None:
        super().__init__(reason)
        self.too_large = too_large


class BusyError(Exception):
    """Nothing was taken for now; send the same again later.

    Attributes:
        overloaded: whether sending less at a time may help.
        wait: seconds that the destination asks to wait.
    """

    def __init__(self, reason: str, *, overloaded: bool = False, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.overloaded = overloaded
        self.wait = wait


@dataclass(slots=True)
class Answer:
    """What became of the events that were sent.

    Attributes:
        created: number of events that are new there.
        already: number of events that were there before.
        again: events to send again: reasons, by the number of the event in the request.
        doubtful: likewise, events that may themselves be the cause: send them a few times more.
        dead: likewise, events that will never be taken.
    """

    created: int = 0
    already: int = 0
    again: dict[int, str] = field(default_factory=dict)
    doubtful: dict[int, str] = field(default_factory=dict)
    dead: dict[int, str] = field(default_factory=dict)


class Destination(Protocol):
    """Where events are sent; an event that is sent twice is there once."""

    url: str
    success: str
    """What became of events that are new there: ``created``, or only ``accepted``."""

    def check(self) -> None:
        """Check that events may be sent there.

        Raises:
            BusyError: it does not answer now.
            StoreError: events may not be sent; the message says what to do.
        """

    def send(self, events: Sequence[Event]) -> Answer:
        """Send events.

        Raises:
            BusyError: it takes nothing now.
            RefusedError: it refuses this request.
            StoreError: it takes no events at all, and waiting does not help.
        """


def retry_after(meta: ApiResponseMeta) -> float:
    """Return the seconds that an answer asks to wait; 0 if it does not ask."""
    seconds = meta.headers.get("retry-after") or ""
    return float(seconds) if seconds.isdecimal() else 0.0
