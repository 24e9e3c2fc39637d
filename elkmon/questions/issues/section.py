"""Issues for the report, with the stack of an exception or the features of a wrong answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from elkmon.present.formatting import cell, clean, command_line, probability, when
from elkmon.present.page_block import Command, Table, rate_cells
from elkmon.query.conditions import lookup
from elkmon.query.question import Question
from elkmon.questions.issues import State
from elkmon.questions.issues.detail import IssueDetail
from elkmon.questions.issues.row import IssueRow
from elkmon.questions.issues.table import events_command
from elkmon.stores.location import Place
from elkmon.stores.protocol import Event

__all__ = ["Example", "Shown", "shown_issues"]

_STACK_LINES = 30
_FEATURES = 40
_WORDS = 400


@dataclass(frozen=True, slots=True)
class Example:
    """One event of an issue."""

    time: str
    facts: tuple[tuple[str, str], ...]
    stack: str | None
    """Its lines, each of them safe to be shown."""
    features: tuple[tuple[str, str], ...]
    more: int
    """Features that are not shown."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One issue, as it is shown."""

    id: str
    title: str
    state: State
    evidence: str
    seen: str
    trend: tuple[float | None, ...]
    versions: Table | None
    segments: Table | None
    examples: tuple[Example, ...]
    commands: tuple[Command, ...]


def shown_issues(
    question: Question, rows: Sequence[IssueRow], details: Sequence[IssueDetail], location: Place
) -> list[Shown]:
    """Return issues as they are shown, each with what its details say where there are any."""
    by_id = {detail.issue.id: detail for detail in details}
    return [_shown(question, location, row, by_id.get(row.id)) for row in rows]


def _shown(question: Question, store: Place, row: IssueRow, detail: IssueDetail | None) -> Shown:
    seen = f"{row.count:,} times; first {when(row.first_seen)}, last {when(row.last_seen)} UTC"
    if detail is not None and detail.rising_since is not None:
        seen += f"; rising since about {when(detail.rising_since)}"
    return Shown(
        id=row.id,
        title=row.title,
        state=row.state,
        evidence=row.evidence,
        seen=seen,
        trend=tuple(float(each.count) for each in row.trend),
        versions=None if detail is None else _versions(detail),
        segments=None if detail is None or not detail.segments else _segments(detail),
        examples=() if detail is None else tuple(_examples(detail)),
        commands=(
            Command("the issue", command_line("issues show", store, question, row.id)),
            Command("its events", events_command(store, question, row)),
        ),
    )


def _of(detail: IssueDetail) -> str:
    return "wrong / labelled" if detail.issue.kind == "wrong" else "failed / attempts"


def _versions(detail: IssueDetail) -> Table | None:
    if not detail.versions:
        return None
    rows = tuple((cell(each.version), *rate_cells([each.share])) for each in detail.versions)
    return Table(("version", "share [95 %]", _of(detail)), rows, "By version", frozenset({1, 2}))


def _segments(detail: IssueDetail) -> Table:
    rows = tuple(
        (
            *(each.segment, *rate_cells([each.inside]), *rate_cells([each.outside])),
            probability(each.p_value),
        )
        for each in detail.segments
    )
    heads = ("over-represented in", "share [95 %]", _of(detail), "elsewhere", _of(detail), "")
    return Table(heads, rows, "By segment", frozenset({1, 2, 3, 4, 5}))


def _examples(detail: IssueDetail) -> Iterator[Example]:
    stacks: set[str] = set()
    for event in detail.examples:
        stack = lookup(event, "error.stack_trace")
        known = isinstance(stack, str) and stack in stacks
        if isinstance(stack, str):
            stacks.add(stack)
        features = [*_entries(event, "number"), *_entries(event, "category")]
        yield Example(
            str(lookup(event, "@timestamp") or "")[:23].replace("T", " "),
            tuple(_facts(event)),
            _stack(stack, known=known) if isinstance(stack, str) else None,
            tuple(features[:_FEATURES]),
            max(len(features) - _FEATURES, 0),
        )


def _stack(text: str, *, known: bool) -> str:
    if known:
        return "the same stack"
    lines = text.rstrip().splitlines()
    kept = [clean(line) for line in lines[-_STACK_LINES:]]
    if len(lines) > _STACK_LINES:
        kept.insert(0, f"… {len(lines) - _STACK_LINES} lines")
    return "\n".join(kept)


def _facts(event: Event) -> Iterator[tuple[str, str]]:
    for name, field in (
        ("said", "error.message"),
        ("version", "ml.model.version"),
        ("predicted", "ml.prediction.label"),
        ("score", "ml.prediction.score"),
        ("truth", "ml.truth.label"),
        ("value", "ml.prediction.value"),
        ("true value", "ml.truth.value"),
        ("prediction", "ml.prediction.id"),
        ("host", "service.node.name"),
    ):
        value = lookup(event, field)
        if value is not None:
            yield name, _short(value)
    segments = event.get("ml", {}).get("segment")
    if isinstance(segments, Mapping):
        for name, value in segments.items():
            yield str(name), _short(value)


def _entries(event: Event, kind: str) -> Iterator[tuple[str, str]]:
    part = event.get("ml", {}).get("features", {}).get(kind)
    if isinstance(part, Mapping):
        for name, value in part.items():
            yield str(name), _short(value)


def _short(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _WORDS else f"{text[:_WORDS]}…"
