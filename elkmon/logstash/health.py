"""Examine a Logstash that runs the pipelines, through its monitoring API."""

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
_OK, _SERVER_ERROR = 200, 500
_ALMOST_FULL = 0.8
"""Share of a queue that is worth a warning."""


def examine(url: str, access: Access) -> list[Finding]:
    """Examine a Logstash.

    Args:
        url: address of its monitoring API, such as ``http://localhost:9600``.
        access: timeout, certificates, and the prefix of indices.

    Returns:
        The findings, problems first.

    Raises:
        StoreError: it does not answer, or is not Logstash.
    """
    pipelines = _stats(url, access)
    findings = [
        Finding(
            "problem",
            f"the pipeline {name} does not run",
            advice="see Logstash's log; elkmon setup --logstash writes the pipelines",
        )
        for name in PIPELINES
        if name not in pipelines
    ]
    for name in PIPELINES:
        if name in pipelines:
            findings += [*_reloads(name, pipelines[name]), *_queues(name, pipelines[name])]
    return ordered([*findings, *_counts(pipelines, access.prefix)])


def _stats(url: str, access: Access) -> Mapping[str, Any]:
    anonymous = replace(access, api_key=None, username=None, password=None)
    with closing(connect(url, anonymous)) as client:
        node = client.transport.node_pool.get()
        try:
            headers = HttpHeaders({"accept": "application/json"})
            response = node.perform_request(
                "GET", _STATS, headers=headers, request_timeout=access.timeout
            )
        except TransportError as error:
            raise StoreError(problem(error, url, "report its state")) from error
    if response.meta.status == _SERVER_ERROR and not response.body:
        raise StoreError(
            f"{url} answers 500 and nothing else: Logstash's monitoring API is broken, as on new "
            "kernels of Linux (docs/troubleshooting.md); for the state of its pipelines see "
            "Logstash's log"
        )
    try:
        stats = orjson.loads(response.body)["pipelines"] if response.meta.status == _OK else None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        stats = None
    if not isinstance(stats, Mapping):
        raise StoreError(
            f"{url} answers {response.meta.status}, but is not Logstash's monitoring API: its port "
            "is 9600, or what api.http.port in logstash.yml says"
        )
    return stats


def _reloads(name: str, stats: Mapping[str, Any]) -> Iterator[Finding]:
    reloads = stats.get("reloads") or {}
    failures = reloads.get("failures") or 0
    if failures:
        last = (reloads.get("last_error") or {}).get("message", "")
        yield Finding(
            "problem",
            f"the pipeline {name} could not be reloaded: {last}",
            failures,
            advice="the previous version still runs; correct its file",
        )


def _queues(name: str, stats: Mapping[str, Any]) -> Iterator[Finding]:
    queue = stats.get("queue") or {}
    if queue.get("type") == "memory":
        yield Finding(
            "problem",
            f"the pipeline {name} has its queue in memory: a crash loses its events",
            advice="set queue.type: persisted in logstash.yml; elkmon setup --logstash does",
        )
    size, limit = queue.get("queue_size_in_bytes") or 0, queue.get("max_queue_size_in_bytes") or 0
    if limit and size >= _ALMOST_FULL * limit:
        yield Finding(
            "warning",
            f"the queue of {name} is {size / limit:.0%} full, with "
            f"{queue.get('events_count') or 0:,} events: senders will soon have to wait",
            advice="is Elasticsearch up, may the key write, has it disk space? See Logstash's log",
        )
    dead = stats.get("dead_letter_queue") or {}
    if dead.get("dropped_events"):
        yield Finding(
            "problem",
            f"the dead letter queue of {name} was full: events were lost",
            dead["dropped_events"],
            advice="is the pipeline deadletter running, and may the key write its index?",
        )


def _counts(pipelines: Mapping[str, Any], prefix: str) -> Iterator[Finding]:
    rejected = _event_count(pipelines, "deadletter", "in")
    if rejected:
        yield Finding(
            "warning",
            "events were not stored since Logstash started",
            rejected,
            (dead_letters(prefix),),
            "the index has each of them and the reason",
        )
    if "events" in pipelines:
        received = _event_count(pipelines, "events", "in")
        passed_on = _event_count(pipelines, "events", "out")
        yield Finding(
            "note",
            f"Logstash received {received:,} lines since it started, and passed on {passed_on:,} "
            "events",
        )


def _event_count(pipelines: Mapping[str, Any], name: str, counter: str) -> int:
    return int(((pipelines.get(name) or {}).get("events") or {}).get(counter) or 0)
