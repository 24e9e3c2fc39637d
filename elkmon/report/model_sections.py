"""Build the section of each model, the worst first, and its line of the overview."""

from __future__ import annotations

from dataclasses import dataclass

from elkmon.present.formatting import cell, counts, interval, percent, points, probability
from elkmon.present.page_block import Block, Command, Table
from elkmon.questions.compare.verdict import Difference
from elkmon.questions.issues.section import IssueView, issue_views
from elkmon.questions.rates.figures import Tally
from elkmon.questions.registry import questions
from elkmon.report.answers import Answers
from elkmon.report.findings import Finding, comparison_command, findings
from elkmon.stores.location import Place

__all__ = ["NO_MODEL", "Section", "sections"]

NO_MODEL = "(no model)"


@dataclass(frozen=True, slots=True)
class OverviewRate:
    """A rate as the overview shows it."""

    value: str
    interval: str
    counts: str
    of: str
    """The denominator."""
    reason: str | None


@dataclass(frozen=True, slots=True)
class Section:
    """What a page shows of one model."""

    number: int
    name: str
    task: str
    versions: str
    findings: tuple[Finding, ...]
    not_compared: tuple[str, ...]
    """Why the model is not compared, if it is not."""
    failure_rate: OverviewRate | None
    error_rate: OverviewRate | None
    coverage: OverviewRate | None
    compared: Table | None
    compared_words: tuple[str, ...]
    compare: Command | None
    blocks: tuple[Block, ...]
    issues: tuple[IssueView, ...]
    weighted: bool
    """Whether the predictions are sampled."""

    @property
    def alarms(self) -> list[Finding]:
        """Return what got worse."""
        return [finding for finding in self.findings if finding.alarm]

    def anchor(self, name: str) -> str:
        """Return the name of an anchor within the section."""
        return f"m{self.number}-{name}"


def sections(answers: Answers, store: Place) -> list[Section]:
    """Return the sections of all models, the worst first.

    Args:
        answers: the answers about all models.
        store: the location that the commands name.
    """
    names: list[str | None] = list(dict.fromkeys(_text(tally.by[0]) for tally in answers.tallies))
    names += [
        name
        for name in dict.fromkeys(
            model for row in answers.issues for model in (row.models or (None,))
        )
        if name not in names
    ]
    ranked = []
    for name in names:
        part = answers.of(name)
        total = sum(part.tallies[1:], part.tallies[0]) if part.tallies else None
        ranked.append((_badness(total, findings(part, store)), part, total, name))
    ordered = sorted(ranked, key=lambda item: (item[0], cell(item[3])))
    return [
        _section(number, part, total, name, store)
        for number, (_, part, total, name) in enumerate(ordered, 1)
    ]


def _badness(total: Tally | None, model_findings: list[Finding]) -> tuple[float, float]:
    alarms = sum(finding.alarm for finding in model_findings)
    rates = (
        [] if total is None else [total.error_rate.value or 0.0, total.failure_rate.value or 0.0]
    )
    return -float(alarms), -max(rates, default=0.0)


def _section(
    number: int, answers: Answers, total: Tally | None, name: str | None, store: Place
) -> Section:
    entry = answers.entry(name)
    comparison = next(iter(answers.comparisons), None)
    blocks: list[Block] = []
    if total is not None:
        blocks = [
            block
            for record in questions().values()
            if record.in_report
            for block in record.section.blocks(answers, store)
        ]
    title = NO_MODEL if name is None else name
    versions = dict.fromkeys(cell(tally.by[1]) for tally in answers.tallies)
    return Section(
        number=number,
        name=title,
        task="" if entry is None else ", ".join(entry.tasks),
        versions=", ".join(versions),
        findings=tuple(findings(answers, store)),
        not_compared=tuple(uncompared.reason for uncompared in answers.uncompared),
        failure_rate=None if total is None else _rated(total, "failure_rate"),
        error_rate=None if total is None else _rated(total, "error_rate"),
        coverage=None if total is None else _rated(total, "coverage"),
        compared=_compared(answers),
        compared_words=() if comparison is None else comparison.words,
        compare=None
        if comparison is None
        else Command("the comparison", comparison_command(answers.question, comparison, store)),
        blocks=tuple(blocks),
        issues=tuple(issue_views(answers.question, answers.issues, answers.details, store)),
        weighted=total is not None and total.failure_rate.weighted,
    )


def _rated(total: Tally, name: str) -> OverviewRate:
    rate = getattr(total, name)
    return OverviewRate(percent(rate), interval(rate), counts(rate), f"{rate.n:,}", rate.reason)


def _compared(answers: Answers) -> Table | None:
    comparison = next(iter(answers.comparisons), None)
    if comparison is None:
        return None
    rows = [
        _difference("failure rate", comparison.failure_rate),
        _difference("error rate at equal label age", comparison.error_rate),
    ]
    for name, shift in (("p50", comparison.p50), ("p95", comparison.p95)):
        before, now = shift.baseline, shift.current
        cells = ["–" if side.value is None else f"{side.value:.3g} ms" for side in (before, now)]
        ratio = "" if shift.value is None else f"× {shift.value:.2f}"
        rows.append((f"latency {name}", *cells, ratio, shift.words))
    rows += [
        (
            f"error rate within {'true class ' * (change.kind == 'class')}{cell(change.name)}",
            f"{percent(change.baseline)} ({counts(change.baseline)})",
            f"{percent(change.current)} ({counts(change.current)})",
            f"{points(change.difference)} [{points(change.low)}, {points(change.high)}]",
            f"worse, {probability(change.p_value)}",
        )
        for change in comparison.worse
    ]
    heads = (
        "",
        cell(comparison.baseline.name),
        cell(comparison.current.name),
        "difference [95 %]",
        "verdict",
    )
    return Table(heads, tuple(rows), "Side by side", frozenset({1, 2, 3}))


def _difference(name: str, difference: Difference) -> tuple[str, ...]:
    before, now = difference.baseline, difference.current
    change = ""
    if difference.value is not None and difference.low is not None and difference.high is not None:
        change = f"{points(difference.value)} [{points(difference.low)}, {points(difference.high)}]"
    verdict = difference.verdict
    p_value = "" if difference.p_value is None else f", {probability(difference.p_value)}"
    return (
        name,
        *(f"{percent(side)} ({counts(side)})" for side in (before, now)),
        change,
        f"{verdict}{p_value}",
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
