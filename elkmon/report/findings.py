"""What changed, in words with the evidence: what somebody on call reads first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
from elkmon.questions.compare.changes import Change
from elkmon.questions.compare.figures import Comparison, Shift
from elkmon.questions.compare.verdict import Difference
from elkmon.questions.issues.detail import IssueDetail
from elkmon.questions.issues.row import IssueRow
from elkmon.questions.issues.table import events_command
from elkmon.questions.rates.section import by_step
from elkmon.report.answers import Answers
from elkmon.statistics.rate import Rate
from elkmon.stores.location import Place

__all__ = ["ALARMS", "Finding", "Kind", "findings"]

Kind = Literal["worse", "regressed", "new", "slower", "unclear", "ongoing", "faster", "better"]
ALARMS: frozenset[Kind] = frozenset({"worse", "regressed", "new", "slower"})
_ORDER: tuple[Kind, ...] = (
    *("worse", "regressed", "new", "slower", "better", "faster", "unclear", "ongoing"),
)  # fmt: skip
_MOST_SLICES = 3
_SAID = 80
"""Characters of a message that a title has room for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that changed, or that cannot be told."""

    kind: Kind
    title: str
    evidence: tuple[str, ...]
    """Figures and tests, in short sentences."""
    trend: tuple[float | None, ...]
    """Its course over the span, to be drawn small."""
    issue: str | None = None
    """The issue's id, where it is one."""
    commands: tuple[Command, ...] = ()

    @property
    def alarm(self) -> bool:
        """Say whether something got worse."""
        return self.kind in ALARMS


def findings(answers: Answers, store: Place) -> list[Finding]:
    """Say what changed in one model, the most urgent first.

    Args:
        answers: about one model.
        store: folder that the commands name.
    """
    details = {each.issue.id: each for each in answers.details}
    found = [
        *(each for made in answers.comparisons for each in _compared(answers, made, store)),
        *(_issue(answers, row, details.get(row.id), store) for row in answers.issues),
    ]
    return sorted(found, key=lambda each: _ORDER.index(each.kind))


def _compared(answers: Answers, made: Comparison, store: Place) -> Iterator[Finding]:
    steps = by_step(answers)
    failures = tuple(each.failure_rate.value for each in steps)
    errors = tuple(each.error_rate.value for each in steps)
    yield _rate(answers, made, store, made.failure_rate, ("fails", "fail", "failures"), failures)
    yield _rate(answers, made, store, made.error_rate, ("errs", "err", "errors"), errors)
    slow = [(name, each) for name, each in (("p95", made.p95), ("p50", made.p50))]
    for name, shift in slow:
        if shift.words in {"slower", "faster"}:
            yield _shift(answers, made, store, name, shift)
            break


def _rate(
    answers: Answers,
    made: Comparison,
    store: Place,
    found: Difference,
    words: tuple[str, str, str],
    trend: tuple[float | None, ...],
) -> Finding:
    verb, plain, noun = words
    now, before = _side(made.current.name), _side(made.baseline.name)
    commands = (
        Command("the comparison", _compare(answers, made, store)),
        Command(noun, _events(answers, made, store, noun)),
    )
    if found.verdict in {"no evidence", "not enough"}:
        said = "No evidence" if found.verdict == "no evidence" else "Not enough to tell"
        title = f"{said} that {now} {verb} more or less often than {before}"
        return Finding("unclear", title, (f"{found.words}.",), trend, commands=commands)
    more = "more" if found.verdict == "worse" else "less"
    rates = f"{percent(found.current)} instead of {percent(found.baseline)}"
    title = f"{now} {verb} {more} often than {before}: {rates}"
    evidence = [_difference(found)]
    if found.p_value is None or found.p_value > answers.family.cut:
        title = f"{now} may {plain} {more} often than {before}, or by chance: {rates}"
        evidence.append(f"Of {answers.family.number} rates tested here, chance may show one so.")
        return Finding("unclear", title, tuple(evidence), trend, commands=commands)
    if noun == "errors":
        evidence += _age(made)
        evidence += [_slice(each) for each in made.worse[:_MOST_SLICES]]
    kind: Kind = "worse" if found.verdict == "worse" else "better"
    return Finding(kind, title, tuple(evidence), trend, commands=commands)


def _difference(found: Difference) -> str:
    said = f"{counts(found.current)} against {counts(found.baseline)}"
    if found.value is not None and found.low is not None and found.high is not None:
        said += (
            f": {points(found.value)} points, 95 % interval "
            f"{points(found.low)} to {points(found.high)}"
        )
    if found.p_value is not None:
        said += f"; {probability(found.p_value)}"
    return f"{said}."


