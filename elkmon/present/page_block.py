"""Define the blocks of the report's page: a figure with its plot, table and commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from elkmon.events.datasets import PREDICTION
from elkmon.present.formatting import cell, command_line, counts, when, with_interval
from elkmon.present.html_table import Table
from elkmon.present.plots import Spec
from elkmon.query.question import MODEL, Question
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
    "events",
    "milliseconds",
    "plot_deployments",
    "plot_values",
    "rate_cells",
    "version_of",
    "versions_of",
]

VERSION = "version"
MOST_VERSIONS = 4
"""How many versions are shown side by side."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command line that lists the events behind a figure."""

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
    """The models, span and conditions of all sections of the report."""

    question: Question
    """By model."""
    steps: TimeBucket

    @property
    def versions(self) -> Question:
        """Return the question by model and version."""
        return replace(self.question, by=(MODEL, VERSION))


@dataclass(frozen=True, slots=True)
class SectionAnswers(Frame):
    """The store's answers for the sections of the report."""

    catalog: Catalog
    deployments: tuple[Deployment, ...]
    rows: Mapping[str, tuple[Any, ...]]
    """The rows of each section, by the method of its question."""

    def entry(self, name: str | None) -> ModelEntry | None:
        """Return the catalog's entry of a model."""
        return next((entry for entry in self.catalog.models if entry.name == name), None)


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure of one version, with its interval, on a scale of 0 to 100."""

    number: int
    """The number of the version; the current one is 1."""
    shown: str
    interval: str
    of: str
    reason: str | None
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Bars:
    """One metric of each version."""

    title: str
    better: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One figure of a model."""

    name: str
    """The end of its anchor."""
    title: str
    lead: tuple[str, ...] = ()
    """The finding, in sentences."""
    spec: Spec | None = None
    alt: str = ""
    table: Table | None = None
    versions: tuple[str, ...] = ()
    """The versions of ``bars``, the current one first."""
    bars: tuple[Bars, ...] = ()
    notes: tuple[str, ...] = ()
    """How to read it, and what is left out."""
    commands: tuple[Command, ...] = ()
    reason: str | None = None
    """Why there is no figure."""
    wide: bool = field(default=False)


def version_of(by: Mapping[str, Cell]) -> str | None:
    """Return the version of a group, as text."""
    value = by.get(VERSION)
    return None if value is None else str(value)


def versions_of(answers: SectionAnswers, known: Iterable[object]) -> list[str | None]:
    """Return the versions that have a figure, the current one first, at most four.

    Args:
        answers: about one model.
        known: versions that have the figure.
    """
    having = {None if version is None else str(version) for version in known}
    entry = answers.entry(answers.question.model)
    order: list[str | None] = (
        [] if entry is None else [version.version for version in entry.versions]
    )
    order += sorted(having.difference(order), key=natural)
    return [version for version in reversed(order) if version in having][:MOST_VERSIONS]


def days(answers: SectionAnswers) -> float:
    """Return the length of the span in days."""
    return (answers.question.until - answers.question.since).total_seconds() / 86_400


def milliseconds(time: datetime) -> int:
    """Return a time as plots need it."""
    return round(time.timestamp() * 1000)


def plot_values(rate: Rate) -> dict[str, Any]:
    """Return a share as plots need it: value, interval, and both as text."""
    return {
        "value": rate.value,
        "low": rate.low,
        "high": rate.high,
        "shown": with_interval(rate),
        "of": counts(rate),
    }


def rate_cells(rates: Sequence[Rate]) -> tuple[str, ...]:
    """Return shares as cells: the value with its interval, then the counts."""
    return tuple(text for rate in rates for text in (with_interval(rate), counts(rate)))


def plot_deployments(answers: SectionAnswers) -> list[dict[str, Any]]:
    """Return the deployments as plots need them."""
    return [
        {
            "time": milliseconds(deployment.time),
            "version": cell(deployment.version),
            "at": when(deployment.time),
            "words": f"{cell(deployment.version)} {cell(deployment.action).replace('_', ' ')}",
        }
        for deployment in answers.deployments
    ]


def events(answers: SectionAnswers, store: Place, *where: str) -> Command:
    """Return the command that lists predictions."""
    more = [part for condition in where for part in ("--where", condition)]
    line = command_line("events", store, answers.question, "--dataset", PREDICTION, *more)
    return Command("the events", line)
