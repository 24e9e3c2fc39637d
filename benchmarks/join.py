"""Measure the join of late labels against a bare loop of mget and bulk updates on one server.

One million predictions of a month on a real server (the one of the tests, with more heap), and
labels for a fifth of them. The bare loop pages through labels without a state, reads their
predictions by id, and updates both with one bulk request per page; it looks for no other labels,
months or orphans, and has no lock. Each round gives both the same number of new labels.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import orjson
from elasticsearch import Elasticsearch, helpers

from benchmarks.rounds import Row, show
from elkmon.cluster.asset_requests import put
from elkmon.cluster.templates import Layout, assets
from elkmon.events.ids import new_id, prediction_key
from elkmon.join.join_pass import PAGE, join
from elkmon.stores.elastic.indices import index_of
from tests.support import elasticsearch_servers as servers

PREDICTIONS = int(os.environ.get("BENCH_DOCUMENTS", "1000000"))
SHARE = 0.2
ROUND = 10_000
PREFIX = "bench"
START = datetime(2026, 11, 1, tzinfo=timezone.utc)
_INDEX = f"{PREFIX}-prediction-2026.11.01"
_LABELS = f"{PREFIX}-label-*"
_MONTH = 30 * 86_400_000


def main(rounds: int = 7) -> None:
    """Start a server, fill it, measure, and print the table."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        Path(folder).chmod(0o755)  # the server runs as another user
        server = servers.launch("9.2", Path(folder) / "server", java="-Xms2g -Xmx2g")
        try:
            with closing(Elasticsearch(server.url, request_timeout=300)) as client:
                _run(client, rounds)
        finally:
            servers.stop(server)


def _run(client: Elasticsearch, rounds: int) -> None:
    for asset in assets(PREFIX, Layout(replicas=0), lifecycle=False):
        put(client, asset)
    ids: list[str] = []
    _load(client, predictions(ids))
    Random(7).shuffle(ids)  # noqa: S311 - no secret
    client.indices.forcemerge(index=_INDEX, max_num_segments=1)
    before = _size(client)
    _label(client, ids, int(PREDICTIONS * SHARE))
    first_join = _timed(lambda: join(client, PREFIX))
    after = _size(client)
    client.indices.forcemerge(index=_INDEX, max_num_segments=1)
    merged = _size(client)
    fifth = int(PREDICTIONS * SHARE)

    spent: dict[str, list[float]] = {"ours": [], "bare": []}
    for number in range(-1, rounds):
        for name, task in (
            ("ours", lambda: join(client, PREFIX).joined),
            ("bare", lambda: bare(client)),
        ):
            _label(client, ids, ROUND)
            seconds = _timed(task)
            if number >= 0:
                spent[name].append(seconds)
    ours, loop = median(spent["ours"]), median(spent["bare"])
    show(
        "Joining late labels",
        [
            Row("labels a second: `elkmon join` / a bare loop of mget and bulk updates",
                loop / ours, "≥ 0.8", f"{ROUND / ours:,.0f} against {ROUND / loop:,.0f} a second"),
            Row(f"index of {PREDICTIONS:,} predictions, {fifth:,} of them labelled, as it stands "
                "behind the join / before",
                after / before, "stated", f"{after / 1e6:,.0f} against {before / 1e6:,.0f} MB"),
            Row("the same, merged to one segment", merged / before, "stated",
                f"{merged / 1e6:,.0f} against {before / 1e6:,.0f} MB"),
        ],
    )  # fmt: skip
    print(f"\nJoining {fifth:,} labels onto {PREDICTIONS:,} predictions took {first_join:,.1f} s "
          f"({fifth / first_join:,.0f} a second).")  # fmt: skip


