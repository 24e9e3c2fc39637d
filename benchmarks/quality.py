"""What twelve metrics by day and version cost, beside one DuckDB query written by hand.

One million predictions, each with its label, some corrected, some predictions written twice. The
query gives, on the same files, the sums that all twelve metrics are made of (confusion matrix,
score bins, moments of log loss and Brier score), which is checked; the metrics themselves, their
intervals and bounds, and questions that refine crowded bins, are on our side of the scale alone.
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.generated import END, START, make
from benchmarks.rounds import Row, interleaved, show
from elkmon.query.label_evidence import Evidence
from elkmon.query.question import Question
from elkmon.questions.quality.figures import collect, quality
from elkmon.stores.local.compact import compact
from elkmon.stores.local.store import LocalStore
from elkmon.stores.protocol import Measure

PREDICTIONS = 1_000_000
METRICS = (
    *("accuracy", "balanced_accuracy", "precision", "recall", "f1", "f1_macro", "specificity"),
    *("mcc", "auc", "average_precision", "log_loss", "brier"),
)
QUESTION = Question.of(since=START, until=END, every="1d", by=["version"])


def main(rounds: int = 5) -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name) / "store"
        make(folder, PREDICTIONS)
        rows = [_row("NDJSON", folder, _json(folder), rounds)]
        compact(folder)
        rows.append(_row("compacted", folder, _parquet(folder), rounds))
    show("Quality: 12 metrics by day × version, 1 M labelled predictions", rows)


def _row(name: str, folder: Path, source: str, rounds: int) -> Row:
    with closing(LocalStore(folder)) as store:
        ours = _summed(collect(store, QUESTION, METRICS).evidence)
        for shape in (_window, _apart):
            if _summed_by_hand(_asked(shape(source))) != ours:
                raise SystemExit(f"{name}: not the same sums by {shape.__name__[1:]}")
        medians = interleaved(
            {
                "ours": lambda: quality(store, QUESTION, METRICS),
                "asking": lambda: collect(store, QUESTION, METRICS),
                "window": lambda: _asked(_window(source)),
                "apart": lambda: _asked(_apart(source)),
            },
            rounds,
        )
    best = min(("window", "apart"), key=medians.__getitem__)
    detail = (
        f"{medians['ours']:.2f} against {medians[best]:.2f} s; {medians['asking']:.2f} s of ours "
        "is asking"
    )
    title = f"{name}: 12 metrics / hand-written SQL of the same sums ({best})"
    return Row(title, medians["ours"] / medians[best], "≤ 1.5", detail)


def _asked(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchall()


_COLUMNS = (
    *("t", "eid", "ds", "outcome", "created", "seq", "model", "version", "pid", "positive"),
    *("guess", "score", "w", "truth", "o"),
)


def _json(folder: Path) -> str:
    files = ", ".join(f"'{file}'" for file in sorted(folder.glob("[!.]*.ndjson")))
    values = (
        *('"@timestamp"', "event.id", "event.dataset", "event.outcome", "event.created"),
        *("event.sequence", "ml.model.name", "ml.model.version", "ml.prediction.id"),
        *("ml.prediction.positive", "ml.prediction.label", "ml.prediction.score"),
        *("coalesce(ml.sample.weight, 1)", "ml.truth.label", "ml.truth.observed_at"),
    )
    return f"""
        SELECT {_named(values)}
        FROM read_json([{files}], format='newline_delimited', records='true', auto_detect=false,
            ignore_errors=true, maximum_object_size=16777216, columns={{
            '@timestamp': 'TIMESTAMP', event: 'STRUCT(id VARCHAR, dataset VARCHAR, outcome VARCHAR,
            created TIMESTAMP, sequence BIGINT)', ml: 'STRUCT(model STRUCT(name VARCHAR,
            version VARCHAR), prediction STRUCT(id VARCHAR, positive VARCHAR, label VARCHAR,
            score DOUBLE), sample STRUCT(weight DOUBLE), truth STRUCT(label VARCHAR,
            observed_at TIMESTAMP))'}})"""


def _parquet(folder: Path) -> str:
    files = ", ".join(f"'{file}'" for file in sorted(folder.glob("[!.]*.parquet")))
    values = (
        *('"@timestamp"', '"event.id"', '"event.dataset"', '"event.outcome"', '"event.created"'),
        *('"event.sequence"', '"ml.model.name"', '"ml.model.version"', '"ml.prediction.id"'),
        *('"ml.prediction.positive"', '"ml.prediction.label"', '"ml.prediction.score"'),
        *('coalesce("ml.sample.weight", 1)', '"ml.truth.label"', '"ml.truth.observed_at"'),
    )
    return f"SELECT {_named(values)} FROM read_parquet([{files}])"


def _named(values: Sequence[str]) -> str:
    return ", ".join(f"{value} AS {name}" for value, name in zip(values, _COLUMNS, strict=True))


_FIRST = """row_number() OVER (
    PARTITION BY model, pid, date_trunc('month', t) ORDER BY created, seq, eid) = 1"""
_NEWEST = "model, pid, arg_max(truth, (o, eid)) FILTER (truth IS NOT NULL) AS truth"
_HIT = "(truth = positive)::INT"
_LOSS = (
    f"-ln(greatest(least(CASE WHEN {_HIT} = 1 THEN score ELSE 1 - score END, 1 - 1e-15), 1e-15))"
)
_SUMS = f"""
    SELECT date_trunc('day', t) AS day, version, guess, truth, floor(score * 1000) AS bin,
           count(*), sum(w), sum(w * w), min(score), max(score), sum(w * brier),
           sum(w * brier * brier), sum(w * loss), sum(w * loss * loss)
    FROM (SELECT *, pow(score - {_HIT}, 2) AS brier, {_LOSS} AS loss
          FROM (SELECT p.* EXCLUDE (truth), l.truth AS truth FROM p
                LEFT JOIN l ON p.pid = l.pid AND p.model = l.model
                WHERE outcome = 'success' AND t >= TIMESTAMP '{START:%Y-%m-%d}'
                  AND t < TIMESTAMP '{END:%Y-%m-%d}'))
    GROUP BY ALL"""


def _window(source: str) -> str:
    """Give the query as most would write it."""
    return f"""
        WITH x AS MATERIALIZED ({source}),
        p AS (FROM x WHERE ds = 'elkmon.prediction' QUALIFY {_FIRST}),
        l AS (SELECT {_NEWEST} FROM x WHERE ds = 'elkmon.label' GROUP BY model, pid) {_SUMS}"""


def _apart(source: str) -> str:
    """Give the query as somebody would who knows that few are repeated."""
    return f"""
        WITH x AS MATERIALIZED ({source}),
        twice AS MATERIALIZED (SELECT hash(model, pid) AS h FROM x
            WHERE ds = 'elkmon.prediction' GROUP BY h HAVING count(*) > 1),
        again AS MATERIALIZED (SELECT hash(model, pid) AS h FROM x
            WHERE ds = 'elkmon.label' GROUP BY h HAVING count(*) > 1),
        p AS (FROM x WHERE ds = 'elkmon.prediction' AND hash(model, pid) NOT IN (FROM twice)
            UNION ALL FROM x WHERE ds = 'elkmon.prediction' AND hash(model, pid) IN (FROM twice)
            QUALIFY {_FIRST}),
        l AS (SELECT model, pid, truth FROM x
            WHERE ds = 'elkmon.label' AND hash(model, pid) NOT IN (FROM again)
            UNION ALL SELECT {_NEWEST} FROM x
            WHERE ds = 'elkmon.label' AND hash(model, pid) IN (FROM again) GROUP BY model, pid)
        {_SUMS}"""


def _summed(evidence: Iterable[Evidence]) -> dict[Any, Any]:
    """Give the sums by day and version, as both sides have them."""
    return {
        (each.time, each.by[1]): (
            each.succeeded.count,
            {cell: (sums.count, round(sums.weight2)) for cell, sums in each.cells.items()},
            sorted(each.bins),
            *(
                round(each.count(Measure(kind, f"ml.eval.{name}")), 6)
                for name in ("brier", "log_loss")
                for kind in ("sum", "sum2")
            ),
        )
        for each in evidence
    }


def _summed_by_hand(rows: Iterable[Sequence[Any]]) -> dict[Any, Any]:
    cells: dict[Any, dict[Any, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0, 0.0]))
    count: dict[Any, int] = defaultdict(int)
    bins: dict[Any, set[float]] = defaultdict(set)
    moments: dict[Any, list[float]] = defaultdict(lambda: [0.0] * 4)
    for day, version, guess, truth, bin_, number, _, weight2, _low, _high, *sums in rows:
        key = (_aware(day), version)
        count[key] += number
        if truth is not None:
            cells[key][truth, guess][0] += number
            cells[key][truth, guess][1] += weight2
            bins[key].add(bin_)
            moments[key] = [a + b for a, b in zip(moments[key], sums, strict=True)]
    return {
        key: (
            count[key],
            {cell: (whole, round(weight2)) for cell, (whole, weight2) in cells[key].items()},
            sorted(bins[key]),
            *(round(each, 6) for each in moments[key]),
        )
        for key in count
    }


def _aware(day: datetime) -> datetime:
    return day.replace(tzinfo=timezone.utc)
