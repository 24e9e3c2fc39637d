"""Compute failure rate, error rate and coverage from one request to the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from elkmon.present.result import Result, parts_of
from elkmon.query.groups import Group, grouped, in_order, support
from elkmon.query.question import Question
from elkmon.query.times import step
from elkmon.questions.exceptions.figures import exceptions
from elkmon.questions.issues.figures import issues
from elkmon.questions.issues.row import IssueRow
from elkmon.questions.record import Answer
from elkmon.statistics.rate import Rate, Sums
from elkmon.stores.protocol import Cell, FieldValue, Store

__all__ = [
    "ErrorRow",
    "FailureRow",
    "RatesRow",
    "Tally",
    "answer",
    "count_attempts",
    "error_rate",
    "failure_rate",
    "rates",
    "rates_of",
    "sum_steps",
]

_LABELLED = "ml.truth.observed_at"
"""The field that every labelled prediction has."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The predictions of one group, counted by outcome."""

    by: tuple[Cell, ...]
    time: datetime | None = None
    attempts: Sums = field(default=Sums())
    failed: Sums = field(default=Sums())
    succeeded: Sums = field(default=Sums())
    labelled: Sums = field(default=Sums())
    judged: Sums = field(default=Sums())
    """Labelled predictions that are known to be right or wrong."""
    wrong: Sums = field(default=Sums())

    def __add__(self, other: Tally) -> Tally:
        sums = {
            part.name: getattr(self, part.name) + getattr(other, part.name)
            for part in fields(self)
            if part.name not in {"by", "time"}
        }
        return replace(self, **sums)

    @property
    def failure_rate(self) -> Rate:
        """Return failed attempts out of all attempts."""
        return self.failed.out_of(self.attempts, "no attempt")

    @property
    def error_rate(self) -> Rate:
        """Return wrong answers out of those known to be right or wrong."""
        return self.wrong.out_of(self.judged, self._why_unknown())

    @property
    def coverage(self) -> Rate:
        """Return labelled attempts out of the successful ones."""
        return self.labelled.out_of(self.succeeded, "no successful attempt")

    def _why_unknown(self) -> str:
        if not self.succeeded.count:
            return "no successful attempt"
        if not self.labelled.count:
            return "no label yet"
        return "labels do not say right or wrong"


@dataclass(frozen=True, slots=True)
class RatesRow:
    """Both rates of one group."""

    by: Mapping[str, Cell]
    """The group, by the names of the question's ``by``."""
    time: datetime | None
    """The beginning of the step; None without steps."""
    failure_rate: Rate
    error_rate: Rate
    coverage: Rate


@dataclass(frozen=True, slots=True)
class FailureRow:
    """The failure rate of one group."""

    by: Mapping[str, Cell]
    time: datetime | None
    failure_rate: Rate


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """The error rate of one group, and its coverage."""

    by: Mapping[str, Cell]
    time: datetime | None
    error_rate: Rate
    coverage: Rate


def rates(store: Store, question: Question) -> Result[RatesRow]:
    """Return failure rate, error rate and coverage of each group.

    Args:
        store: to ask.
        question: what to ask.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    return rates_of(question, count_attempts(store, question))


def failure_rate(store: Store, question: Question) -> Result[FailureRow]:
    """Return the failure rate of each group; raises as :func:`rates`."""
    rows = tuple(FailureRow(r.by, r.time, r.failure_rate) for r in rates(store, question).rows)
    return Result(question, rows, _columns(question, "failure_rate"))


def error_rate(store: Store, question: Question) -> Result[ErrorRow]:
    """Return the error rate and coverage of each group; raises as :func:`rates`."""
    both = rates(store, question).rows
    rows = tuple(ErrorRow(r.by, r.time, r.error_rate, r.coverage) for r in both)
    return Result(question, rows, _columns(question, "error_rate", "coverage"))


def rates_of(question: Question, counted: Iterable[Tally]) -> Result[RatesRow]:
    """Return the rows that answer a question, from the counts."""
    rows = tuple(
        RatesRow(
            dict(zip(question.by, tally.by, strict=True)),
            tally.time,
            tally.failure_rate,
            tally.error_rate,
            tally.coverage,
        )
        for tally in counted
    )
    return Result(question, rows, _columns(question, "failure_rate", "error_rate", "coverage"))


def _columns(question: Question, *rate_names: str) -> tuple[str, ...]:
    return (*question.by, "time", *parts_of(Rate, *rate_names))


def count_attempts(store: Store, question: Question) -> list[Tally]:
    """Return counts of attempts by group and step, from one request to the store.

    Returns:
        A tally of each group and step, sorted by group (numbers within text count as numbers), then
        time.
    """
    by_group: dict[Group, Tally] = {}
    outcomes = FieldValue("event.outcome"), FieldValue("ml.eval.outcome")
    measures = (*support(), *support(_LABELLED))
    for group, row in grouped(store, question, outcomes, measures):
        part = _tally(group, row)
        by_group[group] = by_group[group] + part if group in by_group else part
    return [tally for _, tally in in_order(by_group)]


def sum_steps(counted: Iterable[Tally]) -> list[Tally]:
    """Add up the steps of each group."""
    by_group: dict[tuple[Cell, ...], Tally] = {}
    for tally in counted:
        whole = replace(tally, time=None)
        by_group[tally.by] = by_group[tally.by] + whole if tally.by in by_group else whole
    return list(by_group.values())


def _tally(group: Group, row: tuple[Any, ...]) -> Tally:
    outcome, truth, *sums = row
    counted, labelled, nothing = Sums.of(sums[:3]), Sums.of(sums[3:]), Sums()
    succeeded = outcome == "success"
    judged = succeeded and truth in {"correct", "wrong"}
    return Tally(
        *group,
        attempts=counted,
        failed=counted if outcome == "failure" else nothing,
        succeeded=counted if succeeded else nothing,
        labelled=labelled if succeeded else nothing,
        judged=counted if judged else nothing,
        wrong=counted if judged and truth == "wrong" else nothing,
    )


def answer(store: Store, question: Question, top: int) -> Answer:
    """Return both rates, the ``top`` exceptions and the ``top`` issues; raises as :func:`rates`."""
    steps = question.every or step(question.since, question.until)
    # always asked in steps: the rows are their sums
    counted = count_attempts(store, question.stepped(steps))
    raised = exceptions(store, question)
    first = replace(raised, rows=raised.rows[:top])
    listed: Result[IssueRow] = Result(question, (), ())
    if top and (counted or raised.rows):
        listed = issues(store, question, top)
    return Answer(
        replace(
            rates_of(question, counted if question.every else sum_steps(counted)), notes=first.notes
        ),
        steps,
        lambda: counted,
        {"exceptions": first, "issues": listed},
    )
