"""Write confusion matrices to a terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.table import Table
from rich.text import Text

from elkmon.present.answer_table import group_name, show_command, show_notes
from elkmon.present.formatting import percent, when
from elkmon.present.output import Output, clean, fit_width, table
from elkmon.query.conditions import condition_texts, equal
from elkmon.questions.confusion.figures import ConfusionRow
from elkmon.questions.record import Answer
from elkmon.statistics.natural_order import natural
from elkmon.statistics.rate import Rate, Sums
from elkmon.stores.location import Place

__all__ = ["show"]

_REST = "(rest)"
_MUCH = 0.05
"""Mistakes of at least this share of a true class are red."""


def show(out: Output, store: Place, answer: Answer) -> None:
    """Write the matrix of each group, with its most frequent classes."""
    question = answer.result.question
    rows: Sequence[ConfusionRow] = answer.result.rows
    for (_, time), group in groupby(rows, key=lambda row: (tuple(row.by.values()), row.time)):
        first, *others = group
        cells = _folded([first, *others], answer.options["top"])
        matrix = fit_width(out, lambda wide, cells=cells: _matrix(out, cells, wide=wide))  # type: ignore[misc]
        at = "" if time is None else f", {when(time)} UTC"
        count = sum(row.share.k for row in (first, *others))
        heading = f"  {count:,} labelled predictions{at}"
        name = Text.assemble((group_name(first.by), "bold"), (heading, "dim"))
        out.show(name, matrix, Text(""))
    show_notes(
        out, answer.result, "rows: what was true; columns: what was predicted; in percent "
        "of the true class", weighted=any(row.share.weighted for row in rows),
    )  # fmt: skip
    wrong = [row for row in rows if row.truth != row.predicted]
    worst = max(wrong or rows, key=lambda row: row.share.weighted_k)
    pair = equal("ml.truth.label", worst.truth), equal("ml.prediction.label", worst.predicted)
    show_command(out, store, question, *condition_texts(pair), by=worst.by)


def _folded(rows: Sequence[ConfusionRow], top: int) -> Mapping[tuple[str, str], Rate]:
    """Return the cells with all but the most frequent classes merged."""
    frequent: dict[str, float] = defaultdict(float)
    for row in rows:
        frequent[row.truth] += row.share.weighted_k
        frequent[row.predicted] += row.share.weighted_k
    kept = sorted(frequent, key=lambda name: -frequent[name])
    kept = kept if len(kept) <= top + 1 else kept[:top]
    sums: dict[tuple[str, str], Sums] = defaultdict(Sums)
    whole: dict[str, Sums] = defaultdict(Sums)
    for row in rows:
        truth, predicted = (name if name in kept else _REST for name in (row.truth, row.predicted))
        share = row.share
        weight2 = share.weighted_n**2 / share.n_eff * share.weighted_k / share.weighted_n
        part = Sums(share.k, share.weighted_k, weight2)
        sums[truth, predicted] += part
        whole[truth] += part
    return {key: part.out_of(whole[key[0]], "") for key, part in sums.items()}


def _matrix(out: Output, cells: Mapping[tuple[str, str], Rate], *, wide: bool) -> Table:
    names = sorted({name for key in cells for name in key}, key=lambda n: (n == _REST, natural(n)))
    heads = [clean(name) for name in names]
    matrix = table(
        out, ["true \\ predicted" if wide else "true", *heads, "all"], right={*heads, "all"}
    )
    for truth in names:
        parts = []
        for predicted in names:
            rate = cells.get((truth, predicted))
            style = "bold green" if truth == predicted else ""
            if rate is None:
                parts.append(Text("·", "dim"))
                continue
            if truth != predicted and (rate.value or 0.0) >= _MUCH:
                style = "bold red"
            share = percent(rate).replace("*", "")
            if wide:
                parts.append(Text.assemble((share, style), "  ", (f"{rate.k:,}", "dim")))
            else:
                parts.append(Text(share.removesuffix(" %"), style))
        count = sum(rate.k for (name, _), rate in cells.items() if name == truth)
        matrix.add_row(Text(clean(truth), "bold"), *parts, Text(f"{count:,}", "dim"))
    return matrix
