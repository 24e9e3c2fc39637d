"""What is wrong with a Logstash that runs the pipelines: read from its monitoring API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import orjson
from elastic_transport import HttpHeaders, TransportError

from elkmon.events.cluster_settings import Access
from elkmon.events.errors import StoreError
from elkmon.stores.elastic.connect import connect, problem
from elkmon.stores.elastic.indices import dead_letters
from elkmon.stores.finding import Finding, ordered

__all__ = ["PIPELINES", "examine"]

PIPELINES = ("files", "http", "beats", "events", "deadletter")
_STATS = "/_node/stats/pipelines"
_OK, _BROKEN = 200, 500
_FULL = 0.8
"""Share of a queue from which on it is a warning."""


def examine(url: str, access: Access) -> list[Finding]:
    """Examine a Logstash.

    Args:
        url: of its monitoring API, such as ``http://localhost:9600``.
        access: patience, certificates, and the prefix of indices.

    Returns:
        The findings, problems first.

    Raises:
        StoreError: it does not answer, or is something else.
    """
    there = _stats(url, access)
    found = [
        Finding(
            "problem",
            f"the pipeline {name} does not run",
            advice="Logstash's log says why; elkmon setup --logstash writes the pipelines",
        )
        for name in PIPELINES
        if name not in there
    ]
    for name in PIPELINES:
        if name in there:
            found += [*_reloads(name, there[name]), *_queues(name, there[name])]
    return ordered([*found, *_counts(there, access.prefix)])


def _stats(url: str, access: Access) -> Mapping[str, Any]:
    with closing(connect(url, replace(access, api_key=None, username=None, password=None))) as made:
        node = made.transport.node_pool.get()
        try:
            headers = HttpHeaders({"accept": "application/json"})
            answer = node.perform_request(
                "GET", _STATS, headers=headers, request_timeout=access.timeout
            )
        except TransportError as error:
            raise StoreError(problem(error, url, "say how it is")) from error
    if answer.meta.status == _BROKEN and not answer.body:
        raise StoreError(
            f"{url} answers 500 and nothing else: Logstash's monitoring API is broken, as on new "
            "kernels of Linux (docs/troubleshooting.md), which says nothing of its pipelines; its "
            "log does"
        )
    try:
        stats = orjson.loads(answer.body)["pipelines"] if answer.meta.status == _OK else None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        stats = None
    if not isinstance(stats, Mapping):
        raise StoreError(
            f"{url} answers {answer.meta.status}, and not as Logstash's monitoring API does: its "
            "port is 9600 where api.http.port says nothing else"
        )
    return stats


def _reloads(name: str, stats: Mapping[str, Any]) -> Iterator[Finding]:
    reloads = stats.get("reloads") or {}
    failures = reloads.get("failures") or 0
    if failures:
        last = (reloads.get("last_error") or {}).get("message", "")
        yield Finding(
            "problem",
            f"the pipeline {name} could not be loaded again: {last}",
            failures,
            advice="it runs as it was before; mend its file",
        )


def _queues(name: str, stats: Mapping[str, Any]) -> Iterator[Finding]:
    queue = stats.get("queue") or {}
    if queue.get("type") == "memory":
        yield Finding(
            "problem",
            f"the pipeline {name} keeps its queue in memory: a crash loses what is in it",
            advice="queue.type: persisted in logstash.yml, as elkmon setup --logstash writes it",
        )
    size, most = queue.get("queue_size_in_bytes") or 0, queue.get("max_queue_size_in_bytes") or 0
    if most and size >= _FULL * most:
        yield Finding(
            "warning",
            f"the queue of {name} is full to {size / most:.0%}, with "
            f"{queue.get('events_count') or 0:,} events: what posts here has to wait soon",
            advice="is Elasticsearch up, may the key write, has it room? Logstash's log says",
        )
    dead = stats.get("dead_letter_queue") or {}
    if dead.get("dropped_events"):
        yield Finding(
            "problem",
            f"the dead letter queue of {name} was full: events are lost",
            dead["dropped_events"],
            advice="is the pipeline deadletter running, and may the key write its index?",
        )


def _counts(there: Mapping[str, Any], prefix: str) -> Iterator[Finding]:
    apart = _of(there, "deadletter", "in")
    if apart:
        yield Finding(
            "warning",
            "events were not stored since Logstash was started",
            apart,
            (dead_letters(prefix),),
            "each is there with its reason",
        )
    taken, stored = _of(there, "events", "in"), _of(there, "events", "out")
    if "events" in there:
        yield Finding(
            "note",
            f"{taken:,} lines were taken since it was started, {stored:,} events handed on",
        )


def _of(there: Mapping[str, Any], name: str, what: str) -> int:
    return int(((there.get(name) or {}).get("events") or {}).get(what) or 0)
