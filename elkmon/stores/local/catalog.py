"""The catalog of a folder: models, versions, processes, completeness."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from elkmon.events.datasets import DEPLOYMENT, LABEL, PREDICTION
from elkmon.events.fields import BY_NAME
from elkmon.stores.catalog_entries import models, span_of, utc_span
from elkmon.stores.local.columns import (
    KEY,
    Ref,
    ndjson_source,
    parquet_source,
    quoted,
    read_json,
    shape,
)
from elkmon.stores.local.files import Listing
from elkmon.stores.local.reader import Reader, Rows
from elkmon.stores.local.repeats import repeated
from elkmon.stores.protocol import Catalog, ProcessEntry

__all__ = ["read_catalog"]

_KEPT = (
    *("event.id", "event.dataset", "@timestamp", "event.created", "event.sequence"),
    *("event.outcome", "process.entity_id", "service.name", "service.node.name"),
    *("ml.model.name", "ml.model.version", "ml.task", "ml.prediction.id", "ml.sample.rate"),
    "event.action",
)
_CONTENT = (
    *("event.outcome", "ml.model.version", "ml.prediction.label", "ml.prediction.value"),
    *("ml.prediction.score", "ml.segment", "ml.features.number", "ml.features.category"),
)
"""Columns in which two predictions of one id may differ."""
_REFS = tuple(
    Ref(BY_NAME[name]) for name in dict.fromkeys((*_KEPT, *_CONTENT, "ml.emitter.dropped"))
)
_DERIVED = (
    f"hash({', '.join(map(quoted, _CONTENT))}) AS content",
    'map_keys("ml.segment") AS segments',
    'map_keys("ml.features.number") AS numbers',
    'map_keys("ml.features.category") AS categories',
    'list_sum(map_values("ml.emitter.dropped")) AS dropped',
)
"""Computed from the largest columns, whose values are not copied."""
_SAMPLED_OUT = "('0x' || substr(sha256(id), 1, 8))::UBIGINT >= rate * 4294967296.0"
"""As :func:`elkmon.events.ids.kept` decides."""

Ask = Callable[[Listing, Path | None], Rows]
"""Asks files, with the copy of the repeats of their Parquet files if it can be used."""


def read_catalog(
    connection: duckdb.DuckDBPyConnection, reader: Reader, run: Callable[[Ask], Rows]
) -> Catalog:
    """Return the catalog of a folder.

    Args:
        connection: of DuckDB.
        reader: of the folder.
        run: asks the files as they are now.

    Raises:
        StoreError: the events cannot be read.
    """
    parts: dict[str, Rows] = {}

    def ask(files: Listing, kept: Path | None) -> Rows:
        try:
            _gather(connection, files, kept)
            parts.update((name, connection.execute(sql).fetchall()) for name, sql in _SQL.items())
            return [(_bad_lines(connection, files) + reader.bad_lines,)]
        finally:
            for view in ("events", "gathered", "compacted", "kept"):
                connection.execute(f"DROP VIEW IF EXISTS {view}")
            for table in ("again", "twice", "lines"):
                connection.execute(f"DROP TABLE IF EXISTS {table}")

    ((bad_lines,),) = run(ask)
    (span,) = parts["span"]
    lost = {model: counts for model, *counts in parts["lost"]}
    parts["labels"] = [
        (name, count, *lost.get(name, (0, 0))) for name, count in parts["label_counts"]
    ]
    return Catalog(
        span=span_of(*span),
        datasets=dict(parts["datasets"]),
        models=models(parts),
        processes=tuple(
            ProcessEntry(entity, service, host, utc_span(first, last), events, missing, dropped)
            for entity, service, host, first, last, events, missing, dropped in parts["processes"]
        ),
        bad_lines=bad_lines,
    )


def _gather(connection: duckdb.DuckDBPyConnection, files: Listing, kept: Path | None) -> None:
    """Prepare the tables of the queries below; NDJSON is read once, Parquet at each use.

    ``gathered`` holds all events, and ``events`` each of them once; only the few that may be
    repeats are compared with each other.
    """
    chosen = ", ".join([*(f'"{name}"' for name in _KEPT), *_DERIVED, KEY])
    sources = []
    if files.ndjson or not files.parquet:
        kinds = [f"NULL::{ref.field.kind.duckdb} AS {ref.sql}" for ref in _REFS]
        source = f"SELECT {', '.join(kinds)}, NULL::VARCHAR AS {KEY} WHERE false"
        if files.ndjson:
            hashed = bool(files.parquet)
            source = ndjson_source(files.ndjson, _REFS, hashed=hashed)
        connection.execute(f"CREATE TEMP TABLE lines AS SELECT {chosen} FROM ({source})")
        sources.append("lines")
    if files.parquet:
        source = parquet_source(files.parquet, _REFS, key=True)
        connection.execute(f"CREATE TEMP VIEW compacted AS SELECT {chosen} FROM ({source})")
        sources.append("compacted")
    everything = " UNION ALL ".join(f"FROM {source}" for source in sources)
    connection.execute(f"CREATE TEMP VIEW gathered AS {everything}")
    if kept is not None:
        known = parquet_source([kept], [Ref(BY_NAME["event.dataset"])], key=True)
        connection.execute(f"CREATE TEMP VIEW kept AS {known}")
        new, old = "lines" if files.ndjson else None, "compacted"
    else:
        new, old = "gathered", None
    twice: dict[str, str] = {
        dataset: repeated(dataset, new=new, old=old, kept=None if kept is None else "kept")
        for dataset in _BY_KEY
    }
    chosen, identity = _KINDS["other"]
    twice["other"] = (
        f"SELECT hash({identity}) AS h FROM gathered WHERE {chosen} GROUP BY h HAVING count(*) > 1"
    )
    keys = " UNION ALL ".join(f"SELECT '{k}' AS kind, h FROM ({q})" for k, q in twice.items())
    connection.execute(f"CREATE TEMP TABLE twice AS {keys}")
    connection.execute(_AGAIN)
    connection.execute(_EVENTS)


def _bad_lines(connection: duckdb.DuckDBPyConnection, files: Listing) -> int:
    if not files.ndjson:
        return 0
    refs = {Ref(BY_NAME[name]) for name in ("event.id", "event.dataset", "@timestamp")}
    paths, lines = shape(refs)
    whole = " AND ".join(f"{path} IS NOT NULL" for path in paths.values())
    source = read_json(files.ndjson, lines, strict=False)
    (found,) = connection.execute(f"SELECT count(*) FROM {source} WHERE NOT ({whole})").fetchall()
    return int(found[0])


_BY_KEY = (PREDICTION, LABEL)
_KINDS: dict[str, tuple[str, str]] = {
    **{name: (f"\"event.dataset\" = '{name}'", KEY) for name in _BY_KEY},
    "other": (f'"event.dataset" NOT IN {_BY_KEY}', '"event.id"'),
}
"""Kinds of events, by a condition, and the column that identifies an event of the kind."""
_NEEDED = (
    *("event.id", "event.dataset", "@timestamp", "event.created", "event.sequence"),
    *("event.outcome", "ml.model.name", "ml.model.version", "ml.task", "ml.prediction.id"),
    "ml.sample.rate",
)
_COLUMNS = ", ".join([*map(quoted, _NEEDED), KEY])
_SAME = f"""
    PARTITION BY "event.dataset", date_trunc('month', "@timestamp"),
        CASE WHEN "event.dataset" = '{PREDICTION}' THEN {KEY}::VARCHAR ELSE "event.id" END"""


def _by_kind(membership: str, more: str, of_predictions: str) -> str:
    """Return a query of the events that may be repeats, or of those that are none.

    It has a part for each kind, which reads only the columns that this kind needs.

    Args:
        membership: ``IN`` or ``NOT IN`` the keys that may occur twice.
        more: further columns.
        of_predictions: further columns of predictions, in their place.
    """
    parts = []
    for kind, (chosen, identity) in _KINDS.items():
        columns = of_predictions if kind == PREDICTION else more
        twice = f"(SELECT h FROM twice WHERE kind = '{kind}')"
        parts.append(
            f"SELECT {_COLUMNS}, {columns} FROM gathered "
            f"WHERE {chosen} AND hash({identity}) {membership} {twice}"
        )
    return " UNION ALL ".join(parts)


_AGAIN = f"""
    CREATE TEMP TABLE again AS
    SELECT {_COLUMNS}, count(*) OVER same - 1 AS copies,
           count(DISTINCT content) OVER same - 1 AS differing
    FROM ({_by_kind("IN", "NULL AS content", "content")}) WINDOW same AS ({_SAME})
    QUALIFY row_number() OVER (
        {_SAME} ORDER BY "event.created", "event.sequence", "event.id") = 1"""
_NO_COPIES = "0 AS copies, 0 AS differing"
_EVENTS = f"""
    CREATE TEMP VIEW events AS
    {_by_kind("NOT IN", _NO_COPIES, _NO_COPIES)} UNION ALL FROM again"""


def _names(*lists: str) -> str:
    """Return the query of all names that each model has in some lists."""
    named = ", ".join(f"coalesce(any_value({column}), [])" for column in lists)
    return f"""
        SELECT model, list_sort(list_distinct(flatten(list(names)))) FROM (
            SELECT any_value("ml.model.name") AS model, list_concat({named}) AS names
            FROM gathered WHERE "event.dataset" = '{PREDICTION}'
            GROUP BY hash("ml.model.name", {", ".join(lists)})) GROUP BY model"""


_SQL = {
    "span": 'SELECT min("@timestamp"), max("@timestamp") FROM gathered',
    "datasets": 'SELECT "event.dataset", count(*) FROM events GROUP BY 1 ORDER BY 1',
    "versions": f"""
        SELECT "ml.model.name", "ml.model.version", min("@timestamp"), max("@timestamp"), count(*),
               count(*) FILTER ("event.outcome" = 'failure'), sum(copies), sum(differing),
               min("ml.sample.rate"), list(DISTINCT "ml.task") FILTER ("ml.task" IS NOT NULL)
        FROM events WHERE "event.dataset" = '{PREDICTION}' GROUP BY 1, 2 ORDER BY 3, 2""",
    "deployed": f"""
        SELECT "ml.model.name", "ml.model.version", min("@timestamp") FROM gathered
        WHERE "event.dataset" = '{DEPLOYMENT}' AND "event.action" = 'deployed'
        GROUP BY 1, 2""",
    "labelled": f"""
        SELECT "ml.model.name", count(*) FROM events
        WHERE "event.dataset" = '{PREDICTION}' AND "event.outcome" = 'success' AND {KEY} IN (
            SELECT {KEY} FROM gathered WHERE "event.dataset" = '{LABEL}')
        GROUP BY 1""",
    "label_counts": f"""
        SELECT "ml.model.name", count(*) FROM events WHERE "event.dataset" = '{LABEL}'
        GROUP BY 1""",
    "lost": f"""
        WITH rates AS (
            SELECT "ml.model.name" AS model, min("ml.sample.rate") AS rate
            FROM events WHERE "event.dataset" = '{PREDICTION}' GROUP BY 1)
        SELECT labels.model, count(*), count(*) FILTER ({_SAMPLED_OUT})
        FROM (SELECT {KEY}, "ml.model.name" AS model, "ml.prediction.id" AS id
              FROM events WHERE "event.dataset" = '{LABEL}') AS labels
        ANTI JOIN (SELECT {KEY} FROM gathered WHERE "event.dataset" = '{PREDICTION}') AS predictions
            ON labels.{KEY} = predictions.{KEY}
        LEFT JOIN rates ON labels.model IS NOT DISTINCT FROM rates.model GROUP BY labels.model""",
    "segments": _names("segments"),
    "features": _names("numbers", "categories"),
    # the sequence numbers of a process are dense, so 64 of them are counted in one number
    "processes": """
        SELECT entity, any_value(service), any_value(host), min(first), max(last),
               sum(bit_count(numbers))::BIGINT AS events,
               greatest(max(high)::HUGEINT - min(low) + 1 - events, 0),
               coalesce(TRY_CAST(max(dropped) AS BIGINT), 0)
        FROM (SELECT "process.entity_id" AS entity, any_value("service.name") AS service,
                     any_value("service.node.name") AS host, min("@timestamp") AS first,
                     max("@timestamp") AS last, min("event.created") AS created,
                     bit_or(1::UBIGINT << ("event.sequence" & 63)) AS numbers,
                     min("event.sequence") AS low, max("event.sequence") AS high,
                     max(dropped) AS dropped
              FROM gathered WHERE "process.entity_id" IS NOT NULL AND "event.sequence" IS NOT NULL
              GROUP BY entity, "event.sequence" >> 6)
        GROUP BY entity ORDER BY min(created), entity""",
}
