"""Plan and apply the set-up of a cluster, and remove it again; what others put there is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch

from elkmon.cluster import asset_requests, first_indices
from elkmon.cluster.difference import difference
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

__all__ = ["Change", "Plan", "apply", "plan", "uninstall"]

OLDEST = (8, 10)
"""The oldest version of Elasticsearch on which everything here was tested."""


@dataclass(frozen=True, slots=True)
class Change:
    """One asset to create or replace on a cluster.

    Attributes:
        asset: the asset as it will be.
        lines: how it differs from the current one, as a diff.
        new: whether the cluster has no asset of this name yet.
    """

    asset: Asset
    lines: list[str]
    new: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What a set-up will do.

    Attributes:
        layout: shards, replicas and retention, as they will be.
        changes: the changes, in the order in which to make them.
        indices: the indices to create afterwards: for datasets without one, and empty ones anew.
        warnings: what the cluster lacks, and what that means.
        same: how many assets are as they should be already.
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
    """Return what has to change on a cluster, without changing it.

    Args:
        client: client of the cluster.
        prefix: what all names begin with.
        shards: primary shards of an index; None keeps the cluster's value.
        replicas: copies of each shard; None keeps the cluster's value.
        retention: days that events are kept; None keeps the cluster's value.

    Raises:
        ProvisionError: the cluster is too old, or has assets that are newer, not ours, or take
            precedence over ours.
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    _check_version(client)
    _check_rivals(client, prefix)
    current = _layout(client, prefix)
    layout = Layout(
        shards=current.shards if shards is None else shards,
        replicas=current.replicas if replicas is None else replicas,
        retention=current.retention if retention is None else retention,
    )
    warnings = []
    lifecycle = asset_requests.has_lifecycle(client)
    if not lifecycle:
        warnings.append(
            "this cluster has no index lifecycle management: nothing is deleted by age; "
            f"run elkmon prune --older-than {layout.retention}d from a timer"
        )
    without = [name for name in OPTIONAL if not asset_requests.knows_setting(client, name)]
    warnings.extend(
        f"this cluster does not know the setting {name}, which is left out: {OPTIONAL[name]}"
        for name in without
    )
    changes, same = [], 0
    for asset in assets(prefix, layout, lifecycle=lifecycle, without=without):
        existing = asset_requests.get(client, asset.kind, asset.name)
        _check_ours(asset, existing)
        lines = difference(asset, existing)
        if lines:
            changes.append(Change(asset, lines, existing is None))
        else:
            same += 1
    indices = first_indices.missing(client, prefix) + (
        first_indices.empty(client, prefix) if changes else []
    )
    return Plan(layout, changes, indices, warnings, same)


def apply(client: Elasticsearch, planned: Plan) -> None:
    """Make the changes of a plan; this can be interrupted and repeated.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    for change in planned.changes:
        asset_requests.put(client, change.asset)
    first_indices.create(client, planned.indices)


def uninstall(client: Elasticsearch, prefix: str, *, dry_run: bool) -> tuple[list[str], list[str]]:
    """Remove what setup put on a cluster, and nothing else; events are kept.

    Args:
        client: client of the cluster.
        prefix: what all names begin with.
        dry_run: whether only to return what would be removed.

    Returns:
        What was removed, and what was kept, each with the reason.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    removed = [  # first, as a policy cannot be removed while an index uses it
        f"empty index {name}"
        for name in first_indices.empty(client, prefix)
        if dry_run or first_indices.delete_if_empty(client, name)
    ]
    kept: list[str] = []
    lifecycle = asset_requests.has_lifecycle(client)
    for asset in reversed(assets(prefix, Layout(), lifecycle=lifecycle)):
        existing = asset_requests.get(client, asset.kind, asset.name)
        if existing is None:
            continue
        title = f"{asset.kind} {asset.name}"
        if _meta(existing).get("managed_by") != MANAGED:
            kept.append(f"{title}: elkmon did not create it")
            continue
        try:
            if not dry_run:
                asset_requests.remove(client, asset.kind, asset.name)
        except BadRequestError as error:  # indices, or others' templates, still use it
            kept.append(f"{title}: {error.body['error']['reason']}")
        else:
            removed.append(title)
    return removed, kept


def _check_version(client: Elasticsearch) -> None:
    for version in asset_requests.node_versions(client):
        major, minor, *_ = (int(part) for part in version.split("-")[0].split("."))
        if (major, minor) < OLDEST:
            raise ProvisionError(
                f"this cluster runs Elasticsearch {version}: elkmon needs "
                f"{'.'.join(map(str, OLDEST))} or later"
            )


def _check_rivals(client: Elasticsearch, prefix: str) -> None:
    others = rivals(client, prefix)
    if others:
        raise ProvisionError(
            "other index templates match the same indices as elkmon's, whose priority of "
            f"{PRIORITY} is no higher: {'; '.join(others)}: {ADVICE}"
        )


def _layout(client: Elasticsearch, prefix: str) -> Layout:
    """Return the layout that a cluster was set up with, or the default layout."""
    existing = asset_requests.get(client, "component template", f"{prefix}-settings")
    if existing is None or _meta(existing).get("managed_by") != MANAGED:
        return Layout()
    index = existing["template"].get("settings", {}).get("index", {})
    default = Layout()
    return Layout(
        shards=int(index.get("number_of_shards", default.shards)),
        replicas=int(index.get("number_of_replicas", default.replicas)),
        retention=int(_meta(existing).get(RETENTION_MARK, default.retention)),
    )


def _check_ours(asset: Asset, existing: Mapping[str, Any] | None) -> None:
    if existing is None:
        return
    meta = _meta(existing)
    if meta.get("managed_by") != MANAGED:
        raise ProvisionError(
            f"there is already a {asset.kind} {asset.name} that elkmon did not create: rename it, "
            "or choose another prefix with ELKMON_INDEX_PREFIX"
        )
    if int(meta.get("version", 0)) > VERSION:
        raise ProvisionError(
            f"the {asset.kind} {asset.name} is version {meta['version']}, from a newer elkmon; "
            f"this elkmon has version {VERSION} and does not downgrade it: upgrade elkmon here"
        )


def _meta(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return body.get("policy", body).get("_meta") or {}
