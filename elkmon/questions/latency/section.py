"""Write the report's section of latency over time and by version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from elkmon.present import plots
from elkmon.present.formatting import (
    cell,
    command_line,
    duration,
    duration_interval,
    interval,
    number,
    when,
)
from elkmon.present.page_block import (
    Block,
    Command,
    Frame,
    SectionAnswers,
    Table,
    days,
    events,
    milliseconds,
    plot_deployments,
)
from elkmon.query.times import text_of, width_of
from elkmon.questions.latency import LATENCY
from elkmon.questions.latency.figures import (
    Durations,
    LatencyRow,
    count_bins,
    quantiles_of,
    sum_steps,
)
from elkmon.statistics.natural_order import natural_all
from elkmon.stores.location import Place
from elkmon.stores.protocol import Store

__all__ = ["ask", "blocks"]


def ask(store: Store, frame: Frame) -> tuple[list[Durations], Sequence[str]]:
    """Return the durations of each version, step and outcome, and no notes."""
    return count_bins(store, frame.versions.stepped(frame.steps)), ()


def blocks(answers: SectionAnswers, location: Place) -> list[Block]:
    """Return the block of latency over time and by version."""
    return [_block(answers, location)]


def _block(answers: SectionAnswers, store: Place) -> Block:
    every = text_of(answers.steps)
    line = command_line("latency", store, answers.question, "--every", every)
    commands = (Command("over time", line), events(answers, store))
    durations: tuple[Durations, ...] = answers.rows[LATENCY.method]
    over_time = quantiles_of(answers.question, _by_step(durations)).rows
    by_version = quantiles_of(answers.versions, sum_steps(list(durations))).rows
    known = [row for row in over_time if row.outcome == "success" and row.p50.value]
    if not known:
        return Block("latency", "Latency", commands=commands, wide=True,
                     reason="no attempt has a duration")  # fmt: skip
    half = width_of(answers.steps) / 2
    timed = [(row, row.time) for row in known if row.time is not None]
    points = [point for row, time in timed for point in _latency_points(row, time + half)]
    columns = [_latency_column(row, time, time + 2 * half) for row, time in timed]
    slowest = max(known, key=lambda row: row.p95.value or 0.0)
    lead = (
        f"Successes took longest from {when(slowest.time)} on: p95 {_took(slowest.p95.value)}.",
    )
    alt = f"Latency of {cell(answers.question.model)} over time: p50, p95 and p99. {lead[0]}"
    table = Table(
        ("version", "outcome", "p50 [95 %]", "p95 [95 %]", "p99 [95 %]", "attempts"),
        tuple(_latency_cells(row) for row in by_version),
        "By version",
        frozenset({2, 3, 4, 5}),
    )
    spec = plots.latency(alt, points, columns, plot_deployments(answers), days=days(answers))
    return Block("latency", "Latency", lead, spec, alt, table, commands=commands,
                 notes=("Milliseconds, on a log scale.",))  # fmt: skip


def _by_step(durations: Iterable[Durations]) -> list[Durations]:
    """Add up the versions of each step and outcome."""
    steps: dict[tuple[datetime | None, str], Durations] = {}
    for part in durations:
        key = (part.time, part.outcome)
        steps.setdefault(key, Durations(part.by[:1], part.time, part.outcome, {})).add(part)
    return [steps[key] for key in sorted(steps, key=natural_all)]


def _latency_points(row: LatencyRow, time: datetime) -> list[dict[str, Any]]:
    return [
        {"time": milliseconds(time), "quantile": name, "value": estimate.value}
        for name, estimate in row.quantiles.items()
        if estimate.value
    ]


def _latency_column(row: LatencyRow, begin: datetime, end: datetime) -> dict[str, Any]:
    return {
        "begin": milliseconds(begin),
        "end": milliseconds(end),
        "at": when(begin),
        "value": row.p50.value,
        "of": f"{row.p50.n:,}",
        **{
            name: f"{number(estimate)} ms {interval(estimate)}"
            for name, estimate in row.quantiles.items()
        },
    }


def _latency_cells(row: LatencyRow) -> tuple[str, ...]:
    texts = (
        f"{_took(estimate.value)} {duration_interval(estimate, 0.001)}".strip()
        for estimate in row.quantiles.values()
    )
    return (cell(row.by.get("version")), row.outcome, *texts, f"{row.p50.n:,}")


def _took(value: float | None) -> str:
    return duration(None if value is None else value / 1000)
