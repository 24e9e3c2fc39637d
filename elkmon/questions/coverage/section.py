"""Show coverage by age in the report."""

from __future__ import annotations

from collections.abc import Sequence

from elkmon.present import plots
from elkmon.present.formatting import cell, command_line, duration, duration_interval, percent
from elkmon.present.page_block import (
    Block,
    Command,
    Frame,
    SectionAnswers,
    Table,
    events,
    plot_values,
    rate_cells,
)
from elkmon.questions.coverage import COVERAGE
from elkmon.questions.coverage.figures import AgeShare, CoverageRow, coverage
from elkmon.stores.location import Place
from elkmon.stores.protocol import Store

__all__ = ["ask", "blocks"]


def ask(store: Store, frame: Frame) -> tuple[Sequence[CoverageRow], Sequence[str]]:
    """Return the coverage of each model."""
    result = coverage(store, frame.question)
    return result.rows, result.notes


def blocks(answers: SectionAnswers, location: Place) -> list[Block]:
    """Return the block that shows how much is labelled, by age."""
    commands = (
        Command("labels", command_line("labels", location, answers.question)),
        events(answers, location, "truth="),
    )
    for row in answers.rows[COVERAGE.method]:
        return [_coverage(answers, row, commands)]
    return [Block("coverage", "Label coverage", commands=commands, reason="no successful attempt")]


def _coverage(answers: SectionAnswers, row: CoverageRow, commands: tuple[Command, ...]) -> Block:
    names = [_age(age) for age in row.ages]
    rows = [
        {"age": name, **plot_values(age.share)} for name, age in zip(names, row.ages, strict=True)
    ]
    lead = [f"{percent(row.coverage)} of successful predictions are labelled."]
    if row.median.value is not None and row.p90.value is not None:
        lead.append(
            f"Half of the labels that come are there within {duration(row.median.value)} "
            f"{duration_interval(row.median)}, 9 of 10 within {duration(row.p90.value)}."
        )
    notes = []
    if row.labels is not None:
        notes.append(
            f"In the whole store: {row.labels.labels:,} labels, {row.labels.corrections:,} of them "
            f"corrections or repeats; {row.labels.orphans:,} without a prediction; "
            f"{row.labels.sampled_out:,} of predictions that sampling left out; "
            f"{row.labels.waiting:,} wait to be joined."
        )
    alt = f"Share of labelled predictions of {cell(answers.question.model)} by age. {lead[0]}"
    table = Table(
        ("age", "labelled [95 %]", "labelled / successful"),
        tuple((n, *rate_cells([e.share])) for n, e in zip(names, row.ages, strict=True)),
        right=frozenset({1, 2}),
    )
    spec = plots.ages(alt, rows, names)
    return Block("coverage", "Label coverage", tuple(lead), spec, alt, table, notes=tuple(notes),
                 commands=commands)  # fmt: skip


def _age(age: AgeShare) -> str:
    def plain(seconds: float) -> str:
        return f"{seconds / 86_400:g} d" if seconds >= 86_400 else f"{seconds / 3600:g} h"  # noqa: PLR2004

    if age.until is None:
        return f"over {plain(age.since)}"
    if not age.since:
        return f"under {plain(age.until)}"
    first, last = plain(age.since), plain(age.until)
    # the unit is written once if both ends have the same
    return f"{first.split()[0] if first[-1] == last[-1] else first}–{last}"
