"""What asking costs, beside DuckDB with SQL written by hand, on the same files.

One million events: 600,000 predictions of three models and 400,000 labels, some of them
corrections, some predictions written twice. The hand-written queries give the same answer (bad
lines, repeats, weights and corrections included), which is checked; the fastest of them counts.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

import elkmon
from benchmarks.rounds import Row, interleaved, show
from elkmon.stores.local.compact import compact
from elkmon.stores.local.store import LocalStore
from elkmon.stores.protocol import FieldValue, Filter, Measure, Table, TimeBucket

PREDICTIONS = 600_000
LABELS = 400_000
MODELS = ("fraud", "churn", "triage")
CHUNK = 10_000


def main(rounds: int = 7) -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        _run(Path(folder), rounds)


def _run(folder: Path, rounds: int) -> None:
    plain, compacted, work = folder / "plain", folder / "compacted", folder / "work"
    make(plain)
    shutil.copytree(plain, compacted)
    compact(compacted)
    files, parquet = _listed(plain, "ndjson"), _listed(compacted, "parquet")
    by_hand = {
        f"hand {name}": lambda sql=sql: _ask(sql) for name, sql in hand_written(files).items()
    }
    stores = {"ours": LocalStore(plain), "ours compacted": LocalStore(compacted)}
    asked = {name: lambda store=store: ask(store) for name, store in stores.items()}
    everything: dict[str, Callable[[], Any]] = {**asked, **by_hand}
    answers = {name: _rounded(each()) for name, each in everything.items()}
    different = [name for name, answer in answers.items() if answer != answers["ours"]]
    if different:
        raise SystemExit(f"not the same answer: {', '.join(different)}")

    medians = interleaved(everything, rounds)
    best = min((name for name in medians if name.startswith("hand")), key=medians.__getitem__)

    def ours() -> None:
        shutil.copytree(plain, work)
        compact(work)
        shutil.rmtree(work)

    def copied() -> None:
        shutil.copytree(plain, work)
        shutil.rmtree(work)

    def raw(columns: str) -> Callable[[], None]:
        return lambda: _convert(files, columns, folder / "raw.parquet")

    made = interleaved(
        {"ours": ours, "copied": copied, "columns": raw(_columns(parquet)), "guessed": raw("")}, 3
    )
    mine = made["ours"] - made["copied"]
    show(
        "Asking the local store",
        [
            _row(f"error rate by hour × model, NDJSON / best hand-written SQL ({best[5:]})",
                 medians["ours"], medians[best], "≤ 1.15"),
            _row("the same, NDJSON / compacted", medians["ours"], medians["ours compacted"], "≥ 8"),
            _row("compaction's speed / DuckDB's conversion to the same columns",
                 made["columns"], mine, "≥ 0.9", swap=True),
            _row("compaction's speed / DuckDB's conversion to the columns that it guesses",
                 made["guessed"], mine, "stated", swap=True),
        ],
    )  # fmt: skip
    for store in stores.values():
        store.close()


def _row(name: str, a: float, b: float, bound: str, *, swap: bool = False) -> Row:
    first, second = (b, a) if swap else (a, b)
    return Row(name, a / b, bound, f"{first:.3f} against {second:.3f} s")


def make(folder: Path) -> None:
    """Emit the events."""
    elkmon.configure(spool=folder, service="bench", max_bytes=10**12)
    random = np.random.default_rng(5)
    start = datetime(2026, 11, 2, tzinfo=timezone.utc)
    each = PREDICTIONS // len(MODELS)
    for model in MODELS:
        log = elkmon.get_logger(model, "2.3.1", task="binary", positive="fraud")
        for first in range(0, each, CHUNK):
            ids = [f"{model}-{number}" for number in range(first, first + CHUNK)]
            ids[-20:] = ids[:20]  # some are written twice
            scores = random.random(CHUNK)
            labels = np.where(scores > 0.5, "fraud", "legit")
            at = [start + timedelta(seconds=int(s)) for s in random.integers(0, 14 * 86_400, CHUNK)]
            log.predictions(
                label=labels,
                score=scores,
                id=ids,
                at=at,
                duration=0.012,
                features={
                    **{f"amount_{number}": random.random(CHUNK) for number in range(8)},
                    "country": random.choice(["de", "fr", "it"], CHUNK),
                    "device": random.choice(["ios", "android"], CHUNK),
                },
                segment={"country": random.choice(["de", "fr", "it"], CHUNK)},
            )
            told = random.permutation(CHUNK)[: LABELS * CHUNK // PREDICTIONS]
            told[-200:] = told[:200]  # some are corrected
            log.labels(
                [ids[number] for number in told],
                np.where(random.random(len(told)) < 0.9, labels[told], "fraud"),
                observed_at=[at[number] + timedelta(hours=5) for number in told],
            )
    elkmon.reset()


def ask(store: LocalStore) -> Table:
    """Ask what ``elkmon errors --every 1h`` asks."""
    return store.aggregate(
        "elkmon.prediction",
        by=[
            TimeBucket(1, "h"),
            FieldValue("ml.model.name"),
            FieldValue("event.outcome"),
            FieldValue("ml.eval.outcome"),
        ],
        measures=[Measure("count"), Measure("weight"), Measure("weight2")],
        where=Filter(),
    )


def hand_written(files: str) -> dict[str, str]:
    """Give queries that somebody who knows DuckDB well would write for it."""
    read = f"""
        SELECT "@timestamp" AS t, event.id AS eid, event.dataset AS ds, event.outcome AS outcome,
               event.created AS created, event.sequence AS seq, ml.model.name AS model,
               ml.prediction.id AS pid, ml.prediction.label AS guess,
               coalesce(ml.sample.weight, 1) AS w, ml.truth.label AS truth,
               ml.truth.correct AS correct, coalesce(ml.truth.observed_at, "@timestamp") AS o
        FROM read_json([{files}], format='newline_delimited', records='true', auto_detect=false,
            ignore_errors=true, maximum_object_size=16777216, columns={{
            '@timestamp': 'TIMESTAMP', event: 'STRUCT(id VARCHAR, dataset VARCHAR, outcome VARCHAR,
            created TIMESTAMP, sequence BIGINT)', ml: 'STRUCT(model STRUCT(name VARCHAR),
            prediction STRUCT(id VARCHAR, label VARCHAR), sample STRUCT(weight DOUBLE),
            truth STRUCT(label VARCHAR, correct BOOLEAN, observed_at TIMESTAMP))'}})
        WHERE event.id IS NOT NULL AND event.dataset IS NOT NULL AND "@timestamp" IS NOT NULL"""
    first = """row_number() OVER (PARTITION BY model, pid, date_trunc('month', t)
                                  ORDER BY created, seq, eid) = 1"""
    newest = """model, pid, arg_max(truth, (o, eid)) FILTER (truth IS NOT NULL) AS truth,
                arg_max(correct, (o, eid)) FILTER (correct IS NOT NULL) AS correct"""
    answer = """
        SELECT date_trunc('hour', t) AS hour, p.model, outcome,
               CASE WHEN outcome = 'success' THEN
                   CASE WHEN coalesce(l.truth = guess, l.correct) THEN 'correct'
                        WHEN NOT coalesce(l.truth = guess, l.correct) THEN 'wrong' END END AS right,
               count(*), sum(w), sum(w * w)
        FROM p LEFT JOIN l ON p.pid = l.pid AND p.model = l.model
        GROUP BY ALL ORDER BY ALL NULLS LAST"""
    return {
        "window and arg_max": f"""
            WITH x AS MATERIALIZED ({read}),
            p AS (FROM x WHERE ds = 'elkmon.prediction' QUALIFY {first}),
            l AS (SELECT {newest} FROM x WHERE ds = 'elkmon.label' GROUP BY model, pid) {answer}""",
        "repeats apart": f"""
            WITH x AS MATERIALIZED ({read}),
            twice AS MATERIALIZED (SELECT hash(model, pid) AS h FROM x
                WHERE ds = 'elkmon.prediction' GROUP BY h HAVING count(*) > 1),
            again AS MATERIALIZED (SELECT hash(model, pid) AS h FROM x
                WHERE ds = 'elkmon.label' GROUP BY h HAVING count(*) > 1),
            p AS (FROM x WHERE ds = 'elkmon.prediction' AND hash(model, pid) NOT IN (FROM twice)
                UNION ALL FROM x WHERE ds = 'elkmon.prediction' AND hash(model, pid) IN (FROM twice)
                QUALIFY {first}),
            l AS (SELECT model, pid, truth, correct FROM x
                WHERE ds = 'elkmon.label' AND hash(model, pid) NOT IN (FROM again)
                UNION ALL SELECT {newest} FROM x
                WHERE ds = 'elkmon.label' AND hash(model, pid) IN (FROM again) GROUP BY model, pid)
            {answer}""",
    }


def _ask(sql: str) -> Table:
    with duckdb.connect() as connection:
        return Table((), tuple(connection.execute(sql).fetchall()))


def _rounded(table: Table) -> list[tuple[object, ...]]:
    return [
        tuple(
            cell.replace(tzinfo=None) if isinstance(cell, datetime)
            else round(cell, 6) if isinstance(cell, float) else cell
            for cell in row
        )
        for row in table.rows
    ]  # fmt: skip


def _listed(folder: Path, kind: str) -> str:
    return ", ".join(f"'{file}'" for file in sorted(folder.glob(f"[!.]*.{kind}")))


def _columns(parquet: str) -> str:
    """Give the shape of a line with the types that the compacted files have, for read_json."""
    with duckdb.connect() as connection:
        described = connection.execute(f"DESCRIBE FROM read_parquet([{parquet}])").fetchall()
    tree: dict[str, Any] = {}
    for name, kind, *_ in described:
        if not name.startswith("_"):
            *above, last = name.split(".")
            here = tree
            for part in above:
                here = here.setdefault(part, {})
            here[last] = kind

    def typed(each: Any) -> str:  # noqa: ANN401 - a type's name, or a tree of them
        if isinstance(each, str):
            return each
        return f"STRUCT({', '.join(f'{chr(34)}{n}{chr(34)} {typed(e)}' for n, e in each.items())})"

    members = ", ".join(f"'{name}': '{typed(each)}'" for name, each in tree.items())
    return f"auto_detect=false, records='true', columns={{{members}}},"


def _convert(files: str, columns: str, target: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (FROM read_json([{files}], format='newline_delimited', {columns} "
            f"ignore_errors=true)) TO '{target}' (FORMAT parquet)"
        )
