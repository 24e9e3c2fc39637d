"""Requests to a cluster about one asset, and about what the cluster supports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from elkmon.cluster.templates import Asset, AssetKind

__all__ = ["get", "has_lifecycle", "knows_setting", "node_versions", "put", "remove"]

Body = Mapping[str, Any]

_PATHS: Mapping[AssetKind, str] = {
    "lifecycle policy": "/_ilm/policy/",
    "component template": "/_component_template/",
    "index template": "/_index_template/",
}
_JSON = {"accept": "application/json", "content-type": "application/json"}


def get(client: Elasticsearch, kind: AssetKind, name: str) -> Body | None:
    """Return an asset's body as the cluster has it, or None if the cluster has no such asset.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    try:
        body = client.perform_request("GET", _PATHS[kind] + name, headers=_JSON).body
    except NotFoundError:
        return None
    if kind == "lifecycle policy":
        return body[name]  # type: ignore[no-any-return]  # JSON
    key = kind.replace(" ", "_")
    return body[f"{key}s"][0][key]  # type: ignore[no-any-return]  # likewise


def put(client: Elasticsearch, asset: Asset) -> None:
    """Create an asset, or replace the one of the same name.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    path = _PATHS[asset.kind] + asset.name
    client.perform_request("PUT", path, headers=_JSON, body=dict(asset.body))


def remove(client: Elasticsearch, kind: AssetKind, name: str) -> None:
    """Remove an asset.

    Raises:
        ApiError, TransportError: the asset does not exist or is still in use, or the cluster does
            not answer.
    """
    client.perform_request("DELETE", _PATHS[kind] + name, headers=_JSON)


def has_lifecycle(client: Elasticsearch) -> bool:
    """Return whether a cluster has index lifecycle management, and so can delete by age.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    try:
        client.perform_request("GET", "/_ilm/status", headers=_JSON)
    except BadRequestError:
        return False
    except ApiError as error:
        if error.meta.status == 405:  # noqa: PLR2004 - HTTP's: the path means something else there
            return False
        raise
    return True


def knows_setting(client: Elasticsearch, setting: str) -> bool:
    """Return whether a cluster knows an index setting, by simulating a template that has it.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    template = {"settings": {setting: "true"}}
    try:
        client.indices.simulate_template(
            index_patterns=["elkmon-tries-what-is-known-*"], template=template
        )
    except BadRequestError as error:
        if f"unknown setting [{setting}]" in str(error.body):
            return False
        raise
    return True


def node_versions(client: Elasticsearch) -> set[str]:
    """Return the Elasticsearch versions of a cluster's nodes.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    nodes = client.perform_request("GET", "/_nodes/_all/_none", headers=_JSON).body["nodes"]
    return {node["version"] for node in nodes.values()}
