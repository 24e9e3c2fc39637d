"""Put into words what changed, with the evidence: what somebody on call reads first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from elkmon.events.datasets import PREDICTION
from elkmon.present.formatting import (
    about_duration,
    command_line,
    counts,
    number,
    percent,
    points,
    probability,
    when,
)
from elkmon.present.page_block import Command
from elkmon.query.conditions import condition_texts, equal, lookup
from elkmon.query.question import Question
from elkmon.questions.compare.changes import Change
from elkmon.questions.compare.figures import Comparison, Shift
from elkmon.questions.compare.verdict import Difference
from elkmon.questions.issues.detail import IssueDetail
from elkmon.questions.issues.row import IssueRow
from elkmon.questions.issues.table import events_command
from elkmon.questions.rates.section import by_step
from elkmon.report.answers import Answers
from elkmon.stores.location import Place

__all__ = ["ALARMS", "Finding", "Kind", "comparison_command", "findings"]

Kind = Literal["worse", "regressed", "new", "slower", "unclear", "ongoing", "faster", "better"]
ALARMS: frozenset[Kind] = frozenset({"worse", "regressed", "new", "slower"})
_ORDER: tuple[Kind, ...] = (
    *("worse", "regressed", "new", "slower", "better", "faster", "unclear", "ongoing"),
)  # fmt: skip
_MOST_SLICES = 3
_MESSAGE_LENGTH = 80
"""The characters of a message that fit a title."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that changed, or that is unclear."""

    kind: Kind
    title: str
    evidence: tuple[str, ...]
    """Figures and tests, in short sentences."""
    trend: tuple[float | None, ...]
    """Its course over the span, for a sparkline."""
    issue: str | None = None
    """The issue's id, if it is one."""
    commands: tuple[Command, ...] = ()

    @property
    def alarm(self) -> bool:
        """Return whether something got worse."""
        return self.kind in ALARMS


def findings(answers: Answers, store: Place) -> list[Finding]:
    """Return what changed in one model, the most urgent first.

    Args:
        answers: the answers about one model.
        store: the location that the commands name.
    """
    details = {detail.issue.id: detail for detail in answers.details}
    rates = (_compared(answers, comparison, store) for comparison in answers.comparisons)
    all_findings = [
        *chain.from_iterable(rates),
        *(_issue(answers, row, details.get(row.id), store) for row in answers.issues),
    ]
    return sorted(all_findings, key=lambda finding: _ORDER.index(finding.kind))


def _compared(answers: Answers, comparison: Comparison, store: Place) -> Iterator[Finding]:
    steps = by_step(answers)
    failures = tuple(step.failure_rate.value for step in steps)
    errors = tuple(step.error_rate.value for step in steps)
    yield _rate(answers, comparison, store, "failure rate", failures)
    yield _rate(answers, comparison, store, "error rate", errors)
    for name, shift in (("p95", comparison.p95), ("p50", comparison.p50)):
        if shift.words in {"slower", "faster"}:
            yield _shift(answers, comparison, store, name, shift)
            break


def _rate(
    answers: Answers,
    comparison: Comparison,
    store: Place,
    name: Literal["failure rate", "error rate"],
    trend: tuple[float | None, ...],
) -> Finding:
    failures = name == "failure rate"
    difference = comparison.failure_rate if failures else comparison.error_rate
    now, before = _side(comparison.current.name), _side(comparison.baseline.name)
    commands = (
        Command("the comparison", comparison_command(answers.question, comparison, store)),
        _events(answers, comparison, store, failures=failures),
    )
    if difference.verdict in {"no evidence", "not enough"}:
        title = f"No evidence that the {name} of {now} differs from that of {before}"
        if difference.verdict == "not enough":
            title = f"Not enough data to compare the {name} of {now} with that of {before}"
        return Finding("unclear", title, (f"{difference.words}.",), trend, commands=commands)
    more = "higher" if difference.verdict == "worse" else "lower"
    rates = f"{percent(difference.current)} instead of {percent(difference.baseline)}"
    title = f"{now} has a {more} {name} than {before}"
    evidence = [_difference(difference)]
    if difference.p_value is None or difference.p_value > answers.rate_tests.cut:
        evidence.append(f"Among {answers.rate_tests.number} tested rates, this can be chance.")
        title = f"{title}, perhaps by chance: {rates}"
        return Finding("unclear", title, tuple(evidence), trend, commands=commands)
    if not failures:
        evidence += _age(comparison)
        evidence += [_slice(change) for change in comparison.worse[:_MOST_SLICES]]
    kind: Kind = "worse" if difference.verdict == "worse" else "better"
    return Finding(kind, f"{title}: {rates}", tuple(evidence), trend, commands=commands)


