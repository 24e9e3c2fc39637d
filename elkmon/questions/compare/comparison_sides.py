"""Choose the two sides of a comparison: two versions, or two spans, of one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from elkmon.events.errors import QueryError
from elkmon.query.question import Question
from elkmon.query.times import Moment, iso, moment, now
from elkmon.stores.protocol import Condition, Filter, ModelEntry, VersionEntry

__all__ = ["Side", "current_side", "side_before", "side_named"]

_MODEL, _VERSION = "ml.model.name", "ml.model.version"
_MOMENT = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: a model's predictions within a span, of one version or of all."""

    name: str
    """The version, else the span."""
    version: str | None
    since: datetime
    until: datetime

    def filter(self, model: str, question: Question, *more: Condition) -> Filter:
        """Return its span and conditions, as a store takes them.

        Args:
            model: the model's name.
            question: its conditions hold on both sides, except those on versions.
            more: further conditions.
        """
        conditions = [Condition(_MODEL, "=", (model,))]
        if self.version is not None:
            conditions.append(Condition(_VERSION, "=", (self.version,)))
        shared = (c for c in question.conditions if c.field not in {_MODEL, _VERSION})
        return Filter(self.since, self.until, (*conditions, *shared, *more))

    def conditions(self, question: Question) -> tuple[Condition, ...]:
        """Return the conditions of this side, without that on the model."""
        return tuple(c for c in self.filter("", question).conditions if c.field != _MODEL)


def current_side(model: ModelEntry, question: Question) -> Side:
    """Return a model's last version that answered in the span, else the whole span.

    Versions are in the order in which they went live; conditions of the question may select some.
    """
    version = _last(_possible(model, question), question)
    if version is None or len(model.versions) == 1:
        return Side(_span(question.since, question.until), None, question.since, question.until)
    begin = max(question.since, version.span.first)
    return Side(version.version, version.version, begin, question.until)


def side_before(model: ModelEntry, question: Question, current: Side) -> Side | None:
    """Return the version before, over a span of the same length; else the span before.

    Returns:
        None if there is nothing before.
    """
    length = question.until - question.since
    names = [entry.version for entry in model.versions]
    if current.version is not None and names.index(current.version) > 0:
        before = model.versions[names.index(current.version) - 1]
        until = min(before.span.last + _MOMENT, question.until)
        return Side(before.version, before.version, until - length, until)
    if model.span is None or model.span.first >= current.since:
        return None
    since = current.since - length
    return Side(_span(since, current.since), current.version, since, current.since)


def side_named(
    name: str | tuple[Moment, Moment], question: Question, models: Sequence[ModelEntry]
) -> Side:
    """Return the side that a version names, or a span as ``FROM..TO`` or as a pair of times.

    A version has the span of the question; if it did not answer in that span, the last span of the
    same length in which it did.

    Raises:
        QueryError: the name is neither; the message lists the versions.
    """
    if not isinstance(name, str):
        return _side_of_times(*_pair(name))
    text = name
    if ".." in text and text.strip(".") not in {v.version for m in models for v in m.versions}:
        first, _, last = text.partition("..")
        return _side_of_times(first or "0001-01-01", last or "now")
    entries = [v for m in models for v in m.versions if v.version == text]
    if not entries:
        known = ", ".join(dict.fromkeys(v.version for m in models for v in m.versions))
        raise QueryError(
            f"no such version: {text}; there are: {known or 'none'}; a span is FROM..TO, "
            "such as 14d..7d"
        )
    last_seen = max(entry.span.last for entry in entries) + _MOMENT
    if last_seen <= question.since:
        length = question.until - question.since
        return Side(text, text, last_seen - length, last_seen)
    return Side(text, text, question.since, question.until)


def _pair(span: object) -> tuple[Moment, Moment]:
    if isinstance(span, (tuple, list)) and len(span) == 2:  # noqa: PLR2004 - a pair
        return span[0], span[1]
    raise QueryError(
        f"not a side of a comparison: {span!r}; give a version, 'FROM..TO', or a pair of times "
        "such as ('2026-11-01', '2026-11-08')"
    )


def _side_of_times(first: Moment, last: Moment) -> Side:
    at = now()
    since, until = moment(first, at), moment(last, at)
    if since >= until:
        raise QueryError(f"the span {first}..{last} is empty: give FROM..TO, FROM before TO")
    return Side(_span(since, until), None, since, until)


def _possible(model: ModelEntry, question: Question) -> list[VersionEntry]:
    conditions = [condition for condition in question.conditions if condition.field == _VERSION]
    return [
        version
        for version in model.versions
        if all(_meets(version.version, condition) for condition in conditions)
    ]


def _meets(version: str, condition: Condition) -> bool:
    if condition.op in {"=", "!="}:
        return (version in condition.values) == (condition.op == "=")
    return (condition.op == "exists") == bool(version)


def _last(versions: Sequence[VersionEntry], question: Question) -> VersionEntry | None:
    live = [
        entry
        for entry in versions
        if entry.version and entry.span.first < question.until and entry.span.last >= question.since
    ]
    return live[-1] if live else None


def _span(since: datetime, until: datetime) -> str:
    return f"{iso(since)[:16]} to {iso(until)[:16]}".replace("T", " ")
