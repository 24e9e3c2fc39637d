"""All that a report asks the store: each figure once, for all models together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from elkmon.events.datasets import DEPLOYMENT
from elkmon.events.times import from_iso
from elkmon.present.page_block import Deployment, Frame, SectionAnswers
from elkmon.query.conditions import lookup, unknown_fields
from elkmon.query.question import MODEL, Question
from elkmon.query.times import step, utc
from elkmon.questions.compare.figures import Comparison, Uncompared, compare_models
from elkmon.questions.issues.detail import IssueDetail, issue_detail
from elkmon.questions.issues.figures import issues
from elkmon.questions.issues.row import IssueRow
from elkmon.questions.rates import ERROR_RATE
from elkmon.questions.rates.figures import Tally
from elkmon.questions.registry import questions
from elkmon.report.remembered import Remembered
from elkmon.statistics.significance import significant
from elkmon.stores.protocol import Catalog, Cell, Event, Filter, Store, TimeBucket

__all__ = ["DETAILED", "Answers", "Family", "ask"]

_STEPS, _FEW_STEPS = 60, 16
_MANY = 5_000
"""Predictions from which on the figures over time have many steps."""
DETAILED = 12
"""Issues that are shown with examples."""
_MOST_DEPLOYMENTS = 200
_LEVEL = 0.05
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Family:
    """The tests of all rates of all models: the more are made, the more chance finds."""

    number: int
    cut: float
    """The greatest p-value that counts: of those that do, 5 % are false at most."""


@dataclass(frozen=True, slots=True)
class Answers(SectionAnswers):
    """What the store says; all figures cover the same span, under the same conditions."""

    comparisons: tuple[Comparison, ...]
    uncompared: tuple[Uncompared, ...]
    family: Family
    issues: tuple[IssueRow, ...]
    details: tuple[IssueDetail, ...]
    """Of the first issues."""
    notes: tuple[str, ...]

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """Return the counts by model, version and step."""
        return self.rows[ERROR_RATE.method]

    def of(self, name: str | None) -> Answers:
        """Return what is about one model; None: what is about none."""
        return replace(
            self,
            question=replace(self.question, model=name),
            deployments=tuple(each for each in self.deployments if each.model == name),
            rows={
                method: tuple(row for row in rows if _model_of(row) == name)
                for method, rows in self.rows.items()
            },
            comparisons=tuple(each for each in self.comparisons if each.model == name),
            uncompared=tuple(each for each in self.uncompared if each.model == name),
            issues=tuple(each for each in self.issues if _is_of(each, name)),
            details=tuple(each for each in self.details if _is_of(each.issue, name)),
        )


def ask(store: Store, question: Question, progress: Progress) -> Answers:
    """Ask for everything that is shown.

    Args:
        store: to ask.
        question: model, span and conditions; its groups and steps play no part.
        progress: is called with how many of how many questions are answered.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    source = Remembered(store)
    records = [record for record in questions().values() if record.in_report]
    total = len(records) + 4
    plain = replace(question, by=(MODEL,), every=None)
    catalog = source.catalog()
    progress(1, total)
    frame = Frame(plain, _steps(catalog, question))
    rows: dict[str, tuple[Any, ...]] = {}
    notes: list[str] = []
    for number, record in enumerate(records, 2):
        own, more = record.section.ask(source, frame)
        rows[record.method] = tuple(own)
        notes += more
        progress(number, total)
    comparisons, uncompared = compare_models(source, plain)
    progress(total - 2, total)
    stepped = plain.stepped(frame.steps)
    listed = issues(source, stepped)
    progress(total - 1, total)
    details = tuple(issue_detail(source, stepped, row.id) for row in listed.rows[:DETAILED])
    deployments = _deployments(source, plain)
    progress(total, total)
    notes += (*comparisons.notes, *listed.notes)
    return Answers(
        question=plain,
        steps=frame.steps,
        catalog=catalog,
        deployments=deployments,
        rows=rows,
        comparisons=comparisons.rows,
        uncompared=uncompared,
        family=_family(comparisons.rows),
        issues=listed.rows,
        details=details,
        notes=tuple(dict.fromkeys(notes)),
    )


def _model_of(row: Any) -> Cell:  # noqa: ANN401 - a row of any question
    """Return the model of a row, whose groups have names or places."""
    model: Cell = row.by[MODEL] if isinstance(row.by, Mapping) else row.by[0]
    return model


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


def _deployments(store: Store, question: Question) -> tuple[Deployment, ...]:
    known = (each for each in question.filter.conditions if not unknown_fields((each,), DEPLOYMENT))
    where = Filter(question.since, question.until, tuple(known))
    found = store.events(DEPLOYMENT, where=where, limit=_MOST_DEPLOYMENTS)
    return tuple(reversed([each for event in found for each in _deployment(event)]))


def _deployment(event: Event) -> Iterable[Deployment]:
    names = ("ml.model.name", "ml.model.version", "@timestamp", "event.action")
    model, version, time, action = (lookup(event, name) for name in names)
    if model is not None and version is not None and time is not None:
        yield Deployment(str(model), str(version), utc(from_iso(str(time))), str(action))
