"""The catalog of a cluster: models, versions, processes, completeness."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from elkmon.events.datasets import DATASETS, DEPLOYMENT, EMITTER, LABEL, PREDICTION, Dataset
from elkmon.stores.catalog_entries import models, span_of, utc_span
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

__all__ = ["read_catalog"]

Rows = list[tuple[Any, ...]]

_AT_ONCE = 6
"""Searches that run at the same time."""
_SAMPLE = 20
"""Predictions of a version that are read for the names of its segments and features."""
_PAGE = 200
_COUNT = Measure("count")
_FIRST, _LAST = Measure("min", "@timestamp"), Measure("max", "@timestamp")
_MODEL, _VERSION = "ml.model.name", "ml.model.version"
_DROPPED = "ml.emitter.dropped"


def read_catalog(cluster: Cluster) -> Catalog:
    """Return the catalog of a cluster.

    Args:
        cluster: to search, by several threads.

    Raises:
        StoreError: the cluster cannot be reached, refuses, or does not answer in full.
    """
    questions: dict[str, Callable[[Cluster], Any]] = {
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
        answers = {name: pool.submit(ask, cluster) for name, ask in questions.items()}
        parts = {name: answer.result() for name, answer in answers.items()}
    segments, features = parts["names"]
    parts |= {"segments": segments, "features": features}
    first = min((row[2] for row in parts["datasets"]), default=None)
    last = max((row[3] for row in parts["datasets"]), default=None)
    parts["labels"] = _label_counts(parts["labels"])
    waiting = sum(row[4] for row in parts["labels"])
    return Catalog(
        span=span_of(first, last),
        datasets={name: count for name, count, *_ in parts["datasets"]},
        models=models(parts),
        processes=_entries(parts["processes"], parts["dropped"]),
        labels_waiting=waiting,
        notes=(*_limits(parts["versions"]), *_warnings(parts["health"])),
    )


def _ask(
    cluster: Cluster,
    datasets: Sequence[Dataset],
    by: Iterable[str],
    measures: Sequence[Measure],
    *conditions: Condition,
) -> Rows:
    grouping = Grouping([FieldValue(field) for field in by], measures)
    return list(grouping.rows(cluster.buckets(datasets, Filter(conditions=conditions), grouping)))


def _datasets(cluster: Cluster) -> Rows:
    return _ask(cluster, DATASETS, ["event.dataset"], [_COUNT, _FIRST, _LAST])


def _versions(cluster: Cluster) -> Rows:
    by = (_MODEL, _VERSION, "event.outcome", "ml.task")
    measures = [_COUNT, _FIRST, _LAST, Measure("min", "ml.sample.rate")]
    by_version: dict[tuple[Cell, Cell], Rows] = defaultdict(list)
    for model, version, *row in _ask(cluster, [PREDICTION], by, measures):
        by_version[model, version].append(tuple(row))
    versions = [
        (
            *key,
            min(row[3] for row in rows),
            max(row[4] for row in rows),
            sum(row[2] for row in rows),
            sum(row[2] for row in rows if row[0] == "failure"),
            *(0, 0),  # a repeat is refused when it is sent, and leaves no trace
            min((row[5] for row in rows if row[5] is not None), default=None),
            {row[1] for row in rows} - {None},
        )
        for key, rows in by_version.items()
    ]
    return sorted(versions, key=lambda row: (row[2], row[1] is None, row[1]))


def _deployed(cluster: Cluster) -> Rows:
    deployed = Condition("event.action", "=", ("deployed",))
    return _ask(cluster, [DEPLOYMENT], [_MODEL, _VERSION], [_FIRST], deployed)


def _labelled(cluster: Cluster) -> Rows:
    success = Condition("event.outcome", "=", ("success",))
    labelled = Condition("ml.truth.observed_at", "exists")
    return _ask(cluster, [PREDICTION], [_MODEL], [_COUNT], success, labelled)


def _labels(cluster: Cluster) -> Rows:
    again = "ml.join.next_at"
    measures = [_COUNT, Measure("count", again), Measure("min", again)]
    return _ask(cluster, [LABEL], [_MODEL, "ml.join.state"], measures)


def _label_counts(rows: Rows) -> Rows:
    """Return the counts of labels by model, as :func:`catalog_entries.models` takes them."""
    by_model: dict[Cell, list[Any]] = defaultdict(lambda: [0, 0, 0, 0, 0, None])
    for model, state, count, again, first in rows:
        counts = by_model[model]
        counts[0] += count
        counts[1] += count if state in {"orphan", "sampled_out"} else 0
        counts[2] += count if state == "sampled_out" else 0
        counts[3] += count if state in {None, "pending"} else 0
        if state == "orphan":
            counts[4:] = count - again, first
    return [(model, *counts) for model, counts in by_model.items()]


def _names(cluster: Cluster) -> tuple[Rows, Rows]:
    """Return segments and features by model, from the newest predictions of each version.

    Elasticsearch has no list of the entries of a flattened field, so some events are read.
    """
    grouping = Grouping([FieldValue(_MODEL), FieldValue(_VERSION)], ())
    kinds = {
        "segments": ("ml.segment",),
        "features": ("ml.features.number", "ml.features.category"),
    }
    grouping.aggregations = {
        "newest": {
            "top_hits": {
                "size": _SAMPLE,
                "sort": [{"@timestamp": "desc"}],
                "_source": [name for names in kinds.values() for name in names],
            }
        }
    }
    grouping.size = _PAGE
    entries: dict[str, dict[Cell, set[str]]] = {kind: defaultdict(set) for kind in kinds}
    for bucket in cluster.buckets([PREDICTION], Filter(), grouping):
        for hit in bucket["newest"]["hits"]["hits"]:
            for kind, names in kinds.items():
                for name in names:
                    entries[kind][bucket["key"]["d0"]].update(_object_at(hit["_source"], name))
    segments, features = (
        [(model, sorted(names)) for model, names in by_model.items()]
        for by_model in entries.values()
    )
    return segments, features


def _object_at(event: Mapping[str, Any], name: str) -> Iterable[str]:
    value: Any = event
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else ()


def _processes(cluster: Cluster) -> Rows:
    by = ("process.entity_id", "service.name", "service.node.name")
    number = "event.sequence"
    measures = [_COUNT, _FIRST, _LAST, Measure("min", number), Measure("max", number)]
    numbered = (Condition(by[0], "exists"), Condition(number, "exists"))
    return _ask(cluster, DATASETS, by, [*measures, Measure("min", "event.created")], *numbered)


def _dropped(cluster: Cluster) -> Rows:
    """Return how many events each process has dropped: its counts only grow, so the maxima hold.

    There is a count for each reason, and only the mappings tell which reasons there are.
    """
    with store_errors(cluster.url, "ask for fields"):
        fields = cluster.client.field_caps(
            index=pattern(cluster.prefix, [EMITTER]), fields=f"{_DROPPED}.*"
        )["fields"]
    # older servers also list the objects that hold them
    own = sorted(name for name in fields if name.startswith(f"{_DROPPED}."))
    maxima = [Measure("max", name) for name in own]
    rows = _ask(cluster, [EMITTER], ["process.entity_id"], maxima) if maxima else []
    return [(entity, int(sum(filter(None, counts)))) for entity, *counts in rows]


def _entries(rows: Rows, dropped: Rows) -> tuple[ProcessEntry, ...]:
    by_process: dict[Cell, Rows] = defaultdict(list)
    for entity, *row in rows:
        by_process[entity].append(tuple(row))
    dropped_by: dict[Cell, int] = dict(dropped)

    def first_written(entity: Cell) -> tuple[Any, ...]:
        created = [row[7] for row in by_process[entity] if row[7] is not None]
        return not created, min(created, default=None), entity

    entries = []
    for entity in sorted(by_process, key=first_written):
        parts = by_process[entity]
        events = sum(row[2] for row in parts)
        numbers = max(row[6] for row in parts) - min(row[5] for row in parts) + 1
        entries.append(
            ProcessEntry(
                entity_id=str(entity),
                service=next((row[0] for row in parts if row[0] is not None), None),
                host=next((row[1] for row in parts if row[1] is not None), None),
                span=utc_span(min(row[3] for row in parts), max(row[4] for row in parts)),
                events=events,
                missing=max(numbers - events, 0),
                dropped=dropped_by.get(entity, 0),
            )
        )
    return tuple(entries)


def _limits(versions: Rows) -> Iterable[str]:
    """Yield sentences on what a cluster cannot know."""
    if not versions:
        return
    yield (
        "predictions that were sent again are not stored a second time: they are not counted here, "
        "and their numbers are among the missing events of their process"
    )
    if any(row[4] > _SAMPLE for row in versions):
        yield f"segments and features are those of the newest {_SAMPLE} predictions of each version"


def _warnings(findings: Iterable[Finding]) -> Iterable[str]:
    """Yield the findings that make figures wrong; notes are for administrators."""
    return (
        f"{finding.count:,} {finding.what} ({', '.join(finding.places)}): {finding.advice}"
        for finding in findings
        if finding.level != "note"
    )
