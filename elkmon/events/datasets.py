"""The table of datasets: every kind of event, declared once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from elkmon.events.errors import QueryError

__all__ = [
    "DATASETS",
    "DEPLOYMENT",
    "EMITTER",
    "ERROR",
    "ISSUE",
    "KEPT_FOR_EVER",
    "LABEL",
    "LOG",
    "METRIC",
    "PREDICTION",
    "RECORDS",
    "Dataset",
    "DatasetRecord",
    "dataset_name",
    "short_name",
]

Dataset: TypeAlias = str
"""A name in DATASETS, as ``event.dataset`` has it: ``elkmon.prediction``."""

_PREFIX = "elkmon."

PREDICTION: Dataset = "elkmon.prediction"
LABEL: Dataset = "elkmon.label"
ERROR: Dataset = "elkmon.error"
LOG: Dataset = "elkmon.log"
METRIC: Dataset = "elkmon.metric"
DEPLOYMENT: Dataset = "elkmon.deployment"
ISSUE: Dataset = "elkmon.issue"
EMITTER: Dataset = "elkmon.emitter"


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """One row of the table.

    Attributes:
        name: as ``event.dataset`` has it.
        summary: what one event of it says.
        writer: who writes it.
        colour: of its name on a terminal, as rich has it.
        view: title of its data view in Kibana; None where it has none of its own.
        kind: as ``event.kind`` has it.
        kept_for_ever: whether retention spares it.
        words: which fields say most of an event, each with the word before it; where there are
            none, its level, message and labels do.
    """

    name: Dataset
    summary: str
    writer: str
    colour: str
    view: str | None = None
    kind: Literal["event", "metric"] = "event"
    kept_for_ever: bool = False
    words: Mapping[str, str] = field(default_factory=dict)


_RECORDS = (
    DatasetRecord(
        PREDICTION,
        "A model was asked: its answer, or how the attempt failed.",
        "`prediction`, `predictions`, `with log.predict`",
        colour="green",
        view="predictions",
    ),
    DatasetRecord(
        LABEL,
        "What turned out to be true of a prediction; a later one corrects it.",
        "`label`, `labels`",
        colour="blue",
        view="labels",
        words={
            "truth": "ml.truth.label",
            "value": "ml.truth.value",
            "correct": "ml.truth.correct",
            "rating": "ml.truth.rating",
            "source": "ml.truth.source",
            "of": "ml.prediction.id",
        },
    ),
    DatasetRecord(
        ERROR,
        "An exception or a reported failure, in a prediction or not.",
        "`error`, `critical`, `exception`",
        colour="red",
        view="exceptions",
    ),
    DatasetRecord(LOG, "Any other line of a log.", "`info`, `warning`, …", colour="yellow"),
    DatasetRecord(
        METRIC,
        "A business figure, or a reading of the host.",
        "`metric`, `elkmon host`",
        colour="cyan",
        view="business and host metrics",
        kind="metric",
    ),
    DatasetRecord(
        DEPLOYMENT,
        "A version of a model goes live, or is rolled back.",
        "`deployment`",
        colour="magenta",
        view="deployments",
    ),
    DatasetRecord(
        ISSUE,
        "An issue was first seen, resolved, ignored or reopened.",
        "`elkmon issues`, `elkmon report`",
        colour="magenta",
        view="issue history",
        kept_for_ever=True,
    ),
    DatasetRecord(
        EMITTER,
        "What a process wrote and lost so far; the last line of each file.",
        "the emitter",
        colour="dim",
        view="event counts by process",
        words={"accepted": "ml.emitter.accepted", "written": "ml.emitter.written"},
    ),
)

RECORDS: Mapping[Dataset, DatasetRecord] = MappingProxyType(
    {record.name: record for record in _RECORDS}
)
"""Every dataset by its name."""
DATASETS: tuple[Dataset, ...] = tuple(RECORDS)
KEPT_FOR_EVER: tuple[Dataset, ...] = tuple(
    record.name for record in _RECORDS if record.kept_for_ever
)


def short_name(dataset: str) -> str:
    """Return the last part of a dataset's name: ``prediction``."""
    return dataset.removeprefix(_PREFIX)


def dataset_name(given: str) -> Dataset:
    """Return a dataset's full name, given that or its short name: ``error``, ``elkmon.error``.

    Raises:
        QueryError: there is no such dataset; the message names those there are.
    """
    name = given if given in RECORDS else f"{_PREFIX}{given}"
    if name in RECORDS:
        return name
    from difflib import get_close_matches  # noqa: PLC0415 - applications import this module

    known = [short_name(each) for each in DATASETS]
    close = get_close_matches(short_name(given), known, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    raise QueryError(f"no such dataset: {given}; {hint}there are: {', '.join(known)}")
