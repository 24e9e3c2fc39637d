"""What a cluster should hold, as JSON from the field table: templates and a retention policy."""

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
"""Of the templates: it rises with every change, and setup refuses to go back."""
MANAGED = "elkmon"
"""What ``_meta.managed_by`` says of all that setup puts in, and may take out."""
RETENTION_MARK = "retention_days"
"""Where the ``_meta`` of the settings says how long events are kept."""
OPTIONAL: Mapping[str, str] = MappingProxyType(
    {
        "index.mapping.total_fields.ignore_dynamic_beyond_limit": (
            "an event that brings more than the allowed number of different features is refused, "
            "and goes to the dead letters; newer versions only do not index what is beyond"
        ),
    }
)
"""Settings that older servers do not know, each with what is lost without it."""

_MOST_FIELDS = 5000
_LATE = 31
"""A month's index holds events up to so many days younger than its name says."""
_ISO = "strict_date_optional_time"

Kinds = Literal["lifecycle policy", "component template", "index template"]


@dataclass(frozen=True, slots=True)
class Layout:
    """What a cluster's owner decides.

    Attributes:
        shards: primary shards of each month's index.
        replicas: copies of each shard.
        retention: days that events are kept; issues are kept for ever.
    """

    shards: int = 1
    replicas: int = 1
    retention: int = RETENTION.days


@dataclass(frozen=True, slots=True)
class Asset:
    """One thing that a cluster should hold: what it is, its name, and its body."""

    kind: Kinds
    name: str
    body: Mapping[str, Any]


def assets(
    prefix: str, layout: Layout, *, lifecycle: bool = True, without: Collection[str] = ()
) -> tuple[Asset, ...]:
    """Give everything that setup puts on a cluster, in the order to put it there.

    Args:
        prefix: that all names begin with.
        layout: shards, replicas, retention.
        lifecycle: whether the cluster can delete by age.
        without: settings of OPTIONAL to leave out.
    """
    shared = [f"{prefix}-settings", f"{prefix}-event"]
    aged = [*shared, f"{prefix}-retention"] if lifecycle else shared
    made = [
        Asset("component template", shared[0], _settings(layout, without)),
        Asset("component template", shared[1], _component(mappings=_common())),
    ]
    if lifecycle:
        name = f"{prefix}-retention"
        made.insert(0, Asset("lifecycle policy", name, _policy(layout)))
        made.append(Asset("component template", name, _component(settings=_aging(name))))
    made += [
        Asset(
            "index template",
            f"{prefix}-{short_name(dataset)}",
            _template(prefix, dataset, shared if dataset in KEPT_FOR_EVER else aged),
        )
        for dataset in DATASETS
    ]
    made.append(Asset("index template", f"{prefix}-deadletter", _letters(prefix, aged)))
    return tuple(made)


def mark() -> dict[str, Any]:
    """Give the ``_meta`` of all that setup puts in, mappings of indices included."""
    return {"managed_by": MANAGED, "version": VERSION}


def _component(**template: object) -> dict[str, Any]:
    return {"template": template, "_meta": mark()}


def _policy(layout: Layout) -> dict[str, Any]:
    # An index is as old as the first day of its month: its last events are a month younger
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
        "index.mapping.ignore_malformed": "true",  # such a value is absent in the local store, too
        "index.mapping.total_fields.limit": str(_MOST_FIELDS),
        **{name: "true" for name in OPTIONAL if name not in without},
    }
    made = _component(settings=settings)
    made["_meta"][RETENTION_MARK] = layout.retention  # also where no policy can hold it
    return made


def _aging(policy: str) -> dict[str, Any]:
    return {
        "index.lifecycle.name": policy,
        "index.lifecycle.parse_origination_date": "true",  # of the name: a resend may be years old
    }


def _common() -> dict[str, Any]:
    everywhere = [field for field in FIELDS if set(field.datasets) == set(DATASETS)]
    return {"dynamic": "false", "_meta": mark(), "properties": _properties(everywhere)}


def _template(prefix: str, dataset: Dataset, parts: list[str]) -> dict[str, Any]:
    own = [
        field
        for field in FIELDS
        if dataset in field.datasets and set(field.datasets) != set(DATASETS)
    ]
    mappings: dict[str, Any] = {"properties": _properties(own)}
    numbers = [_doubles(field) for field in own if field.kind is Kind.NUMBERS]
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
    """Make room for what Logstash did not store, whatever it is: the line itself is only kept."""
    path = {"type": "keyword", "ignore_above": VALUE}
    own = {
        "error": {"properties": {"type": path}},
        "log": {"properties": {"file": {"properties": {"path": path}}}},
        "raw": {"type": "keyword", "index": False, "doc_values": False},
    }
    return {
        "index_patterns": [dead_letters(prefix)],
        "composed_of": parts,
        "priority": PRIORITY,
        "template": {"mappings": {"properties": own}},
        "_meta": mark(),
    }


def _doubles(field: Field) -> dict[str, Any]:
    # one type for all: what the first document happens to hold decides nothing
    return {
        field.name: {
            "path_match": f"{field.name}.*",
            "match_mapping_type": "*",
            "mapping": {"type": "double"},
        }
    }


def _properties(fields: Iterable[Field]) -> dict[str, Any]:
    """Nest mappings as the JSON of events is."""
    root: dict[str, Any] = {}
    for field in fields:
        *above, last = field.name.split(".")
        here = root
        for part in above:
            here = here.setdefault(part, {"properties": {}})["properties"]
        here[last] = _mapping(field)
    return root


def _mapping(field: Field) -> dict[str, Any]:
    made: dict[str, Any] = {"type": field.kind.elastic}
    if field.kind is Kind.NUMBERS:
        return {**made, "dynamic": "true", "subobjects": False}
    if field.kind is Kind.DATE:
        made["format"] = _ISO
    if field.name == "@timestamp":  # without a time it is no event
        made["ignore_malformed"] = False
    if field.kind.elastic in {"keyword", "flattened"}:
        made["ignore_above"] = VALUE
    if field.kind.elastic == "flattened":
        made["depth_limit"] = NESTING
    return made
