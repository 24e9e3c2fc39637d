"""Compute latency quantiles, separately for successes and failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import exp, log
from typing import Any

from elkmon.present.result import Result, parts_of
from elkmon.query.groups import Group, grouped, in_order, support
from elkmon.query.question import Question
from elkmon.query.times import step
from elkmon.questions.record import Answer
from elkmon.statistics.estimate import Estimate
from elkmon.statistics.quantiles import quantile
from elkmon.statistics.rate import Sums
from elkmon.stores.protocol import Cell, FieldValue, Store

__all__ = [
    "Durations",
    "LatencyRow",
    "answer",
    "count_bins",
    "latency",
    "quantiles_of",
    "sum_steps",
]


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """The latency of one group's attempts with one outcome, in milliseconds."""

    by: Mapping[str, Cell]
    time: datetime | None
    outcome: str
    """``success`` or ``failure``."""
    p50: Estimate
    p95: Estimate
    p99: Estimate

    @property
    def quantiles(self) -> dict[str, Estimate]:
        """Return the quantiles by name."""
        return {"p50": self.p50, "p95": self.p95, "p99": self.p99}


@dataclass
class Durations:
    """Attempts of one group, step and outcome, counted by bin of their duration."""

    by: tuple[Cell, ...]
    time: datetime | None
    outcome: str
    bins: dict[int, Sums]
    untimed: int = 0
    """Attempts without a duration."""

    def add(self, other: Durations) -> None:
        """Add another step."""
        for number, sums in other.bins.items():
            self.bins[number] = self.bins.get(number, Sums()) + sums
        self.untimed += other.untimed


def _begin(number: int) -> float:
    """Return where a bin begins, in milliseconds: 1.02^number nanoseconds."""
    return exp(number * log(1.02)) / 1e6


def latency(store: Store, question: Question) -> Result[LatencyRow]:
    """Return weighted p50, p95 and p99 of each group, for successes and for failures.

    They come from ``ml.duration_bin``, which is 2 % wide. Each is the middle of a bin on the log
    scale, so it is off by at most 1 %, and the same in every store.

    Args:
        store: to ask.
        question: what to ask.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    return quantiles_of(question, count_bins(store, question))


def count_bins(store: Store, question: Question) -> list[Durations]:
    """Return counts of attempts by bin of their duration, sorted by group, step and outcome."""
    by_group: dict[tuple[Group, bool], Durations] = {}
    by = FieldValue("event.outcome"), FieldValue("ml.duration_bin")
    for group, (outcome, number, *cells) in grouped(store, question, by, support()):
        if outcome not in {"success", "failure"}:
            continue
        # successes first
        key = group, outcome == "failure"
        durations = by_group.setdefault(key, Durations(*group, outcome, {}))
        sums = Sums.of(cells)
        if number is None:
            durations.untimed += sums.count
        else:
            durations.bins[int(number)] = sums
    return [durations for _, durations in in_order(by_group)]


def sum_steps(durations: list[Durations]) -> list[Durations]:
    """Add up the steps of each group and outcome."""
    whole: dict[tuple[Any, ...], Durations] = {}
    for part in durations:
        key = (*part.by, part.outcome)
        whole.setdefault(key, Durations(part.by, None, part.outcome, {})).add(part)
    return list(whole.values())


def quantiles_of(question: Question, durations: list[Durations]) -> Result[LatencyRow]:
    """Return the rows that answer a question, from the counts."""
    rows, notes = [], []
    for part in durations:
        p50, p95, p99 = (
            quantile(part.bins, share, _begin, "no attempt has a duration")
            for share in (0.5, 0.95, 0.99)
        )
        by = dict(zip(question.by, part.by, strict=True))
        rows.append(LatencyRow(by, part.time, part.outcome, p50, p95, p99))
        if part.untimed:
            name = Group(part.by, part.time).words
            notes.append(
                f"{name}: {part.untimed:,} attempts ({part.outcome}) have no duration: left out"
            )
    columns = (*question.by, "time", "outcome", *parts_of(Estimate, "p50", "p95", "p99"))
    return Result(question, tuple(rows), columns, tuple(notes))


def answer(store: Store, question: Question) -> Answer:
    """Return what the command shows; arguments and errors as of :func:`latency`."""
    steps = question.every or step(question.since, question.until)
    # always asked in steps: the rows are their sums
    stepped = question.stepped(steps)
    durations = count_bins(store, stepped)
    return Answer(
        quantiles_of(question, durations if question.every else sum_steps(durations)),
        steps,
        lambda: quantiles_of(stepped, durations).rows,
    )
