"""What is in a folder of events: models, versions, processes, completeness."""

from __future__ import annotations

import duckdb

from elkmon.events.fields import BY_NAME
from elkmon.store.base import Catalog, ProcessEntry
from elkmon.store.columns import KEY, Ref, ndjson_source, parquet_source, quoted, read_json, shape
from elkmon.store.entries import certain, models, span_of
from elkmon.store.files import Listing
from elkmon.store.reading import Reader, Rows

__all__ = ["inventory"]

_KEPT = (
    *("event.id", "event.dataset", "@timestamp", "event.created", "event.sequence"),
    *("event.outcome", "process.entity_id", "service.name", "service.node.name"),
    *("ml.model.name", "ml.model.version", "ml.task", "ml.prediction.id", "ml.sample.rate"),
    "event.action",
)
_SAID = (
    *("event.outcome", "ml.model.version", "ml.prediction.label", "ml.prediction.value"),
    *("ml.prediction.score", "ml.segment", "ml.features.number", "ml.features.category"),
)
"""What two predictions of the same id differ in, if they differ."""
_REFS = tuple(Ref(BY_NAME[name]) for name in dict.fromkeys((*_KEPT, *_SAID, "ml.emitter.dropped")))
_MADE = (
    f"hash({', '.join(map(quoted, _SAID))}) AS said",
    'map_keys("ml.segment") AS segments',
    'map_keys("ml.features.number") AS numbers',
    'map_keys("ml.features.category") AS categories',
    'list_sum(map_values("ml.emitter.dropped")) AS dropped',
)
"""What is told of the largest columns: their values are not copied."""
_SAMPLED_OUT = "('0x' || substr(sha256(id), 1, 8))::UBIGINT >= rate * 4294967296.0"
"""As :func:`elkmon.events.ids.kept` decides."""


def inventory(connection: duckdb.DuckDBPyConnection, reader: Reader) -> Catalog:
    """Say what is in a folder.

    Args:
        connection: to ask with.
        reader: of the folder.

    Raises:
        StoreError: the events cannot be read.
    """
    parts: dict[str, Rows] = {}

    def ask(files: Listing) -> Rows:
        _gather(connection, files)
        try:
            parts.update((name, connection.execute(sql).fetchall()) for name, sql in _SQL.items())
            return [(_bad_lines(connection, files) + reader.bad_lines,)]
        finally:
            connection.execute("DROP VIEW IF EXISTS gathered")
            connection.execute("DROP TABLE IF EXISTS read")
            connection.execute("DROP TABLE IF EXISTS attempts")

    ((bad_lines,),) = reader.run(ask)
    (span,) = parts["span"]
    return Catalog(
        span=span_of(*span),
        datasets=dict(parts["datasets"]),
        models=models(parts),
        processes=tuple(
            ProcessEntry(entity, service, host, certain(first, last), events, missing, dropped)
            for entity, service, host, first, last, events, missing, dropped in parts["processes"]
        ),
        bad_lines=bad_lines,
    )


def _gather(connection: duckdb.DuckDBPyConnection, files: Listing) -> None:
    """Prepare what is asked below: NDJSON is read once, Parquet by each question what it needs."""
    chosen = ", ".join([*(f'"{name}"' for name in _KEPT), *_MADE, KEY])
    if files.ndjson or not files.parquet:
        kinds = [f"NULL::{ref.field.kind.duckdb} AS {ref.sql}" for ref in _REFS]
        source = f"SELECT {', '.join(kinds)}, NULL::VARCHAR AS {KEY} WHERE false"
        if files.ndjson:
            hashed = bool(files.parquet)
            source = ndjson_source(files.ndjson, _REFS, hashed=hashed, longest=files.longest)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE read AS SELECT {chosen} FROM ({source})")
    parts = ["FROM read"] if files.ndjson or not files.parquet else []
    if files.parquet:
        parts.append(f"SELECT {chosen} FROM ({parquet_source(files.parquet, _REFS, key=True)})")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW gathered AS {' UNION ALL '.join(parts)}")
    connection.execute(_ATTEMPTS)


def _bad_lines(connection: duckdb.DuckDBPyConnection, files: Listing) -> int:
    if not files.ndjson:
        return 0
    refs = {Ref(BY_NAME[name]) for name in ("event.id", "event.dataset", "@timestamp")}
    paths, lines = shape(refs)
    whole = " AND ".join(f"{path} IS NOT NULL" for path in paths.values())
    source = read_json(files.ndjson, lines, strict=False, longest=files.longest)
    (found,) = connection.execute(f"SELECT count(*) FROM {source} WHERE NOT ({whole})").fetchall()
    return int(found[0])


