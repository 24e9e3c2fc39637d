"""Report what the data lacks: missing and dropped events, torn lines, labels without prediction."""

from __future__ import annotations

from dataclasses import dataclass

from elkmon.present.formatting import ABSENT, cell, when
from elkmon.present.page_block import Table
from elkmon.report.answers import Answers

__all__ = ["Completeness", "completeness"]

_MOST = 20


@dataclass(frozen=True, slots=True)
class Completeness:
    """What is known to be missing in a store."""

    words: str
    whole: bool
    """Whether nothing is missing."""
    notes: tuple[str, ...]
    processes: Table
    models: Table
    left_out: int
    """How many processes are not in the table."""


def completeness(answers: Answers) -> Completeness:
    """Return what is missing in the whole store."""
    catalog = answers.catalog
    missing = sum(process.missing for process in catalog.processes)
    dropped = sum(process.dropped for process in catalog.processes)
    events = sum(catalog.datasets.values())
    number = len(catalog.processes)
    sentences = [f"{events:,} events of {number:,} {'process' if number == 1 else 'processes'}"]
    sentences.append("none is missing" if not missing else f"{missing:,} are missing")
    if dropped:
        sentences.append(f"{dropped:,} of them were dropped by their process, which reported it")
    if catalog.bad_lines:
        sentences.append(f"{catalog.bad_lines:,} torn or corrupt lines were set apart")
    if catalog.labels_waiting:
        sentences.append(f"{catalog.labels_waiting:,} labels wait to be joined")
    ordered = sorted(catalog.processes, key=lambda process: (-process.missing, process.entity_id))
    return Completeness(
        words=", ".join(sentences) + ".",
        whole=not (missing or catalog.bad_lines or catalog.labels_waiting),
        notes=tuple(catalog.notes),
        processes=Table(
            ("process", "service", "host", "last event (UTC)", "events", "missing", "dropped"),
            tuple(
                (
                    cell(process.entity_id),
                    cell(process.service or ABSENT),
                    cell(process.host or ABSENT),
                    when(process.span.last),
                    *(f"{count:,}" for count in (process.events, process.missing, process.dropped)),
                )
                for process in ordered[:_MOST]
            ),
            "By process",
            frozenset({4, 5, 6}),
        ),
        models=Table(
            ("model", "predictions", "failed", "labels", "without a prediction", "sampled out",
             "written twice", "of these different"),
            tuple(
                (
                    cell(model.name),
                    *(
                        f"{count:,}"
                        for count in (
                            *(model.predictions, model.failures, model.labels, model.orphans),
                            *(model.sampled_out, model.repeats, model.differing),
                        )
                    ),
                )
                for model in catalog.models
            ),
            "By model",
            frozenset(range(1, 8)),
        ),
        left_out=max(number - _MOST, 0),
    )  # fmt: skip
