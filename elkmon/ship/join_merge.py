"""Write onto predictions what their labels say, so that no interleaving loses a label."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from elasticsearch import Elasticsearch

from elkmon.events.fields import PREDICTION
from elkmon.events.merge import merge
from elkmon.ship.join_documents import Told, changes, condensed, prediction_of
from elkmon.ship.join_lock import Lock
from elkmon.ship.join_requests import BUSY, GONE, MOVED, Update, bulk, pause
from elkmon.ship.join_search import Document, View, documents, places, viewed
from elkmon.store.elastic.indices import index_of, month_of_id

__all__ = ["Merged", "Merger", "home"]

_TRIES = 5


@dataclass
class Merged:
    """What became of predictions.

    Attributes:
        found: keys of those that are there, and say now what their labels say.
        left: why others are left for the next pass, by key.
        labels: all labels of those that were looked for, by key.
        written: documents that were changed.
    """

    found: set[str] = field(default_factory=set)
    left: dict[str, str] = field(default_factory=dict)
    labels: Mapping[str, list[Told]] = field(default_factory=dict)
    written: int = 0


class Merger:
    """Merges labels onto predictions: reads both, writes what differs, again where one moved.

    The order is what makes it converge. A prediction is read, with its sequence number, while the
    lock is held and under a view of the labels that is at least as new as any join before; it is
    written only at that number. So whatever another join wrote is either in the view, or a
    conflict; and a conflict is read again under a newer view.
    """

    def __init__(self, client: Elasticsearch, prefix: str, lock: Lock) -> None:
        self._client = client
        self._prefix = prefix
        self._lock = lock

    def merge(self, ids: Mapping[str, str], view: View, known: Iterable[Told] = ()) -> Merged:
        """Merge all labels of some predictions onto them, in whichever months they are.

        Args:
            ids: of predictions, by their keys.
            view: of the labels.
            known: labels that count in any case.
        """
        merged = Merged()
        asked = self._merge(ids, view, known, merged)
        for attempt in range(_TRIES - 1):
            if not asked:
                return merged
            if any(merged.left[key] == _TOO_BUSY for key in asked):
                pause(attempt)
            with viewed(self._client, self._prefix) as newer:
                asked = self._merge({key: ids[key] for key in asked}, newer, known, merged)
        return merged

    def _merge(
        self, ids: Mapping[str, str], view: View, known: Iterable[Told], merged: Merged
    ) -> set[str]:
        """Merge once; give the keys to try again."""
        with ThreadPoolExecutor(1) as beside:
            labels_found = beside.submit(view.labels, set(ids.values()))
            there = places(self._client, self._prefix, list(ids))
            there |= {
                (index, key) for key, id_ in ids.items() if (index := home(self._prefix, id_))
            }
            read = list(documents(self._client, there))
            labels = labels_found.result()
        merged.labels = {**merged.labels, **{key: labels[key] for key in ids if key in labels}}
        by_key: dict[str, dict[tuple[str, str], Told]] = {}
        for told in (*(each for key in ids for each in labels.get(key, ())), *known):
            by_key.setdefault(told.key, {})[told.index, told.id] = told
        updates, unchanged = [], set()
        for document in read:
            update = _update(document, by_key.get(document.id, {}).values())
            if update is None:
                unchanged.add(document.id)
            else:
                updates.append(update)
        self._lock.keep()
        again: set[str] = set()
        refused: dict[str, str] = {}
        written: set[str] = set()
        for update, (status, reason) in zip(updates, bulk(self._client, updates), strict=True):
            if status in {MOVED, GONE}:
                again.add(update.id)
                refused[update.id] = "changed by others again and again"
            elif status in BUSY:
                again.add(update.id)
                refused[update.id] = _TOO_BUSY
            elif status >= 400:  # noqa: PLR2004 - HTTP's
                refused[update.id] = reason
            else:
                written.add(update.id)
                merged.written += 1
        for key in ids:
            merged.left.pop(key, None)
        merged.left.update(refused)
        merged.found -= set(ids)
        merged.found |= (unchanged | written) - set(refused)
        return again


_TOO_BUSY = "the cluster is too busy"


def home(prefix: str, prediction_id: str) -> str | None:
    """Name the index that a prediction's id itself tells; None where it tells none."""
    made = month_of_id(prediction_id)
    if made is None:
        return None
    return index_of(prefix, PREDICTION, made.isoformat())


def _update(document: Document, labels: Collection[Told]) -> Update | None:
    kept = condensed(each.label for each in labels)
    changed = changes(document.source, merge(prediction_of(document.source), kept))
    if changed is None:
        return None
    return Update(document.index, document.id, changed, document.seen)
