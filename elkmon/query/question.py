"""Parse the arguments that every question takes: model, span, steps, groups and conditions."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypedDict

if sys.version_info >= (3, 11):
    from typing import Unpack
else:
    from typing_extensions import Unpack  # structlog brings it along

from elkmon.query.conditions import Where, condition_texts, conditions, dimension
from elkmon.query.times import Moment, bucket, iso, text_of, window
from elkmon.stores.protocol import Condition, Dimension, FieldValue, Filter, TimeBucket

__all__ = ["MODEL", "Grouped", "Question", "Spanned", "Stepped", "Unpack"]

MODEL = "model"
_MODEL_FIELD = "ml.model.name"


class Spanned(TypedDict, total=False):
    """The arguments that every question takes beside the model."""

    since: Moment | None
    """Beginning of the span: ``24h``, ``7d``, ``2026-11-01``, ISO 8601, a datetime, a timedelta
    back from now; 7 days before its end if not given."""
    until: Moment | None
    """End of the span, not included; now if not given."""
    where: Where | None
    """Conditions, see :func:`elkmon.query.conditions.conditions`."""


class Stepped(Spanned, total=False):
    """The arguments of questions with steps over time."""

    every: str | timedelta | TimeBucket | None
    """Width of the steps: ``5m``, ``1h``, ``1d``, ``1w``; none if not given."""


class Grouped(Stepped, total=False):
    """The arguments of questions by group."""

    by: str | Iterable[str]
    """Fields to group by: ``version``, ``segment.country``, any of the field table."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its arguments parsed.

    ``by`` holds the groups as they were named, the model always among them: figures of two models
    are never mixed.
    """

    model: str | None
    since: datetime
    until: datetime
    every: TimeBucket | None
    by: tuple[str, ...]
    conditions: tuple[Condition, ...]

    @classmethod
    def of(
        cls,
        *,
        model: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        every: str | timedelta | TimeBucket | None = None,
        by: str | Iterable[str] = (),
        where: Where | None = None,
        now: datetime | None = None,
    ) -> Question:
        """Return the question that these arguments ask.

        Args:
            model: only this model; all of them, each by itself, if not given.
            since: beginning of the span (``24h``, ``7d``, ``2026-11-01``, ISO, a datetime, a
                timedelta back from now); 7 days before its end if not given.
            until: end of the span, not included; now if not given.
            every: width of the steps over time (``5m``, ``1h``, ``1d``, ``1w``); none where not
                given.
            by: fields to group by (``version``, ``segment.country``, any of the field table).
            where: conditions, see :func:`elkmon.query.conditions.conditions`.
            now: the present, for tests.

        Raises:
            QueryError: it cannot be asked; the message says what would do.
        """
        begin, end = window(since, until, now)
        named: dict[str, str] = {_MODEL_FIELD: MODEL}
        for name in [by] if isinstance(by, str) else by:
            named.setdefault(dimension(name), name)
        return cls(
            model=model,
            since=begin,
            until=end,
            every=None if every is None else bucket(every),
            by=tuple(named.values()),
            conditions=conditions(where),
        )

    def to_dict(self) -> dict[str, object]:
        """Return its JSON form, with conditions as text."""
        return {
            "model": self.model,
            "since": iso(self.since),
            "until": iso(self.until),
            "every": None if self.every is None else text_of(self.every),
            "by": list(self.by),
            "where": condition_texts(self.conditions),
        }

    @property
    def filter(self) -> Filter:
        """Return the span and the conditions, as a store takes them."""
        model = () if self.model is None else (Condition(_MODEL_FIELD, "=", (self.model,)),)
        return Filter(self.since, self.until, (*model, *self.conditions))

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Return the groups as a store takes them, the step in time last."""
        groups = tuple(FieldValue(dimension(name)) for name in self.by)
        return groups if self.every is None else (*groups, self.every)

    @property
    def unconditional(self) -> Question:
        """Return the same question without its conditions, except one on the model."""
        kept = tuple(condition for condition in self.conditions if condition.field == _MODEL_FIELD)
        return replace(self, conditions=kept)

    def stepped(self, every: TimeBucket | None) -> Question:
        """Return the same question with other steps over time."""
        return replace(self, every=every)

    def over(self, since: datetime, until: datetime) -> Question:
        """Return the same question over another span."""
        return replace(self, since=since, until=until)
