"""Write readings of the host into a spool at equal intervals, until told to stop."""

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
"""Seconds that a single reading covers at most."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many readings and events were written, and how many events were dropped, by reason."""

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
    """Read the host at equal intervals, and write each reading as ``elkmon.metric`` events.

    Args:
        settings: where to write, and the service's name.
        every: seconds between two readings; rates are over that time.
        stop: ends the recording when it is set.
        once: whether to take only one reading, which covers a second at most.
        tell: called once, with a sentence, for each thing that cannot be read.
    """
    emitter = Emitter(settings)
    step = min(every, _SHORT) if once else every
    count, reported = 0, set()
    try:
        readings = Readings()
        due = monotonic() + step
        while not stop.wait(max(0.0, due - monotonic())):
            for reading in readings.take():
                emitter.submit(METRIC, _nested(reading), Notes())
            count += 1
            for name, reason in readings.unread.items():
                if name not in reported:
                    reported.add(name)
                    tell(f"{name} cannot be read and will be left out: {reason}")
            if once:
                break
            due = max(due + step, monotonic())  # a host that slept need not catch up
    finally:
        stats = emitter.stats()  # before the last line, which is about the file
        emitter.close()
    return Recorded(count, stats.written, stats.dropped)


def _nested(reading: Mapping[str, Any]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for name, value in reading.items():
        *parents, last = name.split(".")
        branch = root
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[last] = value
    return root
