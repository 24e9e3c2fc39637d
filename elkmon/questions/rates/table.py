"""Write failure rates, error rates and the top issues to a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from rich.table import Table
from rich.text import Text

from elkmon.events.datasets import PREDICTION
from elkmon.present.answer_table import all_steps, group_cells, group_heads, show_notes
from elkmon.present.formatting import command_line, counts, interval, percent
from elkmon.present.output import Output, below, clean, copyable, fit_width, table
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
"""How many groups a table shows; JSON and CSV have all."""
_Course = Mapping[tuple[tuple[Cell, ...], datetime | None], float | None]


def show(output: Output, store: Place, answer: Answer) -> None:
    """Write both rates, the top issues, and the commands that list the events behind them."""
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
    """Sparklines of all groups, with the same steps and the same scale."""

    def __init__(self, counted: Sequence[Tally], steps: TimeBucket) -> None:
        self.steps = steps
        self._times = all_steps(steps, [tally.time for tally in counted if tally.time is not None])
        self._failed: _Course = {
            (tally.by, tally.time): tally.failure_rate.value for tally in counted
        }
        self._wrong: _Course = {(tally.by, tally.time): tally.error_rate.value for tally in counted}
        self._most_failed, self._most_wrong = _top(self._failed), _top(self._wrong)

    def failures(self, by: tuple[Cell, ...]) -> str:
        """Return the course of a group's failure rate."""
        return self._line(by, self._failed, self._most_failed)

    def errors(self, by: tuple[Cell, ...]) -> str:
        """Return the course of a group's error rate."""
        return self._line(by, self._wrong, self._most_wrong)

    def legend(self) -> str:
        """Return the explanation of the sparklines."""
        return (
            f"over time: steps of {self.steps.every} {self.steps.unit}; the highest bar is "
            f"{100 * self._most_failed:.1f} % of failures, "
            f"{100 * self._most_wrong:.1f} % of errors"
        )

    def _line(self, by: tuple[Cell, ...], course: _Course, top: float) -> str:
        return sparkline([course.get((by, time)) for time in self._times], top)


def _top(course: _Course) -> float:
    return max((value for value in course.values() if value is not None), default=0.0)


def _show_rates(output: Output, answer: Result[RatesRow], trend: Trend | None) -> None:
    """Write both rates of the groups with the most attempts."""
    attempts: Counter[tuple[Cell, ...]] = Counter()
    for row in answer.rows:
        attempts[tuple(row.by.values())] += row.failure_rate.n
    most = {group for group, _ in attempts.most_common(_MOST)}
    rows = tuple(row for row in answer.rows if tuple(row.by.values()) in most)
    largest = replace(answer, rows=rows, notes=())
    rates_table = fit_width(output, lambda wide: _rates_table(output, largest, trend, wide=wide))
    output.show(rates_table)
    if len(attempts) > _MOST:
        more = (
            f"… and {len(attempts) - _MOST:,} more: the {_MOST} groups with most attempts are "
            "shown; --format csv and --format json have all"
        )
        output.show(Text(more, "dim"))
    weighted = any(row.failure_rate.weighted or row.error_rate.weighted for row in rows)
    show_notes(output, largest, "" if trend is None else trend.legend(), weighted=weighted)


def _rates_table(
    output: Output, answer: Result[RatesRow], trend: Trend | None, *, wide: bool
) -> Table:
    heads = group_heads(answer.question)
    if wide:
        course = [] if trend is None else ["over time"]
        heads += ["failure rate", "failed / attempts", *course]
        heads += ["error rate", "wrong / labelled", *course, "labelled"]
    else:
        heads += ["failure rate", "error rate", "labelled"]
    rates_table = table(output, heads)
    for row in answer.rows:
        key = tuple(row.by.values())
        cells = group_cells(row.by, row.time)
        failures = _parts(row.failure_rate, None if trend is None else trend.failures(key))
        errors = _parts(row.error_rate, None if trend is None else trend.errors(key))
        rates = [*failures, *errors] if wide else [below(*failures), below(*errors)]
        rates_table.add_row(*cells, *rates, Text(percent(row.coverage)))
    return rates_table


def _parts(rate: Rate, course: str | None) -> list[Text]:
    """Return a share with its interval, its counts or why it is absent, and its course."""
    return [
        Text.assemble((percent(rate), "bold"), " ", (interval(rate), "dim")),
        Text(counts(rate) if rate.reason is None else rate.reason, "dim"),
        *([] if course is None else [Text(course, "cyan")]),
    ]


def _show_behind(
    output: Output, store: Place, answer: Result[RatesRow], listed: Result[IssueRow]
) -> None:
    """Write the commands that list the events behind the figures."""
    failed = sum(row.failure_rate.k for row in answer.rows)
    wrong = sum(row.error_rate.k for row in answer.rows)
    question = answer.question
    of_predictions = ("--dataset", PREDICTION, "--where")
    lines = []
    if failed:
        lines.append(command_line("events", store, question, *of_predictions, "outcome=failure"))
    if wrong:
        lines.append(
            command_line("events", store, question, *of_predictions, "ml.eval.outcome=wrong")
        )
    if listed.rows:
        lines.append(events_command(store, question, listed.rows[0]))
    if lines:
        output.show(Text(""), Text("The events behind", "bold"), *map(copyable, lines))
