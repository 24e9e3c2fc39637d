"""Predictions that are written twice, and predictions with several labels.

Parquet files do not change, so compaction looks for such events once and copies them to
``.repeats.parquet``, with the names of the Parquet files that it examined. A question then looks
for repeats only among NDJSON files. If the names are not those of the Parquet files in the folder
(one was copied in, or removed), the question looks at all files: the copy makes an answer faster,
and never decides what is right. For that reason it has no features, which take longest to copy; a
question about them takes the repeats from all files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from elkmon.events.datasets import LABEL, PREDICTION, Dataset
from elkmon.stores.local.columns import KEY, STORED, Ref, listed, text
from elkmon.stores.local.label_join_sql import JOINED, needed

__all__ = ["NAME", "candidates", "covered", "find", "holds", "repeated"]

NAME = ".repeats.parquet"
_JOINING = {ref.field.name for ref in needed(JOINED)}
_HELD: dict[Dataset, tuple[Ref, ...]] = {
    PREDICTION: tuple(
        ref
        for ref in STORED
        if PREDICTION in ref.field.datasets
        and ref.field.name != "labels"
        and not ref.field.name.startswith("ml.features.")
    ),
    LABEL: tuple(
        ref
        for ref in STORED
        if LABEL in ref.field.datasets and ref.field.name in {*_JOINING, "event.dataset"}
    ),
}
"""Columns in the copy: of labels only those that the join needs."""
_FIELDS = {ref.field for held in _HELD.values() for ref in held}


def repeated(dataset: Dataset, *, new: str | None, old: str | None, kept: str | None) -> str:
    """Return a query of the hashed keys that occur more than once, and perhaps of a few others.

    Args:
        dataset: predictions or labels.
        new: table of events to look for repeats in, if any.
        old: table of events whose repeats are in ``kept``, if any.
        kept: table of the repeats that :func:`find` copied from ``old``, if any.
    """
    chosen = f"WHERE \"event.dataset\" = '{dataset}' AND {KEY} IS NOT NULL"
    parts = []
    if new is not None:
        parts.append(f"SELECT hash({KEY}) AS h FROM {new} {chosen} GROUP BY h HAVING count(*) > 1")
    if kept is not None:
        parts.append(f"SELECT hash({KEY}) FROM {kept} {chosen}")
    if new is not None and old is not None:
        parts.append(
            f"SELECT hash({KEY}) FROM {old} {chosen} "
            f"AND hash({KEY}) IN (SELECT hash({KEY}) FROM {new} {chosen})"
        )
    return f"SELECT h FROM ({' UNION ALL '.join(parts)}) AS keys(h)"


def holds(refs: Collection[Ref]) -> bool:
    """Return whether the copy of repeats has some columns."""
    return all(ref.field in _FIELDS for ref in refs)


def candidates(*, new: str | None, old: str, kept: str) -> str:
    """Return a query of all events whose key may occur more than once.

    It may return an event twice, so its caller takes each once. All tables have the same columns.

    Args:
        new: table of events that are not compacted, if any.
        old: table of compacted events.
        kept: table of the repeats that :func:`find` copied from ``old``.
    """
    parts = [f"FROM {kept}"]
    if new is not None:
        parts.append(f"FROM {new}")
        parts.append(f"FROM {old} WHERE hash({KEY}) IN (SELECT hash({KEY}) FROM {new})")
    return " UNION ALL ".join(parts)


def covered(connection: duckdb.DuckDBPyConnection, folder: Path) -> frozenset[str]:
    """Return the names of the Parquet files whose repeats are copied in a folder."""
    kept = folder / NAME
    if not kept.exists():
        return frozenset()
    query = f"SELECT name FROM {_read([kept])} WHERE name IS NOT NULL"
    try:
        return frozenset(name for (name,) in connection.execute(query).fetchall())
    except duckdb.Error:  # the copy only makes answers faster
        return frozenset()


def find(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    before: Sequence[Path],
    parts: Mapping[str, Path],
) -> None:
    """Find events of keys that occur more than once in Parquet files, and copy them.

    Args:
        connection: of DuckDB.
        folder: of the events.
        before: the Parquet files in the folder.
        parts: the files to be added, by the names that they will have.
    """
    known = bool(before) and covered(connection, folder) == {file.name for file in before}
    fresh = [*parts.values(), *(() if known else before)]
    if known:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW kept AS FROM {_read([folder / NAME])}")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW new AS FROM {_read(fresh)}")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW old AS FROM {_read(before or fresh)}")
    names = ", ".join(f"({text(name)})" for name in [*(file.name for file in before), *parts])
    chosen = [f"SELECT name FROM (VALUES {names}) AS files(name)"]
    for dataset in (PREDICTION, LABEL):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE twice_{len(chosen)} AS "
            + repeated(
                dataset,
                new="new",
                old="old" if known else None,
                kept="kept" if known else None,
            )
        )
        ((count,),) = connection.execute(f"SELECT count(*) FROM twice_{len(chosen)}").fetchall()
        if count:
            columns = ", ".join(ref.sql for ref in _HELD[dataset])
            chosen.append(
                f"SELECT {columns}, {KEY} FROM {_read([*before, *parts.values()])} "
                f"WHERE \"event.dataset\" = '{dataset}' "
                f"AND hash({KEY}) IN (FROM twice_{len(chosen)})"
            )
    nulls = ", ".join(
        f"NULL::{ref.field.kind.duckdb} AS {ref.sql}" for ref in STORED if ref.field in _FIELDS
    )
    chosen.append(f"SELECT {nulls}, NULL::UUID AS {KEY} WHERE false")
    target = folder / f"{NAME}.part"
    connection.execute(
        f"COPY ({' UNION ALL BY NAME '.join(chosen)}) TO {text(str(target))} (FORMAT parquet)"
    )
    target.chmod(0o600)
    target.rename(folder / NAME)


def _read(files: Iterable[Path]) -> str:
    return f"read_parquet([{listed(files)}], union_by_name=true)"
