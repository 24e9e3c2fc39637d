"""Compute the confusion matrix of each group, one row per true and predicted class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from elkmon.present.result import Result, parts_of
from elkmon.query.groups import Group
from elkmon.query.label_evidence import gather
from elkmon.query.question import Question
from elkmon.questions.record import Answer
from elkmon.statistics.matrix import Matrix
from elkmon.statistics.rate import Rate, Sums
from elkmon.stores.protocol import Cell, Store

__all__ = ["ConfusionRow", "answer", "confusion"]


@dataclass(frozen=True, slots=True)
class ConfusionRow:
    """One cell of a confusion matrix with predictions."""

    by: Mapping[str, Cell]
    time: datetime | None
    truth: str
    predicted: str
    share: Rate
    """Out of all predictions with this true class: a row of the matrix adds up to 1."""


def confusion(store: Store, question: Question) -> Result[ConfusionRow]:
    """Return counts of labelled predictions by true and predicted class.

    Args:
        store: to ask.
        question: what to ask.

    Returns:
        Rows sorted by group, step, true and predicted class.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    rows: list[ConfusionRow] = []
    notes: list[str] = []
    for evidence in gather(store, question):
        matrix = Matrix(evidence.cells)
        by = dict(zip(question.by, evidence.by, strict=True))
        for truth in matrix.classes:
            for predicted in matrix.classes:
                cell = matrix.cells.get((truth, predicted), Sums())
                if cell.count:
                    share = cell.out_of(matrix.truth[truth], "")
                    rows.append(ConfusionRow(by, evidence.time, truth, predicted, share))
        beside = evidence.labelled.count - matrix.total.count
        if beside and matrix.total.count:
            group = Group(evidence.by, evidence.time).words
            notes.append(
                f"{group}: {beside:,} of {evidence.labelled.count:,} labelled predictions lack the "
                "true or the predicted class and are left out"
            )
    columns = (*question.by, "time", "truth", "predicted", *parts_of(Rate, "share"))
    return Result(question, tuple(rows), columns, tuple(notes))


def answer(store: Store, question: Question) -> Answer:
    """Return what the command shows; arguments and errors as of :func:`confusion`."""
    return Answer(confusion(store, question))
