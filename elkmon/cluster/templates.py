"""Build the index templates and the retention policy of a cluster from the field table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from elkmon.events.datasets import DATASETS, KEPT_FOR_EVER, Dataset, short_name
from elkmon.events.fields import FIELDS, Field, Kind
from elkmon.events.limits import NESTING, VALUE
from elkmon.stores.elastic.indices import PRIORITY, RETENTION, dead_letters, pattern

__all__ = ["MANAGED", "OPTIONAL", "RETENTION_MARK", "VERSION", "Asset", "Layout", "assets", "mark"]

VERSION = 1
"""Version of the templates: it rises with every change, and setup refuses to downgrade."""
MANAGED = "elkmon"
"""Value of ``_meta.managed_by`` in everything that setup creates, and may remove."""
RETENTION_MARK = "retention_days"
"""Key in the ``_meta`` of the settings template for how long events are kept."""
OPTIONAL: Mapping[str, str] = MappingProxyType(
    {
        "index.mapping.total_fields.ignore_dynamic_beyond_limit": (
            "an event with more than the allowed number of different features is refused and goes "
            "to the dead letters; newer versions keep it, and leave the extra features unindexed"
        ),
    }
)
"""Settings that older servers do not know, and what is lost without them."""

_MOST_FIELDS = 5000
_LATE = 31
"""A month's index holds events up to this many days younger than the date in its name."""
_ISO = "strict_date_optional_time"

AssetKind = Literal["lifecycle policy", "component template", "index template"]


@dataclass(frozen=True, slots=True)
class Layout:
    """The settings that a cluster's owner chooses.

    Attributes:
        shards: primary shards of each month's index.
        replicas: copies of each shard.
        retention: days that events are kept; issues are never deleted by age.
    """

    shards: int = 1
    replicas: int = 1
    retention: int = RETENTION.days


@dataclass(frozen=True, slots=True)
class Asset:
    """A template or policy that a cluster should have."""

    kind: AssetKind
    name: str
    body: Mapping[str, Any]


def assets(
    prefix: str, layout: Layout, *, lifecycle: bool = True, without: Collection[str] = ()
) -> tuple[Asset, ...]:
    """Return everything that setup puts on a cluster, in the order in which to put it there.

    Args:
        prefix: what all names begin with.
        layout: shards, replicas, retention.
        lifecycle: whether the cluster can delete by age.
        without: names of settings in OPTIONAL to leave out.
    """
    shared = [f"{prefix}-settings", f"{prefix}-event"]
    aged = [*shared, f"{prefix}-retention"] if lifecycle else shared
    result = [
        Asset("component template", shared[0], _settings(layout, without)),
        Asset("component template", shared[1], _component(mappings=_common())),
    ]
    if lifecycle:
        name = f"{prefix}-retention"
        result.insert(0, Asset("lifecycle policy", name, _policy(layout)))
        result.append(Asset("component template", name, _component(settings=_aging(name))))
    result += [
        Asset(
            "index template",
            f"{prefix}-{short_name(dataset)}",
            _template(prefix, dataset, shared if dataset in KEPT_FOR_EVER else aged),
        )
        for dataset in DATASETS
    ]
    result.append(Asset("index template", f"{prefix}-deadletter", _letters(prefix, aged)))
    return tuple(result)


def mark() -> dict[str, Any]:
    """Return the ``_meta`` of everything that setup creates, including the indices' mappings."""
    return {"managed_by": MANAGED, "version": VERSION}


def _component(**template: object) -> dict[str, Any]:
    return {"template": template, "_meta": mark()}


def _policy(layout: Layout) -> dict[str, Any]:
    # an index is as old as the first day of its month; its last events are a month younger
    delete = {
        "min_age": f"{layout.retention + _LATE}d",
        "actions": {"delete": {"delete_searchable_snapshot": True}},
    }
    return {"policy": {"phases": {"delete": delete}, "_meta": mark()}}


def _settings(layout: Layout, without: Collection[str]) -> dict[str, Any]:
    settings = {
        "index.number_of_shards": str(layout.shards),
        "index.number_of_replicas": str(layout.replicas),
        "index.codec": "best_compression",
        "index.mapping.ignore_malformed": "true",  # the local store has no such value either
        "index.mapping.total_fields.limit": str(_MOST_FIELDS),
        **{name: "true" for name in OPTIONAL if name not in without},
    }
    component = _component(settings=settings)
    component["_meta"][RETENTION_MARK] = layout.retention  # also for clusters without policies
    return component


def _aging(policy: str) -> dict[str, Any]:
    return {
        "index.lifecycle.name": policy,
        "index.lifecycle.parse_origination_date": "true",  # date in the name: resends may be old
    }


def _common() -> dict[str, Any]:
    everywhere = [field for field in FIELDS if set(field.datasets) == set(DATASETS)]
    return {"dynamic": "false", "_meta": mark(), "properties": _properties(everywhere)}


def _template(prefix: str, dataset: Dataset, parts: list[str]) -> dict[str, Any]:
    fields = [
        field
        for field in FIELDS
        if dataset in field.datasets and set(field.datasets) != set(DATASETS)
    ]
    mappings: dict[str, Any] = {"properties": _properties(fields)}
    numbers = [_doubles(field) for field in fields if field.kind is Kind.NUMBERS]
    if numbers:
        mappings["dynamic_templates"] = numbers
    return {
        "index_patterns": [pattern(prefix, [dataset])],
        "composed_of": parts,
        "priority": PRIORITY,
        "template": {"mappings": mappings},
        "_meta": mark(),
    }


def _letters(prefix: str, parts: list[str]) -> dict[str, Any]:
    """Return the template for lines that Logstash could not store; the line is kept unindexed."""
    path = {"type": "keyword", "ignore_above": VALUE}
    properties = {
        "error": {"properties": {"type": path}},
        "log": {"properties": {"file": {"properties": {"path": path}}}},
        "raw": {"type": "keyword", "index": False, "doc_values": False},
    }
    return {
        "index_patterns": [dead_letters(prefix)],
        "composed_of": parts,
        "priority": PRIORITY,
        "template": {"mappings": {"properties": properties}},
        "_meta": mark(),
    }


def _doubles(field: Field) -> dict[str, Any]:
    # one type for all, whatever the first document happens to hold
    return {
        field.name: {
            "path_match": f"{field.name}.*",
            "match_mapping_type": "*",
            "mapping": {"type": "double"},
        }
    }


def _properties(fields: Iterable[Field]) -> dict[str, Any]:
    """Return the mappings of fields, nested as in the JSON of events."""
    root: dict[str, Any] = {}
    for field in fields:
        *parents, last = field.name.split(".")
        properties = root
        for parent in parents:
            properties = properties.setdefault(parent, {"properties": {}})["properties"]
        properties[last] = _mapping(field)
    return root


def _mapping(field: Field) -> dict[str, Any]:
    mapping: dict[str, Any] = {"type": field.kind.elastic}
    if field.kind is Kind.NUMBERS:
        return {**mapping, "dynamic": "true", "subobjects": False}
    if field.kind is Kind.DATE:
        mapping["format"] = _ISO
    if field.name == "@timestamp":  # without a time it is no event
        mapping["ignore_malformed"] = False
    if field.kind.elastic in {"keyword", "flattened"}:
        mapping["ignore_above"] = VALUE
    if field.kind.elastic == "flattened":
        mapping["depth_limit"] = NESTING
    return mapping
