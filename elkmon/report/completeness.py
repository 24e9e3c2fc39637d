"""Whether the figures can be trusted: what is missing, dropped, torn or without its other half."""

from __future__ import annotations

from dataclasses import dataclass

from elkmon.present.formatting import ABSENT, cell, when
from elkmon.present.page_block import Table
from elkmon.report.answers import Answers

__all__ = ["Completeness", "completeness"]

_MOST = 20


@dataclass(frozen=True, slots=True)
class Completeness:
    """What a store lacks, as far as it is known."""

    words: str
    whole: bool
    """Whether nothing is missing."""
    notes: tuple[str, ...]
    processes: Table
    models: Table
    left_out: int
    """Processes that are not in the table."""


def completeness(answers: Answers) -> Completeness:
    """Say what is missing, over the whole store."""
    catalog = answers.catalog
    missing = sum(each.missing for each in catalog.processes)
    dropped = sum(each.dropped for each in catalog.processes)
    events = sum(catalog.datasets.values())
    number = len(catalog.processes)
    said = [f"{events:,} events of {number:,} {'process' if number == 1 else 'processes'}"]
    said.append("none is missing" if not missing else f"{missing:,} are missing")
    if dropped:
        said.append(f"{dropped:,} of them were dropped by their process, which says so")
    if catalog.bad_lines:
        said.append(f"{catalog.bad_lines:,} torn or corrupt lines were set apart")
    if catalog.labels_waiting:
        said.append(f"{catalog.labels_waiting:,} labels wait to be joined")
    ordered = sorted(catalog.processes, key=lambda each: (-each.missing, each.entity_id))
    return Completeness(
        words=", ".join(said) + ".",
        whole=not (missing or catalog.bad_lines or catalog.labels_waiting),
        notes=tuple(catalog.notes),
        processes=Table(
            ("process", "service", "host", "last event (UTC)", "events", "missing", "dropped"),
            tuple(
                (
                    cell(each.entity_id),
                    cell(each.service or ABSENT),
                    cell(each.host or ABSENT),
                    when(each.span.last),
                    *(f"{count:,}" for count in (each.events, each.missing, each.dropped)),
                )
                for each in ordered[:_MOST]
            ),
            "By process",
            frozenset({4, 5, 6}),
        ),
        models=Table(
            ("model", "predictions", "failed", "labels", "without a prediction", "sampled out",
             "written twice", "of these different"),
            tuple(
                (
                    cell(each.name),
                    *(
                        f"{count:,}"
                        for count in (
                            *(each.predictions, each.failures, each.labels, each.orphans),
                            *(each.sampled_out, each.repeats, each.differing),
                        )
                    ),
                )
                for each in catalog.models
            ),
            "By model",
            frozenset(range(1, 8)),
        ),
        left_out=max(number - _MOST, 0),
    )  # fmt: skip
