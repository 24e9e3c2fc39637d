"""Send events until the fate of each is known: created, already there, or a dead letter."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from elkmon.ship.batch import Event, RejectedLine
from elkmon.ship.destination import Answer, BusyError, Destination, RefusedError
from elkmon.ship.pace import BatchSize, Patience

__all__ = ["Delivery", "call_patiently", "deliver"]

_TRIES = 8
"""Attempts to send an event on which the destination itself fails."""


@dataclass(slots=True)
class Delivery:
    """What became of some events; their number is the sum."""

    created: int = 0
    already: int = 0
    dead: list[RejectedLine] = field(default_factory=list)


@dataclass(slots=True)
class _Part:
    events: Sequence[Event]
    attempt: int = 0
    failures: int = 0
    """How often the destination itself failed on them."""


def call_patiently(call: Callable[[], None], patience: Patience) -> None:
    """Call a function until it no longer raises BusyError.

    Raises:
        StoppedError: the process is to stop.
        StoreError: waiting does not help, or took too long.
    """
    attempt = 0
    while True:
        try:
            call()
            break
        except BusyError as busy:
            patience.wait(attempt, str(busy), busy.wait)
        attempt += 1
    patience.recovered()


def deliver(
    events: Sequence[Event],
    destination: Destination,
    *,
    size: BatchSize,
    patience: Patience,
    clock: Callable[[], float] = time.monotonic,
) -> Delivery:
    """Send events until the fate of each is known.

    A request that is refused is halved, until the events that cause it stand alone.

    Args:
        events: the events, in the order of sending.
        destination: where to send them.
        size: learns how much the destination takes at a time.
        patience: waits while the destination takes nothing.
        clock: returns seconds.

    Raises:
        StoppedError: the process is to stop.
        StoreError: waiting does not help, or took too long.
    """
    done = Delivery()
    left = [_Part(events)] if events else []
    while left:
        part = left.pop()
        started = clock()
        try:
            answer = destination.send(part.events)
        except BusyError as busy:
            if busy.overloaded:
                size.overloaded()
            patience.wait(part.attempt, str(busy), busy.wait)
            part.attempt += 1
            left.append(part)
            continue
        except RefusedError as refused:
            if refused.too_large and len(part.events) > 1:
                size.too_large(sum(len(event.line) for event in part.events))
            if len(part.events) == 1:
                done.dead.append(_dead(part.events[0], str(refused)))
            else:
                half = len(part.events) // 2
                left += [_Part(part.events[half:]), _Part(part.events[:half])]
            continue
        done.created += answer.created
        done.already += answer.already
        done.dead += [_dead(part.events[number], reason) for number, reason in answer.dead.items()]
        reasons = list((answer.again | answer.doubtful).values())
        if reasons:
            left += _rest(part, answer, done)
            size.overloaded()
            patience.wait(part.attempt, reasons[0])
        else:
            size.accepted(sum(len(event.line) for event in part.events), clock() - started)
            patience.recovered()
    return done


def _rest(part: _Part, answer: Answer, done: Delivery) -> list[_Part]:
    """Return what to send again; give up an event on which the destination fails too often."""
    rest = [_Part(_events(part, answer.again), part.attempt + 1, part.failures)]
    failures = part.failures + 1
    if failures < _TRIES:
        rest.append(_Part(_events(part, answer.doubtful), part.attempt + 1, failures))
    else:
        done.dead += [
            _dead(part.events[number], f"{reason} ({failures} times)")
            for number, reason in answer.doubtful.items()
        ]
    return [part for part in rest if part.events]


def _events(part: _Part, reasons: Mapping[int, str]) -> list[Event]:
    return [part.events[number] for number in sorted(reasons)]


def _dead(event: Event, reason: str) -> RejectedLine:
    return RejectedLine(event.line, reason, event.position)
