"""Write the report's section of the current version's confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

from elkmon.present import plots
from elkmon.present.formatting import cell, command_line, interval, percent
from elkmon.present.page_block import (
    VERSION,
    Block,
    Command,
    Frame,
    SectionAnswers,
    Table,
    events,
    rate_cells,
    version_of,
    versions_of,
)
from elkmon.questions.confusion import CONFUSION
from elkmon.questions.confusion.figures import ConfusionRow, confusion
from elkmon.questions.quality import QUALITY
from elkmon.statistics.natural_order import natural
from elkmon.stores.location import Place
from elkmon.stores.protocol import Store

__all__ = ["ask", "blocks"]

_MOST_CLASSES = 20
_MOST_WORDED = 12
"""With at most this many classes, cells show their counts."""
_MOST_MISTAKES = 12
_SHADES = (
    "Right answers are darker the larger their share of the true class; mistakes the closer they "
    "come to the most frequent one."
)


def ask(store: Store, frame: Frame) -> tuple[Sequence[ConfusionRow], Sequence[str]]:
    """Return the cells of each version's matrix, and notes."""
    result = confusion(store, frame.versions)
    return result.rows, result.notes


def blocks(answers: SectionAnswers, location: Place) -> list[Block]:
    """Return the block of the confusion matrix, if the task has classes."""
    tasks = {row.task for row in answers.rows[QUALITY.method]}
    if tasks and not tasks & {"binary", "multiclass", None}:
        return []
    return [_block(answers, location)]


def _block(answers: SectionAnswers, store: Place) -> Block:
    line = command_line("confusion", store, answers.question, "--by", VERSION)
    commands = (Command("all versions", line), events(answers, store, "ml.eval.outcome=wrong"))
    versions = versions_of(answers, {version_of(row.by) for row in answers.rows[CONFUSION.method]})
    if not versions:
        return Block("confusion", "Confusion", commands=commands, reason="no label yet")
    rows = [row for row in answers.rows[CONFUSION.method] if version_of(row.by) == versions[0]]
    classes, kept, left_out = _fewer(rows)
    wrong = [row for row in kept if row.truth != row.predicted]
    worst = max((row.share.value or 0.0 for row in wrong), default=0.0)
    mistakes = sorted(wrong, key=lambda row: -row.share.weighted_k)
    title = f"Confusion of {cell(versions[0])}"
    lead = "No answer is wrong."
    if mistakes:
        most = mistakes[0]
        lead = (
            f"Most often {cell(most.truth)} is mistaken for {cell(most.predicted)}: "
            f"{percent(most.share)} of all {cell(most.truth)}."
        )
    spec = plots.confusion(
        f"{title}, {cell(answers.question.model)}. {lead}",
        [_cell(row, worst) for row in _whole(kept, classes)],
        [cell(name) for name in classes],
        words=len(classes) <= _MOST_WORDED,
    )
    table = Table(
        ("true", "predicted", "share of the true class [95 %]", "predictions"),
        tuple(
            (cell(row.truth), cell(row.predicted), *rate_cells([row.share]))
            for row in mistakes[:_MOST_MISTAKES]
        ),
        "The most frequent mistakes",
        frozenset({2, 3}),
    )
    notes = [_SHADES]
    if left_out:
        notes.append(f"{left_out:,} classes with fewer mistakes are left out.")
    return Block("confusion", title, (lead,), spec, str(spec["description"]), table,
                 notes=tuple(notes), commands=commands)  # fmt: skip


def _fewer(rows: Sequence[ConfusionRow]) -> tuple[list[str], list[ConfusionRow], int]:
    """Return the classes with the most mistakes, their cells, and how many are left out."""
    mistakes: dict[str, float] = {}
    for row in rows:
        for name in {row.truth, row.predicted}:
            extra = row.share.weighted_k if row.truth != row.predicted else 0.0
            mistakes[name] = mistakes.get(name, 0.0) + extra
    kept = sorted(mistakes, key=lambda name: (-mistakes[name], natural(name)))[:_MOST_CLASSES]
    within = [row for row in rows if row.truth in kept and row.predicted in kept]
    return sorted(kept, key=natural), within, len(mistakes) - len(kept)


def _whole(
    rows: Sequence[ConfusionRow], classes: Sequence[str]
) -> list[ConfusionRow | tuple[str, str]]:
    known = {(row.truth, row.predicted): row for row in rows}
    pairs = [(truth, predicted) for truth in classes for predicted in classes]
    return [known.get(pair, pair) for pair in pairs]


def _cell(row: ConfusionRow | tuple[str, str], worst: float) -> dict[str, Any]:
    if isinstance(row, tuple):
        truth, predicted = row
        empty = {"right": truth == predicted, "shade": 0.0, "count": "0", "shown": "0 %"}
        return {"truth": cell(truth), "predicted": cell(predicted), **empty}
    right = row.truth == row.predicted
    share = row.share.value or 0.0
    return {
        "truth": cell(row.truth),
        "predicted": cell(row.predicted),
        "right": right,
        # of areas of one colour, people tell small shares apart on a root scale
        "shade": share if right else sqrt(share / worst),
        "count": f"{row.share.k:,}",
        "shown": f"{percent(row.share)} {interval(row.share)}",
    }