def predictions(ids: list[str]) -> Iterator[dict[str, Any]]:
    """Yield predictions of a month, and append their ids to a list."""
    random = Random(5)  # noqa: S311 - no secret
    first = int(START.timestamp() * 1000)
    for number in range(PREDICTIONS):
        ms = first + number * _MONTH // PREDICTIONS
        prediction_id = new_id(ms)
        ids.append(prediction_id)
        at = datetime.fromtimestamp(ms / 1000, timezone.utc).isoformat(timespec="milliseconds")
        at = at[:23] + "Z"
        score = random.random()
        yield {
            "@timestamp": at,
            "event": {"id": prediction_key("fraud", prediction_id), "dataset": "elkmon.prediction",
                      "kind": "event", "created": at, "sequence": number + 1,
                      "outcome": "success", "duration": 12_000_000},
            "service": {"name": "bench"},
            "process": {"pid": 1, "entity_id": "p1"},
            "ml": {
                "schema": 1,
                "model": {"name": "fraud", "version": "2.3.1"},
                "task": "binary",
                "prediction": {"id": prediction_id, "label": "fraud" if score > 0.5 else "legit",
                               "positive": "fraud", "score": score},
                "duration_bin": 823,
                "features": {
                    "number": {f"amount_{position}": random.random() for position in range(8)},
                    "category": {"country": random.choice(["de", "fr", "it"]),
                                 "device": random.choice(["ios", "android"])},
                },
                "segment": {"country": random.choice(["de", "fr", "it"])},
            },
        }  # fmt: skip


def _label(client: Elasticsearch, ids: list[str], count: int) -> None:
    """Load labels of unlabelled predictions."""
    at = "2026-11-30T00:00:00.000Z"
    labelled = [ids.pop() for _ in range(count)]
    _load(client, (
        {
            "@timestamp": at,
            "event": {"id": new_id(int(START.timestamp() * 1000)), "dataset": "elkmon.label",
                      "kind": "event", "created": at},
            "service": {"name": "bench"},
            "ml": {"schema": 1, "model": {"name": "fraud"}, "prediction": {"id": prediction_id},
                   "truth": {"label": "fraud", "observed_at": at, "source": "bank"}},
        }
        for prediction_id in labelled
    ))  # fmt: skip


def _load(client: Elasticsearch, events: Iterator[dict[str, Any]]) -> None:
    actions = (
        {"_op_type": "create", "_id": event["event"]["id"], "_source": event,
         "_index": index_of(PREFIX, event["event"]["dataset"], event["@timestamp"])}
        for event in events
    )  # fmt: skip
    for _ in helpers.parallel_bulk(client, actions, thread_count=2, chunk_size=5000):
        pass
    client.indices.refresh(index=f"{PREFIX}-*")


def bare(client: Elasticsearch) -> int:
    """Join in a plain loop; return the number of labels."""
    view = client.open_point_in_time(index=_LABELS, keep_alive="5m")["id"]
    after, count = None, 0
    while True:
        hits = client.search(
            pit={"id": view, "keep_alive": "5m"},
            query={"bool": {"must_not": [{"exists": {"field": "ml.join.state"}}]}},
            size=PAGE,
            sort="_shard_doc",
            search_after=after,
            track_total_hits=False,
        )["hits"]["hits"]
        if not hits:
            client.close_point_in_time(id=view)
            return count
        after, count = hits[-1]["sort"], count + len(hits)
        labels = {_key(hit["_source"]["ml"]): hit for hit in hits}
        lines: list[bytes] = []
        predictions = client.mget(
            index=_INDEX,
            ids=list(labels),
            source_includes=["@timestamp", "event.outcome", "ml.task", "ml.prediction"],
        )
        for prediction in predictions["docs"]:
            truth = labels[prediction["_id"]]["_source"]["ml"]["truth"]
            right = truth["label"] == prediction["_source"]["ml"]["prediction"]["label"]
            outcome = {"outcome": "correct" if right else "wrong"}
            lines += _update(prediction, {"truth": truth, "eval": outcome})
        for hit in hits:
            lines += _update(hit, {"join": {"state": "joined", "attempts": 1}})
        operations: Any = lines  # the client also takes lines in the format of requests
        if client.bulk(operations=operations)["errors"]:
            raise SystemExit("the bare loop could not write")


def _key(ml: dict[str, Any]) -> str:
    return prediction_key(ml["model"]["name"], ml["prediction"]["id"])


def _update(hit: dict[str, Any], ml: dict[str, Any]) -> tuple[bytes, bytes]:
    meta = {"_index": hit["_index"], "_id": hit["_id"]}
    return orjson.dumps({"update": meta}), orjson.dumps({"doc": {"ml": ml}})


def _size(client: Elasticsearch) -> int:
    client.indices.flush(index=_INDEX)
    stats = client.indices.stats(index=_INDEX, metric="store")
    return int(stats["_all"]["total"]["store"]["size_in_bytes"])


def _timed(task: Any) -> float:  # noqa: ANN401 - anything that can be called
    start = time.perf_counter()
    task()
    return time.perf_counter() - start
