"""What becomes of a label: its mark, and when its prediction is looked for again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from elasticsearch import Elasticsearch

from elkmon.events.ids import kept
from elkmon.join.documents import Told, iso
from elkmon.join.requests import BUSY, GONE, MOVED, Update, bulk, pause
from elkmon.join.search import lowest_rates
from elkmon.join.write_merged import Merged

__all__ = ["ERASED", "Mark", "Marks"]

Mark = dict[str, object]
ERASED = "erased"
_FIRST, _LONGEST = timedelta(minutes=1), timedelta(days=7)
"""After so long an orphan is looked at again, at first and at most; each gap is twice the last."""
_TRIES = 5


class Marks:
    """Decides on the marks of labels, and writes them.

    Args:
        client: of the cluster.
        prefix: of index names.
        now: when the pass began.
        retention: how long events are kept.
    """

    def __init__(
        self, client: Elasticsearch, prefix: str, now: datetime, retention: timedelta
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._now = now
        self._retention = retention
        self._rates: dict[str, float] = {}

    def decide(self, labels: Sequence[Told], merged: Merged) -> dict[Told, Mark]:
        """Give the marks of labels; none of those that the next pass has to do."""
        done = [each for each in labels if each.key not in merged.left]
        absent = {each.model for each in done if each.key not in merged.found}
        self._learn_rates(absent - set(self._rates))
        return {
            each: self.joined(each, merged) if each.key in merged.found else self._lost(each)
            for each in done
        }

    def joined(self, told: Told, merged: Merged) -> Mark:
        """Give the mark of a label whose prediction is there."""
        mark: Mark = {"state": "joined", "attempts": told.attempts + 1, "next_at": None}
        last = told.at + self._retention
        if told.key in merged.away and last > self._now:
            mark["next_at"] = iso(last)  # it may still come where its id says: see join_late
        return mark

    def _lost(self, told: Told) -> Mark:
        mark: Mark = {"state": "orphan", "attempts": told.attempts + 1, "next_at": None}
        if told.prediction_id is None:
            return mark  # nothing to look for
        if not kept(told.prediction_id, self._rates[told.model]):
            return {**mark, "state": "sampled_out"}
        again = self._now + min(_FIRST * 2 ** min(told.attempts, 30), _LONGEST)
        if again < told.at + self._retention:
            mark["next_at"] = iso(again)
        return mark

    def _learn_rates(self, models: set[str]) -> None:
        if models:
            known = lowest_rates(self._client, self._prefix, models)
            self._rates.update({model: known.get(model, 1.0) for model in models})

    def write(self, marks: Mapping[Told, Mark]) -> dict[Told, str]:
        """Write marks; give the labels that could not be marked, and why."""
        failed: dict[Told, str] = {}
        asked = list(marks)
        for attempt in range(_TRIES):
            updates = [Update(each.index, each.id, {"ml": {"join": marks[each]}}) for each in asked]
            again = []
            for told, (status, reason) in zip(asked, bulk(self._client, updates), strict=True):
                failed.pop(told, None)
                if status >= 400:  # noqa: PLR2004 - HTTP's
                    failed[told] = ERASED if status == GONE else reason
                if status in BUSY or status == MOVED:
                    again.append(told)
            if not again:
                break
            asked = again
            pause(attempt)
        return failed
