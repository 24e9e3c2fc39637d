"""Confusion matrices on a terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.table import Table
from rich.text import Text

from elkmon.present.below_table import behind, explain, group_name, of_group, sampled
from elkmon.present.formatting import percent, when
from elkmon.present.output import Output, clean, fitting, table
from elkmon.query.conditions import equal, typed
from elkmon.questions.confusion.figures import ConfusionRow
from elkmon.questions.record import Answer
from elkmon.statistics.natural_order import natural
from elkmon.statistics.rate import Rate, Sums
from elkmon.stores.location import Place

__all__ = ["show"]

_REST = "(rest)"
_MUCH = 0.05
"""From this share of a true class on, a confusion stands out."""


def show(out: Output, store: Place, answer: Answer) -> None:
    """Write the matrix of each group, with its most frequent classes."""
    question = answer.result.question
    rows: Sequence[ConfusionRow] = answer.result.rows
    for (_, time), group in groupby(rows, key=lambda row: (tuple(row.by.values()), row.time)):
        own = list(group)
        cells = _folded(own, answer.options["top"])
        made = fitting(out, lambda wide, cells=cells: _matrix(out, cells, wide=wide))  # type: ignore[misc]
        at = "" if time is None else f", {when(time)} UTC"
        count = sum(row.share.k for row in own)
        heading = f"  {count:,} labelled predictions{at}"
        out.show(Text.assemble((group_name(own[0].by), "bold"), (heading, "dim")), made, Text(""))
    explain(
        out, answer.result, "rows: what was true; columns: what was predicted; in percent "
        "of the true class", sampled(any(row.share.weighted for row in rows)),
    )  # fmt: skip
    wrong = [row for row in rows if row.truth != row.predicted]
    worst = max(wrong or rows, key=lambda row: row.share.weighted_k)
    narrowed = equal("ml.truth.label", worst.truth), equal("ml.prediction.label", worst.predicted)
    more = [part for text in typed(narrowed) for part in ("--where", text)]
    behind(out, store, question, *of_group(question, worst.by), *more)


def _folded(rows: Sequence[ConfusionRow], top: int) -> Mapping[tuple[str, str], Rate]:
    """Put all but the most frequent classes together."""
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
    return {key: each.out_of(whole[key[0]], "") for key, each in sums.items()}


def _matrix(out: Output, cells: Mapping[tuple[str, str], Rate], *, wide: bool) -> Table:
    names = sorted({name for key in cells for name in key}, key=lambda n: (n == _REST, natural(n)))
    heads = [clean(name) for name in names]
    made = table(
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
        made.add_row(Text(clean(truth), "bold"), *parts, Text(f"{count:,}", "dim"))
    return made
