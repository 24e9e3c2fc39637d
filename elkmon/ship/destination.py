"""What a destination is asked for, and the ways in which it may not take what it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from elastic_transport import ApiResponseMeta

from elkmon.ship.batch import Event

__all__ = ["Answer", "BusyError", "Destination", "RefusedError", "asked_to_wait"]


class RefusedError(Exception):
    """What was sent is refused as a whole, for what is in it or for its size.

    Attributes:
        too_large: it is for its size.
    """

    def __init__(self, reason: str, *, too_large: bool = False) -> None:
        super().__init__(reason)
        self.too_large = too_large


class BusyError(Exception):
    """Nothing was taken for now; the same is to be sent again.

    Attributes:
        overloaded: less at a time may help.
        wait: seconds that the destination asks for.
    """

    def __init__(self, reason: str, *, overloaded: bool = False, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.overloaded = overloaded
        self.wait = wait


@dataclass(slots=True)
class Answer:
    """What became of the events that were sent; those that are not named by place are taken.

    Attributes:
        created: how many are new there.
        already: how many were there.
        again: by place in what was sent, why an event is to be sent again.
        doubtful: likewise, where an event may itself be the cause: not for ever.
        dead: likewise, why it will never be taken.
    """

    created: int = 0
    already: int = 0
    again: dict[int, str] = field(default_factory=dict)
    doubtful: dict[int, str] = field(default_factory=dict)
    dead: dict[int, str] = field(default_factory=dict)


class Destination(Protocol):
    """Take events; an event that is sent twice is there once."""

    url: str
    taken: str
    """What is known of events that are new there: ``created``, or only ``accepted``."""

    def check(self) -> None:
        """See whether events may be sent there.

        Raises:
            BusyError: it cannot be told now.
            StoreError: they may not, with what to do.
        """

    def send(self, events: Sequence[Event]) -> Answer:
        """Send events.

        Raises:
            BusyError: not now.
            RefusedError: not these, as a whole.
            StoreError: none at all, and waiting does not help.
        """


def asked_to_wait(meta: ApiResponseMeta) -> float:
    """Give the seconds that an answer asks to wait."""
    asked = meta.headers.get("retry-after") or ""
    return float(asked) if asked.isdecimal() else 0.0