def _age(made: Comparison) -> list[str]:
    if made.horizon is None:
        return ["Labels of any age, as they could not be compared at equal age."]
    return [f"At equal label age: those that came within {about_duration(made.horizon)}."]


def _slice(change: Change) -> str:
    where = f"true class {change.name}" if change.kind == "class" else change.name
    return (
        f"Worse within {where}: {percent(change.current)} instead of "
        f"{percent(change.baseline)}; {probability(change.p_value)}."
    )


def _shift(answers: Answers, made: Comparison, store: Place, name: str, shift: Shift) -> Finding:
    now, before = _side(made.current.name), _side(made.baseline.name)
    title = (
        f"{now} is {shift.words} than {before}: {name} {number(shift.current)} ms "
        f"instead of {number(shift.baseline)} ms"
    )
    trend = tuple(None for _ in by_step(answers))
    evidence = (f"{shift.value:.2f} times as long; the 95 % intervals do not touch.",)
    kind: Kind = "slower" if shift.words == "slower" else "faster"
    return Finding(kind, title, evidence, trend, commands=(
        Command("the comparison", _compare(answers, made, store)),
        Command("over time", command_line("latency", store, answers.question, "--every",
                                          f"{answers.steps.every}{answers.steps.unit}")),
    ))  # fmt: skip


def _issue(answers: Answers, row: IssueRow, detail: IssueDetail | None, store: Place) -> Finding:
    title = row.title
    evidence = []
    if row.kind == "wrong":
        if row.current is not None and row.baseline is not None:
            title += f": {_change(row.current, row.baseline)}"
        if detail is not None and detail.rising_since is not None:
            evidence.append(f"Rising since about {when(detail.rising_since)} UTC.")
        if row.current is not None and row.baseline is not None and row.p_value is not None:
            said = f"{counts(row.current)} against {counts(row.baseline)}, at equal label age"
            evidence.append(f"{said}; {probability(row.p_value)}.")
    else:
        title += f"{_said(detail)}, {row.count:,} times in {_listed(row.versions)}"
        evidence.append(
            f"First seen {when(row.first_seen)}, last {when(row.last_seen)} UTC; {row.evidence}."
            if row.evidence
            else f"First seen {when(row.first_seen)}, last {when(row.last_seen)} UTC."
        )
    if detail is not None:
        evidence += [
            f"Over-represented in {over.segment}: {percent(over.inside)} there, "
            f"{percent(over.outside)} elsewhere; {probability(over.p_value)}."
            for over in detail.segments[:_MOST_SLICES]
        ]
    kind: Kind = "new" if row.state == "new" else "ongoing"
    kind = "regressed" if row.state == "regressed" else kind
    return Finding(
        kind,
        title,
        tuple(evidence),
        tuple(float(each.count) for each in row.trend),
        row.id,
        (
            Command("the issue", command_line("issues show", store, answers.question, row.id)),
            Command("its events", events_command(store, answers.question, row)),
        ),
    )


def _said(detail: IssueDetail | None) -> str:
    """Give what its newest exception says."""
    for event in () if detail is None else detail.examples[:1]:
        message = lookup(event, "error.message")
        if message is not None and lookup(event, "error.type") != "message":
            text = str(message)
            return f": {text if len(text) <= _SAID else f'{text[:_SAID]}…'}"
    return ""


def _change(now: Rate, before: Rate) -> str:
    return f"{percent(now)} of labelled instead of {percent(before)}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) if names else "no version"


def _side(name: str) -> str:
    """Name a side: a version as it is, a span as one."""
    return f"the span {name}" if " to " in name else name


def _compare(answers: Answers, made: Comparison, store: Place) -> str:
    sides: tuple[str, ...] = ()
    if made.current.version is not None and made.baseline.version != made.current.version:
        sides = ("--baseline", made.baseline.name, "--current", made.current.name)
    return command_line("compare", store, answers.question, *sides)


def _events(answers: Answers, made: Comparison, store: Place, noun: str) -> str:
    which = "outcome=failure" if noun == "failures" else "ml.eval.outcome=wrong"
    more = ["--where", which]
    if made.current.version is not None:
        more += ["--where", *condition_texts([equal("ml.model.version", made.current.version)])]
    return command_line("events", store, answers.question, "--dataset", PREDICTION, *more)
