"""Latency: quantiles of how long predictions took, successes and failures apart."""

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

__all__ = ["Durations", "LatencyRow", "answer", "latencies", "latency", "rows_of", "together"]


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """How long the attempts of one group took, in milliseconds."""

    by: Mapping[str, Cell]
    time: datetime | None
    outcome: str
    """``success`` or ``failure``."""
    p50: Estimate
    p95: Estimate
    p99: Estimate


@dataclass
class Durations:
    """Attempts of one group, step and outcome by bin of their duration; those without one apart."""

    by: tuple[Cell, ...]
    time: datetime | None
    outcome: str
    bins: dict[int, Sums]
    untimed: int = 0

    def add(self, other: Durations) -> None:
        """Add another step."""
        for number, sums in other.bins.items():
            self.bins[number] = self.bins.get(number, Sums()) + sums
        self.untimed += other.untimed


def _begin(number: int) -> float:
    """Give where a bin begins, in milliseconds: 1.02^b nanoseconds."""
    return exp(number * log(1.02)) / 1e6


def latency(store: Store, question: Question) -> Result[LatencyRow]:
    """Give p50, p95 and p99 of each group, weighted, of successes and of failures.

    From ``ml.duration_bin``, whose bins are 2 % wide; the middle of a bin, on the log scale, stands
    for its durations, so that a value is off by 1 % at most, and the same from any store.

    Args:
        store: to ask.
        question: what to ask.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    return rows_of(question, latencies(store, question))


def latencies(store: Store, question: Question) -> list[Durations]:
    """Count attempts by bin; sorted by group, step and outcome, successes first."""
    found: dict[tuple[Group, bool], Durations] = {}
    by = FieldValue("event.outcome"), FieldValue("ml.duration_bin")
    for group, (outcome, number, *cells) in grouped(store, question, by, support()):
        if outcome not in {"success", "failure"}:
            continue
        # successes first
        key = group, outcome == "failure"
        own = found.setdefault(key, Durations(*group, outcome, {}))
        sums = Sums.of(cells)
        if number is None:
            own.untimed += sums.count
        else:
            own.bins[int(number)] = sums
    return [each for _, each in in_order(found)]


def together(found: list[Durations]) -> list[Durations]:
    """Add up the steps in time of each group."""
    whole: dict[tuple[Any, ...], Durations] = {}
    for each in found:
        key = (*each.by, each.outcome)
        whole.setdefault(key, Durations(each.by, None, each.outcome, {})).add(each)
    return list(whole.values())


def rows_of(question: Question, found: list[Durations]) -> Result[LatencyRow]:
    """Compute the quantiles."""
    rows, notes = [], []
    for each in found:
        p50, p95, p99 = (
            quantile(each.bins, share, _begin, "no attempt has a duration")
            for share in (0.5, 0.95, 0.99)
        )
        by = dict(zip(question.by, each.by, strict=True))
        rows.append(LatencyRow(by, each.time, each.outcome, p50, p95, p99))
        if each.untimed:
            name = Group(each.by, each.time).words
            notes.append(
                f"{name}: {each.untimed:,} attempts ({each.outcome}) have no duration: left out"
            )
    columns = (*question.by, "time", "outcome", *parts_of(Estimate, "p50", "p95", "p99"))
    return Result(question, tuple(rows), columns, tuple(notes))


def answer(store: Store, question: Question) -> Answer:
    """Return what the command shows; arguments and errors as of :func:`latency`."""
    steps = question.every or step(question.since, question.until)
    # asked in steps in any case: what is shown in whole is their sum
    stepped = question.stepped(steps)
    durations = latencies(store, stepped)
    return Answer(
        rows_of(question, durations if question.every else together(durations)),
        steps,
        lambda: rows_of(stepped, durations).rows,
    )
