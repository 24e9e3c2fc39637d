"""Write business and host metrics to a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from elkmon.events.datasets import METRIC
from elkmon.events.fields import READINGS
from elkmon.present.formatting import ABSENT, cell, command_line, when
from elkmon.present.output import Output, below, clean, copyable, fit_width, table
from elkmon.present.result import Result
from elkmon.present.sparklines import sparkline
from elkmon.query.conditions import condition_texts, equal
from elkmon.query.question import Question
from elkmon.query.times import grid
from elkmon.questions.business_metrics.figures import MetricRow
from elkmon.questions.record import Answer
from elkmon.stores.location import Place
from elkmon.stores.protocol import Condition, TimeBucket

__all__ = ["show"]

_Key = tuple[object, ...]
_BYTE = "byte"
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def show(output: Output, store: Place, answer: Answer) -> None:
    """Write each metric, with the course of its mean."""
    result: Result[MetricRow] = answer.result
    question, steps = result.question, answer.steps
    courses = None
    if steps is not None and not question.every:
        courses = _courses(question, answer.stepped(), steps)
    metrics_table = fit_width(output, lambda wide: _table(output, result, courses, wide=wide))
    lines = [f"{when(question.since)} to {when(question.until)} UTC"]
    if courses is not None and steps is not None:
        lines.append(
            f"over time: the mean, in steps of {steps.every} {steps.unit}, from the least to the "
            "greatest"
        )
    lost = sum(row.absent for row in result.rows)
    if lost:
        lines.append(f"left out, as NaN or infinite: {lost:,} of the values")
    output.show(metrics_table, *(Text(line, "dim") for line in lines))
    more = [
        part
        for text in condition_texts(_behind(answer.options["names"]))
        for part in ("--where", text)
    ]
    behind = command_line("events", store, question, *more, "--dataset", METRIC)
    output.show(Text(""), Text("The events behind", "bold"), copyable(behind))


def _behind(names: Sequence[str]) -> list[Condition]:
    """Return the conditions on the events behind metrics; none for several readings of a host."""
    readings = {field.name for field in READINGS}.intersection(names)
    if not readings:
        return [equal("metric.name", name) for name in names]
    return [Condition(names[0], "exists")] if len(names) == 1 else []


def _key(row: MetricRow) -> _Key:
    return row.name, row.unit, *row.by.values()


def _courses(
    question: Question, stepped: Sequence[MetricRow], steps: TimeBucket
) -> dict[_Key, str]:
    """Return the course of each metric's mean, from its least to its greatest."""
    means: dict[_Key, dict[datetime | None, float | None]] = {}
    for row in stepped:
        means.setdefault(_key(row), {})[row.time] = row.mean
    times = grid(steps, question.since, question.until)
    courses = {}
    for key, by_time in means.items():
        known = [mean for mean in by_time.values() if mean is not None]
        least, most = min(known, default=0.0), max(known, default=0.0)
        above = {time: mean - least for time, mean in by_time.items() if mean is not None}
        courses[key] = sparkline([above.get(time) for time in times], most - least)
    return courses


def _table(
    output: Output, answer: Result[MetricRow], courses: dict[_Key, str] | None, *, wide: bool
) -> Table:
    question = answer.question
    any_model = any(row.by.get("model") is not None for row in answer.rows)
    groups = [name for name in question.by if name != "model" or any_model]
    heads = ["metric", *(clean(name) for name in groups)]
    heads += ["time (UTC)"] if question.every is not None else []
    numbers = ["count", "mean", "min", "max"] if wide else ["count", "mean", "min, max"]
    heads += numbers + ([] if courses is None else ["over time"])
    metrics_table = table(output, heads, right=set(numbers))
    for row in answer.rows:
        in_bytes = row.unit == _BYTE
        unit = "" if row.unit is None or in_bytes else f" {clean(row.unit)}"
        cells = [Text.assemble((clean(row.name), "bold"), (unit, "dim"))]
        cells += [Text(ABSENT if row.by[name] is None else cell(row.by[name])) for name in groups]
        cells += [] if row.time is None else [Text(when(row.time))]
        cells += [Text(f"{row.count:,}"), Text(_number(row.mean, in_bytes), "bold")]
        bounds = [Text(_number(row.min, in_bytes)), Text(_number(row.max, in_bytes))]
        cells += bounds if wide else [below(*bounds)]
        cells += [] if courses is None else [Text(courses[_key(row)], "cyan")]
        metrics_table.add_row(*cells)
    return metrics_table


def _number(value: float | None, in_bytes: bool) -> str:
    if value is None:
        return ABSENT
    if not in_bytes:
        return f"{value:,.6g}"
    power = min(max(int(abs(value)).bit_length() - 1, 0) // 10, len(_SIZES) - 1)
    return f"{value / 1024**power:,.4g} {_SIZES[power]}"
