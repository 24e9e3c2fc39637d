"""Write onto predictions what their labels say, so that no interleaving loses a label."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from elasticsearch import Elasticsearch

from elkmon.events.datasets import PREDICTION
from elkmon.events.merge import merge
from elkmon.join.documents import Told, changes, condensed, prediction_of
from elkmon.join.lock import Lock
from elkmon.join.requests import BUSY, GONE, MOVED, Update, bulk, pause
from elkmon.join.search import Document, View, documents, places, viewed
from elkmon.stores.elastic.indices import index_of, month_of_id

__all__ = ["Merged", "Merger", "home"]

_TRIES = 5


@dataclass
class Merged:
    """What became of predictions.

    Attributes:
        found: keys of those that are there, and say now what their labels say.
        away: keys of those that are in other months only than their id tells.
        left: why others are left for the next pass, by key.
        labels: all labels of those that were looked for, by key.
        written: documents that were changed.
    """

    found: set[str] = field(default_factory=set)
    away: set[str] = field(default_factory=set)
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
        homes = {key: home(self._prefix, each) for key, each in ids.items()}
        with ThreadPoolExecutor(1) as beside:
            looked_for = beside.submit(view.labels, set(ids.values()))
            there = places(self._client, self._prefix, list(ids))
            there |= {(index, key) for key, index in homes.items() if index}
            read = list(documents(self._client, there))
            labels = looked_for.result()
        merged.labels = {**merged.labels, **{key: labels[key] for key in ids if key in labels}}
        by_key: dict[str, dict[tuple[str, str], Told]] = {}
        for told in (*(each for key in ids for each in labels.get(key, ())), *known):
            by_key.setdefault(told.key, {})[told.index, told.id] = told
        tried = (_update(each, by_key.get(each.id, {}).values()) for each in read)
        updates = [each for each in tried if each is not None]
        self._lock.keep()
        refused: dict[str, tuple[int, str]] = {}
        for update, (status, reason) in zip(updates, bulk(self._client, updates), strict=True):
            if status >= 400:  # noqa: PLR2004 - HTTP's
                refused[update.id] = (status, _WHY.get(status, reason))
            else:
                merged.written += 1
        for key in ids:
            merged.left.pop(key, None)
        merged.left.update({key: reason for key, (_, reason) in refused.items()})
        found = {each.id for each in read}
        at_home = {each.id for each in read if each.index == homes[each.id]}
        merged.found = merged.found - set(ids) | found - set(refused)
        merged.away = merged.away - set(ids) | {key for key in found - at_home if homes[key]}
        return {key for key, (status, _) in refused.items() if status in _WHY}


_TOO_BUSY = "the cluster is too busy"
_WHY = {
    **dict.fromkeys((MOVED, GONE), "changed by others again and again"),
    **dict.fromkeys(BUSY, _TOO_BUSY),
}
"""Why an update is tried again, by its status."""


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
