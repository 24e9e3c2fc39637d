"""A role and an API key for each job (writer, reader, worker), each with the rights it needs."""

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
    # only new documents, no changes; indices are created from their templates
    "writer": ("create_doc", "auto_configure", "view_index_metadata"),
    "reader": ("read", "view_index_metadata", "monitor"),
    # labels are written onto predictions that exist; labels are refreshed before a join
    "worker": ("read", "index", "auto_configure", "view_index_metadata", "maintenance"),
}


def role(job: Job, prefix: str) -> dict[str, Any]:
    """Return the role of a job: its privileges, as Elasticsearch takes them.

    Args:
        job: the job.
        prefix: what the names of the indices begin with.
    """
    names = pattern(prefix).split(",")
    if job != "worker":  # it keeps its own dead letters in files
        names.append(dead_letters(prefix))
    indices = [{"names": names, "privileges": list(_PRIVILEGES[job])}]
    if job == "worker":
        lock_privileges = ["read", "index", "delete", "create_index"]
        indices.append({"names": [state_index(prefix)], "privileges": lock_privileges})
    # monitor: Logstash and Filebeat ask for versions and licence before they write
    return {"cluster": ["monitor"], "indices": indices, "metadata": mark()}


def make_keys(client: Elasticsearch, prefix: str) -> dict[Job, str]:
    """Create or update a role for each job, and create a new API key for each.

    Keys that were created before stay valid.

    Args:
        client: client of the cluster, with a user's credentials.
        prefix: what all names begin with.

    Returns:
        The keys as ELKMON_API_KEY takes them; the cluster never shows them again.

    Raises:
        ProvisionError: the cluster has no security, a role is not ours, or the credentials are
            themselves an API key.
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    for name, existing in _roles(client, prefix).items():
        if not _is_ours(existing):
            raise ProvisionError(
                f"there is already a role {name} that elkmon did not create: rename it, or choose "
                "another prefix with ELKMON_INDEX_PREFIX"
            )
    keys: dict[Job, str] = {}
    for job in JOBS:
        body = role(job, prefix)
        client.security.put_role(name=_name(prefix, job), **body)
        try:
            created = client.security.create_api_key(
                name=_name(prefix, job),
                role_descriptors={job: body},
                metadata={**mark(), "prefix": prefix, "job": job},
            )
        except BadRequestError as error:
            if "derived" not in str(error.body):
                raise
            raise ProvisionError(
                "an API key cannot create other keys: set ELKMON_USERNAME and ELKMON_PASSWORD of a "
                "user who may (manage_security, or manage_own_api_key with these privileges)"
            ) from error
        keys[job] = created["encoded"]
    return keys


def revoke(client: Elasticsearch, prefix: str, *, dry_run: bool) -> list[str]:
    """Remove the roles and invalidate the keys that were created for a prefix.

    Args:
        client: client of the cluster.
        prefix: what all names begin with.
        dry_run: whether only to return what would be removed.

    Returns:
        What was removed; nothing if the cluster has no security.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    try:
        roles = _roles(client, prefix)
    except ProvisionError:
        return []
    removed = []
    for name, existing in roles.items():
        if _is_ours(existing):
            if not dry_run:
                client.security.delete_role(name=name)
            removed.append(f"role {name}")
    for job in JOBS:
        name = _name(prefix, job)
        key_ids = [
            key["id"]
            for key in client.security.get_api_key(name=name)["api_keys"]
            if not key["invalidated"] and _is_ours(key)
        ]
        if key_ids and not dry_run:
            client.security.invalidate_api_key(ids=key_ids)
        removed += [f"API key {name}, {key_id}" for key_id in key_ids]
    return removed


def _is_ours(role_or_key: Mapping[str, Any]) -> bool:
    return role_or_key.get("metadata", {}).get("managed_by") == MANAGED  # type: ignore[no-any-return]  # JSON


def _roles(client: Elasticsearch, prefix: str) -> dict[str, Any]:
    """Return the existing roles that have our names.

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
            "this cluster has no security: everyone may do everything, and API keys do not exist; "
            "enable it first with xpack.security.enabled"
        ) from error


def _name(prefix: str, job: Job) -> str:
    return f"{prefix}-{job}"
