"""Label coverage by age, for the report."""

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
    """Compute the label coverage of each model."""
    result = coverage(store, frame.question)
    return result.rows, result.notes


def blocks(answers: SectionAnswers, location: Place) -> list[Block]:
    """Show how much is labelled, by age."""
    return [_block(answers, location)]


def _block(answers: SectionAnswers, store: Place) -> Block:
    commands = (
        Command("labels", command_line("labels", store, answers.question)),
        events(answers, store, "truth="),
    )
    for row in answers.rows[COVERAGE.method]:
        return _coverage(answers, row, commands)
    return Block("coverage", "Label coverage", commands=commands, reason="no successful attempt")


def _coverage(answers: SectionAnswers, row: CoverageRow, commands: tuple[Command, ...]) -> Block:
    names = [_age(each) for each in row.ages]
    rows = [
        {
            "age": name,
            **plot_values(each.share),
        }
        for name, each in zip(names, row.ages, strict=True)
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


def _age(each: AgeShare) -> str:
    def plain(seconds: float) -> str:
        return f"{seconds / 86_400:g} d" if seconds >= 86_400 else f"{seconds / 3600:g} h"  # noqa: PLR2004

    if each.until is None:
        return f"over {plain(each.since)}"
    if not each.since:
        return f"under {plain(each.until)}"
    first, last = plain(each.since), plain(each.until)
    # one unit is enough where both have the same
    return f"{first.split()[0] if first[-1] == last[-1] else first}–{last}"
