"""All that a report asks the store: each figure once, for all models together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from elkmon.events.fields import DEPLOYMENT
from elkmon.events.times import from_iso
from elkmon.query.conditions import foreign, lookup
from elkmon.query.question import MODEL, Question
from elkmon.query.times import step, utc
from elkmon.questions.calibration.figures import CalibrationRow, calibration
from elkmon.questions.compare.figures import Comparison, compare
from elkmon.questions.confusion.figures import ConfusionRow, confusion
from elkmon.questions.coverage.figures import CoverageRow, coverage
from elkmon.questions.issues.detail import IssueDetail, issue_detail
from elkmon.questions.issues.figures import issues
from elkmon.questions.issues.row import IssueRow
from elkmon.questions.latency import figures as durations
from elkmon.questions.latency.figures import Durations, latencies
from elkmon.questions.quality.figures import QualityRow, quality
from elkmon.questions.rates.figures import Tally, tallies
from elkmon.report.remembered import Remembered
from elkmon.statistics.significance import significant
from elkmon.stores.protocol import Catalog, Cell, Event, Filter, ModelEntry, Store, TimeBucket

__all__ = ["DETAILED", "Answers", "Deployment", "Family", "ask"]

_VERSION = "version"
_STEPS, _FEW_STEPS = 60, 16
_MANY = 5_000
"""Predictions from which on the figures over time have many steps."""
DETAILED = 12
"""Issues that are shown with examples."""
_MOST_DEPLOYMENTS = 200
_LEVEL = 0.05
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A version that went live, or was rolled back to."""

    model: str
    version: str
    time: datetime
    action: str


@dataclass(frozen=True, slots=True)
class Family:
    """The tests of all rates of all models: the more are made, the more chance finds."""

    number: int
    cut: float
    """The greatest p-value that counts: of those that do, 5 % are false at most."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the store says; all figures cover the same span, under the same conditions."""

    question: Question
    steps: TimeBucket
    catalog: Catalog
    deployments: tuple[Deployment, ...]
    tallies: tuple[Tally, ...]
    """By model, version and step."""
    quality: tuple[QualityRow, ...]
    """By model and version."""
    confusion: tuple[ConfusionRow, ...]
    """By model and version."""
    calibration: tuple[CalibrationRow, ...]
    """By model and version."""
    durations: tuple[Durations, ...]
    """By model, version, step and outcome."""
    coverage: tuple[CoverageRow, ...]
    """By model."""
    comparisons: tuple[Comparison, ...]
    family: Family
    issues: tuple[IssueRow, ...]
    details: tuple[IssueDetail, ...]
    """Of the first issues."""
    notes: tuple[str, ...]

    def entry(self, name: str | None) -> ModelEntry | None:
        """Give what the catalog knows of a model."""
        return next((each for each in self.catalog.models if each.name == name), None)

    def of(self, name: str | None) -> Answers:
        """Give what is about one model; None: what is about none."""
        return replace(
            self,
            question=replace(self.question, model=name),
            deployments=tuple(each for each in self.deployments if each.model == name),
            tallies=tuple(each for each in self.tallies if each.by[0] == name),
            quality=tuple(each for each in self.quality if each.by[MODEL] == name),
            confusion=tuple(each for each in self.confusion if each.by[MODEL] == name),
            calibration=tuple(each for each in self.calibration if each.by[MODEL] == name),
            durations=tuple(each for each in self.durations if each.by[0] == name),
            coverage=tuple(each for each in self.coverage if each.by[MODEL] == name),
            comparisons=tuple(each for each in self.comparisons if each.model == name),
            issues=tuple(each for each in self.issues if _is_of(each, name)),
            details=tuple(each for each in self.details if _is_of(each.issue, name)),
        )

    @property
    def by_step(self) -> list[Tally]:
        """Give the counts of each step, versions together."""
        found: dict[datetime | None, Tally] = {}
        for each in self.tallies:
            found[each.time] = found[each.time] + each if each.time in found else each
        return [found[time] for time in sorted(found, key=_time)]

    @property
    def durations_by_step(self) -> list[Durations]:
        """Give the durations of each step and outcome, versions together."""
        found: dict[tuple[datetime | None, str], Durations] = {}
        for each in self.durations:
            key = (each.time, each.outcome)
            own = found.setdefault(key, Durations(each.by[:1], each.time, each.outcome, {}))
            own.add(each)
        return [found[key] for key in sorted(found, key=lambda key: (_time(key[0]), key[1]))]

    @property
    def durations_by_version(self) -> list[Durations]:
        """Give the durations of each version and outcome, steps together."""
        return durations.together(list(self.durations))


