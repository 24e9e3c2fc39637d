"""Ask the store for everything in a report, for all models together."""

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
from elkmon.report.cached_store import CachedStore
from elkmon.statistics.significance import significant
from elkmon.stores.protocol import Catalog, Cell, Event, Filter, Store, TimeBucket

__all__ = ["DETAILED", "Answers", "RateTests", "ask"]

_STEPS, _FEW_STEPS = 60, 16
_MANY = 5_000
"""The number of predictions from which on figures over time have many steps."""
DETAILED = 12
"""How many issues have examples."""
_MOST_DEPLOYMENTS = 200
_LEVEL = 0.05
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RateTests:
    """How many rates of all models are tested, and the p-value that counts as significant."""

    number: int
    cut: float
    """The greatest significant p-value, at a false-discovery rate of 5 %."""


@dataclass(frozen=True, slots=True)
class Answers(SectionAnswers):
    """The store's answers; all have the same span and conditions."""

    comparisons: tuple[Comparison, ...]
    uncompared: tuple[Uncompared, ...]
    rate_tests: RateTests
    issues: tuple[IssueRow, ...]
    details: tuple[IssueDetail, ...]
    """The details of the first issues."""
    notes: tuple[str, ...]

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """Return the counts by model, version and step."""
        return self.rows[ERROR_RATE.method]

    def of(self, name: str | None) -> Answers:
        """Return the answers about one model, or those about no model if the name is None."""
        return replace(
            self,
            question=replace(self.question, model=name),
            deployments=tuple(d for d in self.deployments if d.model == name),
            rows={
                method: tuple(row for row in rows if _model_of(row) == name)
                for method, rows in self.rows.items()
            },
            comparisons=tuple(c for c in self.comparisons if c.model == name),
            uncompared=tuple(model for model in self.uncompared if model.model == name),
            issues=tuple(issue for issue in self.issues if _is_of(issue, name)),
            details=tuple(detail for detail in self.details if _is_of(detail.issue, name)),
        )


def ask(store: Store, question: Question, progress: Progress) -> Answers:
    """Return the answers to all questions of a report.

    Args:
        store: the store.
        question: model, span and conditions; its groups and steps are ignored.
        progress: called with the number of answered questions, and of all.

    Raises:
        QueryError: the question is invalid.
        StoreError: the store cannot be read.
    """
    source = CachedStore(store)
    records = [record for record in questions().values() if record.in_report]
    total = len(records) + 4
    plain = replace(question, by=(MODEL,), every=None)
    catalog = source.catalog()
    progress(1, total)
    frame = Frame(plain, _steps(catalog, question))
    rows: dict[str, tuple[Any, ...]] = {}
    notes: list[str] = []
    for number, record in enumerate(records, 2):
        section_rows, more = record.section.ask(source, frame)
        rows[record.method] = tuple(section_rows)
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
        rate_tests=_rate_tests(comparisons.rows),
        issues=listed.rows,
        details=details,
        notes=tuple(dict.fromkeys(notes)),
    )


def _model_of(row: Any) -> Cell:  # noqa: ANN401 - a row of any question
    """Return the model of a row."""
    model: Cell = row.by[MODEL] if isinstance(row.by, Mapping) else row.by[0]
    return model


def _is_of(issue: IssueRow, name: str | None) -> bool:
    return name in issue.models if name is not None else not issue.models


def _steps(catalog: Catalog, question: Question) -> TimeBucket:
    """Return the steps of figures over time: many if there are enough predictions."""
    most = max((model.predictions for model in catalog.models), default=0)
    return step(question.since, question.until, _STEPS if most >= _MANY else _FEW_STEPS)


def _rate_tests(rows: Sequence[Comparison]) -> RateTests:
    rates = (rate for row in rows for rate in (row.failure_rate, row.error_rate))
    p_values = [rate.p_value for rate in rates if rate.p_value is not None]
    return RateTests(len(p_values), significant(p_values, _LEVEL))


def _deployments(store: Store, question: Question) -> tuple[Deployment, ...]:
    conditions = (c for c in question.filter.conditions if not unknown_fields((c,), DEPLOYMENT))
    where = Filter(question.since, question.until, tuple(conditions))
    newest = store.events(DEPLOYMENT, where=where, limit=_MOST_DEPLOYMENTS)
    return tuple(reversed([deployment for event in newest for deployment in _deployment(event)]))


def _deployment(event: Event) -> Iterable[Deployment]:
    names = ("ml.model.name", "ml.model.version", "@timestamp", "event.action")
    model, version, time, action = (lookup(event, name) for name in names)
    if model is not None and version is not None and time is not None:
        yield Deployment(str(model), str(version), utc(from_iso(str(time))), str(action))
