"""Write quality metrics to a terminal: one table a group with their course, or step by step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from rich.table import Table
from rich.text import Text

from elkmon.present.answer_table import all_steps, group_name, show_command, show_notes
from elkmon.present.formatting import counts, interval, number, percent, spread, when
from elkmon.present.output import Output, below, clean, fit_width, table
from elkmon.present.result import Result
from elkmon.present.sparklines import course
from elkmon.questions.quality.figures import QualityRow
from elkmon.questions.quality.metrics import METRICS
from elkmon.questions.record import Answer
from elkmon.statistics.estimate import Estimate
from elkmon.stores.location import Place
from elkmon.stores.protocol import Cell, TimeBucket

__all__ = ["Trends", "show"]

_Key = tuple[tuple[Cell, ...], str | None, datetime | None]
_METRIC_WIDTH = 23
_TIME_WIDTH = 17


def show(out: Output, store: Place, answer: Answer) -> None:
    """Write the metrics of each group with their course, or step by step."""
    result: Result[QualityRow] = answer.result
    question, steps = result.question, answer.steps
    if steps is None:
        raise TypeError("a quality answer comes with steps")
    trends = Trends(answer.stepped(), steps)
    if question.every is not None:
        for _, rows in groupby(result.rows, key=lambda row: (tuple(row.by.values()), row.task)):
            _show_steps(out, list(rows))
    else:
        for row in result.rows:
            _show_group(out, row, trends)
    if answer.options["classes"]:
        for row in result.rows:
            if row.classes:
                _show_classes(out, row)
    legend = f"over time: steps of {steps.every} {steps.unit}, each metric from its lowest value to"
    show_notes(
        out, result,
        f"{legend} its highest" if question.every is None else "",
        weighted=any(row.coverage.weighted for row in result.rows),
    )  # fmt: skip
    regression = all(row.task == "regression" for row in result.rows)
    what = "ml.eval.residual!=" if regression else "ml.eval.outcome=wrong"
    show_command(out, store, question, what)


class Trends:
    """The course of every metric of every group, over the same steps."""

    def __init__(self, rows: Sequence[QualityRow], steps: TimeBucket) -> None:
        self.steps = steps
        self._times = all_steps(steps, [row.time for row in rows if row.time is not None])
        self._figures: dict[_Key, Mapping[str, Estimate]] = {
            (tuple(row.by.values()), row.task, row.time): row.figures for row in rows
        }

    def of(self, row: QualityRow, metric: str) -> tuple[str, str]:
        """Return a sparkline of a group's metric, and its lowest and highest value."""
        key = (tuple(row.by.values()), row.task)
        figures = [self._figure((*key, time), metric) for time in self._times]
        present = [figure for figure in figures if figure is not None and figure.value is not None]
        values = [None if figure is None else figure.value for figure in figures]
        if not present:
            return course(values, values), ""
        low, high = (find(present, key=_value) for find in (min, max))
        return course(values, values), f"{number(low)} to {number(high)}".replace("*", "")

    def _figure(self, key: _Key, metric: str) -> Estimate | None:
        return self._figures.get(key, {}).get(metric)


def _value(figure: Estimate) -> float:
    return figure.value or 0.0


def _show_group(output: Output, row: QualityRow, trends: Trends) -> None:
    """Write the metrics of one group, and why some are absent."""
    grid = fit_width(output, lambda wide: _metrics(output, row, trends, wide=wide))
    lines = [Text(clean(line), "dim") for line in _absent(row.figures)]
    output.show(_heading(row), grid, *lines, Text(""))


def _heading(row: QualityRow) -> Text:
    labelled = f"labelled {percent(row.coverage)} {interval(row.coverage)} {counts(row.coverage)}"
    if row.coverage.value is None:
        labelled = row.coverage.reason or ""
    task = f" ({clean(row.task)})" if row.task else ""
    name = group_name(row.by)
    return Text.assemble((name, "bold"), task, "  ", (labelled, "dim"))


def _metrics(output: Output, row: QualityRow, trends: Trends, *, wide: bool) -> Table:
    heads = ["metric", "value", "95 % interval", "over time", "made of"]
    if wide:
        heads.insert(4, "lowest to highest")
    grid = table(output, heads, right={"value"})
    for name, figure in row.figures.items():
        line, reach = trends.of(row, name)
        bound = [Text(spread(figure), "dim")] if spread(figure) else []
        support = [Text(counts(figure) if figure.n else "", "dim"), *bound]
        grid.add_row(
            Text(METRICS[name].title),
            Text(number(figure), "bold"),
            Text(interval(figure), "dim"),
            Text(line, "cyan"),
            *([Text(reach, "dim")] if wide else []),
            Text(", ").join(support) if wide else below(*support),
        )
    return grid


def _absent(figures: Mapping[str, Estimate]) -> Iterable[str]:
    """Yield why figures or intervals are absent, each reason once."""
    by_reason: dict[str, list[str]] = {}
    for name, figure in figures.items():
        if figure.reason is not None:
            text = figure.reason if figure.value is not None else f"absent, {figure.reason}"
            by_reason.setdefault(text, []).append(METRICS[name].title)
    for reason, names in by_reason.items():
        yield f"{', '.join(names)}: {reason}"


def _show_steps(output: Output, rows: Sequence[QualityRow]) -> None:
    """Write the metrics of one group step by step, in as many tables as the width needs."""
    names = list(rows[0].figures)
    room = max((output.width - _TIME_WIDTH) // _METRIC_WIDTH, 1) if output.terminal else len(names)
    output.show(Text(group_name(rows[0].by), "bold"))
    for first in range(0, len(names), room):
        chosen = names[first : first + room]
        heads = ["time (UTC)", *(METRICS[name].title for name in chosen)]
        grid = table(output, [*heads, "labelled"] if first + room >= len(names) else heads)
        for row in rows:
            cells = [Text(when(row.time)) if row.time is not None else Text("")]
            for name in chosen:
                figure = row.figures[name]
                text = Text.assemble((number(figure), "bold"), " ", (interval(figure), "dim"))
                cells.append(text)
            if len(grid.columns) > len(cells):
                cells.append(Text(counts(row.coverage), "dim"))
            grid.add_row(*cells)
        output.show(grid, Text(""))
    reasons = {line for row in rows for line in _absent(row.figures) if ": absent" in line}
    if reasons:
        output.show(*(Text(clean(line), "dim") for line in sorted(reasons)), Text(""))


def _show_classes(output: Output, row: QualityRow) -> None:
    """Write the figures of each class."""
    grid = fit_width(output, lambda wide: _classes(output, row, wide=wide))
    output.show(Text(f"{group_name(row.by)}, each class against the others"), grid, Text(""))


def _classes(output: Output, row: QualityRow, *, wide: bool) -> Table:
    heads = ["class", "true", "predicted", "precision", "recall", "F1", "specificity"]
    grid = table(output, heads, right={"true", "predicted"})
    for class_row in row.classes:
        figures = (class_row.precision, class_row.recall, class_row.f1, class_row.specificity)
        parts = [
            (Text(number(figure), "bold"), Text(interval(figure), "dim")) for figure in figures
        ]
        grid.add_row(
            Text(clean(class_row.label)),
            Text(f"{class_row.truth:,}"),
            Text(f"{class_row.predicted:,}"),
            *(Text(" ").join(pair) if wide else below(*pair) for pair in parts),
        )
    return grid
