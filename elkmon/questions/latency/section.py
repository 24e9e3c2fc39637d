"""Latency over time and by version, for the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from elkmon.present import plots
from elkmon.present.formatting import cell, command_line, duration, limits, number, span, when
from elkmon.present.page_block import (
    Block,
    Command,
    Frame,
    SectionAnswers,
    Table,
    days,
    deployed,
    events,
    milliseconds,
    width_of,
)
from elkmon.questions.latency import LATENCY
from elkmon.questions.latency.figures import Durations, LatencyRow, latencies, rows_of, together
from elkmon.statistics.natural_order import natural_all
from elkmon.stores.location import Place
from elkmon.stores.protocol import Store

__all__ = ["ask", "blocks"]


def ask(store: Store, frame: Frame) -> tuple[list[Durations], Sequence[str]]:
    """Count durations by version, step and outcome."""
    return latencies(store, frame.versions.stepped(frame.steps)), ()


def blocks(answers: SectionAnswers, location: Place) -> list[Block]:
    """Show how long attempts took, over time and by version."""
    return [_block(answers, location)]


def _block(answers: SectionAnswers, store: Place) -> Block:
    every = f"{answers.steps.every}{answers.steps.unit}"
    asked = command_line("latency", store, answers.question, "--every", every)
    commands = (Command("over time", asked), events(answers, store))
    durations: tuple[Durations, ...] = answers.rows[LATENCY.method]
    over_time = rows_of(answers.question, _by_step(durations)).rows
    by_version = rows_of(answers.versions, together(list(durations))).rows
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


def _by_step(durations: Iterable[Durations]) -> list[Durations]:
    """Add up the versions of each step and outcome."""
    steps: dict[tuple[datetime | None, str], Durations] = {}
    for part in durations:
        key = (part.time, part.outcome)
        steps.setdefault(key, Durations(part.by[:1], part.time, part.outcome, {})).add(part)
    return [steps[key] for key in sorted(steps, key=natural_all)]


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


def _when(time: datetime | None) -> str:
    return "" if time is None else when(time)
