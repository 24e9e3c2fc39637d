"""``elkmon confusion``: which classes are taken for which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from elkmon.cli.options import format_options, group_options, question_options, store_option
from elkmon.monitor import open_store
from elkmon.present.answer import behind, explain, group_name, nothing, of_group, sampled, write
from elkmon.present.output import Form, Output, clean, fitting, table
from elkmon.present.sparklines import percent, when
from elkmon.query.conditions import equal, typed
from elkmon.query.question import Question
from elkmon.query.result import Result
from elkmon.questions.confusion.figures import ConfusionRow, confusion
from elkmon.statistics.natural_order import natural
from elkmon.statistics.rate import Rate, Sums
from elkmon.stores.location import Place

__all__ = ["command"]

_REST = "(rest)"
_MUCH = 0.05
"""From this share of a true class on, a confusion stands out."""


@click.command("confusion")
@store_option
@question_options
@group_options
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=12,
    show_default=True,
    help="How many classes, the most frequent ones; the rest together.",
)
@format_options
def command(
    store: Place,
    top: int,
    form: Form,
    output: Path | None,
    **asked: Any,  # noqa: ANN401 - what a question takes
) -> None:
    """Show which classes are taken for which.

    True classes down, predicted ones across; each cell with its share of the true class. JSON and
    CSV have one row a cell, and all classes.
    """
    question = Question.of(**asked)
    with closing(open_store(store)) as source:
        answer = confusion(source, question)
        said = list(answer.notes)
        if not answer.rows:
            said = nothing(source, store, question, "confusion")
    write(form, output, "confusion", answer, said, lambda out: _show(out, store, answer, top))


def _show(out: Output, store: Place, answer: Result[ConfusionRow], top: int) -> None:
    question = answer.question
    for (_, time), group in groupby(
        answer.rows, key=lambda row: (tuple(row.by.values()), row.time)
    ):
        rows = list(group)
        cells = _folded(rows, top)
        made = fitting(out, lambda wide, cells=cells: _matrix(out, cells, wide=wide))  # type: ignore[misc]
        at = "" if time is None else f", {when(time)} UTC"
        count = sum(row.share.k for row in rows)
        heading = f"  {count:,} labelled predictions{at}"
        out.show(Text.assemble((group_name(rows[0].by), "bold"), (heading, "dim")), made, Text(""))
    explain(
        out, question, answer.notes, "rows: what was true; columns: what was predicted; in percent "
        "of the true class", sampled(any(row.share.weighted for row in answer.rows)),
    )  # fmt: skip
    wrong = [row for row in answer.rows if row.truth != row.predicted]
    worst = max(wrong or answer.rows, key=lambda row: row.share.weighted_k)
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
