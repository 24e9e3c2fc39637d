"""Write comparisons to a terminal."""

from __future__ import annotations

from dataclasses import replace

from rich.table import Table
from rich.text import Text

from elkmon.events.datasets import PREDICTION
from elkmon.present.formatting import (
    ABSENT,
    about_duration,
    command_line,
    counts,
    interval,
    percent,
    points,
    probability,
    share_percent,
    when,
)
from elkmon.present.output import Output, below, clean, copyable, fit_width, table
from elkmon.present.result import Result
from elkmon.query.conditions import add_conditions
from elkmon.query.question import Question
from elkmon.questions.compare.changes import Change
from elkmon.questions.compare.figures import Comparison, Shift
from elkmon.questions.compare.verdict import Difference
from elkmon.questions.record import Answer
from elkmon.statistics.estimate import Estimate
from elkmon.statistics.rate import Rate
from elkmon.stores.location import Place

__all__ = ["show"]

_STYLES = {
    "worse": "bold red",
    "slower": "red",
    "mixed": "bold yellow",
    "not enough": "yellow",
    "better": "bold green",
    "faster": "green",
    "no evidence": "",
}
_SLICES = 8


def show(output: Output, store: Place, answer: Answer) -> None:
    """Write the comparison of each model, after the models that could not be compared."""
    result: Result[Comparison] = answer.result
    if result.notes:
        output.show(*(Text(clean(note), "dim") for note in result.notes))
    for row in result.rows:
        _show_comparison(output, store, result.question, row)


def _show_comparison(output: Output, store: Place, question: Question, row: Comparison) -> None:
    """Write the verdict, its figures, what got worse, and the commands that list the events."""
    head = Text.assemble(
        (clean(row.model), "bold"),
        f": {clean(row.current.name)} compared with {clean(row.baseline.name)}: ",
        (row.verdict, _STYLES[row.verdict]),
    )
    output.show(Text(""), head, *(Text(clean(sentence)) for sentence in row.words))
    output.show(Text(""), fit_width(output, lambda wide: _figures(output, row, wide=wide)))
    if row.worse:
        output.show(Text(""), Text("What got worse", "bold"))
        output.show(fit_width(output, lambda wide: _slices(output, row, wide=wide)))
    output.show(*(Text(line, "dim") for line in _legend(row)))
    output.show(Text(""), Text("The events behind", "bold"))
    output.show(*(copyable(line) for line in _behind(store, question, row)))


def _figures(output: Output, row: Comparison, *, wide: bool) -> Table:
    grid = table(output, ["", clean(row.baseline.name), clean(row.current.name), "change", ""])
    for name, rate in (("failure rate", row.failure_rate), ("error rate", row.error_rate)):
        cells = [_rate(side, wide=wide) for side in (rate.baseline, rate.current)]
        verdict = Text(rate.verdict, _STYLES[rate.verdict])
        grid.add_row(Text(name, "bold"), *cells, _change(rate, wide=wide), verdict)
    for name, shift in (("p50", row.p50), ("p95", row.p95)):
        cells = [_latency(side, wide=wide) for side in (shift.baseline, shift.current)]
        grid.add_row(
            Text(name, "bold"), *cells, _ratio(shift), Text(shift.words, _STYLES[shift.words])
        )
    return grid


def _slices(output: Output, row: Comparison, *, wide: bool) -> Table:
    heads = ["error rate of", clean(row.baseline.name), clean(row.current.name), "change", ""]
    grid = table(output, heads)
    for change in row.worse[:_SLICES]:
        cells = [_rate(side, wide=wide) for side in (change.baseline, change.current)]
        evidence = Text(probability(change.p_value), "dim")
        grid.add_row(
            Text(_slice_name(change), "bold"), *cells, _slice_change(change, wide=wide), evidence
        )
    return grid


def _slice_name(change: Change) -> str:
    return clean(change.name if change.kind == "segment" else f"truth {change.name}")


def _rate(rate: Rate, *, wide: bool) -> Text:
    if rate.reason is not None:
        return Text(rate.reason, "dim")
    share, bounds = Text(percent(rate), "bold"), Text(interval(rate), "dim")
    number = Text(counts(rate), "dim")
    if wide:
        return Text.assemble(share, " ", bounds, "  ", number)
    return below(share, bounds, number)


def _change(rate: Difference, *, wide: bool) -> Text:
    if rate.value is None or rate.low is None or rate.high is None or rate.p_value is None:
        return Text(ABSENT)
    value = Text(points(rate.value), "bold")
    bounds = Text(f"[{points(rate.low)}, {points(rate.high)}]")
    test = Text(f"{probability(rate.p_value)} ({rate.test})", "dim")
    return Text.assemble(value, " ", bounds, "  ", test) if wide else below(value, bounds, test)


def _slice_change(change: Change, *, wide: bool) -> Text:
    bounds = Text(f"[{points(change.low)}, {points(change.high)}]")
    value = Text(points(change.difference), "bold")
    return Text.assemble(value, " ", bounds) if wide else below(value, bounds)


def _latency(figure: Estimate, *, wide: bool) -> Text:
    if figure.value is None:
        return Text(figure.reason or ABSENT, "dim")
    value = Text(f"{figure.value:.3g} ms", "bold")
    if figure.low is None or figure.high is None:
        return value
    bounds = Text(f"[{figure.low:.3g}, {figure.high:.3g}]", "dim")
    return Text.assemble(value, " ", bounds) if wide else below(value, bounds)


def _ratio(shift: Shift) -> Text:
    return Text(ABSENT if shift.value is None else f"×{shift.value:.2f}")


def _legend(row: Comparison) -> list[str]:
    sides = (
        f"{side.name}: {when(side.since)} to {when(side.until)} UTC"
        for side in (row.baseline, row.current)
    )
    lines = [f"{'; '.join(clean(side) for side in sides)}; changes in points, 95 % intervals"]
    if row.horizon is not None:
        lines.append(
            f"errors at equal label age: labels that came within {about_duration(row.horizon)}, of "
            "older predictions"
        )
    elif row.error_rate.value is not None:
        lines.append("label age is not equal, as too few labels would be left: all labels count")
    if row.late_right or row.late_wrong:
        late = (row.late_right or 0.0) + (row.late_wrong or 0.0)
        lines.append(
            f"as in {clean(row.baseline.name)}, {share_percent(late)} of the labels will still be "
            "corrected: a change has to be larger"
        )
    if row.tried:
        lines.append(
            f"{row.tried:,} classes and segment values were compared, at a false-discovery rate "
            f"of 5 %: {len(row.worse) or 'none'} got worse"
        )
    return lines


def _behind(store: Place, question: Question, row: Comparison) -> list[str]:
    side = row.current
    side_question = replace(
        question,
        model=row.model,
        conditions=side.conditions(question),
        since=side.since.replace(microsecond=0),
        until=side.until,
    )
    of = ("--dataset", PREDICTION, "--where")
    lines = []
    if row.failure_rate.current.k:
        lines.append(command_line("events", store, side_question, *of, "outcome=failure"))
    if row.error_rate.current.k or not lines:
        worst = next((change.where for change in row.worse if change.kind == "segment"), ())
        narrow = replace(side_question, conditions=add_conditions(side_question.conditions, *worst))
        lines.append(command_line("events", store, narrow, *of, "ml.eval.outcome=wrong"))
    return lines
