"""Failure rate, error rate and coverage: all three from one question to the store."""

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
    "error_rate",
    "failure_rate",
    "rates",
    "rows_of",
    "tallies",
    "together",
]

_LABELLED = "ml.truth.observed_at"
"""What each labelled prediction has, whatever its labels say."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The predictions of one group, by what became of them."""

    by: tuple[Cell, ...]
    time: datetime | None = None
    attempts: Sums = field(default=Sums())
    failed: Sums = field(default=Sums())
    succeeded: Sums = field(default=Sums())
    labelled: Sums = field(default=Sums())
    judged: Sums = field(default=Sums())
    """Labelled so that it is known whether the answer was right."""
    wrong: Sums = field(default=Sums())

    def __add__(self, other: Tally) -> Tally:
        sums = {
            each.name: getattr(self, each.name) + getattr(other, each.name)
            for each in fields(self)
            if each.name not in {"by", "time"}
        }
        return replace(self, **sums)

    @property
    def failure_rate(self) -> Rate:
        """Give failed attempts out of all attempts."""
        return self.failed.out_of(self.attempts, "no attempt")

    @property
    def error_rate(self) -> Rate:
        """Give wrong answers out of those that are known to be right or wrong."""
        return self.wrong.out_of(self.judged, self._why_unknown())

    @property
    def coverage(self) -> Rate:
        """Give labelled attempts out of the successful ones."""
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
    """The group: the model, and what else was asked for, as it was named."""
    time: datetime | None
    """Begin of the step in time, where steps were asked for."""
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
    """The error rate of one group, and how much of it is labelled."""

    by: Mapping[str, Cell]
    time: datetime | None
    error_rate: Rate
    coverage: Rate


def rates(store: Store, question: Question) -> Result[RatesRow]:
    """Give failure rate, error rate and coverage of each group.

    Args:
        store: to ask.
        question: what to ask.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    return rows_of(question, tallies(store, question))


def failure_rate(store: Store, question: Question) -> Result[FailureRow]:
    """Give failed attempts out of all attempts, of each group; raises as :func:`rates`."""
    rows = tuple(FailureRow(r.by, r.time, r.failure_rate) for r in rates(store, question).rows)
    return Result(question, rows, _columns(question, "failure_rate"))


def error_rate(store: Store, question: Question) -> Result[ErrorRow]:
    """Give wrong answers out of labelled ones, of each group; raises as :func:`rates`."""
    found = rates(store, question).rows
    rows = tuple(ErrorRow(r.by, r.time, r.error_rate, r.coverage) for r in found)
    return Result(question, rows, _columns(question, "error_rate", "coverage"))


def rows_of(question: Question, counted: Iterable[Tally]) -> Result[RatesRow]:
    """Turn tallies into the rows that answer a question."""
    rows = tuple(
        RatesRow(
            dict(zip(question.by, each.by, strict=True)),
            each.time,
            each.failure_rate,
            each.error_rate,
            each.coverage,
        )
        for each in counted
    )
    return Result(question, rows, _columns(question, "failure_rate", "error_rate", "coverage"))


def _columns(question: Question, *rate_names: str) -> tuple[str, ...]:
    return (*question.by, "time", *parts_of(Rate, *rate_names))


def tallies(store: Store, question: Question) -> list[Tally]:
    """Count predictions by group, step in time, outcome and truth, in one question.

    Returns:
        One tally a group and step, sorted by group (numbers within text count as numbers), then
        time.
    """
    found: dict[Group, Tally] = {}
    outcomes = FieldValue("event.outcome"), FieldValue("ml.eval.outcome")
    measures = (*support(), *support(_LABELLED))
    for group, row in grouped(store, question, outcomes, measures):
        part = _tally(group, row)
        found[group] = found[group] + part if group in found else part
    return [each for _, each in in_order(found)]


def together(counted: Iterable[Tally]) -> list[Tally]:
    """Add up the steps in time of each group."""
    found: dict[tuple[Cell, ...], Tally] = {}
    for each in counted:
        whole = replace(each, time=None)
        found[each.by] = found[each.by] + whole if each.by in found else whole
    return list(found.values())


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
    # asked in steps in any case: what is shown in whole is their sum
    counted = tallies(store, question.stepped(steps))
    raised = exceptions(store, question)
    first = replace(raised, rows=raised.rows[:top])
    listed: Result[IssueRow] = Result(question, (), ())
    if top and (counted or raised.rows):
        listed = issues(store, question, top)
    return Answer(
        replace(
            rows_of(question, counted if question.every else together(counted)), notes=first.notes
        ),
        steps,
        lambda: counted,
        {"exceptions": first, "issues": listed},
    )
