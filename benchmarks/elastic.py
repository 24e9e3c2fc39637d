"""Measure questions to a cluster against hand-written aggregations on the same documents.

One million labelled predictions of three models and four versions, over two weeks, on a real server
(the one of the tests, with 1 GB of heap). Error rate by hour × model × version: the hand-written
aggregations have to return the same counts, and the fastest of them is taken.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch, helpers

from benchmarks.rounds import Row, interleaved, show
from elkmon.cluster.asset_requests import put
from elkmon.cluster.templates import Layout, assets
from elkmon.events.cluster_settings import Access
from elkmon.stores.elastic.store import ElasticStore
from elkmon.stores.protocol import FieldValue, Filter, Measure, TimeBucket
from tests.support import elasticsearch_servers as servers

DOCUMENTS = int(os.environ.get("BENCH_DOCUMENTS", "1000000"))
START = datetime(2026, 11, 2, tzinfo=timezone.utc)
HOURS = 14 * 24
PREFIX = "bench"
_INDEX = f"{PREFIX}-prediction-2026.11.01"
_FIELDS = {"m": "ml.model.name", "v": "ml.model.version"}
_WINDOW = Filter(START, START + timedelta(hours=HOURS))

Counts = dict[tuple[Any, ...], tuple[int, int]]
"""Labelled and wrong by hour, model and version. Hours are times, or milliseconds since 1970."""


def main(rounds: int = 9) -> None:
    """Start a server, fill it, measure, and print the table."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        Path(folder).chmod(0o755)  # the server runs as another user
        server = servers.launch("9.2", Path(folder) / "server", java="-Xms1g -Xmx1g")
        try:
            _run(server.url, rounds)
        finally:
            servers.stop(server)


def _run(url: str, rounds: int) -> None:
    with closing(Elasticsearch(url, request_timeout=120)) as client:
        for asset in assets(PREFIX, Layout(replicas=0), lifecycle=False):
            put(client, asset)
        for ok, item in helpers.parallel_bulk(client, documents(), thread_count=2, chunk_size=5000):
            if not ok:
                raise SystemExit(f"not loaded: {item}")
        client.indices.refresh(index=_INDEX)
        client.options(request_timeout=600).indices.forcemerge(index=_INDEX, max_num_segments=1)
        client.indices.put_settings(index=_INDEX, settings={"index.requests.cache.enable": False})
        store = ElasticStore(url, Access(prefix=PREFIX, timeout=120))
        with closing(store):
            _measure(client, store, rounds)


def _measure(client: Elasticsearch, store: ElasticStore, rounds: int) -> None:
    hand: dict[str, Callable[[], Counts]] = {
        "terms in terms": lambda: nested(client),
        "composite, filters within": lambda: composite(client),
        "composite, outcome as a source": lambda: outcomes(client),
    }
    elkmon_answers = {
        "ours": lambda: ours(store, ()),
        "ours with weights": lambda: ours(store, WEIGHTS),
    }
    everything = {**elkmon_answers, **hand}
    answers = {name: _in_milliseconds(ask()) for name, ask in everything.items()}
    different = [name for name, answer in answers.items() if answer != answers["ours"]]
    if different:
        raise SystemExit(f"not the same answer: {', '.join(different)}")
    medians = interleaved(everything, rounds)
    for name, seconds in medians.items():
        print(f"{name}: {seconds * 1000:.0f} ms")
    best = min(hand, key=medians.__getitem__)
    show(
        "Asking Elasticsearch",
        [
            _row(f"error rate by hour × model × version / best hand-written ({best})",
                 medians["ours"], medians[best], "≤ 1.2"),
            _row("the same with Σw and Σw², as `elkmon errors` asks it",
                 medians["ours with weights"], medians[best], "stated"),
        ],
    )  # fmt: skip


def _row(name: str, a: float, b: float, bound: str) -> Row:
    return Row(name, a / b, bound, f"{a * 1000:.0f} against {b * 1000:.0f} ms")


def documents() -> Iterator[dict[str, Any]]:
    """Yield predictions as ship and join store them."""
    pick = random.Random(5)  # noqa: S311 - no secret
    for number in range(DOCUMENTS):
        at = START + timedelta(milliseconds=pick.randrange(HOURS * 3_600_000))
        time = f"{at.isoformat(timespec='milliseconds')[:-6]}Z"
        right = pick.random() < 0.9
        yield {
            "_op_type": "create",
            "_index": _INDEX,
            "_id": f"{number:032x}",
            "@timestamp": time,
            "event": {
                "id": f"{number:032x}",
                "dataset": "elkmon.prediction",
                "outcome": "success",
                "created": time,
            },
            "ml": {
                "model": {
                    "name": pick.choice(("fraud", "churn", "triage")),
                    "version": pick.choice(("2.0.0", "2.1.0", "2.2.0", "2.3.1")),
                },
                "prediction": {"id": str(number), "label": "fraud", "score": pick.random()},
                "features": {"number": {f"x{i}": pick.random() for i in range(4)}},
                "segment": {"country": pick.choice(("de", "fr", "it"))},
                "truth": {"label": "fraud" if right else "legit", "observed_at": time},
                "eval": {"outcome": "correct" if right else "wrong"},
            },
        }


