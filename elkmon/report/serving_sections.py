"""Figures of what was served: how long it took, how much is labelled."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from elkmon.present import plots
from elkmon.present.formatting import (
    cell,
    command_line,
    duration,
    limits,
    number,
    percent,
    span,
    when,
)
from elkmon.questions.coverage.figures import AgeShare, CoverageRow
from elkmon.questions.latency.figures import LatencyRow, rows_of
from elkmon.report.answers import Answers
from elkmon.report.findings import Command
from elkmon.report.page_block import (
    Block,
    Table,
    days,
    deployed,
    drawn,
    events,
    milliseconds,
    rate_cells,
    width_of,
)
from elkmon.stores.location import Place

__all__ = ["coverage", "latency"]


def latency(answers: Answers, store: Place) -> Block:
    """Show how long attempts took, over time and by version."""
    every = f"{answers.steps.every}{answers.steps.unit}"
    asked = command_line("latency", store, answers.question, "--every", every)
    commands = (Command("over time", asked), events(answers, store))
    versions = replace(answers.question, by=("model", "version"))
    over_time = rows_of(answers.question, answers.durations_by_step).rows
    by_version = rows_of(versions, answers.durations_by_version).rows
    known = [each for each in over_time if each.outcome == "success" and each.p50.value]
    if not known:
        return Block("latency", "Latency", commands=commands, wide=True,
                     reason="no attempt has a duration")  # fmt: skip
    half = width_of(answers.steps) / 2
    timed = [(each, each.time) for each in known if each.time is not None]
    rows = [row for each, time in timed for row in _latency_rows(each, time + half)]
    columns = [_latency_column(each, time, time + 2 * half) for each, time in timed]
    slowest = max(known, key=lambda each: each.p95.value or 0.0)
    lead = (
        f"Successes took longest from {_when(slowest.time)} on: p95 {_took(slowest.p95.value)}.",
    )
    alt = f"Latency of {cell(answers.question.model)} over time: p50, p95 and p99. {lead[0]}"
    table = Table(
        ("version", "outcome", "p50 [95 %]", "p95 [95 %]", "p99 [95 %]", "attempts"),
        tuple(_latency_cells(each) for each in by_version),
        "By version",
        frozenset({2, 3, 4, 5}),
    )
    spec = plots.latency(alt, rows, columns, deployed(answers), days=days(answers))
    return Block("latency", "Latency", lead, spec, alt, table, commands=commands,
                 notes=("Milliseconds, on a log scale.",))  # fmt: skip


def _latency_rows(row: LatencyRow, time: datetime) -> list[dict[str, Any]]:
    figures = (("p50", row.p50), ("p95", row.p95), ("p99", row.p99))
    return [
        {"time": milliseconds(time), "quantile": name, "value": figure.value}
        for name, figure in figures
        if figure.value
    ]


def _latency_column(row: LatencyRow, begin: datetime, end: datetime) -> dict[str, Any]:
    figures = (("p50", row.p50), ("p95", row.p95), ("p99", row.p99))
    return {
        "begin": milliseconds(begin),
        "end": milliseconds(end),
        "at": when(begin),
        "value": row.p50.value,
        "of": f"{row.p50.n:,}",
        **{name: f"{number(figure)} ms {limits(figure)}" for name, figure in figures},
    }


def _latency_cells(row: LatencyRow) -> tuple[str, ...]:
    figures = (row.p50, row.p95, row.p99)
    shown = (f"{_took(each.value)} {span(each, 0.001)}".strip() for each in figures)
    return (cell(row.by.get("version")), row.outcome, *shown, f"{row.p50.n:,}")


def _took(value: float | None) -> str:
    return duration(None if value is None else value / 1000)


def coverage(answers: Answers, store: Place) -> Block:
    """Show how much is labelled, by age."""
    commands = (
        Command("labels", command_line("labels", store, answers.question)),
        events(answers, store, "truth="),
    )
    for row in answers.coverage:
        return _coverage(answers, row, commands)
    return Block("coverage", "Label coverage", commands=commands, reason="no successful attempt")


def _coverage(answers: Answers, row: CoverageRow, commands: tuple[Command, ...]) -> Block:
    names = [_age(each) for each in row.ages]
    rows = [
        {
            "age": name,
            **drawn(each.share),
        }
        for name, each in zip(names, row.ages, strict=True)
    ]
    lead = [f"{percent(row.coverage)} of successful predictions are labelled."]
    if row.median.value is not None and row.p90.value is not None:
        lead.append(
            f"Half of the labels that come are there within {duration(row.median.value)} "
            f"{span(row.median)}, 9 of 10 within {duration(row.p90.value)}."
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


def _when(time: datetime | None) -> str:
    return "" if time is None else when(time)
