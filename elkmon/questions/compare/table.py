"""Comparisons on a terminal."""

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
    """Write the comparison of each model, after what could not be compared."""
    result: Result[Comparison] = answer.result
    if result.notes:
        output.show(*(Text(clean(note), "dim") for note in result.notes))
    for row in result.rows:
        _show_comparison(output, store, result.question, row)


def _show_comparison(output: Output, store: Place, question: Question, row: Comparison) -> None:
    """Write the verdict, the figures it rests on, what got worse, and the events behind."""
    head = Text.assemble(
        (clean(row.model), "bold"),
        f": {clean(row.current.name)} compared with {clean(row.baseline.name)}: ",
        (row.verdict, _STYLES[row.verdict]),
    )
    output.show(Text(""), head, *(Text(clean(each)) for each in row.words))
    output.show(Text(""), fit_width(output, lambda wide: _figures(output, row, wide=wide)))
    if row.worse:
        output.show(Text(""), Text("What got worse", "bold"))
        output.show(fit_width(output, lambda wide: _slices(output, row, wide=wide)))
    output.show(*(Text(line, "dim") for line in _legend(row)))
    output.show(Text(""), Text("The events behind", "bold"))
    output.show(*(copyable(line) for line in _behind(store, question, row)))


def _figures(output: Output, row: Comparison, *, wide: bool) -> Table:
    made = table(output, ["", clean(row.baseline.name), clean(row.current.name), "change", ""])
    for name, each in (("failure rate", row.failure_rate), ("error rate", row.error_rate)):
        cells = [_rate(rate, wide=wide) for rate in (each.baseline, each.current)]
        verdict = Text(each.verdict, _STYLES[each.verdict])
        made.add_row(Text(name, "bold"), *cells, _change(each, wide=wide), verdict)
    for name, shift in (("p50", row.p50), ("p95", row.p95)):
        cells = [_latency(each, wide=wide) for each in (shift.baseline, shift.current)]
        made.add_row(
            Text(name, "bold"), *cells, _ratio(shift), Text(shift.words, _STYLES[shift.words])
        )
    return made


def _slices(output: Output, row: Comparison, *, wide: bool) -> Table:
    heads = ["error rate of", clean(row.baseline.name), clean(row.current.name), "change", ""]
    made = table(output, heads)
    for each in row.worse[:_SLICES]:
        cells = [_rate(rate, wide=wide) for rate in (each.baseline, each.current)]
        evidence = Text(probability(each.p_value), "dim")
        made.add_row(Text(_named(each), "bold"), *cells, _moved(each, wide=wide), evidence)
    return made


def _named(each: Change) -> str:
    return clean(each.name if each.kind == "segment" else f"truth {each.name}")


def _rate(rate: Rate, *, wide: bool) -> Text:
    if rate.reason is not None:
        return Text(rate.reason, "dim")
    share, bounds = Text(percent(rate), "bold"), Text(interval(rate), "dim")
    number = Text(counts(rate), "dim")
    if wide:
        return Text.assemble(share, " ", bounds, "  ", number)
    return below(share, bounds, number)


def _change(each: Difference, *, wide: bool) -> Text:
    if each.value is None or each.low is None or each.high is None or each.p_value is None:
        return Text(ABSENT)
    found = Text(points(each.value), "bold")
    bounds = Text(f"[{points(each.low)}, {points(each.high)}]")
    test = Text(f"{probability(each.p_value)} ({each.test})", "dim")
    return Text.assemble(found, " ", bounds, "  ", test) if wide else below(found, bounds, test)


def _moved(each: Change, *, wide: bool) -> Text:
    bounds = Text(f"[{points(each.low)}, {points(each.high)}]")
    found = Text(points(each.difference), "bold")
    return Text.assemble(found, " ", bounds) if wide else below(found, bounds)


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
        f"{each.name}: {when(each.since)} to {when(each.until)} UTC"
        for each in (row.baseline, row.current)
    )
    lines = [f"{'; '.join(clean(each) for each in sides)}; changes in points, 95 % intervals"]
    if row.horizon is not None:
        lines.append(
            f"errors at equal label age: labels within {about_duration(row.horizon)}, of "
            "predictions that are older"
        )
    elif row.error_rate.value is not None:
        lines.append("label age is not equal: too few labels would be left; all of them count")
    if row.late_right or row.late_wrong:
        late = (row.late_right or 0.0) + (row.late_wrong or 0.0)
        lines.append(
            f"as in {clean(row.baseline.name)}, {share_percent(late)} of the labels are still to "
            "be corrected: a change has to be larger"
        )
    if row.tried:
        lines.append(
            f"{row.tried:,} classes and segment values were compared, at a false-discovery rate "
            f"of 5 %: {len(row.worse) or 'none'} got worse"
        )
    return lines


def _behind(store: Place, question: Question, row: Comparison) -> list[str]:
    side = row.current
    asked = replace(
        question,
        model=row.model,
        conditions=side.conditions(question),
        since=side.since.replace(microsecond=0),
        until=side.until,
    )
    of = ("--dataset", PREDICTION, "--where")
    lines = []
    if row.failure_rate.current.k:
        lines.append(command_line("events", store, asked, *of, "outcome=failure"))
    if row.error_rate.current.k or not lines:
        worst = next((each.where for each in row.worse if each.kind == "segment"), ())
        narrow = replace(asked, conditions=add_conditions(asked.conditions, *worst))
        wrong = command_line("events", store, narrow, *of, "ml.eval.outcome=wrong")
        lines.append(wrong)
    return lines
