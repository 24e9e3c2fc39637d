"""One section a model, the worst first, and the overview of all."""

from __future__ import annotations

from dataclasses import dataclass

from elkmon.present.formatting import (
    cell,
    command_line,
    counts,
    interval,
    percent,
    points,
    probability,
)
from elkmon.present.page_block import Block, Command, Table
from elkmon.questions.compare.verdict import Difference
from elkmon.questions.issues.section import IssueView, issue_views
from elkmon.questions.rates.figures import Tally
from elkmon.questions.registry import questions
from elkmon.report.answers import Answers
from elkmon.report.findings import Finding, findings
from elkmon.stores.location import Place

__all__ = ["NO_MODEL", "Section", "sections"]

NO_MODEL = "(no model)"


@dataclass(frozen=True, slots=True)
class Rated:
    """A share as the overview shows it."""

    shown: str
    interval: str
    counts: str
    of: str
    """What it is counted from."""
    reason: str | None


@dataclass(frozen=True, slots=True)
class Section:
    """What a page shows of one model."""

    number: int
    name: str
    task: str
    versions: str
    findings: tuple[Finding, ...]
    unjudged: tuple[str, ...]
    """Why it is not compared, where it is not."""
    failure_rate: Rated | None
    error_rate: Rated | None
    coverage: Rated | None
    compared: Table | None
    compared_words: tuple[str, ...]
    compare: Command | None
    blocks: tuple[Block, ...]
    issues: tuple[IssueView, ...]
    weighted: bool
    """Whether it is sampled."""

    @property
    def alarms(self) -> list[Finding]:
        """Give what got worse."""
        return [each for each in self.findings if each.alarm]

    def anchor(self, name: str) -> str:
        """Name a place within the section."""
        return f"m{self.number}-{name}"


def sections(answers: Answers, store: Place) -> list[Section]:
    """Make the sections of all models, the worst first.

    Args:
        answers: about all models.
        store: folder that the commands name.
    """
    names: list[str | None] = list(dict.fromkeys(_text(each.by[0]) for each in answers.tallies))
    names += [
        name
        for name in dict.fromkeys(
            model for row in answers.issues for model in (row.models or (None,))
        )
        if name not in names
    ]
    made = []
    for name in names:
        own = answers.of(name)
        total = sum(own.tallies[1:], own.tallies[0]) if own.tallies else None
        made.append((_badness(total, findings(own, store)), own, total, name))
    ordered = sorted(made, key=lambda each: (each[0], cell(each[3])))
    return [
        _section(number, own, total, name, store)
        for number, (_, own, total, name) in enumerate(ordered, 1)
    ]


def _badness(total: Tally | None, found: list[Finding]) -> tuple[float, float]:
    alarms = sum(each.alarm for each in found)
    rates = (
        [] if total is None else [total.error_rate.value or 0.0, total.failure_rate.value or 0.0]
    )
    return -float(alarms), -max(rates, default=0.0)


def _section(
    number: int, own: Answers, total: Tally | None, name: str | None, store: Place
) -> Section:
    entry = own.entry(name)
    made = next(iter(own.comparisons), None)
    blocks: list[Block] = []
    if total is not None:
        blocks = [
            block
            for record in questions().values()
            if record.in_report
            for block in record.section.blocks(own, store)
        ]
    shown = NO_MODEL if name is None else name
    versions = dict.fromkeys(cell(each.by[1]) for each in own.tallies)
    sides = (
        ()
        if made is None or made.baseline.version == made.current.version
        else ("--baseline", made.baseline.name, "--current", made.current.name)
    )
    return Section(
        number=number,
        name=shown,
        task="" if entry is None else ", ".join(entry.tasks),
        versions=", ".join(versions),
        findings=tuple(findings(own, store)),
        unjudged=tuple(uncompared.reason for uncompared in own.uncompared),
        failure_rate=None if total is None else _rated(total, "failure_rate"),
        error_rate=None if total is None else _rated(total, "error_rate"),
        coverage=None if total is None else _rated(total, "coverage"),
        compared=_compared(own),
        compared_words=() if made is None else made.words,
        compare=None
        if made is None
        else Command("the comparison", command_line("compare", store, own.question, *sides)),
        blocks=tuple(blocks),
        issues=tuple(issue_views(own.question, own.issues, own.details, store)),
        weighted=total is not None and total.failure_rate.weighted,
    )


def _rated(total: Tally, name: str) -> Rated:
    rate = getattr(total, name)
    return Rated(percent(rate), interval(rate), counts(rate), f"{rate.n:,}", rate.reason)


def _compared(own: Answers) -> Table | None:
    made = next(iter(own.comparisons), None)
    if made is None:
        return None
    rows = [
        _difference("failure rate", made.failure_rate),
        _difference("error rate at equal label age", made.error_rate),
    ]
    for name, shift in (("p50", made.p50), ("p95", made.p95)):
        before, now = shift.baseline, shift.current
        shown = ["–" if each.value is None else f"{each.value:.3g} ms" for each in (before, now)]
        ratio = "" if shift.value is None else f"× {shift.value:.2f}"
        rows.append((f"latency {name}", *shown, ratio, shift.words))
    rows += [
        (
            f"error rate within {'true class ' if each.kind == 'class' else ''}{cell(each.name)}",
            f"{percent(each.baseline)} ({counts(each.baseline)})",
            f"{percent(each.current)} ({counts(each.current)})",
            f"{points(each.difference)} [{points(each.low)}, {points(each.high)}]",
            f"worse, {probability(each.p_value)}",
        )
        for each in made.worse
    ]
    heads = ("", cell(made.baseline.name), cell(made.current.name), "difference [95 %]", "verdict")
    return Table(heads, tuple(rows), "Side by side", frozenset({1, 2, 3}))


def _difference(name: str, found: Difference) -> tuple[str, ...]:
    before, now = found.baseline, found.current
    change = ""
    if found.value is not None and found.low is not None and found.high is not None:
        change = f"{points(found.value)} [{points(found.low)}, {points(found.high)}]"
    verdict = found.verdict
    tested = "" if found.p_value is None else f", {probability(found.p_value)}"
    return (
        name,
        *(f"{percent(each)} ({counts(each)})" for each in (before, now)),
        change,
        f"{verdict}{tested}",
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
