"""Failure rates, error rates and the top issues on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from rich.table import Table
from rich.text import Text

from elkmon.events.datasets import PREDICTION
from elkmon.present.below_table import steps_of
from elkmon.present.formatting import cell, command_line, counts, interval, percent, when
from elkmon.present.output import Output, below, clean, fitting, table, typed_text
from elkmon.present.result import Result
from elkmon.present.sparklines import sparkline
from elkmon.questions.issues.row import IssueRow
from elkmon.questions.issues.table import events_command, show_issues
from elkmon.questions.rates.figures import RatesRow, Tally
from elkmon.questions.record import Answer
from elkmon.statistics.rate import Rate
from elkmon.stores.location import Place
from elkmon.stores.protocol import Cell, TimeBucket

__all__ = ["Trend", "show"]

_MOST = 100
"""Groups that a table shows; JSON and CSV have all."""
_Course = Mapping[tuple[tuple[Cell, ...], datetime | None], float | None]


def show(output: Output, store: Place, answer: Answer) -> None:
    """Write both rates, the top issues, and the commands that list the events behind."""
    result: Result[RatesRow] = answer.result
    listed: Result[IssueRow] = answer.parts["issues"]
    if result.rows:
        trend = None
        if answer.steps is not None and not result.question.every:
            trend = Trend(answer.stepped(), answer.steps)
        _show_rates(output, result, trend)
    if listed.rows:
        output.show(Text(""), Text("The top issues (elkmon issues has all)", "bold"))
        show_issues(output, listed.rows)
    if result.notes:
        output.show(*(Text(clean(note)) for note in result.notes))
    _show_behind(output, store, result, listed)


class Trend:
    """Sparklines of all groups, over the same steps and to the same height."""

    def __init__(self, counted: Sequence[Tally], steps: TimeBucket) -> None:
        self.steps = steps
        self._times = steps_of(steps, [each.time for each in counted if each.time is not None])
        self._failed: _Course = {(each.by, each.time): each.failure_rate.value for each in counted}
        self._wrong: _Course = {(each.by, each.time): each.error_rate.value for each in counted}
        self._most_failed, self._most_wrong = _top(self._failed), _top(self._wrong)

    def failures(self, by: tuple[Cell, ...]) -> str:
        """Draw the failure rate of a group."""
        return self._drawn(by, self._failed, self._most_failed)

    def errors(self, by: tuple[Cell, ...]) -> str:
        """Draw the error rate of a group."""
        return self._drawn(by, self._wrong, self._most_wrong)

    def legend(self) -> str:
        """Say what the lines are drawn to."""
        return (
            f"over time: steps of {self.steps.every} {self.steps.unit}; the highest bar is "
            f"{100 * self._most_failed:.1f} % of failures, "
            f"{100 * self._most_wrong:.1f} % of errors"
        )

    def _drawn(self, by: tuple[Cell, ...], course: _Course, top: float) -> str:
        return sparkline([course.get((by, time)) for time in self._times], top)


def _top(course: _Course) -> float:
    return max((value for value in course.values() if value is not None), default=0.0)


def _show_rates(output: Output, answer: Result[RatesRow], trend: Trend | None) -> None:
    """Write both rates of the groups with most attempts, with interval, counts and course."""
    attempts: Counter[tuple[Cell, ...]] = Counter()
    for row in answer.rows:
        attempts[tuple(row.by.values())] += row.failure_rate.n
    most = {group for group, _ in attempts.most_common(_MOST)}
    rows = tuple(row for row in answer.rows if tuple(row.by.values()) in most)
    shown = replace(answer, rows=rows)
    made = fitting(output, lambda wide: _rates_table(output, shown, trend, wide=wide))
    lines = _legend(shown, trend)
    if len(attempts) > _MOST:
        lines.insert(
            0,
            f"… and {len(attempts) - _MOST:,} more: the {_MOST} groups with most "
            "attempts are shown; --format csv and --format json have all",
        )
    output.show(made, *(Text(line, "dim") for line in lines))


def _rates_table(
    output: Output, answer: Result[RatesRow], trend: Trend | None, *, wide: bool
) -> Table:
    heads = [clean(name) for name in answer.question.by]
    heads += ["time (UTC)"] if answer.question.every is not None else []
    if wide:
        course = [] if trend is None else ["over time"]
        heads += ["failure rate", "failed / attempts", *course]
        heads += ["error rate", "wrong / labelled", *course, "labelled"]
    else:
        heads += ["failure rate", "error rate", "labelled"]
    made = table(output, heads)
    for row in answer.rows:
        key = tuple(row.by.values())
        cells = [Text(cell(value)) for value in key]
        cells += [] if row.time is None else [Text(when(row.time))]
        failures = _parts(row.failure_rate, None if trend is None else trend.failures(key))
        errors = _parts(row.error_rate, None if trend is None else trend.errors(key))
        rates = [*failures, *errors] if wide else [below(*failures), below(*errors)]
        made.add_row(*cells, *rates, Text(percent(row.coverage)))
    return made


def _parts(rate: Rate, course: str | None) -> list[Text]:
    """Give a share with its interval, what it is counted from, or why it is absent, its course."""
    return [
        Text.assemble((percent(rate), "bold"), " ", (interval(rate), "dim")),
        Text(counts(rate) if rate.reason is None else rate.reason, "dim"),
        *([] if course is None else [Text(course, "cyan")]),
    ]


def _legend(answer: Result[RatesRow], trend: Trend | None) -> list[str]:
    question = answer.question
    lines = [
        f"{when(question.since)} to {when(question.until)} UTC; in brackets the 95 % interval",
    ]
    lines += [] if trend is None else [trend.legend()]
    if any(rate.weighted for row in answer.rows for rate in (row.failure_rate, row.error_rate)):
        lines.append(
            "* sampled: each prediction counts as many times as it stands for; the counts are what "
            "is stored"
        )
    return lines


def _show_behind(
    output: Output, store: Place, answer: Result[RatesRow], found: Result[IssueRow]
) -> None:
    """Write the commands that list the events behind the figures."""
    failed = sum(row.failure_rate.k for row in answer.rows)
    wrong = sum(row.error_rate.k for row in answer.rows)
    asked = answer.question
    of_predictions = ("--dataset", PREDICTION, "--where")
    lines = []
    if failed:
        lines.append(command_line("events", store, asked, *of_predictions, "outcome=failure"))
    if wrong:
        lines.append(command_line("events", store, asked, *of_predictions, "ml.eval.outcome=wrong"))
    if found.rows:
        lines.append(events_command(store, asked, found.rows[0]))
    if lines:
        output.show(Text(""), Text("The events behind", "bold"), *map(typed_text, lines))