COUNT = Measure("count")
WEIGHTS = (Measure("weight"), Measure("weight2"))


def ours(store: ElasticStore, measures: tuple[Measure, ...]) -> Counts:
    """Return the counts from the store."""
    by = (TimeBucket(1, "h"), *map(FieldValue, _FIELDS.values()), FieldValue("ml.eval.outcome"))
    table = store.aggregate("elkmon.prediction", by=by, measures=(COUNT, *measures), where=_WINDOW)
    counts: dict[tuple[Any, ...], list[int]] = {}
    for hour, model, version, outcome, count, *_ in table.rows:
        assert isinstance(count, int)  # noqa: S101 - for mypy
        _add(counts, (hour, model, version), outcome, count)
    return _frozen(counts)


def nested(client: Elasticsearch) -> Counts:
    """Return the counts from terms within terms."""
    outcomes = {"o": {"terms": {"field": "ml.eval.outcome"}}}
    hours = {"date_histogram": {"field": "@timestamp", "fixed_interval": "1h"}, "aggs": outcomes}
    versions = {"terms": {"field": _FIELDS["v"], "size": 100}, "aggs": {"h": hours}}
    models = {"terms": {"field": _FIELDS["m"], "size": 100}, "aggs": {"v": versions}}
    counts: dict[tuple[Any, ...], list[int]] = {}
    for model in _ask(client, {"m": models})["m"]["buckets"]:
        for version in model["v"]["buckets"]:
            for hour in version["h"]["buckets"]:
                for outcome in hour["o"]["buckets"]:
                    key = (hour["key"], model["key"], version["key"])
                    _add(counts, key, outcome["key"], outcome["doc_count"])
    return _frozen(counts)


def composite(client: Elasticsearch) -> Counts:
    """Return the counts from a composite, with wrong answers from a filter in it."""
    wrong = {
        "wrong": {"filter": {"term": {"ml.eval.outcome": "wrong"}}},
        "labelled": {"filter": {"exists": {"field": "ml.eval.outcome"}}},
    }
    body = {"g": {"composite": {"size": 60_000, "sources": _sources()}, "aggs": wrong}}
    return {
        (b["key"]["h"], b["key"]["m"], b["key"]["v"]): (
            b["labelled"]["doc_count"],
            b["wrong"]["doc_count"],
        )
        for b in _ask(client, body)["g"]["buckets"]
    }


def outcomes(client: Elasticsearch) -> Counts:
    """Return the counts from a composite with the outcome as a source."""
    sources = [*_sources(), {"o": {"terms": {"field": "ml.eval.outcome"}}}]
    counts: dict[tuple[Any, ...], list[int]] = {}
    body = {"g": {"composite": {"size": 60_000, "sources": sources}}}
    for bucket in _ask(client, body)["g"]["buckets"]:
        key = bucket["key"]
        _add(counts, (key["h"], key["m"], key["v"]), key["o"], bucket["doc_count"])
    return _frozen(counts)


def _sources() -> list[dict[str, Any]]:
    hours = {"h": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1h"}}}
    return [hours, *({name: {"terms": {"field": field}}} for name, field in _FIELDS.items())]


def _ask(client: Elasticsearch, aggregations: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    window = {"gte": START.isoformat(), "lt": (START + timedelta(hours=HOURS)).isoformat()}
    return client.search(
        index=_INDEX,
        size=0,
        track_total_hits=False,
        query={"bool": {"filter": [{"range": {"@timestamp": window}}]}},
        aggs=aggregations,
    )["aggregations"]


def _add(counts: dict[tuple[Any, ...], list[int]], key: Any, outcome: object, count: int) -> None:  # noqa: ANN401
    pair = counts.setdefault(key, [0, 0])
    pair[0] += count
    pair[1] += count if outcome == "wrong" else 0


def _in_milliseconds(counts: Counts) -> Counts:
    return {
        (int(hour.timestamp() * 1000) if isinstance(hour, datetime) else hour, *key): pair
        for (hour, *key), pair in counts.items()
    }


def _frozen(counts: dict[tuple[Any, ...], list[int]]) -> Counts:
    return {key: (labelled, wrong) for key, (labelled, wrong) in counts.items()}


if __name__ == "__main__":
    main()