def ask(store: Store, question: Question, progress: Progress) -> Answers:
    """Ask for everything that is shown.

    Args:
        store: to ask.
        question: model, span and conditions; its groups and steps play no part.
        progress: told how many of how many questions are answered.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    source = Remembered(store)
    plain = replace(question, by=(MODEL,), every=None)
    versions = replace(plain, by=tuple(dict.fromkeys((MODEL, _VERSION))))
    done = 0

    def answered(total: int = 10) -> None:
        nonlocal done
        done += 1
        progress(done, total)

    catalog = source.catalog()
    answered()
    steps = _steps(catalog, question)
    counted = tallies(source, versions.stepped(steps))
    answered()
    good = quality(source, versions)
    answered()
    confused = confusion(source, versions)
    answered()
    calibrated = calibration(source, versions)
    answered()
    took = latencies(source, versions.stepped(steps))
    answered()
    covered = coverage(source, plain)
    answered()
    compared = compare(source, plain)
    answered()
    open_issues = issues(source, plain.stepped(steps))
    answered()
    details = _details(source, plain.stepped(steps), open_issues.rows)
    deployments = _deployments(source, plain)
    answered()
    said = (good, confused, calibrated, covered, compared, open_issues)
    return Answers(
        question=plain,
        steps=steps,
        catalog=catalog,
        deployments=deployments,
        tallies=tuple(counted),
        quality=good.rows,
        confusion=confused.rows,
        calibration=calibrated.rows,
        durations=tuple(took),
        coverage=covered.rows,
        comparisons=compared.rows,
        family=_family(compared.rows),
        issues=open_issues.rows,
        details=details,
        notes=tuple(dict.fromkeys(note for each in said for note in each.notes)),
    )


def _is_of(issue: IssueRow, name: str | None) -> bool:
    return name in issue.models if name is not None else not issue.models


def _steps(catalog: Catalog, question: Question) -> TimeBucket:
    """Choose steps: many where there is enough in each of them."""
    most = max((each.predictions for each in catalog.models), default=0)
    return step(question.since, question.until, _STEPS if most >= _MANY else _FEW_STEPS)


def _family(rows: Sequence[Comparison]) -> Family:
    rates = (rate for row in rows for rate in (row.failure_rate, row.error_rate))
    found = [each.p_value for each in rates if each.p_value is not None]
    return Family(len(found), significant(found, _LEVEL))


def _details(store: Store, question: Question, rows: Sequence[IssueRow]) -> tuple[IssueDetail, ...]:
    return tuple(issue_detail(store, question, row.id) for row in rows[:DETAILED])


def _deployments(store: Store, question: Question) -> tuple[Deployment, ...]:
    known = (each for each in question.filter.conditions if not foreign((each,), DEPLOYMENT))
    where = Filter(question.since, question.until, tuple(known))
    found = store.events(DEPLOYMENT, where=where, limit=_MOST_DEPLOYMENTS)
    return tuple(reversed([each for event in found for each in _deployment(event)]))


def _deployment(event: Event) -> Iterable[Deployment]:
    names = ("ml.model.name", "ml.model.version", "@timestamp", "event.action")
    model, version, time, action = (lookup(event, name) for name in names)
    if model is not None and version is not None and time is not None:
        yield Deployment(str(model), str(version), utc(from_iso(str(time))), str(action))


def _time(time: Cell) -> float:
    return time.timestamp() if isinstance(time, datetime) else 0.0
