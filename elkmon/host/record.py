"""Write readings into a spool, one after the other, until told to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import Any

from elkmon.emit.emitter import Emitter
from elkmon.emit.to_json import Notes
from elkmon.events.datasets import METRIC
from elkmon.events.settings import Settings
from elkmon.host.readings import Readings

__all__ = ["Recorded", "record"]

_SHORT = 1.0
"""Seconds that a single reading takes at most."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was written."""

    readings: int
    events: int
    dropped: Mapping[str, int]


def record(
    settings: Settings,
    every: float,
    stop: Event,
    *,
    once: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Recorded:
    """Read the host in equal steps, and write each reading as ``elkmon.metric`` events.

    Args:
        settings: where to, and in whose name.
        every: seconds between two readings; what is a rate is one over that time.
        stop: ends it, once set.
        once: whether one reading is enough; it takes a second at most.
        tell: is given a sentence for what cannot be read, once each.
    """
    emitter = Emitter(settings)
    step = min(every, _SHORT) if once else every
    taken, told = 0, set()
    try:
        readings = Readings()
        due = monotonic() + step
        while not stop.wait(max(0.0, due - monotonic())):
            for each in readings.take():
                emitter.submit(METRIC, _nested(each), Notes())
            taken += 1
            for name, why in readings.unread.items():
                if name not in told:
                    told.add(name)
                    tell(f"{name} cannot be read, and left out: {why}")
            if once:
                break
            due = max(due + step, monotonic())  # a host that slept has nothing to catch up on
    finally:
        stats = emitter.stats()  # before the last line, which is about the file
        emitter.close()
    return Recorded(taken, stats.written, stats.dropped)


def _nested(reading: Mapping[str, Any]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for name, value in reading.items():
        *above, last = name.split(".")
        here = root
        for part in above:
            here = here.setdefault(part, {})
        here[last] = value
    return root
