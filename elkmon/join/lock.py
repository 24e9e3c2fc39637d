"""One join at a time: a lock in the cluster, since joins may run on several hosts."""

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
"""How long a lock holds that nobody renews; clocks of hosts may differ by half of it."""
_RENEW = 10.0
"""Seconds after which a lock is renewed before anything is written."""
_ID = "lock"


class JoinBusyError(StoreError):
    """Say that another join is at work, or has taken over."""


def state_index(prefix: str) -> str:
    """Name the index of what the join itself keeps: its lock, and how far it has looked."""
    return f"{prefix}-join"


class Lock:
    """The lock, held: it has to be kept up, or another join takes it.

    Whoever holds it writes only behind :meth:`keep`. A join that slept longer than its lease finds
    there that it has lost; one that falls asleep right behind it meets, at each prediction, the
    sequence number that the other one has raised.
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
        self._at: dict[str, Any] = {}

    def take(self) -> None:
        """Take it, if it is free or has run out.

        Raises:
            JoinBusyError: another join holds it.
        """
        started = time.monotonic()
        try:
            given = self._client.index(
                index=self._index, id=_ID, document=self._document(), op_type="create"
            )
        except ConflictError:
            given = self._take_over()
        self._remember(given, started)

    def keep(self) -> None:
        """Renew it where that is due.

        Raises:
            JoinBusyError: another join has taken it meanwhile.
        """
        started = time.monotonic()
        if started - self._renewed < _RENEW:
            return
        try:
            given = self._client.index(
                index=self._index, id=_ID, document=self._document(), **self._at
            )
        except ConflictError as error:
            found = self._client.options(ignore_status=404).get(index=self._index, id=_ID)
            if found.get("_source", {}).get("token") != self._token:
                raise JoinBusyError(
                    "this join slept longer than its lock holds, and another one took over: it "
                    "goes on there, nothing is lost"
                ) from error
            given = found  # renewed before, though the answer to that did not come
        self._remember(given, started)

    def release(self) -> None:
        """Give it back; where that fails, it runs out by itself."""
        with suppress(ApiError, TransportError):
            self._client.delete(index=self._index, id=_ID, **self._at)

    def _take_over(self) -> Any:  # noqa: ANN401 - the client's answer
        try:
            found = self._client.get(index=self._index, id=_ID)
        except NotFoundError as error:
            raise JoinBusyError("another join ended just now: try again") from error
        held = found["_source"]
        expires = moment(held.get("expires"))
        if held.get("token") != self._token and expires is not None and self._now() < expires:
            raise JoinBusyError(
                f"another join is at work ({held.get('owner')}); its lock holds until "
                f"{held.get('expires')} unless it is renewed"
            )
        at = {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
        try:
            return self._client.index(index=self._index, id=_ID, document=self._document(), **at)
        except ConflictError as error:
            raise JoinBusyError("another join began just now") from error

    def _document(self) -> dict[str, str]:
        expires = iso(self._now() + self._lease)
        return {"owner": self.owner, "token": self._token, "expires": expires}

    def _remember(self, given: Any, started: float) -> None:  # noqa: ANN401
        self._at = {"if_seq_no": given["_seq_no"], "if_primary_term": given["_primary_term"]}
        self._renewed = started


@contextmanager
def locked(
    client: Elasticsearch, prefix: str, now: Callable[[], datetime], lease: timedelta = LEASE
) -> Iterator[Lock]:
    """Hold the lock.

    Args:
        client: of the cluster.
        prefix: of index names.
        now: the time, aware.
        lease: how long it holds without being renewed.

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
    """Make the index of the lock, if it is not there: nothing in it is searched for."""
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
