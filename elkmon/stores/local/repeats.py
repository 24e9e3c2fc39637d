"""Which predictions are there twice, and which have several labels: found once, for all questions.

Parquet files do not change, so that compaction can look for the events that they have of the same
prediction, and keep them apart in ``.repeats.parquet`` (the files have them, too), with the names
of the files that it looked at. A question then has to look for repeats among NDJSON files only.
Where those are not the names of the Parquet files that are there (one was copied in, or removed),
the question looks at everything: what is kept makes it faster, not right. For that reason it holds
no features, which take longest to copy: a question of them takes the repeats from all files.
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
"""Columns that are kept of repeats: of labels what a join needs."""
_FIELDS = {ref.field for held in _HELD.values() for ref in held}


def repeated(dataset: Dataset, *, new: str | None, old: str | None, kept: str | None) -> str:
    """Return a query of the keys, hashed, that are there more than once; some that are not may be.

    Args:
        dataset: predictions or labels.
        new: table of events in which repeats are looked for, if any.
        old: table of events among which ``kept`` has the repeats, if any.
        kept: table of what :func:`find` has found in ``old``, if any.
    """
    mine = f"WHERE \"event.dataset\" = '{dataset}' AND {KEY} IS NOT NULL"
    parts = []
    if new is not None:
        parts.append(f"SELECT hash({KEY}) AS h FROM {new} {mine} GROUP BY h HAVING count(*) > 1")
    if kept is not None:
        parts.append(f"SELECT hash({KEY}) FROM {kept} {mine}")
    if new is not None and old is not None:
        parts.append(
            f"SELECT hash({KEY}) FROM {old} {mine} "
            f"AND hash({KEY}) IN (SELECT hash({KEY}) FROM {new} {mine})"
        )
    return f"SELECT h FROM ({' UNION ALL '.join(parts)}) AS found(h)"


def holds(refs: Collection[Ref]) -> bool:
    """Return whether what is kept of repeats has some columns."""
    return all(ref.field in _FIELDS for ref in refs)


def candidates(*, new: str | None, old: str, kept: str) -> str:
    """Return a query of all events that may be repeats: those of every key that is there twice.

    Some are given twice: what asks of them takes each once. All tables have the same columns.

    Args:
        new: table of events that ``kept`` knows nothing of, if any.
        old: table of the events that it knows.
        kept: table of what :func:`find` has found in ``old``.
    """
    parts = [f"FROM {kept}"]
    if new is not None:
        parts.append(f"FROM {new}")
        parts.append(f"FROM {old} WHERE hash({KEY}) IN (SELECT hash({KEY}) FROM {new})")
    return " UNION ALL ".join(parts)


def covered(connection: duckdb.DuckDBPyConnection, folder: Path) -> frozenset[str]:
    """Name the Parquet files that what is kept in a folder is of; none where nothing is kept."""
    kept = folder / NAME
    if not kept.exists():
        return frozenset()
    query = f"SELECT name FROM {_read([kept])} WHERE name IS NOT NULL"
    try:
        return frozenset(name for (name,) in connection.execute(query).fetchall())
    except duckdb.Error:  # it is only there to be faster
        return frozenset()


def find(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    before: Sequence[Path],
    parts: Mapping[str, Path],
) -> None:
    """Find the events of keys that Parquet files have more than once, and keep them apart.

    Args:
        connection: to ask with.
        folder: of the events.
        before: the Parquet files that are there.
        parts: the ones that are about to be: names that they will have, and where they are now.
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
    nothing = ", ".join(
        f"NULL::{ref.field.kind.duckdb} AS {ref.sql}" for ref in STORED if ref.field in _FIELDS
    )
    chosen.append(f"SELECT {nothing}, NULL::UUID AS {KEY} WHERE false")
    target = folder / f"{NAME}.part"
    connection.execute(
        f"COPY ({' UNION ALL BY NAME '.join(chosen)}) TO {text(str(target))} (FORMAT parquet)"
    )
    target.chmod(0o600)
    target.rename(folder / NAME)


def _read(files: Iterable[Path]) -> str:
    return f"read_parquet([{listed(files)}], union_by_name=true)"
