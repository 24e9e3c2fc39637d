"""``elkmon latency``: how long predictions take."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from elkmon.cli.options import format_options, group_options, question_options, store_option
from elkmon.monitor import open_store
from elkmon.present.answer import behind, explain, nothing, of_group, sampled, steps_of, write
from elkmon.present.courses import course, duration, span
from elkmon.present.output import Form, Output, below, clean, fitting, table
from elkmon.present.sparklines import cell, step, when
from elkmon.query.question import Question
from elkmon.query.result import Result
from elkmon.questions.latency.figures import LatencyRow, latencies, rows_of, together
from elkmon.statistics.estimate import Figure
from elkmon.stores.location import Place
from elkmon.stores.protocol import TimeBucket

__all__ = ["command"]

_MS = 1e-3


@click.command("latency")
@store_option
@question_options
@group_options
@format_options
def command(
    store: Place,
    form: Form,
    output: Path | None,
    **asked: Any,  # noqa: ANN401 - what a question takes
) -> None:
    """Show how long predictions take.

    p50, p95 and p99, to 1 %; failed attempts apart. By model, over the last 7 days if nothing else
    is said.
    """
    question = Question.of(**asked)
    steps = question.every or step(question.since, question.until)
    with closing(open_store(store)) as source:
        # asked in steps in any case: what is shown in whole is their sum
        stepped = question.stepped(steps)
        found = latencies(source, stepped)
        drawn = rows_of(stepped, found).rows
        answer = rows_of(question, found if question.every else together(found))
        said = list(answer.notes)
        if not answer.rows:
            said = nothing(source, store, question, "latency")
    write(
        form, output, "latency", answer, said, lambda out: _show(out, store, answer, drawn, steps)
    )


def _show(
    out: Output,
    store: Place,
    answer: Result[LatencyRow],
    drawn: tuple[LatencyRow, ...],
    steps: TimeBucket,
) -> None:
    question = answer.question
    trend = {} if question.every else _trend(drawn, steps)
    out.show(fitting(out, lambda wide: _table(out, answer, trend, wide=wide)))
    explain(
        out, question, answer.notes,
        f"over time: p95 in steps of {steps.every} {steps.unit}, each from its lowest value to its "
        "highest" if trend else "",
        "no interval where too few lie beyond a quantile",
        sampled(any(row.p50.weighted for row in answer.rows)),
    )  # fmt: skip
    slow = [row for row in answer.rows if row.p99.value is not None] or list(answer.rows)
    worst = max(slow, key=lambda row: (row.outcome == "success", row.p99.value or 0.0))
    # from the beginning of its bin on
    nanoseconds = int(((worst.p95.value or 0.0) - (worst.p95.bound or 0.0)) * 1e6)
    behind(
        out, store, question, *of_group(question, worst.by), "--where", f"outcome={worst.outcome}",
        "--where", f"event.duration>={nanoseconds}",
    )  # fmt: skip


def _trend(drawn: tuple[LatencyRow, ...], steps: TimeBucket) -> dict[tuple[object, ...], str]:
    times = steps_of(steps, [row.time for row in drawn if row.time is not None])
    values = {(*row.by.values(), row.outcome, row.time): row.p95.value for row in drawn}
    groups = dict.fromkeys((*row.by.values(), row.outcome) for row in drawn)
    made: dict[tuple[object, ...], str] = {}
    for group in groups:
        own = [values.get((*group, time)) for time in times]
        made[group] = course(own, own)
    return made


def _table(
    out: Output, answer: Result[LatencyRow], trend: dict[tuple[object, ...], str], *, wide: bool
) -> Table:
    groups = [clean(name) for name in answer.question.by]
    groups += ["time (UTC)"] if answer.question.every is not None else []
    quantiles = ["p50", "p95", "p99"]
    if wide:
        heads = [*groups, "outcome", *quantiles, *(["over time"] if trend else []), "attempts"]
    else:
        heads = [", ".join(groups), "attempts", *quantiles]
    made = table(out, heads, right={"attempts"} if wide else ())
    for row in answer.rows:
        drawn = Text(trend.get((*row.by.values(), row.outcome), ""), "cyan")
        group = [Text(cell(value)) for value in row.by.values()]
        group += [] if row.time is None else [Text(when(row.time))]
        parts = [_figure(figure, wide=wide) for figure in (row.p50, row.p95, row.p99)]
        outcome = Text(row.outcome, "red" if row.outcome == "failure" else "")
        count = Text(f"{row.p50.n:,}", "dim")
        if wide:
            made.add_row(*group, outcome, *parts, *([drawn] if trend else []), count)
        else:
            parts[1] = below(parts[1], drawn) if trend else parts[1]
            made.add_row(below(*group), below(outcome, count), *parts)
    return made


def _figure(figure: Figure, *, wide: bool) -> Text:
    value = duration(None if figure.value is None else figure.value * _MS)
    mark = "*" if figure.weighted and figure.value is not None else ""
    pair = (Text(value + mark, "bold"), Text(span(figure, _MS), "dim"))
    return Text(" ").join(pair) if wide else below(*pair)
