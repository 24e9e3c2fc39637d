"""One process of the demo: serve a share of the week, or log the labels, with the public API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from time import perf_counter

import numpy as np

import elkmon
from elkmon.demo.data import FEATURES, Split
from elkmon.demo.models import DigitReader, IncompleteReadingError, Triage, TriageV1, TriageV2
from elkmon.demo.plan import Plan, Request
from elkmon.demo.story import DIGITS, DIGITS_RATE, DIGITS_VERSION, TRIAGE, V1, V2
from elkmon.events.errors import StoreError

__all__ = ["Outcome", "feed_labels", "serve"]

_POSITIVE = "malignant"
_CHUNK = 1000

Tick = Callable[[int], object]
"""Called with the number of requests or labels that were done since the last call."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the model answered, or the type of the exception that it raised."""

    id: str
    label: str | None
    error: str | None = None


def serve(
    store: Path, plan: Plan, share: Sequence[Request], name: str, tick: Tick
) -> list[Outcome]:
    """Answer requests as one process of a service, in the order of time for each version.

    Args:
        store: folder of the events.
        plan: the week.
        share: this process's requests.
        name: name of the process's host in its events.
        tick: called with how many more requests are done.

    Raises:
        StoreError: events could not be written.
    """
    elkmon.configure(service="clinic-and-mail", environment="demo", node=name, spool=store)
    outcomes = [
        *_triage([request for request in share if request.model == TRIAGE], plan, tick),
        *_read_digits([request for request in share if request.model == DIGITS], plan.digits, tick),
    ]
    _close(store)
    return outcomes


def feed_labels(store: Path, plan: Plan, tick: Tick) -> int:
    """Log the deployments and every label that came in time; return the number of labels."""
    elkmon.configure(service="back-office", environment="demo", node="office-1", spool=store)
    triage = elkmon.get_logger(model=TRIAGE, task="binary", positive=_POSITIVE)
    reader = elkmon.get_logger(model=DIGITS, task="multiclass")
    triage.deployment(V1, at=plan.start)
    reader.deployment(DIGITS_VERSION, at=plan.start)
    triage.deployment(V2, at=plan.v2_from)
    count = 0
    for model, log in ((TRIAGE, triage), (DIGITS, reader)):
        rows = [
            (request.id, label.label, label.at)
            for request in plan.requests
            if request.model == model
            for label in request.labels
        ]
        for begin in range(0, len(rows), _CHUNK):
            ids, labels, times = map(list, zip(*rows[begin : begin + _CHUNK], strict=True))
            log.labels(ids, labels, observed_at=times, source="back-office")
            tick(len(ids))
        count += len(rows)
    _close(store)
    return count


def _triage(requests: Iterable[Request], plan: Plan, tick: Tick) -> list[Outcome]:
    outcomes = []
    first = TriageV1(plan.tumours)
    models: dict[str, Triage] = {V1: first, V2: TriageV2(plan.tumours) if plan.faults else first}
    logs = {
        version: elkmon.get_logger(TRIAGE, version, task="binary", positive=_POSITIVE)
        for version in models
    }
    for request in _interleaved(requests):
        outcomes.append(_answer(logs[request.version], models[request.version], request))
        tick(1)
    return outcomes


def _interleaved(requests: Iterable[Request]) -> list[Request]:
    """Return the requests of the versions in turns, each version's in the order of time.

    Durations are really measured, while the week is served in seconds: in turns, whatever slows
    the machine slows both versions alike.
    """
    versions: defaultdict[str, list[Request]] = defaultdict(list)
    for request in requests:
        versions[request.version].append(request)
    placed = [
        (position / len(group), request)
        for group in versions.values()
        for position, request in enumerate(group)
    ]
    return [request for _, request in sorted(placed, key=itemgetter(0))]


def _answer(log: elkmon.emit.ElkmonLogger, model: Triage, request: Request) -> Outcome:
    measured: dict[str, float | None] = dict(zip(FEATURES, request.row.tolist(), strict=True))
    if request.incomplete:
        measured["texture"] = None
    # the service would return an error here; leaving the block wrote the events
    try:
        with log.predict(
            id=request.id,
            features={**measured, **request.category},
            segment=request.segment,
            at=request.at,
        ) as prediction:
            prediction.label, prediction.score = model.answer(measured)
            return Outcome(request.id, prediction.label)
    except (IncompleteReadingError, ValueError) as error:
        return Outcome(request.id, None, type(error).__name__)


def _read_digits(requests: Iterable[Request], split: Split, tick: Tick) -> list[Outcome]:
    outcomes: list[Outcome] = []
    model = DigitReader(split)
    log = elkmon.get_logger(
        model=DIGITS, version=DIGITS_VERSION, task="multiclass", sample_rate=DIGITS_RATE
    )
    for _, group in groupby(requests, key=lambda request: _hour(request.at)):
        batch = list(group)
        images = np.array([request.row for request in batch])
        started = perf_counter()
        probabilities = model.probabilities(images)
        took = (perf_counter() - started) / len(batch)
        best = probabilities.argmax(axis=1)
        labels = [model.classes[position] for position in best]
        log.predictions(
            id=[request.id for request in batch],
            at=[request.at for request in batch],
            label=labels,
            score=probabilities.max(axis=1),
            scores=dict(zip(model.classes, probabilities.T, strict=True)),
            features=_ink(images)
            | {name: [request.category[name] for request in batch] for name in batch[0].category},
            segment={
                name: [request.segment[name] for request in batch] for name in batch[0].segment
            },
            duration=took,
        )
        outcomes += map(Outcome, [request.id for request in batch], labels)
        tick(len(batch))
    return outcomes


def _ink(images: np.ndarray) -> dict[str, np.ndarray]:
    """Return ten features of images: 64 pixels would tell a reader of events nothing."""
    rows = images.reshape(-1, 8, 8).mean(axis=2)
    by_row = {f"ink_row_{number}": rows[:, number] for number in range(8)}
    return by_row | {"ink": images.mean(axis=1), "contrast": images.std(axis=1)}


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _close(store: Path) -> None:
    """Close the process's file.

    Raises:
        StoreError: events were dropped, so that the demo would show wrong figures.
    """
    dropped = elkmon.stats().dropped
    elkmon.reset()
    if dropped:
        raise StoreError(f"events of the demo could not be written to {store}: {dict(dropped)}")
