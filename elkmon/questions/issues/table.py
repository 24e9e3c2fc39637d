"""Write the list of issues to a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.table import Table
from rich.text import Text

from elkmon.present.formatting import command_line, when
from elkmon.present.output import Output, below, clean, copyable, fit_width, table
from elkmon.present.result import Result
from elkmon.present.sparklines import sparkline
from elkmon.query.question import Question
from elkmon.questions.issues.detail import events_of
from elkmon.questions.issues.row import IssueRow, Step
from elkmon.questions.record import Answer
from elkmon.stores.location import Place

__all__ = [
    "STATE_STYLES",
    "abbreviated",
    "bars_of",
    "events_command",
    "show",
    "show_issues",
    "trend_of",
]

STATE_STYLES = {
    "regressed": "bold red",
    "new": "bold yellow",
    "ongoing": "",
    "resolved": "green",
    "ignored": "dim",
}
_SHORTEST = 7
_MOST_BARS = 42


def abbreviated(ids: Iterable[str]) -> Callable[[str], str]:
    """Return a function that shortens an id to a unique beginning, as git does."""
    known = set(ids)
    length = _SHORTEST
    while len({id_[:length] for id_ in known}) < len(known):
        length += 1
    return lambda id_: id_[:length]


def show(output: Output, store: Place, answer: Answer) -> None:
    """Write the list, and the command that lists the events of its first issue."""
    result: Result[IssueRow] = answer.result
    show_issues(output, result.rows)
    line = events_command(store, result.question, result.rows[0])
    output.show(*(Text(clean(note), "dim") for note in result.notes))
    output.show(Text(""), Text("The events behind the first", "bold"), copyable(line))


def show_issues(output: Output, rows: Sequence[IssueRow]) -> None:
    """Write a table of issues."""
    output.show(fit_width(output, lambda wide: _table(output, rows, wide=wide)))


def bars_of(row: IssueRow) -> Sequence[Step]:
    """Return the trend in no more steps than fit a column of a table."""
    trend = row.trend
    width = -(-len(trend) // _MOST_BARS) or 1
    runs = [trend[start : start + width] for start in range(0, len(trend), width)]
    return [Step(run[0].time, sum(step.count for step in run)) for run in runs]


def trend_of(row: IssueRow) -> str:
    """Return a sparkline of an issue's occurrences, scaled to its own maximum."""
    counts = [bar.count for bar in bars_of(row)]
    return sparkline(counts, max(counts, default=0))


def events_command(store: Place, question: Question, row: IssueRow) -> str:
    """Return the command that lists an issue's events."""
    return command_line("events", store, events_of(question, row), "--dataset", row.dataset)


def _table(output: Output, rows: Sequence[IssueRow], *, wide: bool) -> Table:
    short = abbreviated(row.id for row in rows)
    if wide:
        heads = ["id", "state", "issue", "count", "trend", "first seen (UTC)", "last seen (UTC)"]
        heads += ["model", "versions", "segments"]
    else:
        heads = ["id", "issue", "count", "first, last seen"]
    grid = table(output, heads, right={"count"})
    for row in rows:
        title = Text(clean(row.title), "red")
        evidence = Text(clean(row.evidence), "dim")
        state = Text(row.state, STATE_STYLES[row.state])
        count = Text(f"{row.count:,}")
        trend = Text(trend_of(row), "cyan")
        times = [Text(when(row.first_seen)), Text(when(row.last_seen))]
        models, versions = Text(clean(", ".join(row.models))), Text(clean(", ".join(row.versions)))
        segments = Text(clean(", ".join(row.segments)))
        identity = Text(short(row.id), "bold")
        if wide:
            issue = below(title, evidence)
            grid.add_row(identity, state, issue, count, trend, *times, models, versions, segments)
        else:
            whose = Text(" ").join(text for text in (models, versions) if text)
            issue = below(*(text for text in (title, whose, evidence) if text))
            grid.add_row(below(identity, state), issue, count, below(*times, trend))
    return grid
