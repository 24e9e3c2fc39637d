"""``elkmon calibration``: whether scores come true as often as they say."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from elkmon.cli.options import format_options, group_options, question_options, store_option
from elkmon.monitor import open_store
from elkmon.present.answer import behind, explain, group_name, nothing, of_group, sampled, write
from elkmon.present.output import Form, Output, clean, fitting, table
from elkmon.present.sparklines import counts, interval, percent, when
from elkmon.query.label_evidence import BINARY
from elkmon.query.question import Question
from elkmon.query.result import Result
from elkmon.questions.calibration.figures import CalibrationBin, CalibrationRow, calibration
from elkmon.stores.location import Place

__all__ = ["command"]

_WIDTH = 31


@click.command("calibration")
@store_option
@question_options
@group_options
@click.option(
    "--bins", type=click.IntRange(2, 100), default=10, show_default=True,
    help="Equal bins over the scores from 0 to 1.",
)  # fmt: skip
@format_options
def command(
    store: Place,
    bins: int,
    form: Form,
    output: Path | None,
    **asked: Any,  # noqa: ANN401 - what a question takes
) -> None:
    """Show whether scores come true as often as they say.

    The reliability diagram. Of a binary task the score of the positive class, else that of the
    predicted class. ECE is the mean distance between the score and what came true.
    """
    question = Question.of(**asked)
    with closing(open_store(store)) as source:
        answer = calibration(source, question, bins)
        said = list(answer.notes)
        if not answer.rows:
            said = nothing(source, store, question, "calibration")
    write(form, output, "calibration", answer, said, lambda out: _show(out, store, answer))


def _show(out: Output, store: Place, answer: Result[CalibrationRow]) -> None:
    question = answer.question
    for row in answer.rows:
        at = "" if row.time is None else f", {when(row.time)} UTC"
        task = f" ({clean(row.task)})" if row.task else ""
        out.show(Text.assemble((group_name(row.by), "bold"), task, at, "  ", (_ece(row), "dim")))
        if row.bins:
            out.show(fitting(out, lambda wide, row=row: _bins(out, row, wide=wide)))  # type: ignore[misc]
        out.show(Text(""))
    explain(
        out, question, answer.notes,
        "● what came true, with its 95 % interval; │ the mean score: apart from it in red",
        sampled(any(row.ece.weighted for row in answer.rows)),
    )  # fmt: skip
    drawn = [(row, each) for row in answer.rows for each in row.bins]
    if drawn:
        row, each = max(drawn, key=lambda pair: _distance(pair[1]) * pair[1].share.weighted_n)
        top = "<=" if each.high == 1 else "<"
        score = "ml.prediction.score"
        more = ["--where", f"{score}>={each.low!r}", "--where", f"{score}{top}{each.high!r}"]
        told = "truth!=" if row.task == BINARY else "ml.eval.outcome!="
        behind(out, store, question, *of_group(question, row.by), *more, "--where", told)
    else:
        behind(out, store, question, "--where", "ml.truth.observed_at!=")


def _ece(row: CalibrationRow) -> str:
    if row.ece.value is None or row.by_chance is None:
        return f"absent, {row.ece.reason}"
    return (
        f"ECE {row.ece.value:.4f}; of perfect calibration about {row.by_chance:.4f} by chance; "
        f"{row.ece.n:,} labelled"
    )


def _distance(each: CalibrationBin) -> float:
    return abs((each.share.value or 0.0) - each.score)


def _bins(out: Output, row: CalibrationRow, *, wide: bool) -> Table:
    heads = ["scores", "mean score", "came true", "", "0" + "100 %".rjust(_WIDTH - 1)]
    made = table(out, heads if wide else [*heads[:3], *heads[4:]], right={"mean score"})
    for each in row.bins:
        apart = not _within(each)
        end = "]" if each.high == 1 else ")"
        places = 2 if abs(round(each.low, 2) - each.low) < 1e-9 else 3  # noqa: PLR2004 - rounding
        came = Text.assemble(
            (percent(each.share), "bold red" if apart else "bold"),
            " ",
            (interval(each.share), "dim"),
        )
        made.add_row(
            Text(f"[{each.low:.{places}f}, {each.high:.{places}f}{end}"),
            Text(f"{100 * each.score:.1f} %"),
            came,
            *([Text(counts(each.share), "dim")] if wide else []),
            _strip(each, "red" if apart else "green"),
        )
    return made


def _within(each: CalibrationBin) -> bool:
    low, high = each.share.low, each.share.high
    return low is None or high is None or low <= each.score <= high


def _strip(each: CalibrationBin, style: str) -> Text:
    """Draw the share with its interval, and the score, from 0 to 100 %."""
    low, high, share, score = (
        round((_WIDTH - 1) * min(max(x or 0.0, 0.0), 1.0))
        for x in (each.share.low, each.share.high, each.share.value, each.score)
    )
    cells = ["─" if low <= place <= high else " " for place in range(_WIDTH)]
    cells[score] = "│"
    cells[share] = "●"
    return Text("".join(cells), style)
