"""Write the report's section of failure and error rates over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from elkmon.present import plots
from elkmon.present.formatting import cell, command_line, percent, when
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
    plot_values,
    rate_cells,
    versions_of,
)
from elkmon.query.times import grid, text_of, width_of
from elkmon.questions.coverage import COVERAGE
from elkmon.questions.rates import ERROR_RATE
from elkmon.questions.rates.figures import Tally, count_attempts, sum_steps
from elkmon.statistics.natural_order import natural
from elkmon.statistics.rate import Rate
from elkmon.stores.location import Place
from elkmon.stores.protocol import Store

__all__ = ["ask", "blocks", "by_step"]

_ENOUGH = 40
"""How many events a step needs for its interval to count for the axis."""
_PART = 20
"""A step with less than the median of all steps / 20 is only in the table."""


def ask(store: Store, frame: Frame) -> tuple[list[Tally], Sequence[str]]:
    """Return the attempts of each model, version and step, and no notes."""
    return count_attempts(store, frame.versions.stepped(frame.steps)), ()


def blocks(answers: SectionAnswers, location: Place) -> list[Block]:
    """Return the blocks of the error rate and the failure rate over time."""
    steps = by_step(answers)
    wrong = events(answers, location, "ml.eval.outcome=wrong")
    failed = events(answers, location, "outcome=failure")
    errors = [(tally, tally.error_rate) for tally in steps]
    failures = [(tally, tally.failure_rate) for tally in steps]
    return [
        _rate(answers, location, errors, ("Error rate", "wrong", "labelled"), wrong),
        _rate(answers, location, failures, ("Failure rate", "failed", "attempts"), failed),
    ]


def by_step(answers: SectionAnswers) -> list[Tally]:
    """Return the counts of each step, versions together."""
    steps: dict[datetime | None, Tally] = {}
    for tally in _tallies(answers):
        known = steps.get(tally.time)
        steps[tally.time] = tally if known is None else known + tally
    return [steps[time] for time in sorted(steps, key=natural)]


def _tallies(answers: SectionAnswers) -> tuple[Tally, ...]:
    return answers.rows[ERROR_RATE.method]


def _rate(
    answers: SectionAnswers,
    store: Place,
    rates: list[tuple[Tally, Rate]],
    words: tuple[str, str, str],
    listed: Command,
) -> Block:
    title, hit, whole = words
    errors = hit == "wrong"
    name = title.lower().replace(" ", "-")
    every, question = text_of(answers.steps), answers.question
    line = command_line("errors", store, question, "--every", every)
    commands = (Command("over time", line), listed)
    known = [(tally, rate) for tally, rate in rates if rate.value is not None]
    if not known:
        reason = next((rate.reason for _, rate in rates if rate.reason), "no attempt in this span")
        return Block(name, title, commands=commands, reason=reason)
    fewest = _fewest([rate for _, rate in known])
    by_time = {tally.time: rate for tally, rate in known if rate.n_eff >= fewest}
    known = [pair for pair in known if pair[1].n_eff >= fewest]
    half = width_of(answers.steps) / 2
    rows = [
        _rate_row(time, by_time.get(time), half)
        for time in grid(answers.steps, question.since, question.until)
    ]
    highest = max(known, key=lambda pair: pair[1].value or 0.0)
    total = percent(_whole(answers, errors=errors))
    top = f"{percent(highest[1])} from {when(highest[0].time)} on"
    lead = [f"{total} of {whole} in the span{f'; highest {top}' if highest[1].k else ''}."]
    alt = f"{title} of {cell(question.model)} over time, steps of {every}. {lead[0]}"
    if answers.deployments:
        went = ", ".join(f"{e.version} {when(e.time)}" for e in answers.deployments[-3:])
        alt += f" Deployments: {went}."
    versions = _versions(answers)
    if len(versions) > 1:
        shares = ((e.by[1], e.error_rate if errors else e.failure_rate) for e in versions)
        lead.append("; ".join(f"{cell(name)}: {percent(rate)}" for name, rate in shares) + ".")
    spec = plots.rate(
        alt,
        rows,
        plot_deployments(answers),
        days=days(answers),
        top=_top([rate for _, rate in known]),
        colour="var(--wrong)" if errors else "var(--failed)",
        since=_to_come(answers) if errors else None,
    )
    table = Table(
        ("from (UTC)", f"{title.lower()} [95 %]", f"{hit} / {whole}"),
        tuple((when(tally.time), *rate_cells([rate])) for tally, rate in rates),
        right=frozenset({1, 2}),
    )
    return Block(name, title, tuple(lead), spec, alt, table, commands=commands)


def _versions(answers: SectionAnswers) -> list[Tally]:
    summed = sum_steps(_tallies(answers))
    order = versions_of(answers, [tally.by[1] for tally in summed])
    by_name = {None if tally.by[1] is None else str(tally.by[1]): tally for tally in summed}
    return [by_name[name] for name in order]


def _whole(answers: SectionAnswers, *, errors: bool) -> Rate:
    first, *rest = _tallies(answers)
    total = sum(rest, first)
    return total.error_rate if errors else total.failure_rate


def _rate_row(time: datetime, rate: Rate | None, half: timedelta) -> dict[str, Any]:
    if rate is None or rate.value is None:
        return {"time": milliseconds(time + half), "value": None, "low": None, "high": None}
    return {
        "time": milliseconds(time + half),
        "begin": milliseconds(time),
        "end": milliseconds(time + 2 * half),
        "at": when(time),
        **plot_values(rate),
    }


def _fewest(rates: list[Rate]) -> float:
    """Return how many events a step needs to be drawn: one that just began has too few."""
    return median(rate.n_eff for rate in rates) / _PART


def _top(rates: list[Rate]) -> float:
    """Return the end of the axis: above all values and all intervals that are narrow enough."""
    values = [rate.value or 0.0 for rate in rates]
    narrow = [rate.high or 0.0 for rate in rates if rate.n_eff >= _ENOUGH]
    highs = narrow or [min(rate.high or 0.0 for rate in rates)]
    return min(max([*values, *highs, 0.005]) * 1.05, 1.0)


def _to_come(answers: SectionAnswers) -> dict[str, Any] | None:
    """Return the time from which on fewer than 9 in 10 labels have arrived, as plots need it."""
    for row in answers.rows[COVERAGE.method]:
        if row.p90.value:
            end = answers.question.until
            begin = max(row.as_of - timedelta(seconds=row.p90.value), answers.question.since)
            if begin < min(end, row.as_of):
                times = {"time": milliseconds(begin), "end": milliseconds(min(end, row.as_of))}
                return {**times, "words": "labels still coming"}
    return None
