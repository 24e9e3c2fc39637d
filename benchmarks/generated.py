"""Generate spool files with DuckDB, whose lines are exactly those of the emitter.

Predictions of a binary model with two versions, both live every day of two weeks; their labels come
late, some are corrected, some predictions are written twice, some attempts fail with an exception.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
import orjson

__all__ = ["DAYS", "END", "START", "make"]

START = datetime(2026, 11, 2, tzinfo=timezone.utc)
DAYS = 14
END = START + timedelta(days=DAYS)
_EACH = 200_000
"""Predictions in one file."""
_LOG_BIN = 0.01980262729617973
"""ln 1.02."""
_FAILED, _CORRECTED = 0.004, 0.02
_STACK = "Traceback (most recent call last):\n" + "".join(
    f'  File "/srv/app/{name}.py", line {line}, in {name}\n    return {name}(row)\n'
    for line, name in enumerate(("serve", "answer", "logarithms"), 40)
)

# One row per prediction with all its random values; these are hashes, so each run draws the same.
_DRAWN = f"""
    WITH i AS (SELECT range AS i FROM range({{first}}, {{last}})),
    u AS (SELECT i, [hash(12 * i + n) / 18446744073709551616.0 FOR n IN range(12)] AS u FROM i)
    SELECT i, 'req-' || i AS pid, u,
           TIMESTAMP '{START:%Y-%m-%d}'
               + to_milliseconds((i * {DAYS * 86_400_000} / {{number}})::BIGINT) AS t,
           CASE WHEN u[1] < 0.5 THEN '1.4.0' ELSE '2.0.0' END AS version,
           u[2] * u[2] AS score, u[3] < {_FAILED} AND u[1] >= 0.5 AS failed,
           CASE WHEN u[4] < least(u[2] * u[2] * (1 + 0.3 * (u[5] < 0.2)::INT), 1)
                THEN 'fraud' ELSE 'legit' END AS truth,
           (1e6 * exp(2 + u[6])) :: BIGINT AS duration,
           ['de', 'fr', 'it', 'pl', 'pt'][1 + (u[5] * 5)::BIGINT % 5] AS country,
           ['web', 'app'][1 + (u[7] * 2)::BIGINT % 2] AS channel,
           (-ln(1 - u[8]) * 8 * 3600000)::BIGINT AS delay
    FROM u"""
_TIME = "strftime({}, '%Y-%m-%dT%H:%M:%S.%gZ')"
_SHARED = """
    {{version: '8.17.0'}} AS ecs,
    {{name: 'shop', environment: 'bench', node: {{name: 'host-1'}}}} AS service,
    {{pid: 4711, entity_id: '{entity}'}} AS process"""
_MODEL = "{name: 'fraud', version: version}"


def _prediction(outcome: str, answer: str | None, rest: str) -> str:
    answer_fields = "" if answer is None else f", {answer}"
    return f"""
        SELECT {_TIME.format("t")} AS "@timestamp",
               {{id: md5('fraud' || pid), dataset: 'elkmon.prediction', kind: 'event',
                 outcome: '{outcome}', duration: duration,
                 created: {_TIME.format("t")}, sequence: {{sequence}}}} AS event,
               {{schema: 1, model: {_MODEL}, task: 'binary', sample: {{rate: 1.0, weight: 1.0}},
                 prediction: {{id: pid, positive: 'fraud'{answer_fields}}},
                 features: {{number: {{amount: 900 * u[9], age: 90 * u[10], hour: hour(t)}},
                             category: {{device: CASE WHEN u[11] < 0.5 THEN 'ios' ELSE 'android'
                                                 END}}}},
                 segment: {{country: country, channel: channel}},
                 duration_bin: floor(ln(duration) / {_LOG_BIN})::BIGINT}} AS ml,{{shared}}
               {rest}"""


_LINES = {
    "predictions": _prediction(
        "success",
        "label: CASE WHEN score >= 0.5 THEN 'fraud' ELSE 'legit' END, score: score",
        "FROM drawn CROSS JOIN range(1 + (u[12] < 0.002)::INT) WHERE NOT failed",
    ),
    "failures": _prediction(
        "failure",
        None,
        ", {type: 'ValueError', fingerprint: '6f5ca569223d8152'} AS error FROM drawn WHERE failed",
    ),
    "errors": f"""
        SELECT {_TIME.format("t")} AS "@timestamp",
               {{id: md5('error' || pid)::UUID::VARCHAR, dataset: 'elkmon.error', kind: 'event',
                 created: {_TIME.format("t")}, sequence: {{sequence}}}} AS event,
               {{schema: 1, model: {_MODEL}, prediction: {{id: pid}}}} AS ml,
               {{type: 'ValueError', message: 'math domain error', culprit: 'app in logarithms',
                 fingerprint: '6f5ca569223d8152', stack_trace: '{_STACK}'}} AS error,{{shared}}
        FROM drawn WHERE failed""",
    "labels": f"""
        SELECT {_TIME.format("label_at")} AS "@timestamp",
               {{id: md5('label' || pid || nth)::UUID::VARCHAR, dataset: 'elkmon.label',
                 kind: 'event', created: {_TIME.format("label_at")},
                 sequence: {{sequence}}}} AS event,
               {{schema: 1, model: {{name: 'fraud'}}, prediction: {{id: pid}},
                 truth: {{label: label, observed_at: {_TIME.format("label_at")},
                          source: 'office'}}}} AS ml,{{shared}}
        FROM (SELECT pid, range AS nth, t + to_milliseconds(delay * (1 + 3 * range)) AS label_at,
                     CASE WHEN u[9] >= {_CORRECTED} OR range = 1 THEN truth
                          WHEN truth = 'fraud' THEN 'legit' ELSE 'fraud' END AS label
              FROM drawn CROSS JOIN range(2)
              WHERE (range = 0 OR u[9] < {_CORRECTED}) AND u[10] < {{labelled}} AND NOT failed)""",
}


def make(folder: Path, number: int, labelled: float = 1.0) -> int:
    """Write spool files, closed as if their processes had ended.

    Args:
        folder: a new folder.
        number: number of predictions; repeats, exceptions of failures and labels are additional.
        labelled: share of the predictions that have a label.

    Returns:
        The number of events without those of emitters.
    """
    folder.mkdir(mode=0o700, parents=True)
    events = 0
    with duckdb.connect() as connection:
        for file_number, first in enumerate(range(0, number, _EACH)):
            last = min(first + _EACH, number)
            drawn = _DRAWN.format(first=first, last=last, number=number)
            connection.execute(f"CREATE OR REPLACE TABLE drawn AS {drawn}")
            for kind, query in _LINES.items():
                entity = f"{file_number:014x}{list(_LINES).index(kind):02x}"
                path = folder / f"20261102T000000Z-host-4711-{entity}-00001.ndjson"
                sql = query.replace("{sequence}", "row_number() OVER ()")
                sql = sql.replace("{labelled}", repr(labelled))
                sql = sql.replace("{shared}", _SHARED.format(entity=entity))
                ((written,),) = connection.execute(
                    f"COPY ({sql}) TO '{path}' (FORMAT json)"
                ).fetchall()
                _close(path, entity, written)
                events += written
    return events


def _close(path: Path, entity: str, written: int) -> None:
    """Write the last line of a file, which counts accepted and written events."""
    time = END.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    counts = {"last_sequence": written, "accepted": written, "written": written}
    line = {
        "@timestamp": time,
        "event": {"id": f"01a20fac-e4c2-7001-{entity[:4]}-{entity[4:]}", "kind": "event",
                  "dataset": "elkmon.emitter", "created": time, "sequence": written + 1},
        "ml": {"schema": 1, "emitter": {**counts, "dropped": {}, "sampled_out": 0, "misused": {}}},
        "ecs": {"version": "8.17.0"},
        "service": {"name": "shop", "environment": "bench", "node": {"name": "host-1"}},
        "process": {"pid": 4711, "entity_id": entity},
    }  # fmt: skip
    with path.open("ab") as file:
        file.write(orjson.dumps(line) + b"\n")
