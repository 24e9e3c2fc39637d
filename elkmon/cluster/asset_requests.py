"""Look at, put and remove one asset on a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from elkmon.cluster.templates import Asset, Kinds

__all__ = ["found", "has_lifecycle", "knows", "put", "remove", "versions"]

Body = Mapping[str, Any]

_PATHS: Mapping[Kinds, str] = {
    "lifecycle policy": "/_ilm/policy/",
    "component template": "/_component_template/",
    "index template": "/_index_template/",
}
_JSON = {"accept": "application/json", "content-type": "application/json"}


def found(client: Elasticsearch, kind: Kinds, name: str) -> Body | None:
    """Give an asset's body as the cluster has it; None where it has none of this name.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    try:
        body = client.perform_request("GET", _PATHS[kind] + name, headers=_JSON).body
    except NotFoundError:
        return None
    if kind == "lifecycle policy":
        return body[name]  # type: ignore[no-any-return]  # JSON
    one = kind.replace(" ", "_")
    return body[f"{one}s"][0][one]  # type: ignore[no-any-return]  # likewise


def put(client: Elasticsearch, asset: Asset) -> None:
    """Put an asset, whatever was there.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    path = _PATHS[asset.kind] + asset.name
    client.perform_request("PUT", path, headers=_JSON, body=dict(asset.body))


def remove(client: Elasticsearch, kind: Kinds, name: str) -> None:
    """Remove an asset.

    Raises:
        ApiError, TransportError: it is not there, or still used, or the cluster does not answer.
    """
    client.perform_request("DELETE", _PATHS[kind] + name, headers=_JSON)


def has_lifecycle(client: Elasticsearch) -> bool:
    """Say whether a cluster can delete by age at all.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    try:
        client.perform_request("GET", "/_ilm/status", headers=_JSON)
    except BadRequestError:
        return False
    except ApiError as error:
        if error.meta.status == 405:  # noqa: PLR2004 - HTTP's: the path is something else's there
            return False
        raise
    return True


def knows(client: Elasticsearch, setting: str) -> bool:
    """Say whether a cluster knows a setting of indices, by a template that is only simulated.

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


def versions(client: Elasticsearch) -> set[str]:
    """Give the versions of a cluster's nodes.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    nodes = client.perform_request("GET", "/_nodes/_all/_none", headers=_JSON).body["nodes"]
    return {node["version"] for node in nodes.values()}
