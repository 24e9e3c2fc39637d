"""Write reliability diagrams to a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from elkmon.present.answer_table import group_name, show_command, show_notes
from elkmon.present.formatting import counts, interval, percent, when
from elkmon.present.output import Output, clean, fit_width, table
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
            out.show(fit_width(out, lambda wide, row=row: _bins(out, row, wide=wide)))  # type: ignore[misc]
        out.show(Text(""))
    show_notes(
        out, answer.result,
        "● what came true, with its 95 % interval; │ the mean score: apart from it in red",
        weighted=any(row.ece.weighted for row in rows),
    )  # fmt: skip
    drawn = [(row, bin_) for row in rows for bin_ in row.bins]
    if drawn:
        row, bin_ = max(drawn, key=lambda pair: _distance(pair[1]) * pair[1].share.weighted_n)
        top = "<=" if bin_.high == 1 else "<"
        score = "ml.prediction.score"
        scores = f"{score}>={bin_.low!r}", f"{score}{top}{bin_.high!r}"
        labelled = "truth!=" if row.task == BINARY else "ml.eval.outcome!="
        show_command(out, store, question, *scores, labelled, by=row.by)
    else:
        show_command(out, store, question, "ml.truth.observed_at!=")


def _ece(row: CalibrationRow) -> str:
    if row.ece.value is None or row.by_chance is None:
        return f"absent, {row.ece.reason}"
    return (
        f"ECE {row.ece.value:.4f}; of perfect calibration about {row.by_chance:.4f} by chance; "
        f"{row.ece.n:,} labelled"
    )


def _distance(bin_: CalibrationBin) -> float:
    return abs((bin_.share.value or 0.0) - bin_.score)


def _bins(out: Output, row: CalibrationRow, *, wide: bool) -> Table:
    heads = ["scores", "mean score", "came true", "", "0" + "100 %".rjust(_WIDTH - 1)]
    bins_table = table(out, heads if wide else [*heads[:3], *heads[4:]], right={"mean score"})
    for bin_ in row.bins:
        apart = not _within(bin_)
        end = "]" if bin_.high == 1 else ")"
        places = 2 if abs(round(bin_.low, 2) - bin_.low) < 1e-9 else 3  # noqa: PLR2004 - rounding
        came = Text.assemble(
            (percent(bin_.share), "bold red" if apart else "bold"),
            " ",
            (interval(bin_.share), "dim"),
        )
        bins_table.add_row(
            Text(f"[{bin_.low:.{places}f}, {bin_.high:.{places}f}{end}"),
            Text(f"{100 * bin_.score:.1f} %"),
            came,
            *([Text(counts(bin_.share), "dim")] if wide else []),
            _strip(bin_, "red" if apart else "green"),
        )
    return bins_table


def _within(bin_: CalibrationBin) -> bool:
    low, high = bin_.share.low, bin_.share.high
    return low is None or high is None or low <= bin_.score <= high


def _strip(bin_: CalibrationBin, style: str) -> Text:
    """Return the share with its interval, and the score, on a line from 0 to 100 %."""
    low, high, share, score = (
        round((_WIDTH - 1) * min(max(x or 0.0, 0.0), 1.0))
        for x in (bin_.share.low, bin_.share.high, bin_.share.value, bin_.score)
    )
    cells = ["─" if low <= position <= high else " " for position in range(_WIDTH)]
    cells[score] = "│"
    cells[share] = "●"
    return Text("".join(cells), style)
