"""Draw the traffic of the week, from only the seed, the number of requests and the end.

Held-out rows are drawn again and again, each time with new noise of 1 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from elkmon.demo.data import FEATURES, Split, digits, tumours
from elkmon.demo.story import (
    DAYS,
    DIGITS,
    DIGITS_VERSION,
    TRIAGE,
    UNIT_FACTOR,
    UNIT_FEATURE,
    UNIT_FROM,
    UNIT_SITE,
    V1,
    V2,
    V2_FROM,
)

__all__ = ["Label", "Plan", "Request", "make_plan"]

_TRIAGE_SHARE = 0.6
_NOISE = 0.01
_INCOMPLETE = 0.004
_NEVER = 0.15
_CORRECTED = 0.04
_SITES = {
    TRIAGE: (("lyon", 0.35), ("oslo", 0.25), (UNIT_SITE, 0.2), ("graz", 0.2)),
    DIGITS: (("north", 0.5), ("south", 0.3), ("harbour", 0.2)),
}
_CHANNELS = {TRIAGE: ("screening", "referral"), DIGITS: ("letter", "parcel")}
_DELAY_HOURS = {TRIAGE: 9.0, DIGITS: 4.0}
"""Median delay of labels; some take days (lognormal)."""
_DELAY_SPREAD = 0.9


@dataclass(frozen=True, slots=True)
class Label:
    """What somebody said the truth is, and when."""

    label: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """One request, and what is known about it."""

    id: str
    model: str
    version: str
    at: datetime
    row: NDArray[np.float64]
    """What the model sees: after the noise, and after the wrong unit."""
    truth: str
    segment: Mapping[str, str]
    category: Mapping[str, str]
    labels: tuple[Label, ...]
    """Labels that came before the end of the week, in the order of arrival; the last is right."""
    pending: bool
    """Whether a label comes after the end of the week."""
    incomplete: bool
    wrong_unit: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The week, with its requests in the order of time."""

    seed: int
    start: datetime
    end: datetime
    tumours: Split
    digits: Split
    requests: tuple[Request, ...]
    faults: bool = True
    """Whether anything goes wrong; if not, version 2 answers as version 1 does."""

    @property
    def v2_from(self) -> datetime:
        """When version 2 goes live."""
        return self.start + V2_FROM

    @property
    def unit_from(self) -> datetime:
        """When the wrong unit begins."""
        return self.start + UNIT_FROM


def make_plan(requests: int, seed: int, end: datetime, *, faults: bool = True) -> Plan:
    """Draw the week.

    Args:
        requests: number of requests, of both models together.
        seed: the same seed gives the same week.
        end: the end of the week, as an aware time; no label is later.
        faults: whether anything goes wrong.
    """
    start = end - timedelta(days=DAYS)
    data = tumours(seed), digits(seed)
    triage = round(requests * _TRIAGE_SHARE)
    unit_from = start + UNIT_FROM if faults else None
    drawn = [
        *_draw(np.random.default_rng([seed, 1]), TRIAGE, triage, data[0], (start, end), unit_from),
        *_draw(
            np.random.default_rng([seed, 2]), DIGITS, requests - triage, data[1], (start, end), None
        ),
    ]
    drawn.sort(key=lambda request: request.at)
    return Plan(seed, start, end, *data, tuple(drawn), faults)


def _draw(
    random: np.random.Generator,
    model: str,
    count: int,
    split: Split,
    week: tuple[datetime, datetime],
    unit_from: datetime | None,
) -> list[Request]:
    start, end = week
    times = _times(random, count, start)
    chosen = random.integers(len(split.held_out), size=count)
    measured = split.held_out[chosen] * random.normal(1.0, _NOISE, (count, split.held_out.shape[1]))
    names, shares = zip(*_SITES[model], strict=True)
    sites = random.choice(names, size=count, p=shares)
    channels = random.choice(_CHANNELS[model], size=count)
    scanners = random.choice(("A2", "A3", "B1"), size=count)
    tray = random.choice(("left", "right"), size=count)
    incomplete = random.random(count) < _INCOMPLETE
    classes = [str(name) for name in np.unique(split.held_out_class)]
    requests = []
    for number, at in enumerate(times):
        truth = str(split.held_out_class[chosen[number]])
        site = str(sites[number])
        row = measured[number]
        wrong_unit = unit_from is not None and site == UNIT_SITE and at >= unit_from
        if wrong_unit:
            row[FEATURES.index(UNIT_FEATURE)] *= UNIT_FACTOR
        labels, pending = _labels(random, model, at, truth, classes, end)
        requests.append(
            Request(
                id=f"{model}-{number:06d}",
                model=model,
                version=_version(model, at - start),
                at=at,
                row=row,
                truth=truth,
                segment={"site": site, "channel": str(channels[number])},
                category={
                    "scanner": str(scanners[number]),
                    "tray": str(tray[number]),
                    "shift": "day" if 7 <= at.hour < 19 else "night",  # noqa: PLR2004 - o'clock
                },
                labels=labels,
                pending=pending,
                incomplete=model == TRIAGE and bool(incomplete[number]),
                wrong_unit=wrong_unit,
            )
        )
    return requests


def _version(model: str, since: timedelta) -> str:
    if model == DIGITS:
        return DIGITS_VERSION
    return V2 if since >= V2_FROM else V1


def _times(random: np.random.Generator, count: int, start: datetime) -> list[datetime]:
    """Draw times, to the millisecond: many by day, few by night."""
    hours = np.arange(DAYS * 24)
    clock = (start.hour + hours) % 24
    busy = 1.0 - 0.8 * np.cos((clock - 1) / 24 * 2 * np.pi)
    drawn = random.choice(hours, size=count, p=busy / busy.sum())
    within = random.integers(3_600_000, size=count)
    moments = np.sort(drawn * 3_600_000 + within)
    return [start + timedelta(milliseconds=int(moment)) for moment in moments]


def _labels(
    random: np.random.Generator,
    model: str,
    at: datetime,
    truth: str,
    classes: list[str],
    end: datetime,
) -> tuple[tuple[Label, ...], bool]:
    """Draw when the label arrives, if ever, and whether it is wrong at first.

    Returns:
        The labels that arrive before the end of the week, and whether one is still to come.
    """
    if random.random() < _NEVER:
        return (), False
    hours = random.lognormal(np.log(_DELAY_HOURS[model]), _DELAY_SPREAD)
    labels = [Label(truth, _later(at, hours))]
    if random.random() < _CORRECTED:
        others = [name for name in classes if name != truth]
        mistaken = Label(others[random.integers(len(others))], labels[0].at)
        labels = [mistaken, Label(truth, _later(mistaken.at, random.uniform(6.0, 48.0)))]
    arrived = tuple(label for label in labels if label.at < end)
    return arrived, not arrived


def _later(at: datetime, hours: float) -> datetime:
    return at + timedelta(milliseconds=int(hours * 3_600_000))