def _difference(difference: Difference) -> str:
    words = f"{counts(difference.current)} against {counts(difference.baseline)}"
    if difference.value is not None and difference.low is not None and difference.high is not None:
        words += (
            f": {points(difference.value)} points, 95 % interval "
            f"{points(difference.low)} to {points(difference.high)}"
        )
    if difference.p_value is not None:
        words += f"; {probability(difference.p_value)}"
    return f"{words}."


def _age(comparison: Comparison) -> list[str]:
    if comparison.horizon is None:
        return ["Labels of any age count, as they could not be compared at equal age."]
    return [f"At equal label age: labels that came within {about_duration(comparison.horizon)}."]


def _slice(change: Change) -> str:
    where = f"true class {change.name}" if change.kind == "class" else change.name
    return (
        f"Worse within {where}: {percent(change.current)} instead of "
        f"{percent(change.baseline)}; {probability(change.p_value)}."
    )


def _shift(
    answers: Answers, comparison: Comparison, store: Place, name: str, shift: Shift
) -> Finding:
    now, before = _side(comparison.current.name), _side(comparison.baseline.name)
    title = (
        f"{now} is {shift.words} than {before}: {name} {number(shift.current)} ms "
        f"instead of {number(shift.baseline)} ms"
    )
    trend = tuple(None for _ in by_step(answers))
    evidence = (f"{shift.value:.2f} times as long; the 95 % intervals do not overlap.",)
    kind: Kind = "slower" if shift.words == "slower" else "faster"
    return Finding(kind, title, evidence, trend, commands=(
        Command("the comparison", comparison_command(answers.question, comparison, store)),
        Command("over time", command_line("latency", store, answers.question, "--every",
                                          f"{answers.steps.every}{answers.steps.unit}")),
    ))  # fmt: skip


def _issue(answers: Answers, row: IssueRow, detail: IssueDetail | None, store: Place) -> Finding:
    title = row.title
    evidence = []
    if row.kind == "wrong":
        if row.current is not None and row.baseline is not None:
            title += f": {percent(row.current)} of labelled instead of {percent(row.baseline)}"
        if detail is not None and detail.rising_since is not None:
            evidence.append(f"Rising since about {when(detail.rising_since)} UTC.")
        if row.current is not None and row.baseline is not None and row.p_value is not None:
            shares = f"{counts(row.current)} against {counts(row.baseline)}, at equal label age"
            evidence.append(f"{shares}; {probability(row.p_value)}.")
    else:
        title += (
            f"{_message(detail)}, {row.count:,} times in {', '.join(row.versions) or 'no version'}"
        )
        times = f"First seen {when(row.first_seen)}, last {when(row.last_seen)} UTC"
        evidence.append("; ".join(filter(None, (times, row.evidence))) + ".")
    if detail is not None:
        evidence += [
            f"Over-represented in {over.segment}: {percent(over.inside)} there, "
            f"{percent(over.outside)} elsewhere; {probability(over.p_value)}."
            for over in detail.segments[:_MOST_SLICES]
        ]
    kind: Kind = row.state if row.state in {"new", "regressed"} else "ongoing"
    return Finding(
        kind,
        title,
        tuple(evidence),
        tuple(float(step.count) for step in row.trend),
        row.id,
        (
            Command("the issue", command_line("issues show", store, answers.question, row.id)),
            Command("its events", events_command(store, answers.question, row)),
        ),
    )


def _message(detail: IssueDetail | None) -> str:
    """Return the message of the newest exception."""
    for event in () if detail is None else detail.examples[:1]:
        message = lookup(event, "error.message")
        if message is not None and lookup(event, "error.type") != "message":
            text = str(message)
            return f": {text if len(text) <= _MESSAGE_LENGTH else f'{text[:_MESSAGE_LENGTH]}…'}"
    return ""


def _side(name: str) -> str:
    """Return the name of a side: a version as it is, a span as such."""
    return f"the span {name}" if " to " in name else name


def comparison_command(question: Question, comparison: Comparison, store: Place) -> str:
    """Return the command that makes a comparison again."""
    before, now = comparison.baseline, comparison.current
    versions = now.version is not None and now.version != before.version
    sides = ("--baseline", before.name, "--current", now.name) if versions else ()
    return command_line("compare", store, question, *sides)


def _events(answers: Answers, comparison: Comparison, store: Place, *, failures: bool) -> Command:
    which = "outcome=failure" if failures else "ml.eval.outcome=wrong"
    more = ["--where", which]
    if comparison.current.version is not None:
        more += [
            "--where",
            *condition_texts([equal("ml.model.version", comparison.current.version)]),
        ]
    line = command_line("events", store, answers.question, "--dataset", PREDICTION, *more)
    return Command("failures" if failures else "errors", line)