_MONTH = "date_trunc('month', \"@timestamp\")"
_ATTEMPTS = f"""
    CREATE OR REPLACE TEMP TABLE attempts AS
    WITH made AS NOT MATERIALIZED (
        FROM gathered WHERE "event.dataset" = 'elkmon.prediction'),
    twice AS MATERIALIZED (
        SELECT hash({KEY}) AS h FROM made WHERE {KEY} IS NOT NULL GROUP BY h HAVING count(*) > 1),
    once AS (
        SELECT *, 1 AS copies, 1 AS kinds FROM made WHERE hash({KEY}) NOT IN (FROM twice)
        UNION ALL
        SELECT *, count(*) OVER same, count(DISTINCT said) OVER same
        FROM made WHERE hash({KEY}) IN (FROM twice)
        WINDOW same AS (PARTITION BY {KEY}, {_MONTH})
        QUALIFY row_number() OVER (
            PARTITION BY {KEY}, {_MONTH}
            ORDER BY "event.created", "event.sequence", "event.id") = 1)
    SELECT "ml.model.name" AS model, "ml.model.version" AS version, "ml.task" AS task,
           "@timestamp" AS moment, "event.outcome" AS outcome, "ml.sample.rate" AS rate, {KEY},
           copies, kinds - 1 AS differing
    FROM once"""


def _names(*lists: str) -> str:
    """Give the query of the names that each model has in some lists: most predictions have all."""
    named = ", ".join(f"coalesce(any_value({each}), [])" for each in lists)
    return f"""
        SELECT model, list_sort(list_distinct(flatten(list(names)))) FROM (
            SELECT any_value("ml.model.name") AS model, list_concat({named}) AS names
            FROM gathered WHERE "event.dataset" = 'elkmon.prediction'
            GROUP BY hash("ml.model.name", {", ".join(lists)})) GROUP BY model"""


_SQL = {
    "span": 'SELECT min("@timestamp"), max("@timestamp") FROM gathered',
    "datasets": f"""
        WITH twice AS MATERIALIZED (
            SELECT hash("event.id") AS h FROM gathered GROUP BY h HAVING count(*) > 1),
        once AS (
            SELECT "event.dataset" AS name FROM gathered WHERE hash("event.id") NOT IN (FROM twice)
            UNION ALL
            SELECT name FROM (
                SELECT DISTINCT "event.dataset" AS name, "event.id", {_MONTH} FROM gathered
                WHERE hash("event.id") IN (FROM twice)))
        SELECT name, count(*) FROM once GROUP BY name ORDER BY name""",
    "versions": """
        SELECT model, version, min(moment), max(moment), count(*),
               count(*) FILTER (outcome = 'failure'), sum(copies - 1), sum(differing),
               min(rate), list(DISTINCT task) FILTER (task IS NOT NULL)
        FROM attempts GROUP BY model, version ORDER BY min(moment), version""",
    "deployed": """
        SELECT "ml.model.name", "ml.model.version", min("@timestamp") FROM gathered
        WHERE "event.dataset" = 'elkmon.deployment' AND "event.action" = 'deployed'
        GROUP BY 1, 2""",
    "labelled": f"""
        SELECT model, count(*) FROM attempts WHERE outcome = 'success' AND {KEY} IN (
            SELECT {KEY} FROM gathered WHERE "event.dataset" = 'elkmon.label')
        GROUP BY model""",
    "labels": f"""
        WITH rates AS (SELECT model, min(rate) AS rate FROM attempts GROUP BY model),
        told AS (SELECT DISTINCT ON ("event.id", {_MONTH}) {KEY}, "ml.model.name" AS model,
                        "ml.prediction.id" AS id
                 FROM gathered WHERE "event.dataset" = 'elkmon.label'),
        lost AS (SELECT * FROM told WHERE {KEY} IS NULL OR {KEY} NOT IN (
                     SELECT {KEY} FROM attempts WHERE {KEY} IS NOT NULL))
        SELECT told.model, count(*),
            (SELECT count(*) FROM lost WHERE lost.model IS NOT DISTINCT FROM told.model),
            (SELECT count(*) FROM lost JOIN rates ON lost.model IS NOT DISTINCT FROM rates.model
             WHERE lost.model IS NOT DISTINCT FROM told.model AND {_SAMPLED_OUT})
        FROM told GROUP BY told.model""",
    "segments": _names("segments"),
    "features": _names("numbers", "categories"),
    "processes": """
        SELECT "process.entity_id", any_value("service.name"), any_value("service.node.name"),
               min("@timestamp"), max("@timestamp"), count(DISTINCT "event.sequence") AS events,
               greatest(max("event.sequence")::HUGEINT - min("event.sequence") + 1 - events, 0),
               coalesce(TRY_CAST(max(dropped) AS BIGINT), 0)
        FROM gathered WHERE "process.entity_id" IS NOT NULL AND "event.sequence" IS NOT NULL
        GROUP BY 1 ORDER BY min("event.created"), 1""",
}
