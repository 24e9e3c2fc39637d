"""Send events until the fate of each is known: there now, there before, or never to be taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from elkmon.ship.batch import Event, Unfit
from elkmon.ship.destination import Answer, BusyError, Destination, RefusedError
from elkmon.ship.pace import BatchSize, Patience

__all__ = ["Delivered", "deliver", "patiently"]

_TRIES = 8
"""So often an event is sent on which the destination itself fails."""


@dataclass(slots=True)
class Delivered:
    """What became of some events: their number is the sum."""

    created: int = 0
    already: int = 0
    dead: list[Unfit] = field(default_factory=list)


@dataclass(slots=True)
class _Part:
    events: Sequence[Event]
    attempt: int = 0
    failures: int = 0
    """How often the destination itself failed on them."""


def patiently(call: Callable[[], None], patience: Patience) -> None:
    """Call until the destination is not busy.

    Raises:
        StoppedError: the process is to stop.
        StoreError: waiting does not help, or was too long.
    """
    attempt = 0
    while (busy := _busy(call)) is not None:
        patience.wait(attempt, str(busy), busy.wait)
        attempt += 1
    patience.over()


def _busy(call: Callable[[], None]) -> BusyError | None:
    try:
        call()
    except BusyError as busy:
        return busy
    return None


def deliver(
    events: Sequence[Event],
    destination: Destination,
    *,
    size: BatchSize,
    patience: Patience,
    clock: Callable[[], float] = time.monotonic,
) -> Delivered:
    """Send events until the fate of each is known.

    What is refused as a whole is halved until the events that are the cause stand alone.

    Args:
        events: in the order to send them in.
        destination: takes them.
        size: learns how much is taken at a time.
        patience: waits where nothing is taken.
        clock: gives seconds.

    Raises:
        StoppedError: the process is to stop.
        StoreError: waiting does not help, or was too long.
    """
    done = Delivered()
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
        done.dead += [_dead(part.events[place], reason) for place, reason in answer.dead.items()]
        trouble = list((answer.again | answer.doubtful).values())
        if trouble:
            left += _rest(part, answer, done)
            size.overloaded()
            patience.wait(part.attempt, trouble[0])
        else:
            size.took(sum(len(event.line) for event in part.events), clock() - started)
            patience.over()
    return done


def _rest(part: _Part, answer: Answer, done: Delivered) -> list[_Part]:
    """Give what is to be sent again; an event on which the destination fails, not for ever."""
    rest = [_Part(_chosen(part, answer.again), part.attempt + 1, part.failures)]
    failures = part.failures + 1
    if failures < _TRIES:
        rest.append(_Part(_chosen(part, answer.doubtful), part.attempt + 1, failures))
    else:
        done.dead += [
            _dead(part.events[place], f"{reason} ({failures} times)")
            for place, reason in answer.doubtful.items()
        ]
    return [each for each in rest if each.events]


def _chosen(part: _Part, places: Mapping[int, str]) -> list[Event]:
    return [part.events[place] for place in sorted(places)]


def _dead(event: Event, reason: str) -> Unfit:
    return Unfit(event.line, reason, event.place)
