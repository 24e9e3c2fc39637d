"""One issue in full: its versions, its segments, since when, and events that show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from elkmon.events.datasets import PREDICTION
from elkmon.events.errors import QueryError
from elkmon.query.conditions import add_conditions
from elkmon.query.groups import support
from elkmon.query.question import Question
from elkmon.query.times import utc
from elkmon.questions.issues import STATES
from elkmon.questions.issues.figures import issues_and_segments
from elkmon.questions.issues.overrepresentation import Over
from elkmon.questions.issues.row import IssueRow
from elkmon.statistics.rate import Rate, Sums
from elkmon.stores.protocol import Condition, Event, FieldValue, Filter, Store, TimeBucket

__all__ = ["IssueDetail", "VersionShare", "events_of", "find_issue", "issue_detail"]

_OF_THE_GROUP = frozenset(
    {"ml.model.version", "ml.eval.outcome", "ml.truth.label", "ml.prediction.label"}
)
"""Conditions of wrong answers that those which are not wrong do not meet, and the version's."""
_HOURS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class VersionShare:
    """How often an issue occurred in one version."""

    version: str | None
    share: Rate
    """Of its attempts; of wrong answers, of its labelled predictions in the same segments."""


@dataclass(frozen=True, slots=True)
class IssueDetail:
    """One issue in full."""

    issue: IssueRow
    rising_since: datetime | None
    """About when wrong answers became more frequent; None for exceptions."""
    versions: tuple[VersionShare, ...]
    segments: tuple[Over, ...]
    examples: tuple[Event, ...]
    """The newest events of it, as they were written."""


def find_issue(ids: Iterable[str], prefix: str) -> str:
    """Find the one issue whose id begins so.

    Raises:
        QueryError: there is none, or there are several.
    """
    known = sorted(set(ids))
    found = [each for each in known if each.startswith(prefix.strip().lower())]
    if len(found) == 1:
        return found[0]
    if found:
        raise QueryError(f"{prefix} is the beginning of several issues: {', '.join(found)}")
    raise QueryError(f"no such issue: {prefix}; elkmon issues list --all shows them")


def issue_detail(store: Store, question: Question, prefix: str, examples: int = 3) -> IssueDetail:
    """Tell all that is known of one issue.

    Args:
        store: to ask.
        question: the span and the conditions; its steps are those of the trend.
        prefix: of its id, as long as it needs to be told from all others.
        examples: how many events to give, at most.

    Raises:
        QueryError: there is no such issue within the span, or it cannot be asked.
        StoreError: the store cannot be read.
    """
    found, over = issues_and_segments(store, question, states=STATES)
    rows = {row.id: row for row in found.rows}
    row = rows[find_issue(rows, prefix)]
    asked = events_of(question, row)
    return IssueDetail(
        row,
        _rising_since(store, asked, row),
        tuple(_versions(store, asked, row)),
        tuple(over.get(row.id, ())),
        tuple(store.events(row.dataset, where=asked.filter, limit=examples)),
    )


def events_of(question: Question, row: IssueRow) -> Question:
    """Give the question that an issue's events answer."""
    if row.kind == "wrong":
        return replace(question, model=row.models[0], conditions=row.where)
    return replace(question, conditions=add_conditions(question.conditions, *row.where))


def _versions(store: Store, asked: Question, row: IssueRow) -> list[VersionShare]:
    """Ask how often each version had it, the one that had it most often first."""
    version = FieldValue("ml.model.version")
    if row.kind == "wrong":
        hits = asked.filter
        among = _labelled(asked)
        hits = replace(hits, conditions=_without(hits.conditions, {"ml.model.version"}))
    else:
        among = Filter(asked.since, asked.until, (_models(row),))
        hits = replace(among, conditions=(*among.conditions, *row.where))
    hit, whole = (_by(store, version, where) for where in (hits, among))
    shares = [
        VersionShare(
            None if name is None else str(name), hit.get(name, Sums()).out_of(sums, "no attempt")
        )
        for name, sums in whole.items()
    ]
    return sorted(shares, key=lambda each: (-(each.share.value or 0.0), each.version or ""))


def _rising_since(store: Store, asked: Question, row: IssueRow) -> datetime | None:
    """Find the step from which on there are the most wrong answers too many (a CUSUM).

    E. S. Page, Biometrika 41 (1954): the sum of what was seen, minus what would be seen at a share
    half way between the baseline's and the current one, is least just before the rise.
    """
    if row.kind != "wrong" or row.baseline is None or row.current is None:
        return None
    step = TimeBucket(1, "h" if asked.until - asked.since <= _HOURS else "d")
    version = tuple(c for c in asked.conditions if c.field == "ml.model.version")
    among = _labelled(asked)
    among = replace(among, conditions=(*among.conditions, *version))
    hit, whole = (_by(store, step, where) for where in (asked.filter, among))
    total = least = 0.0
    since = None
    expected = ((row.baseline.value or 0.0) + (row.current.value or 0.0)) / 2
    for begin in sorted(each for each in whole if isinstance(each, datetime)):
        if since is None or total < least:
            least, since = total, begin
        total += hit.get(begin, Sums()).weight - expected * whole[begin].weight
    return since


def _labelled(asked: Question) -> Filter:
    """Give the labelled predictions of the same model and segments, of all versions."""
    judged = Condition("ml.eval.outcome", "exists")
    found = asked.filter
    return replace(found, conditions=(*_without(found.conditions, _OF_THE_GROUP), judged))


def _without(given: Sequence[Condition], names: Iterable[str]) -> tuple[Condition, ...]:
    return tuple(each for each in given if each.field not in set(names))


def _models(row: IssueRow) -> Condition:
    if not row.models:
        return Condition("ml.model.name", "missing")
    return Condition("ml.model.name", "=", row.models)


def _by(store: Store, by: FieldValue | TimeBucket, where: Filter) -> dict[object, Sums]:
    table = store.aggregate(PREDICTION, by=(by,), measures=support(), where=where)
    found: dict[object, Sums] = {}
    for key, *cells in table.rows:
        found[utc(key) if isinstance(key, datetime) else key] = Sums.of(cells)
    return found
