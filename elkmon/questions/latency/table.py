"""Write latency to a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from elkmon.present.answer_table import (
    all_steps,
    group_cells,
    group_heads,
    show_command,
    show_notes,
)
from elkmon.present.formatting import duration, duration_interval
from elkmon.present.output import Output, below, fit_width, table
from elkmon.present.result import Result
from elkmon.present.sparklines import course
from elkmon.questions.latency.figures import LatencyRow
from elkmon.questions.record import Answer
from elkmon.statistics.estimate import Estimate
from elkmon.stores.location import Place
from elkmon.stores.protocol import TimeBucket

__all__ = ["show"]

_MS = 1e-3


def show(out: Output, store: Place, answer: Answer) -> None:
    """Write the quantiles of each group, with the course of p95."""
    question, steps = answer.result.question, answer.steps
    rows: Sequence[LatencyRow] = answer.result.rows
    trend = {} if question.every or steps is None else _trend(answer.stepped(), steps)
    out.show(fit_width(out, lambda wide: _table(out, answer.result, trend, wide=wide)))
    show_notes(
        out, answer.result,
        f"over time: p95 in steps of {steps.every} {steps.unit}, each from its lowest value to its "
        "highest" if trend and steps is not None else "",
        "no interval where too few lie beyond a quantile",
        weighted=any(row.p50.weighted for row in rows),
    )  # fmt: skip
    slow = [row for row in rows if row.p99.value is not None] or list(rows)
    worst = max(slow, key=lambda row: (row.outcome == "success", row.p99.value or 0.0))
    # from the beginning of the p95's bin on
    nanoseconds = int(((worst.p95.value or 0.0) - (worst.p95.bound or 0.0)) * 1e6)
    slowest = f"outcome={worst.outcome}", f"event.duration>={nanoseconds}"
    show_command(out, store, question, *slowest, by=worst.by)


def _trend(drawn: Sequence[LatencyRow], steps: TimeBucket) -> dict[tuple[object, ...], str]:
    times = all_steps(steps, [row.time for row in drawn if row.time is not None])
    values = {(*row.by.values(), row.outcome, row.time): row.p95.value for row in drawn}
    groups = dict.fromkeys((*row.by.values(), row.outcome) for row in drawn)
    return {group: course([values.get((*group, time)) for time in times]) for group in groups}


def _table(
    out: Output, answer: Result[LatencyRow], trend: dict[tuple[object, ...], str], *, wide: bool
) -> Table:
    groups = group_heads(answer.question)
    quantiles = ["p50", "p95", "p99"]
    if wide:
        heads = [*groups, "outcome", *quantiles, *(["over time"] if trend else []), "attempts"]
    else:
        heads = [", ".join(groups), "attempts", *quantiles]
    quantile_table = table(out, heads, right={"attempts"} if wide else ())
    for row in answer.rows:
        drawn = Text(trend.get((*row.by.values(), row.outcome), ""), "cyan")
        group = group_cells(row.by, row.time)
        parts = [_figure(estimate, wide=wide) for estimate in row.quantiles.values()]
        outcome = Text(row.outcome, "red" if row.outcome == "failure" else "")
        count = Text(f"{row.p50.n:,}", "dim")
        if wide:
            quantile_table.add_row(*group, outcome, *parts, *([drawn] if trend else []), count)
        else:
            parts[1] = below(parts[1], drawn) if trend else parts[1]
            quantile_table.add_row(below(*group), below(outcome, count), *parts)
    return quantile_table


def _figure(figure: Estimate, *, wide: bool) -> Text:
    value = duration(None if figure.value is None else figure.value * _MS)
    mark = "*" if figure.weighted and figure.value is not None else ""
    pair = (Text(value + mark, "bold"), Text(duration_interval(figure, _MS), "dim"))
    return Text(" ").join(pair) if wide else below(*pair)
