"""Set a cluster up: look first, say what would change, change that; take out only one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch

from elkmon.cluster.asset_requests import found, has_lifecycle, knows, put, remove, versions
from elkmon.cluster.difference import difference
from elkmon.cluster.first_indices import discard, empty, lacking, make
from elkmon.cluster.templates import (
    MANAGED,
    OPTIONAL,
    RETENTION_MARK,
    VERSION,
    Asset,
    Layout,
    assets,
)
from elkmon.events.errors import ProvisionError
from elkmon.stores.elastic.foreign_templates import ADVICE, rivals
from elkmon.stores.elastic.indices import PRIORITY

__all__ = ["Change", "Plan", "apply", "plan", "take_out"]

OLDEST = (8, 10)
"""The oldest Elasticsearch that everything here was tried on."""


@dataclass(frozen=True, slots=True)
class Change:
    """One asset to put on a cluster.

    Attributes:
        asset: as it will be.
        lines: how it differs from what is there.
        new: whether nothing of its name is there.
    """

    asset: Asset
    lines: list[str]
    new: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What a set-up would do.

    Attributes:
        layout: shards, replicas and retention, as they will be.
        changes: in the order to make them.
        indices: to make after them: of kinds that have none, and those that hold nothing anew.
        warnings: what the cluster lacks, and what that means.
        same: how many assets are as they should be.
    """

    layout: Layout
    changes: list[Change]
    indices: list[str]
    warnings: list[str]
    same: int


def plan(
    client: Elasticsearch,
    prefix: str,
    *,
    shards: int | None = None,
    replicas: int | None = None,
    retention: int | None = None,
) -> Plan:
    """Say what has to change on a cluster; nothing is changed.

    Args:
        client: of the cluster.
        prefix: of all names.
        shards: primary shards of an index; what is not given stays as it is there.
        replicas: copies of each shard; likewise.
        retention: days that events are kept; likewise.

    Raises:
        ProvisionError: the cluster is too old, or holds what is newer, not ours, or in the way.
        ApiError, TransportError: it does not answer, or refuses.
    """
    _check_age(client)
    _check_rivals(client, prefix)
    before = _layout(client, prefix)
    layout = Layout(
        shards=before.shards if shards is None else shards,
        replicas=before.replicas if replicas is None else replicas,
        retention=before.retention if retention is None else retention,
    )
    warnings = []
    lifecycle = has_lifecycle(client)
    if not lifecycle:
        warnings.append(
            "this cluster has no index lifecycle management: nothing is deleted by age; "
            f"run elkmon prune --older-than {layout.retention}d by a timer"
        )
    without = [name for name in OPTIONAL if not knows(client, name)]
    warnings.extend(
        f"this cluster does not know the setting {name}, which is left out: {OPTIONAL[name]}"
        for name in without
    )
    changes, same = [], 0
    for asset in assets(prefix, layout, lifecycle=lifecycle, without=without):
        there = found(client, asset.kind, asset.name)
        _check_ours(asset, there)
        lines = difference(asset, there)
        if lines:
            changes.append(Change(asset, lines, there is None))
        else:
            same += 1
    indices = lacking(client, prefix) + (empty(client, prefix) if changes else [])
    return Plan(layout, changes, indices, warnings, same)


def apply(client: Elasticsearch, planned: Plan) -> None:
    """Make the changes of a plan; it can be interrupted and repeated.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    for change in planned.changes:
        put(client, change.asset)
    make(client, planned.indices)


def take_out(client: Elasticsearch, prefix: str, *, dry_run: bool) -> tuple[list[str], list[str]]:
    """Remove what setup put on a cluster, and nothing else; events stay.

    Args:
        client: of the cluster.
        prefix: of all names.
        dry_run: whether only to say what would go.

    Returns:
        What went, and what stays with its reason.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    gone = [  # first, as the policy stays while an index goes by it
        f"empty index {name}" for name in empty(client, prefix) if dry_run or discard(client, name)
    ]
    stays: list[str] = []
    lifecycle = has_lifecycle(client)
    for asset in reversed(assets(prefix, Layout(), lifecycle=lifecycle)):
        there = found(client, asset.kind, asset.name)
        if there is None:
            continue
        title = f"{asset.kind} {asset.name}"
        if _meta(there).get("managed_by") != MANAGED:
            stays.append(f"{title}: elkmon did not put it there")
            continue
        try:
            if not dry_run:
                remove(client, asset.kind, asset.name)
        except BadRequestError as error:  # indices, or others' templates, still go by it
            stays.append(f"{title}: {error.body['error']['reason']}")
        else:
            gone.append(title)
    return gone, stays


def _check_age(client: Elasticsearch) -> None:
    for version in versions(client):
        major, minor, *_ = (int(part) for part in version.split("-")[0].split("."))
        if (major, minor) < OLDEST:
            raise ProvisionError(
                f"this cluster has Elasticsearch {version}: elkmon needs "
                f"{'.'.join(map(str, OLDEST))} or later"
            )


def _check_rivals(client: Elasticsearch, prefix: str) -> None:
    others = rivals(client, prefix)
    if others:
        raise ProvisionError(
            f"other index templates are for the same indices as elkmon's (priority {PRIORITY}), "
            f"which would not be used: {'; '.join(others)}: {ADVICE}"
        )


def _layout(client: Elasticsearch, prefix: str) -> Layout:
    """Give the layout that a cluster was set up with; the default where it was not."""
    there = found(client, "component template", f"{prefix}-settings")
    if there is None or _meta(there).get("managed_by") != MANAGED:
        return Layout()
    index = there["template"].get("settings", {}).get("index", {})
    default = Layout()
    return Layout(
        shards=int(index.get("number_of_shards", default.shards)),
        replicas=int(index.get("number_of_replicas", default.replicas)),
        retention=int(_meta(there).get(RETENTION_MARK, default.retention)),
    )


def _check_ours(asset: Asset, there: Mapping[str, Any] | None) -> None:
    if there is None:
        return
    meta = _meta(there)
    if meta.get("managed_by") != MANAGED:
        raise ProvisionError(
            f"there is a {asset.kind} {asset.name} that elkmon did not put there: rename it, or "
            "choose other names by ELKMON_INDEX_PREFIX"
        )
    if int(meta.get("version", 0)) > VERSION:
        raise ProvisionError(
            f"the {asset.kind} {asset.name} is of version {meta['version']}, put there by a newer "
            f"elkmon; this one has version {VERSION} and does not go back: update elkmon here"
        )


def _meta(there: Mapping[str, Any]) -> Mapping[str, Any]:
    return there.get("policy", there).get("_meta") or {}
