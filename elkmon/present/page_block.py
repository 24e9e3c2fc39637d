"""The parts that a page is made of: a figure with its plot, its table, its commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from elkmon.events.datasets import PREDICTION
from elkmon.present.formatting import ABSENT, cell, command_line, counts, interval, percent, when
from elkmon.present.html_table import Table
from elkmon.present.plots import Spec
from elkmon.query.question import MODEL, Question
from elkmon.query.times import SECONDS, grid
from elkmon.statistics.natural_order import natural
from elkmon.statistics.rate import Rate
from elkmon.stores.location import Place
from elkmon.stores.protocol import Catalog, Cell, ModelEntry, TimeBucket

__all__ = [
    "VERSION",
    "Bar",
    "Bars",
    "Block",
    "Command",
    "Deployment",
    "Frame",
    "SectionAnswers",
    "Table",
    "days",
    "deployed",
    "drawn",
    "events",
    "milliseconds",
    "rate_cells",
    "steps_of",
    "version_of",
    "versions_of",
    "width_of",
]

VERSION = "version"
MOST_VERSIONS = 4
"""Versions that are shown beside each other."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command line that shows what is behind a figure."""

    what: str
    line: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """A version that went live, or was rolled back to."""

    model: str
    version: str
    time: datetime
    action: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What every section of the report covers: the same models, span and conditions."""

    question: Question
    """By model."""
    steps: TimeBucket

    @property
    def versions(self) -> Question:
        """Return the question by model and version."""
        return replace(self.question, by=(MODEL, VERSION))


@dataclass(frozen=True, slots=True)
class SectionAnswers(Frame):
    """What the store says, for the sections of the report."""

    catalog: Catalog
    deployments: tuple[Deployment, ...]
    rows: Mapping[str, tuple[Any, ...]]
    """What each section asked for, by the method of its question."""

    def entry(self, name: str | None) -> ModelEntry | None:
        """Return what the catalog knows of a model."""
        return next((entry for entry in self.catalog.models if entry.name == name), None)


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure of one version, with its interval, on a scale of 0 to 100."""

    number: int
    """Of the version, the current one 1."""
    shown: str
    interval: str
    of: str
    reason: str | None
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Bars:
    """One metric, for each version."""

    title: str
    better: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One figure of a model."""

    name: str
    """What its anchor ends with."""
    title: str
    lead: tuple[str, ...] = ()
    """What it says, in sentences."""
    spec: Spec | None = None
    alt: str = ""
    table: Table | None = None
    versions: tuple[str, ...] = ()
    """Of ``bars``, the current one first."""
    bars: tuple[Bars, ...] = ()
    notes: tuple[str, ...] = ()
    """How to read it, what it leaves out."""
    commands: tuple[Command, ...] = ()
    reason: str | None = None
    """Why there is none."""
    wide: bool = field(default=False)


def version_of(by: Mapping[str, Cell]) -> str | None:
    """Return the version of a group, as text."""
    value = by.get(VERSION)
    return None if value is None else str(value)


def versions_of(answers: SectionAnswers, known: Iterable[object]) -> list[str | None]:
    """Give the versions that have a figure, the current one first, no more than can be told apart.

    Args:
        answers: about one model.
        known: versions that have the figure.
    """
    having = {None if each is None else str(each) for each in known}
    entry = answers.entry(answers.question.model)
    order: list[str | None] = [] if entry is None else [each.version for each in entry.versions]
    order += sorted(having.difference(order), key=natural)
    return [each for each in reversed(order) if each in having][:MOST_VERSIONS]


def steps_of(answers: SectionAnswers) -> list[datetime]:
    """List the beginnings of all steps of the span."""
    return grid(answers.steps, answers.question.since, answers.question.until)


def width_of(steps: TimeBucket) -> timedelta:
    """Give how wide a step is."""
    return timedelta(seconds=steps.every * SECONDS[steps.unit])


def days(answers: SectionAnswers) -> float:
    """Give the length of the span in days."""
    return (answers.question.until - answers.question.since).total_seconds() / 86_400


def milliseconds(time: datetime) -> int:
    """Give a time as plots take it."""
    return round(time.timestamp() * 1000)


def drawn(rate: Rate) -> dict[str, Any]:
    """Give a share as plots take it: value, interval, and both in words."""
    return {
        "value": rate.value,
        "low": rate.low,
        "high": rate.high,
        "shown": f"{percent(rate)} {interval(rate)}".strip(),
        "of": counts(rate),
    }


def rate_cells(rates: Sequence[Rate]) -> tuple[str, ...]:
    """Write shares as cells: value with interval, then the counts."""
    cells: list[str] = []
    for rate in rates:
        shown = f"{percent(rate)} {interval(rate)}".strip()
        cells += [shown or ABSENT, counts(rate)]
    return tuple(cells)


def deployed(answers: SectionAnswers) -> list[dict[str, Any]]:
    """Give the deployments as plots take them."""
    return [
        {
            "time": milliseconds(each.time),
            "version": cell(each.version),
            "at": when(each.time),
            "words": f"{cell(each.version)} {cell(each.action).replace('_', ' ')}",
        }
        for each in answers.deployments
    ]


def events(answers: SectionAnswers, store: Place, *where: str) -> Command:
    """Give the command that lists predictions."""
    more = [part for each in where for part in ("--where", each)]
    line = command_line("events", store, answers.question, "--dataset", PREDICTION, *more)
    return Command("the events", line)
