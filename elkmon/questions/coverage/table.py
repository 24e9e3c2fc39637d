"""Write coverage to a terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from elkmon.present.answer_table import show_command, show_notes
from elkmon.present.formatting import (
    ABSENT,
    cell,
    counts,
    duration,
    duration_interval,
    interval,
    percent,
    when,
)
from elkmon.present.output import Output, below, clean, fit_width, table
from elkmon.present.result import Result
from elkmon.questions.coverage.figures import AGES, CoverageRow
from elkmon.questions.record import Answer
from elkmon.stores.event_findings import looked_for
from elkmon.stores.location import Place

__all__ = ["show"]

_NAMES = ("1 h", "6 h", "1 d", "3 d", "7 d", "30 d")
_AGES = ("< 1 h", "1–6 h", "6–24 h", "1–3 d", "3–7 d", "7–30 d", "> 30 d")


def show(out: Output, store: Place, answer: Answer) -> None:
    """Write coverage by age, how long labels take, and what became of them."""
    result: Result[CoverageRow] = answer.result
    by_age = fit_width(out, lambda wide: _ages(out, result, wide=wide))
    delays = fit_width(out, lambda wide: _delays(out, result, shares=True, quantiles=wide))
    apart = "median" not in {str(column.header) for column in delays.columns}
    out.show(
        Text("How much is labelled, by the age of the prediction", "bold"), by_age,
        Text(""), Text("How long labels take: the share that is labelled within", "bold"), delays,
        *([_delays(out, result, shares=False, quantiles=True)] if apart else []), Text(""),
    )  # fmt: skip
    lines = dict.fromkeys(line for row in result.rows for line in _facts(row))
    if lines:
        out.show(*(Text(line) for line in lines), Text(""))
    show_notes(
        out, result,
        "delays: of all predictions, young ones counted as long as they are old; median and p90 of "
        "the labels that come, to 5 %",
        weighted=any(row.coverage.weighted for row in result.rows),
    )  # fmt: skip
    show_command(out, store, result.question, "outcome=success", "ml.truth.observed_at=")


def _group(row: CoverageRow) -> list[Text]:
    named = [Text(cell(value)) for value in row.by.values()]
    return named if row.time is None else [*named, Text(when(row.time))]


def _heads(answer: Result[CoverageRow]) -> list[str]:
    heads = [clean(name) for name in answer.question.by]
    return heads + (["time (UTC)"] if answer.question.every is not None else [])


def _ages(out: Output, answer: Result[CoverageRow], *, wide: bool) -> Table:
    used = sorted({AGES.index(age.since) for row in answer.rows for age in row.ages})
    heads = _heads(answer) if wide else [", ".join(_heads(answer))]
    grid = table(out, [*heads, "labelled", *(_AGES[place] for place in used)])
    for row in answer.rows:
        shares = {AGES.index(age.since): age.share for age in row.ages}
        cells = _group(row)
        whole = (Text(percent(row.coverage), "bold"), Text(interval(row.coverage), "dim"))
        if wide:
            cells.append(Text(" ").join((*whole, Text(counts(row.coverage), "dim"))))
        else:
            cells = [below(*cells), below(*whole)]
        for place in used:
            share = shares.get(place)
            if share is None:
                cells.append(Text(ABSENT, "dim"))
                continue
            of = Text(counts(share) if wide else f"of {share.n:,}", "dim")
            cells.append(below(Text(percent(share)), of))
        grid.add_row(*cells)
    return grid


def _delays(out: Output, answer: Result[CoverageRow], *, shares: bool, quantiles: bool) -> Table:
    used = [
        place for place in range(len(_NAMES))
        if shares and any(row.arrived[place].share is not None for row in answer.rows)
    ]  # fmt: skip
    heads = [*(_NAMES[place] for place in used), *(["median", "p90"] if quantiles else [])]
    grid = table(out, [*_heads(answer), *heads])
    for row in answer.rows:
        cells = []
        for place in used:
            share = row.arrived[place].share
            cells.append(Text(ABSENT if share is None else f"{100 * share:.1f} %"))
        cells += [
            Text.assemble((duration(figure.value), "bold"), " ", (duration_interval(figure), "dim"))
            for figure in ((row.median, row.p90) if quantiles else ())
        ]
        grid.add_row(*_group(row), *cells)
    return grid


def _facts(row: CoverageRow) -> list[str]:
    labels = row.labels
    if labels is None:
        return []
    name = cell(row.by.get("model"))
    sentence = (
        f"{name}, over the whole store: {labels.labels:,} labels of {labels.labelled:,} "
        f"predictions; {labels.corrections:,} beyond the first (corrections, repeats), "
        f"{labels.orphans:,} without a prediction, {labels.sampled_out:,} of sampled-out ones"
    )
    if labels.waiting:
        sentence += f", {labels.waiting:,} wait for elkmon join"
    if labels.next_look is None and not labels.given_up:
        return [sentence]
    again = looked_for(labels.orphans, labels.given_up, labels.next_look)
    return [sentence, f"{name}, labels without a prediction: {again}"]
