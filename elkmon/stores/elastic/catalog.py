"""What is on a cluster: models, versions, processes, completeness."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from elkmon.events.fields import DATASETS, DEPLOYMENT, EMITTER, LABEL, PREDICTION, Dataset
from elkmon.stores.catalog_entries import certain, models, span_of
from elkmon.stores.elastic.cluster import Cluster
from elkmon.stores.elastic.connect import store_errors
from elkmon.stores.elastic.grouping import Grouping
from elkmon.stores.elastic.health import health
from elkmon.stores.elastic.indices import pattern
from elkmon.stores.finding import Finding
from elkmon.stores.protocol import (
    Catalog,
    Cell,
    Condition,
    FieldValue,
    Filter,
    Measure,
    ProcessEntry,
)

__all__ = ["inventory"]

Rows = list[tuple[Any, ...]]

_AT_ONCE = 6
"""Questions asked at the same time."""
_SAMPLE = 20
"""Predictions of each version that are read for the names of segments and features."""
_PAGE = 200
_COUNT = Measure("count")
_FIRST, _LAST = Measure("min", "@timestamp"), Measure("max", "@timestamp")
_MODEL, _VERSION = "ml.model.name", "ml.model.version"
_DROPPED = "ml.emitter.dropped"


def inventory(cluster: Cluster) -> Catalog:
    """Say what is on a cluster.

    Args:
        cluster: to ask; several questions at once.

    Raises:
        StoreError: it cannot be reached, refuses, or does not answer in full.
    """
    asked: dict[str, Callable[[Cluster], Any]] = {
        "datasets": _datasets,
        "versions": _versions,
        "deployed": _deployed,
        "labelled": _labelled,
        "labels": _labels,
        "names": _names,
        "processes": _processes,
        "dropped": _dropped,
        "health": health,
    }
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = {name: pool.submit(ask, cluster) for name, ask in asked.items()}
        parts = {name: answer.result() for name, answer in answers.items()}
    segments, features = parts["names"]
    parts |= {"segments": segments, "features": features}
    first = min((row[2] for row in parts["datasets"]), default=None)
    last = max((row[3] for row in parts["datasets"]), default=None)
    parts["labels"] = _lost(parts["labels"])
    waiting = sum(row[4] for row in parts["labels"])
    return Catalog(
        span=span_of(first, last),
        datasets={name: count for name, count, *_ in parts["datasets"]},
        models=models(parts),
        processes=_entries(parts["processes"], parts["dropped"]),
        labels_waiting=waiting,
        notes=(*_limits(parts["versions"]), *_told(parts["health"])),
    )


def _ask(
    cluster: Cluster,
    datasets: Sequence[Dataset],
    by: Iterable[str],
    measures: Sequence[Measure],
    *conditions: Condition,
) -> Rows:
    grouping = Grouping([FieldValue(each) for each in by], measures)
    return list(grouping.rows(cluster.buckets(datasets, Filter(conditions=conditions), grouping)))


def _datasets(cluster: Cluster) -> Rows:
    return _ask(cluster, DATASETS, ["event.dataset"], [_COUNT, _FIRST, _LAST])


def _versions(cluster: Cluster) -> Rows:
    by = (_MODEL, _VERSION, "event.outcome", "ml.task")
    measures = [_COUNT, _FIRST, _LAST, Measure("min", "ml.sample.rate")]
    found: dict[tuple[Cell, Cell], Rows] = defaultdict(list)
    for model, version, *row in _ask(cluster, [PREDICTION], by, measures):
        found[model, version].append(tuple(row))
    made = [
        (
            *key,
            min(row[3] for row in rows),
            max(row[4] for row in rows),
            sum(row[2] for row in rows),
            sum(row[2] for row in rows if row[0] == "failure"),
            *(0, 0),  # a repeat is refused at the door, and leaves no trace
            min((row[5] for row in rows if row[5] is not None), default=None),
            {row[1] for row in rows} - {None},
        )
        for key, rows in found.items()
    ]
    return sorted(made, key=lambda row: (row[2], row[1] is None, row[1]))


def _deployed(cluster: Cluster) -> Rows:
    only = Condition("event.action", "=", ("deployed",))
    return _ask(cluster, [DEPLOYMENT], [_MODEL, _VERSION], [_FIRST], only)


def _labelled(cluster: Cluster) -> Rows:
    only = Condition("event.outcome", "=", ("success",))
    told = Condition("ml.truth.observed_at", "exists")
    return _ask(cluster, [PREDICTION], [_MODEL], [_COUNT], only, told)


def _labels(cluster: Cluster) -> Rows:
    again = "ml.join.next_at"
    measures = [_COUNT, Measure("count", again), Measure("min", again)]
    return _ask(cluster, [LABEL], [_MODEL, "ml.join.state"], measures)


def _lost(rows: Rows) -> Rows:
    found: dict[Cell, list[Any]] = defaultdict(lambda: [0, 0, 0, 0, 0, None])
    for model, state, count, again, first in rows:
        counts = found[model]
        counts[0] += count
        counts[1] += count if state in {"orphan", "sampled_out"} else 0
        counts[2] += count if state == "sampled_out" else 0
        counts[3] += count if state in {None, "pending"} else 0
        if state == "orphan":
            counts[4:] = count - again, first
    return [(model, *counts) for model, counts in found.items()]


def _names(cluster: Cluster) -> tuple[Rows, Rows]:
    """Give segments and features by model, of the newest predictions of each version.

    Elasticsearch has no list of the entries of a flattened field: they are read off some events.
    """
    grouping = Grouping([FieldValue(_MODEL), FieldValue(_VERSION)], ())
    places = {
        "segments": ("ml.segment",),
        "features": ("ml.features.number", "ml.features.category"),
    }
    grouping.aggregations = {
        "newest": {
            "top_hits": {
                "size": _SAMPLE,
                "sort": [{"@timestamp": "desc"}],
                "_source": [name for names in places.values() for name in names],
            }
        }
    }
    grouping.size = _PAGE
    found: dict[str, dict[Cell, set[str]]] = {each: defaultdict(set) for each in places}
    for bucket in cluster.buckets([PREDICTION], Filter(), grouping):
        for hit in bucket["newest"]["hits"]["hits"]:
            for kind, names in places.items():
                for name in names:
                    found[kind][bucket["key"]["d0"]].update(_entry(hit["_source"], name))
    segments, features = (
        [(model, sorted(names)) for model, names in each.items()] for each in found.values()
    )
    return segments, features


def _entry(event: Mapping[str, Any], name: str) -> Iterable[str]:
    here: Any = event
    for part in name.split("."):
        here = here.get(part) if isinstance(here, Mapping) else None
    return here if isinstance(here, Mapping) else ()


def _processes(cluster: Cluster) -> Rows:
    by = ("process.entity_id", "service.name", "service.node.name")
    number = "event.sequence"
    measures = [_COUNT, _FIRST, _LAST, Measure("min", number), Measure("max", number)]
    there = (Condition(by[0], "exists"), Condition(number, "exists"))
    return _ask(cluster, DATASETS, by, [*measures, Measure("min", "event.created")], *there)


def _dropped(cluster: Cluster) -> Rows:
    """Give how many events each process has dropped: its counts never fall, so that the most hold.

    A reason for each count: their names are only known to the indices.
    """
    with store_errors(cluster.url, "ask for fields"):
        fields = cluster.client.field_caps(
            index=pattern(cluster.prefix, [EMITTER]), fields=f"{_DROPPED}.*"
        )["fields"]
    # older servers name the objects above, too
    own = sorted(name for name in fields if name.startswith(f"{_DROPPED}."))
    most = [Measure("max", name) for name in own]
    rows = _ask(cluster, [EMITTER], ["process.entity_id"], most) if most else []
    return [(entity, int(sum(filter(None, counts)))) for entity, *counts in rows]


def _entries(rows: Rows, dropped: Rows) -> tuple[ProcessEntry, ...]:
    found: dict[Cell, Rows] = defaultdict(list)
    for entity, *row in rows:
        found[entity].append(tuple(row))
    lost: dict[Cell, int] = dict(dropped)

    def written(entity: Cell) -> tuple[Any, ...]:
        created = [row[7] for row in found[entity] if row[7] is not None]
        return not created, min(created, default=None), entity

    made = []
    for entity in sorted(found, key=written):
        parts = found[entity]
        events = sum(row[2] for row in parts)
        numbers = max(row[6] for row in parts) - min(row[5] for row in parts) + 1
        made.append(
            ProcessEntry(
                entity_id=str(entity),
                service=next((row[0] for row in parts if row[0] is not None), None),
                host=next((row[1] for row in parts if row[1] is not None), None),
                span=certain(min(row[3] for row in parts), max(row[4] for row in parts)),
                events=events,
                missing=max(numbers - events, 0),
                dropped=lost.get(entity, 0),
            )
        )
    return tuple(made)


def _limits(versions: Rows) -> Iterable[str]:
    """Say what a cluster cannot know."""
    if not versions:
        return
    yield (
        "predictions that were sent again are not stored a second time: they are not counted here, "
        "and their numbers are among the missing events of their process"
    )
    if any(row[4] > _SAMPLE for row in versions):
        yield f"segments and features are those of the newest {_SAMPLE} predictions of each version"


def _told(found: Iterable[Finding]) -> Iterable[str]:
    """Tell what makes figures wrong; not what an administrator alone could look at."""
    return (
        f"{each.count:,} {each.what} ({', '.join(each.places)}): {each.advice}"
        for each in found
        if each.level != "note"
    )
