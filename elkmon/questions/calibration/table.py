"""Reliability diagrams on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from elkmon.present.below_table import behind, explain, group_name, of_group, sampled
from elkmon.present.formatting import counts, interval, percent, when
from elkmon.present.output import Output, clean, fitting, table
from elkmon.query.label_evidence import BINARY
from elkmon.questions.calibration.figures import CalibrationBin, CalibrationRow
from elkmon.questions.record import Answer
from elkmon.stores.location import Place

__all__ = ["show"]

_WIDTH = 31


def show(out: Output, store: Place, answer: Answer) -> None:
    """Write the diagram of each group."""
    question = answer.result.question
    rows: Sequence[CalibrationRow] = answer.result.rows
    for row in rows:
        at = "" if row.time is None else f", {when(row.time)} UTC"
        task = f" ({clean(row.task)})" if row.task else ""
        out.show(Text.assemble((group_name(row.by), "bold"), task, at, "  ", (_ece(row), "dim")))
        if row.bins:
            out.show(fitting(out, lambda wide, row=row: _bins(out, row, wide=wide)))  # type: ignore[misc]
        out.show(Text(""))
    explain(
        out, answer.result,
        "● what came true, with its 95 % interval; │ the mean score: apart from it in red",
        sampled(any(row.ece.weighted for row in rows)),
    )  # fmt: skip
    drawn = [(row, each) for row in rows for each in row.bins]
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
