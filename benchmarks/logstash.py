"""What Logstash's pipelines cost, beside a bare json → elasticsearch pipeline on the same events.

Both run on the Logstash that LOGSTASH_HOME names, read the same files, keep their queues on the
disk, and write to the Elasticsearch that BENCH_ES_URL names (credentials as in
docs/reference/settings.md). What counts is the time from the first event that was stored to the
last one, as its monitoring API tells.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

from elasticsearch import Elasticsearch

from benchmarks.rounds import Row, show
from benchmarks.ship import make
from elkmon.cluster import setup
from elkmon.events.cluster_settings import access
from elkmon.logstash.pipelines import files, write
from elkmon.stores.elastic.connect import connect

EVENTS = 120_000
PREFIX = "bench-logstash"
_PATIENCE = 900.0
_BARE = """
input {
  file {
    path => "%s/*.ndjson"
    start_position => "beginning"
    sincedb_path => "/dev/null"
  }
}
filter { json { source => "message" } }
"""


def main(rounds: int = 3) -> None:
    """Measure, and print the table."""
    home, url = os.environ.get("LOGSTASH_HOME"), os.environ.get("BENCH_ES_URL")
    if not home or not url:
        print("\nLogstash: NOT MEASURED, as LOGSTASH_HOME and BENCH_ES_URL are not both set")
        return
    settings = replace(access(), prefix=PREFIX)
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder,
        connect(url, settings) as client,
    ):
        spool = Path(folder) / "spool"
        make(spool, EVENTS)
        setup.apply(client, setup.plan(client, PREFIX, replicas=0))
        try:
            seconds: dict[str, list[float]] = {"ours": [], "bare": [], "bare with ids": []}
            for _ in range(rounds):
                for kind, took in seconds.items():
                    _clear(client)
                    run = Path(folder) / "run"
                    write(files(run, url, settings, {"ELKMON_SPOOL": str(spool)}, retention=365))
                    if _release(Path(home)) < (8, 8):
                        _without_newer(run)
                    if kind != "ours":
                        _strip(run, spool, ids=kind != "bare")
                    took.append(_measured(Path(home), run, "events" if kind == "ours" else "bare"))
                    shutil.rmtree(run)
        finally:
            _clear(client)
            setup.uninstall(client, PREFIX, dry_run=False)
    ours, bare, with_ids = (statistics.median(each) for each in seconds.values())
    rows = [
        Row(
            f"documents a second: our pipelines / {text}",
            other / ours,
            bound,
            f"{EVENTS / ours:,.0f} against {EVENTS / other:,.0f} a second",
        )
        for text, other, bound in (
            ("bare, ids made by Elasticsearch", bare, "≥ 0.8"),
            ("bare, event.id as _id as ours has it", with_ids, "stated"),
        )
    ]
    show("Logstash", rows)


def _clear(client: Elasticsearch) -> None:
    names = list(client.indices.get(index=f"{PREFIX}-*-*"))  # a pattern may not be deleted
    if names:
        client.indices.delete(index=names)


def _release(home: Path) -> tuple[int, int]:
    told = (home / "logstash-core/versions-gem-copy.yml").read_text(encoding="utf-8")
    found = re.search(r"^logstash: (\d+)\.(\d+)", told, re.MULTILINE)
    if found is None:
        raise SystemExit(f"{home} does not say which Logstash it is")
    return int(found[1]), int(found[2])


def _without_newer(run: Path) -> None:
    """Leave out what Logstash before 8.8 does not know, and what costs nothing."""
    for path in (run / "pipeline").glob("*.conf"):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [each for each in lines if "silence_errors" not in each and "clean_" not in each]
        path.write_text("".join(kept), encoding="utf-8")


def _strip(run: Path, spool: Path, *, ids: bool) -> None:
    """Leave one pipeline that stores what it reads, with the same output and the same queue.

    Without ids, what is read twice is stored twice, which costs Elasticsearch less.
    """
    text = (run / "pipeline/deadletter.conf").read_text(encoding="utf-8")
    output = "output {" + text.split("output {")[1]
    kept = [line for line in output.splitlines() if " index =>" not in line]
    kept = [line for line in kept if "document_id" not in line]
    if ids:
        kept.insert(2, '    document_id => "%{[event][id]}"')
    kept.insert(2, f'    index => "{PREFIX}-prediction-%{{+YYYY.MM}}.01"')
    (run / "pipeline/bare.conf").write_text(_BARE % spool + "\n".join(kept), encoding="utf-8")
    (run / "config/pipelines.yml").write_text(
        f"- pipeline.id: bare\n  path.config: {run}/pipeline/bare.conf\n"
        "  pipeline.batch.size: 1000\n",
        encoding="utf-8",
    )


def _measured(home: Path, run: Path, name: str) -> float:
    """Run it until all is stored; give the seconds from the first event on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        api = free.getsockname()[1]
    environ = {
        **os.environ,
        "LOGSTASH_API_PORT": str(api),
        "LOGSTASH_HTTP_PORT": "0",
        "LOGSTASH_BEATS_PORT": "0",
    }
    with (
        (run / "log").open("w") as log,
        subprocess.Popen(
            [home / "bin/logstash", "--path.settings", run / "config", "--path.logs", run],
            env=environ,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=home,
        ) as process,
    ):
        try:
            return _seconds(api, name, run)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _seconds(api: int, name: str, run: Path) -> float:
    until = time.monotonic() + _PATIENCE
    began = 0.0
    while time.monotonic() < until:
        stored = _stored(api, name)
        if stored and not began:
            began = time.perf_counter()
            before = stored
        if stored >= EVENTS:
            return (time.perf_counter() - began) * EVENTS / (EVENTS - before)
        time.sleep(0.1)
    raise SystemExit((run / "log").read_text(encoding="utf-8")[-3000:])


def _stored(api: int, name: str) -> int:
    try:
        with urlopen(f"http://127.0.0.1:{api}/_node/stats/pipelines") as answer:
            outputs = json.load(answer)["pipelines"][name]["plugins"]["outputs"]
    except (OSError, KeyError):
        return 0
    return sum((each.get("documents") or {}).get("successes", 0) for each in outputs)
