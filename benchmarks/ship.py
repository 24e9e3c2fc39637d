"""What shipping costs, beside elasticsearch-py's ``streaming_bulk`` fed with ready dicts.

Same server, same documents, same bytes a request: events of 855 bytes, in files. Ours reads and
judges lines and keeps its offsets; the opponent's dicts are ready in memory, and it sends one
request at a time. The server is named by BENCH_ES_URL; without it, the tests' own is started.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

import elkmon
from benchmarks.rounds import Row, interleaved, show
from elkmon.cluster.asset_requests import put, remove
from elkmon.cluster.templates import Layout, assets
from elkmon.events.cluster_settings import Access
from elkmon.ship.pace import BatchSize, Patience
from elkmon.ship.route import Route, make_shipper
from elkmon.stores.elastic.indices import index_of

EVENTS = 40_000
SMALL, LARGE = 10_000, 1_000_000
PREFIX = "bench-ship"
CHUNK = 10_000


def main(rounds: int = 5) -> None:
    """Measure, and print the table."""
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder,
        _server() as url,
        Elasticsearch(url, request_timeout=120) as client,
    ):
        made = assets(PREFIX, Layout(replicas=0), lifecycle=False)
        _clear(client)
        for asset in made:
            put(client, asset)
        try:
            show("Shipping to Elasticsearch", [*_speed(url, client, Path(folder), rounds),
                                               _memory(url, client, Path(folder))])  # fmt: skip
        finally:
            _clear(client)
            for asset in reversed(made):
                remove(client, asset.kind, asset.name)


def _speed(url: str, client: Elasticsearch, folder: Path, rounds: int) -> Iterator[Row]:
    spool = folder / "spool"
    make(spool, EVENTS)
    lines = [
        line for file in sorted(spool.glob("*.ndjson")) for line in file.read_bytes().splitlines()
    ]
    ready = [_action(orjson.loads(line)) for line in lines]
    size = BatchSize()()

    def ours(**options: int) -> Callable[[], None]:
        def send() -> None:
            shutil.rmtree(spool / "readers", ignore_errors=True)
            patience = Patience(threading.Event(), print)
            shipper = make_shipper(
                Route(spool, url), Access(prefix=PREFIX), patience=patience, **options
            )
            shipper.run(follow=False)
            _all_there(shipper.tally.created, len(ready))

        return send

    def theirs(**options: Any) -> Callable[[], None]:  # noqa: ANN401 - the client's own
        def send() -> None:
            with Elasticsearch(url, request_timeout=120, **options) as own:
                sent = streaming_bulk(own, ready, chunk_size=10**9, max_chunk_bytes=size)
                _all_there(sum(ok for ok, _ in sent), len(ready))

        return send

    def emptied(send: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            _clear(client)
            send()

        return run

    medians = interleaved(
        {
            "emptied": lambda: _clear(client),
            "ours": emptied(ours()),
            "ours, one request at a time": emptied(ours(parallel=1)),
            "plain": emptied(theirs()),
            "compressed": emptied(theirs(http_compress=True)),
        },
        rounds,
    )
    took = {name: seconds - medians["emptied"] for name, seconds in medians.items()}
    for mine, other, bound in (
        ("ours", "plain", "≥ 0.9"),
        ("ours, one request at a time", "plain", "stated"),
        ("ours", "compressed", "stated"),
    ):
        yield Row(
            f"documents a second: elkmon ship{mine[4:]} / streaming_bulk, {other}",
            took[other] / took[mine],
            bound,
            f"{len(ready) / took[mine]:,.0f} against {len(ready) / took[other]:,.0f} a second",
        )


def _memory(url: str, client: Elasticsearch, folder: Path) -> Row:
    peaks = {}
    for number in (SMALL, LARGE):
        spool = folder / f"spool-{number}"
        make(spool, number)
        _clear(client)
        peaks[number] = _peak(spool, url)
        shutil.rmtree(spool)
    return Row(
        f"peak memory of elkmon ship, {LARGE:,} events / {SMALL:,} events",
        peaks[LARGE] / peaks[SMALL],
        "± 20 MB",
        f"{peaks[LARGE]:.0f} against {peaks[SMALL]:.0f} MB",
    )


def _peak(spool: Path, url: str) -> float:
    """Ship in a process of its own; give its peak resident memory, in MB."""
    command = [sys.executable, "-m", "elkmon.cli", "ship", "--store", str(spool), "--to", url]
    environ = {**os.environ, "ELKMON_INDEX_PREFIX": PREFIX}
    highest = 0
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            try:
                status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            except OSError:
                break
            found = re.search(r"VmHWM:\s+(\d+)", status)
            highest = max(highest, int(found[1])) if found else highest
            time.sleep(0.05)
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        print(process.stdout.read().strip())
        if process.wait():
            raise SystemExit("elkmon ship failed")
    return highest * 1024 / 1e6


def make(folder: Path, number: int) -> None:
    """Emit predictions."""
    elkmon.configure(spool=folder, service="bench", max_bytes=10**12)
    log = elkmon.get_logger("fraud", "2.3.1", task="binary", positive="fraud")
    for first in range(0, number, CHUNK):
        scores = [(first + i) % 997 / 997 for i in range(CHUNK)]
        log.predictions(
            label=["fraud" if score > 0.5 else "legit" for score in scores],
            score=scores,
            id=[f"p{first + i}" for i in range(CHUNK)],
            duration=0.012,
            features={
                **{f"amount_{n}": [s * n + 0.1 for s in scores] for n in range(8)},
                "country": ["de"] * CHUNK,
                "device": ["ios"] * CHUNK,
            },
            segment={"country": ["it"] * CHUNK},
        )
    elkmon.reset()


def _action(event: dict[str, Any]) -> dict[str, Any]:
    meta = event["event"]
    index = index_of(PREFIX, meta["dataset"], event["@timestamp"])
    return {"_op_type": "create", "_index": index, "_id": meta["id"], "_source": event}


def _all_there(sent: int, wanted: int) -> None:
    if sent != wanted:
        raise SystemExit(f"{sent} of {wanted} events were created")


def _clear(client: Elasticsearch) -> None:
    names = list(client.indices.get(index=f"{PREFIX}-*"))
    if names:
        client.indices.delete(index=names)


@contextmanager
def _server() -> Iterator[str]:
    named = os.environ.get("BENCH_ES_URL")
    if named:
        yield named
        return
    from tests.support import elasticsearch_servers as servers  # noqa: PLC0415 - needs Java

    run = servers.begin()
    try:
        yield servers.start("9.2").url
    finally:
        servers.end(run)


if __name__ == "__main__":
    main()
