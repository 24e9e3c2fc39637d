"""Which predictions are there twice, and which have several labels: found once, for all questions.

Parquet files do not change, so that compaction can find the keys that they have in common and keep
them in ``.repeats.parquet``, with the names of the files that it looked at. A question then has to
look for repeats among the NDJSON files only. Where a file is not among those names (it was copied
in from elsewhere), the question looks at everything: what is kept makes it faster, not right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from elkmon.events.fields import LABEL, PREDICTION, Dataset
from elkmon.store.columns import KEY, listed, text

__all__ = ["NAME", "covers", "find", "repeated"]

NAME = ".repeats.parquet"


def repeated(dataset: Dataset, *, new: str | None, old: str | None, kept: Path | None) -> str:
    """Give a query of the keys, hashed, that are there more than once; some that are not may be.

    Args:
        dataset: predictions or labels.
        new: table of events in which repeats are looked for, if any.
        old: table of events among which ``kept`` has the repeats, if any.
        kept: what :func:`find` has found in ``old``.
    """
    mine = f"WHERE \"event.dataset\" = '{dataset}' AND {KEY} IS NOT NULL"
    parts = []
    if new is not None:
        parts.append(f"SELECT hash({KEY}) AS h FROM {new} {mine} GROUP BY h HAVING count(*) > 1")
    if kept is not None:
        parts.append(
            f"SELECT hash({KEY}) FROM read_parquet([{listed([kept])}]) WHERE kind = '{dataset}'"
        )
    if new is not None and old is not None:
        parts.append(
            f"SELECT hash({KEY}) FROM {old} {mine} "
            f"AND hash({KEY}) IN (SELECT hash({KEY}) FROM {new} {mine})"
        )
    return f"SELECT h FROM ({' UNION ALL '.join(parts)}) AS found(h)"


def covers(connection: duckdb.DuckDBPyConnection, folder: Path, files: Sequence[Path]) -> bool:
    """Say whether what is kept in a folder knows all of some Parquet files."""
    kept = folder / NAME
    if not kept.exists():
        return False
    query = f"SELECT name FROM read_parquet([{listed([kept])}]) WHERE kind = 'file'"
    names = {name for (name,) in connection.execute(query).fetchall()}
    return all(file.name in names for file in files)


def find(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    before: Sequence[Path],
    parts: Mapping[str, Path],
) -> None:
    """Find the keys that Parquet files have more than once, and keep them.

    Args:
        connection: to ask with.
        folder: of the events.
        before: the Parquet files that are there.
        parts: the ones that are about to be: names that they will have, and where they are now.
    """
    known = bool(before) and covers(connection, folder, before)
    fresh = [*parts.values(), *(() if known else before)]
    columns = f'SELECT "event.dataset", {KEY} FROM read_parquet'
    tables = [
        f"new AS NOT MATERIALIZED ({columns}([{listed(fresh)}]))",
        f"old AS NOT MATERIALIZED ({columns}([{listed(before)}]))" if known else "",
        f"x AS NOT MATERIALIZED (FROM new {'UNION ALL FROM old' if known else ''})",
    ]
    old, kept = ("old", folder / NAME) if known else (None, None)
    keys = " UNION ALL ".join(
        f'SELECT DISTINCT "event.dataset" AS kind, {KEY}, NULL::VARCHAR AS name FROM x '
        f"WHERE \"event.dataset\" = '{dataset}' "
        f"AND hash({KEY}) IN ({repeated(dataset, new='new', old=old, kept=kept)})"
        for dataset in (PREDICTION, LABEL)
    )
    names = sorted([*(file.name for file in before), *parts])
    files = ", ".join(f"('file', NULL::UUID, {text(name)})" for name in names)
    target = folder / f"{NAME}.part"
    connection.execute(
        f"COPY (WITH {', '.join(filter(None, tables))} {keys} UNION ALL FROM (VALUES {files})) "
        f"TO {text(str(target))} (FORMAT parquet)"
    )
    target.chmod(0o600)
    target.rename(folder / NAME)
