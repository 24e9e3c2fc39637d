"""Write labels onto their predictions, so that concurrent joins lose no label."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from elasticsearch import Elasticsearch

from elkmon.events.datasets import PREDICTION
from elkmon.events.merge import merge
from elkmon.join import search
from elkmon.join.documents import LabelDocument, changes, decisive, read_prediction
from elkmon.join.lock import Lock
from elkmon.join.requests import BUSY, CONFLICT, NOT_FOUND, Update, bulk, pause
from elkmon.stores.elastic.indices import index_of, month_of_id

__all__ = ["MergeResult", "Merger", "index_from_id"]

_TRIES = 5


@dataclass
class MergeResult:
    """What became of predictions.

    Attributes:
        merged: keys of the predictions that exist and agree with their labels now.
        elsewhere: keys of those that are only in other months than the one in their id.
        left: why predictions are left for the next pass, by key.
        labels: all labels of the predictions, by key.
        written: number of documents that were changed.
    """

    merged: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)
    left: dict[str, str] = field(default_factory=dict)
    labels: Mapping[str, list[LabelDocument]] = field(default_factory=dict)
    written: int = 0


class Merger:
    """Merge labels onto predictions: read both, write what differs, and repeat after a conflict.

    The order makes it converge. A prediction is read with its sequence number, while the lock is
    held and with a view of the labels at least as new as that of any join before; it is written
    only at that number. So whatever another join wrote is either in the view or a conflict, and
    after a conflict all is read again with a newer view.
    """

    def __init__(self, client: Elasticsearch, prefix: str, lock: Lock) -> None:
        self._client = client
        self._prefix = prefix
        self._lock = lock

    def merge(
        self, ids: Mapping[str, str], view: search.LabelView, extra: Iterable[LabelDocument] = ()
    ) -> MergeResult:
        """Merge all labels of some predictions onto them, in whichever months they are.

        Args:
            ids: ids of the predictions, by their keys.
            view: the labels.
            extra: labels that count even if the view lacks them.
        """
        result = MergeResult()
        keys = self._merge(ids, view, extra, result)
        for attempt in range(_TRIES - 1):
            if not keys:
                return result
            if any(result.left[key] == _TOO_BUSY for key in keys):
                pause(attempt)
            with search.open_labels(self._client, self._prefix) as newer:
                keys = self._merge({key: ids[key] for key in keys}, newer, extra, result)
        return result

    def _merge(
        self,
        ids: Mapping[str, str],
        view: search.LabelView,
        extra: Iterable[LabelDocument],
        result: MergeResult,
    ) -> set[str]:
        """Merge once; return the keys to try again."""
        expected = {
            key: index_from_id(self._prefix, prediction_id) for key, prediction_id in ids.items()
        }
        with ThreadPoolExecutor(1) as executor:
            future = executor.submit(view.labels, set(ids.values()))
            places = search.locations(self._client, self._prefix, list(ids))
            places |= {(index, key) for key, index in expected.items() if index}
            documents = list(search.read_predictions(self._client, places))
            labels = future.result()
        result.labels = {**result.labels, **{key: labels[key] for key in ids if key in labels}}
        by_key: dict[str, dict[tuple[str, str], LabelDocument]] = {}
        for label in (*(label for key in ids for label in labels.get(key, ())), *extra):
            by_key.setdefault(label.key, {})[label.index, label.id] = label
        updates = [
            update
            for document in documents
            if (update := _update(document, by_key.get(document.id, {}).values())) is not None
        ]
        self._lock.renew()
        refused: dict[str, tuple[int, str]] = {}
        for update, (status, reason) in zip(updates, bulk(self._client, updates), strict=True):
            if status >= 400:  # noqa: PLR2004 - HTTP's
                refused[update.id] = (status, _REASONS.get(status, reason))
            else:
                result.written += 1
        for key in ids:
            result.left.pop(key, None)
        result.left.update({key: reason for key, (_, reason) in refused.items()})
        existing = {document.id for document in documents}
        as_expected = {doc.id for doc in documents if doc.index == expected[doc.id]}
        elsewhere = {key for key in existing - as_expected if expected[key]}
        result.merged = result.merged - set(ids) | existing - set(refused)
        result.elsewhere = result.elsewhere - set(ids) | elsewhere
        return {key for key, (status, _) in refused.items() if status in _REASONS}


_TOO_BUSY = "the cluster is too busy"
_REASONS = {
    **dict.fromkeys(
        (CONFLICT, NOT_FOUND), "something else changed the prediction on every attempt"
    ),
    **dict.fromkeys(BUSY, _TOO_BUSY),
}
"""Why an update is tried again, by its status."""


def index_from_id(prefix: str, prediction_id: str) -> str | None:
    """Return the index of the month in a prediction's id; None if the id has no time."""
    created = month_of_id(prediction_id)
    return None if created is None else index_of(prefix, PREDICTION, created.isoformat())


def _update(
    document: search.PredictionDocument, labels: Collection[LabelDocument]
) -> Update | None:
    joined = merge(read_prediction(document.source), decisive(label.label for label in labels))
    changed = changes(document.source, joined)
    if changed is None:
        return None
    return Update(document.index, document.id, changed, document.seen)
