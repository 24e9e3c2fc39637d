"""Show issues in the report, with the stack of an exception or the features of a prediction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from elkmon.present.formatting import cell, command_line, probability, when
from elkmon.present.page_block import Command, Table, rate_cells
from elkmon.query.conditions import lookup
from elkmon.query.question import Question
from elkmon.questions.issues import State
from elkmon.questions.issues.detail import IssueDetail, entries_of, stack_of
from elkmon.questions.issues.row import IssueRow
from elkmon.questions.issues.table import events_command
from elkmon.stores.location import Place
from elkmon.stores.protocol import Event

__all__ = ["Example", "IssueView", "issue_views"]

_STACK_LINES = 30
_FEATURES = 40
_WORDS = 400


@dataclass(frozen=True, slots=True)
class Example:
    """One event of an issue."""

    time: str
    facts: tuple[tuple[str, str], ...]
    stack: str | None
    """Its lines, without control characters."""
    features: tuple[tuple[str, str], ...]
    more: int
    """How many features are left out."""


@dataclass(frozen=True, slots=True)
class IssueView:
    """One issue, as the page shows it."""

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


def issue_views(
    question: Question, rows: Sequence[IssueRow], details: Sequence[IssueDetail], location: Place
) -> list[IssueView]:
    """Return issues as the page shows them, with details where there are any."""
    by_id = {detail.issue.id: detail for detail in details}
    return [_view(question, location, row, by_id.get(row.id)) for row in rows]


def _view(question: Question, store: Place, row: IssueRow, detail: IssueDetail | None) -> IssueView:
    seen = f"{row.count:,} times; first {when(row.first_seen)}, last {when(row.last_seen)} UTC"
    if detail is not None and detail.rising_since is not None:
        seen += f"; rising since about {when(detail.rising_since)}"
    return IssueView(
        id=row.id,
        title=row.title,
        state=row.state,
        evidence=row.evidence,
        seen=seen,
        trend=tuple(float(step.count) for step in row.trend),
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
    rows = tuple((cell(row.version), *rate_cells([row.share])) for row in detail.versions)
    return Table(("version", "share [95 %]", _of(detail)), rows, "By version", frozenset({1, 2}))


def _segments(detail: IssueDetail) -> Table:
    rows = tuple(
        (
            *(over.segment, *rate_cells([over.inside]), *rate_cells([over.outside])),
            probability(over.p_value),
        )
        for over in detail.segments
    )
    heads = ("over-represented in", "share [95 %]", _of(detail), "elsewhere", _of(detail), "")
    return Table(heads, rows, "By segment", frozenset({1, 2, 3, 4, 5}))


def _examples(detail: IssueDetail) -> Iterator[Example]:
    stacks: set[str] = set()
    for event in detail.examples:
        features = [
            (name, _short(value))
            for kind in ("number", "category")
            for name, value in entries_of(event, "ml", "features", kind)
        ]
        yield Example(
            str(lookup(event, "@timestamp") or "")[:23].replace("T", " "),
            tuple(_facts(event)),
            "\n".join(stack_of(event, stacks, _STACK_LINES)) or None,
            tuple(features[:_FEATURES]),
            max(len(features) - _FEATURES, 0),
        )


def _facts(event: Event) -> Iterator[tuple[str, str]]:
    for name, field in (
        ("message", "error.message"),
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
    for name, text in entries_of(event, "ml", "segment"):
        yield name, _short(text)


def _short(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _WORDS else f"{text[:_WORDS]}…"
