"""Mark labels with the state of their join, and when to look for their prediction again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from elasticsearch import Elasticsearch

from elkmon.events.ids import kept
from elkmon.join.documents import LabelDocument, iso
from elkmon.join.requests import BUSY, CONFLICT, NOT_FOUND, Update, bulk, pause
from elkmon.join.search import lowest_rates
from elkmon.join.write_merged import MergeResult

__all__ = ["ERASED", "Mark", "Marks"]

Mark = dict[str, object]
ERASED = "erased"
_FIRST, _LONGEST = timedelta(minutes=1), timedelta(days=7)
"""First and longest wait before an orphan is tried again; each wait is twice the one before."""
_TRIES = 5


class Marks:
    """Decide on the marks of labels, and write them.

    Args:
        client: client of the cluster.
        prefix: what the names of indices begin with.
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

    def decide(
        self, labels: Sequence[LabelDocument], merged: MergeResult
    ) -> dict[LabelDocument, Mark]:
        """Return the marks of labels, except of those that are left for the next pass."""
        done = [label for label in labels if label.key not in merged.left]
        absent = {label.model for label in done if label.key not in merged.merged}
        self._learn_rates(absent - set(self._rates))
        return {
            label: self.joined(label, merged) if label.key in merged.merged else self._lost(label)
            for label in done
        }

    def joined(self, label: LabelDocument, merged: MergeResult) -> Mark:
        """Return the mark of a label whose prediction exists."""
        mark: Mark = {"state": "joined", "attempts": label.attempts + 1, "next_at": None}
        last = label.at + self._retention
        if label.key in merged.elsewhere and last > self._now:
            mark["next_at"] = iso(last)  # the month in its id may still get it: late_predictions
        return mark

    def _lost(self, label: LabelDocument) -> Mark:
        mark: Mark = {"state": "orphan", "attempts": label.attempts + 1, "next_at": None}
        if label.prediction_id is None:
            return mark  # nothing to look for
        if not kept(label.prediction_id, self._rates[label.model]):
            return {**mark, "state": "sampled_out"}
        next_at = self._now + min(_FIRST * 2 ** min(label.attempts, 30), _LONGEST)
        if next_at < label.at + self._retention:
            mark["next_at"] = iso(next_at)
        return mark

    def _learn_rates(self, models: set[str]) -> None:
        if models:
            rates = lowest_rates(self._client, self._prefix, models)
            self._rates.update({model: rates.get(model, 1.0) for model in models})

    def write(self, marks: Mapping[LabelDocument, Mark]) -> dict[LabelDocument, str]:
        """Write marks; return the labels that could not be marked, and why."""
        failed: dict[LabelDocument, str] = {}
        labels = list(marks)
        for attempt in range(_TRIES):
            updates = [
                Update(label.index, label.id, {"ml": {"join": marks[label]}}) for label in labels
            ]
            refused = []
            for label, (status, reason) in zip(labels, bulk(self._client, updates), strict=True):
                failed.pop(label, None)
                if status >= 400:  # noqa: PLR2004 - HTTP's
                    failed[label] = ERASED if status == NOT_FOUND else reason
                if status in BUSY or status == CONFLICT:
                    refused.append(label)
            if not refused:
                break
            labels = refused
            pause(attempt)
        return failed
