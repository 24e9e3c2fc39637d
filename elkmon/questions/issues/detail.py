"""Answer the question for one issue: its versions, its segments, since when, example events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from elkmon.events.datasets import PREDICTION
from elkmon.events.errors import QueryError
from elkmon.present.formatting import clean
from elkmon.query.conditions import add_conditions, lookup
from elkmon.query.groups import support
from elkmon.query.question import Question
from elkmon.query.times import utc
from elkmon.questions.issues import STATES
from elkmon.questions.issues.figures import issues_and_segments
from elkmon.questions.issues.overrepresentation import Overrepresentation
from elkmon.questions.issues.row import IssueRow
from elkmon.statistics.rate import Rate, Sums
from elkmon.stores.protocol import Condition, Event, FieldValue, Filter, Store, TimeBucket

__all__ = [
    "IssueDetail",
    "VersionShare",
    "entries_of",
    "events_of",
    "find_issue",
    "issue_detail",
    "stack_of",
]

_OF_THE_GROUP = frozenset(
    {"ml.model.version", "ml.eval.outcome", "ml.truth.label", "ml.prediction.label"}
)
"""The conditions that only the wrong answers meet, and that on the version."""
_HOURS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class VersionShare:
    """How often an issue occurred in one version."""

    version: str | None
    share: Rate
    """Of the version's attempts; for wrong answers, of its labelled predictions in the segments."""


@dataclass(frozen=True, slots=True)
class IssueDetail:
    """One issue in full."""

    issue: IssueRow
    rising_since: datetime | None
    """Estimated time at which wrong answers became more frequent; None for exceptions."""
    versions: tuple[VersionShare, ...]
    segments: tuple[Overrepresentation, ...]
    examples: tuple[Event, ...]
    """Its newest events, as they were written."""


def find_issue(ids: Iterable[str], prefix: str) -> str:
    """Return the one id that begins with the prefix.

    Raises:
        QueryError: there is none, or there are several.
    """
    matches = [id_ for id_ in sorted(set(ids)) if id_.startswith(prefix.strip().lower())]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise QueryError(
            f"{prefix} matches several issues: {', '.join(matches)}; give more of the id"
        )
    raise QueryError(f"no such issue: {prefix}; elkmon issues list --all shows them")


def issue_detail(store: Store, question: Question, prefix: str, examples: int = 3) -> IssueDetail:
    """Return one issue in full.

    Args:
        store: the store.
        question: the span and the conditions; its steps are those of the trend.
        prefix: the beginning of its id, long enough to be unique.
        examples: the largest number of example events.

    Raises:
        QueryError: there is no such issue within the span, or the question is invalid.
        StoreError: the store cannot be read.
    """
    result, segments = issues_and_segments(store, question, states=STATES)
    rows = {row.id: row for row in result.rows}
    row = rows[find_issue(rows, prefix)]
    issue_question = events_of(question, row)
    return IssueDetail(
        row,
        _rising_since(store, issue_question, row),
        tuple(_versions(store, issue_question, row)),
        tuple(segments.get(row.id, ())),
        tuple(store.events(row.dataset, where=issue_question.filter, limit=examples)),
    )


def events_of(question: Question, row: IssueRow) -> Question:
    """Return the question that selects an issue's events."""
    if row.kind == "wrong":
        return replace(question, model=row.models[0], conditions=row.where)
    return replace(question, conditions=add_conditions(question.conditions, *row.where))


def _versions(store: Store, issue_question: Question, row: IssueRow) -> list[VersionShare]:
    """Return how often the issue occurred in each version, the most affected version first."""
    version = FieldValue("ml.model.version")
    if row.kind == "wrong":
        hits = issue_question.filter
        among = _labelled(issue_question)
        hits = replace(hits, conditions=_without(hits.conditions, {"ml.model.version"}))
    else:
        among = Filter(issue_question.since, issue_question.until, (_models(row),))
        hits = replace(among, conditions=(*among.conditions, *row.where))
    hit, whole = (_by(store, version, where) for where in (hits, among))
    shares = [
        VersionShare(
            None if name is None else str(name), hit.get(name, Sums()).out_of(sums, "no attempt")
        )
        for name, sums in whole.items()
    ]
    return sorted(
        shares, key=lambda version: (-(version.share.value or 0.0), version.version or "")
    )


def _rising_since(store: Store, issue_question: Question, row: IssueRow) -> datetime | None:
    """Return the step at which the share of wrong answers rose (a CUSUM).

    E. S. Page, Biometrika 41 (1954): the cumulative sum of wrong answers, minus those expected at
    a share half way between the baseline's and the current one, is least just before the rise.
    """
    if row.kind != "wrong" or row.baseline is None or row.current is None:
        return None
    step = TimeBucket(1, "h" if issue_question.until - issue_question.since <= _HOURS else "d")
    version = tuple(c for c in issue_question.conditions if c.field == "ml.model.version")
    among = _labelled(issue_question)
    among = replace(among, conditions=(*among.conditions, *version))
    hit, whole = (_by(store, step, where) for where in (issue_question.filter, among))
    total = least = 0.0
    since = None
    expected = ((row.baseline.value or 0.0) + (row.current.value or 0.0)) / 2
    for begin in sorted(key for key in whole if isinstance(key, datetime)):
        if since is None or total < least:
            least, since = total, begin
        total += hit.get(begin, Sums()).weight - expected * whole[begin].weight
    return since


def _labelled(issue_question: Question) -> Filter:
    """Return the filter for the labelled predictions of the model and segments, of all versions."""
    labelled = Condition("ml.eval.outcome", "exists")
    where = issue_question.filter
    return replace(where, conditions=(*_without(where.conditions, _OF_THE_GROUP), labelled))


def _without(conditions: Sequence[Condition], names: Iterable[str]) -> tuple[Condition, ...]:
    return tuple(condition for condition in conditions if condition.field not in set(names))


def _models(row: IssueRow) -> Condition:
    if not row.models:
        return Condition("ml.model.name", "missing")
    return Condition("ml.model.name", "=", row.models)


def _by(store: Store, by: FieldValue | TimeBucket, where: Filter) -> dict[object, Sums]:
    table = store.aggregate(PREDICTION, by=(by,), measures=support(), where=where)
    return {
        utc(key) if isinstance(key, datetime) else key: Sums.of(cells) for key, *cells in table.rows
    }


def entries_of(event: Event, *path: str) -> Iterator[tuple[str, str]]:
    """Yield the names and the values, as text, of an object in an event; none if it is absent."""
    part: object = event
    for name in path:
        part = part.get(name) if isinstance(part, Mapping) else None
    if isinstance(part, Mapping):
        for name, value in part.items():
            yield str(name), f"{value:.6g}" if isinstance(value, float) else str(value)


def stack_of(event: Event, seen: set[str], most: int) -> list[str]:
    """Return the last lines of an event's stack, or "the same stack" if it is in ``seen``.

    Args:
        event: an event; without a stack there are no lines.
        seen: the stacks that were returned before; this one is added.
        most: how many lines at most.
    """
    stack = lookup(event, "error.stack_trace")
    if not isinstance(stack, str):
        return []
    if stack in seen:
        return ["the same stack"]
    seen.add(stack)
    lines = stack.rstrip().splitlines()
    skipped = [f"… {len(lines) - most} lines"] if len(lines) > most else []
    return [*skipped, *(clean(line) for line in lines[-most:])]
