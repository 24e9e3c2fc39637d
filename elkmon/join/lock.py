"""A lock in the cluster: only one join runs at a time, on whichever host."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from elasticsearch import ApiError, BadRequestError, ConflictError, Elasticsearch, NotFoundError
from elasticsearch.exceptions import TransportError

from elkmon.events.errors import StoreError
from elkmon.join.documents import iso, moment

__all__ = ["LEASE", "JoinBusyError", "Lock", "locked", "state_index"]

LEASE = timedelta(seconds=60)
"""How long a lock holds without being renewed; clocks of hosts may differ by half of it."""
_RENEW = 10.0
"""Age in seconds at which a lock is renewed before anything is written."""
_ID = "lock"


class JoinBusyError(StoreError):
    """Another join is running, or has taken over."""


def state_index(prefix: str) -> str:
    """Return the name of the join's own index, with its lock and how far it has looked."""
    return f"{prefix}-join"


class Lock:
    """The lock, which has to be renewed, or another join takes it.

    Its holder writes only after :meth:`renew`. A join that slept longer than its lease learns there
    that it has lost the lock; one that falls asleep right after it fails at each prediction that
    the other join has changed, by its sequence number.
    """

    def __init__(
        self, client: Elasticsearch, prefix: str, now: Callable[[], datetime], lease: timedelta
    ) -> None:
        self._client = client
        self._index = state_index(prefix)
        self._now = now
        self._lease = lease
        self.owner = f"{socket.gethostname()}, process {os.getpid()}"
        self._token = uuid4().hex
        self._renewed = 0.0
        self._version: dict[str, Any] = {}

    def take(self) -> None:
        """Take the lock, if it is free or has expired.

        Raises:
            JoinBusyError: another join holds it.
        """
        started = time.monotonic()
        try:
            answer = self._client.index(
                index=self._index, id=_ID, document=self._document(), op_type="create"
            )
        except ConflictError:
            answer = self._take_over()
        self._remember(answer, started)

    def renew(self) -> None:
        """Renew the lock if that is due.

        Raises:
            JoinBusyError: another join has taken it meanwhile.
        """
        started = time.monotonic()
        if started - self._renewed < _RENEW:
            return
        try:
            answer = self._client.index(
                index=self._index, id=_ID, document=self._document(), **self._version
            )
        except ConflictError as error:
            answer = self._client.options(ignore_status=404).get(index=self._index, id=_ID)
            if answer.get("_source", {}).get("token") != self._token:
                raise JoinBusyError(
                    "this join was suspended for longer than its lock holds, and another join took "
                    "over: nothing is lost"
                ) from error
            # else it was renewed before, though the answer to that was lost
        self._remember(answer, started)

    def release(self) -> None:
        """Release the lock; if that fails, it expires by itself."""
        with suppress(ApiError, TransportError):
            self._client.delete(index=self._index, id=_ID, **self._version)

    def _take_over(self) -> Any:  # noqa: ANN401 - the client's answer
        try:
            existing = self._client.get(index=self._index, id=_ID)
        except NotFoundError as error:
            raise JoinBusyError("another join has just ended: try again") from error
        lock = existing["_source"]
        expires = moment(lock.get("expires"))
        if lock.get("token") != self._token and expires is not None and self._now() < expires:
            raise JoinBusyError(
                f"another join is running ({lock.get('owner')}): wait until it ends; if it was "
                f"killed, its lock expires at {lock.get('expires')}"
            )
        try:
            return self._client.index(
                index=self._index, id=_ID, document=self._document(), **_version(existing)
            )
        except ConflictError as error:
            raise JoinBusyError("another join has just begun: wait until it ends") from error

    def _document(self) -> dict[str, str]:
        expires = iso(self._now() + self._lease)
        return {"owner": self.owner, "token": self._token, "expires": expires}

    def _remember(self, answer: Any, started: float) -> None:  # noqa: ANN401
        self._version = _version(answer)
        self._renewed = started


def _version(answer: Any) -> dict[str, Any]:  # noqa: ANN401 - the client's answer
    return {"if_seq_no": answer["_seq_no"], "if_primary_term": answer["_primary_term"]}


@contextmanager
def locked(
    client: Elasticsearch, prefix: str, now: Callable[[], datetime], lease: timedelta = LEASE
) -> Iterator[Lock]:
    """Hold the lock.

    Args:
        client: client of the cluster.
        prefix: what the names of indices begin with.
        now: returns the time, aware.
        lease: how long the lock holds without being renewed.

    Raises:
        JoinBusyError: another join holds it.
    """
    _make_index(client, prefix)
    lock = Lock(client, prefix, now, lease)
    lock.take()
    try:
        yield lock
    finally:
        lock.release()


def _make_index(client: Elasticsearch, prefix: str) -> None:
    """Create the index of the lock, if it does not exist; nothing in it is searchable."""
    index = state_index(prefix)
    if "error" not in client.options(ignore_status=404).get(index=index, id=_ID):
        return
    try:
        client.indices.create(
            index=index,
            mappings={"dynamic": False},
            settings={"number_of_shards": 1, "auto_expand_replicas": "0-1"},
        )
    except BadRequestError as error:
        if error.error != "resource_already_exists_exception":
            raise
