"""What each job may do on a cluster, and no more: a role and an API key for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from elasticsearch import BadRequestError, Elasticsearch

from elkmon.cluster.templates import MANAGED, mark
from elkmon.events.errors import ProvisionError
from elkmon.join.lock import state_index
from elkmon.stores.elastic.indices import dead_letters, pattern

__all__ = ["JOBS", "Job", "make_keys", "revoke", "role"]

Job = Literal["writer", "reader", "worker"]
JOBS: tuple[Job, ...] = ("writer", "reader", "worker")

_PRIVILEGES: Mapping[Job, tuple[str, ...]] = {
    # documents by new ids only; indices come into being by their templates
    "writer": ("create_doc", "auto_configure", "view_index_metadata"),
    "reader": ("read", "view_index_metadata", "monitor"),
    # a label is written onto a prediction that is there; labels are refreshed before a join
    "worker": ("read", "index", "auto_configure", "view_index_metadata", "maintenance"),
}


def role(job: Job, prefix: str) -> dict[str, Any]:
    """Give what a job may do.

    Args:
        job: which.
        prefix: of the indices.
    """
    names = pattern(prefix).split(",")
    if job != "worker":  # it keeps its own dead letters in files
        names.append(dead_letters(prefix))
    indices = [{"names": names, "privileges": list(_PRIVILEGES[job])}]
    if job == "worker":
        own = ["read", "index", "delete", "create_index"]
        indices.append({"names": [state_index(prefix)], "privileges": own})
    # monitor: versions and licence, which Logstash and Filebeat ask for before they write
    return {"cluster": ["monitor"], "indices": indices, "metadata": mark()}


def make_keys(client: Elasticsearch, prefix: str) -> dict[Job, str]:
    """Make, or bring up to date, a role for each job, and make a new API key for each.

    Keys that were made before stay valid.

    Args:
        client: of the cluster, with a user's credentials.
        prefix: of all names.

    Returns:
        Keys as ELKMON_API_KEY takes them; the cluster does not tell them again.

    Raises:
        ProvisionError: the cluster has no security, or a role is not ours, or the credentials are
            an API key themselves.
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    there = _roles(client, prefix)
    for name, found in there.items():
        if found.get("metadata", {}).get("managed_by") != MANAGED:
            raise ProvisionError(
                f"there is a role {name} that elkmon did not put there: rename it, or choose other "
                "names by ELKMON_INDEX_PREFIX"
            )
    keys: dict[Job, str] = {}
    for job in JOBS:
        body = role(job, prefix)
        client.security.put_role(name=_name(prefix, job), **body)
        try:
            made = client.security.create_api_key(
                name=_name(prefix, job),
                role_descriptors={job: body},
                metadata={**mark(), "prefix": prefix, "job": job},
            )
        except BadRequestError as error:
            if "derived" not in str(error.body):
                raise
            raise ProvisionError(
                "an API key cannot make other keys: set ELKMON_USERNAME and ELKMON_PASSWORD of a "
                "user who may (manage_security, or manage_own_api_key with these privileges)"
            ) from error
        keys[job] = made["encoded"]
    return keys


def revoke(client: Elasticsearch, prefix: str, *, dry_run: bool) -> list[str]:
    """Remove the roles and invalidate the keys that were made for a prefix.

    Args:
        client: of the cluster.
        prefix: of all names.
        dry_run: whether only to say what would go.

    Returns:
        What went; nothing where the cluster has no security.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    try:
        roles = _roles(client, prefix)
    except ProvisionError:
        return []
    gone = []
    for name, found in roles.items():
        if found.get("metadata", {}).get("managed_by") == MANAGED:
            if not dry_run:
                client.security.delete_role(name=name)
            gone.append(f"role {name}")
    for job in JOBS:
        name = _name(prefix, job)
        made = [
            key["id"]
            for key in client.security.get_api_key(name=name)["api_keys"]
            if not key["invalidated"] and key.get("metadata", {}).get("managed_by") == MANAGED
        ]
        if made and not dry_run:
            client.security.invalidate_api_key(ids=made)
        gone += [f"API key {name}, {each}" for each in made]
    return gone


def _roles(client: Elasticsearch, prefix: str) -> dict[str, Any]:
    """Give the roles of our names that are there.

    Raises:
        ProvisionError: the cluster has no security.
    """
    names = ",".join(_name(prefix, job) for job in JOBS)
    try:
        return dict(client.options(ignore_status=404).security.get_role(name=names))
    except BadRequestError as error:
        if "no handler found" not in str(error.body):
            raise
        raise ProvisionError(
            "this cluster has no security: everyone may do everything, and there is no API key; "
            "set xpack.security.enabled on it first"
        ) from error


def _name(prefix: str, job: Job) -> str:
    return f"{prefix}-{job}"
