"""The local store: the files of a folder, read in place by DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from elkmon.events.datasets import LABEL, PREDICTION, Dataset
from elkmon.events.errors import StoreError
from elkmon.events.fields import BY_NAME
from elkmon.events.query_settings import query_settings
from elkmon.retention.erasure import ErasureReport, ErasureRequest
from elkmon.retention.pruning import OldPart
from elkmon.stores.finding import Finding
from elkmon.stores.local.catalog import read_catalog
from elkmon.stores.local.columns import KEY, Ref, ndjson_source, parquet_source
from elkmon.stores.local.doctor import examine
from elkmon.stores.local.erase import erase_in_files
from elkmon.stores.local.files import Listing
from elkmon.stores.local.label_join_sql import JOINED, joined, needed
from elkmon.stores.local.memory_limit import Memory
from elkmon.stores.local.prune import prune_files
from elkmon.stores.local.query_sql import Question, question
from elkmon.stores.local.reader import Reader, Rows
from elkmon.stores.local.repeats import NAME, candidates, covered, holds, repeated
from elkmon.stores.local.whole_events import IDENTITY, contents
from elkmon.stores.local.write import write_lines
from elkmon.stores.protocol import (
    Catalog,
    Cell,
    Dimension,
    Event,
    Filter,
    Measure,
    Progress,
    Table,
)
from elkmon.stores.query_validation import check_events, naive_utc

__all__ = ["LocalStore"]

_ANY_PATH = 2
"""The first version of DuckDB that can read a folder with * in its name."""
_IDENTITY = tuple(
    Ref(BY_NAME[name])
    for name in ("event.id", "event.dataset", "@timestamp", "event.created", "event.sequence")
)

_DATASET = (Ref(BY_NAME["event.dataset"]),)


class LocalStore:
    """A folder of events, asked by DuckDB; see :class:`elkmon.stores.protocol.Store`.

    There is no import and no copy: every question reads the files as they are. A folder that does
    not exist is an empty store.

    Args:
        folder: that holds the events.

    Raises:
        ConfigError: the setting of a question's memory cannot be used.
        StoreError: DuckDB cannot read a folder of this name.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        if "*" in str(folder) and int(duckdb.__version__.split(".")[0]) < _ANY_PATH:
            raise StoreError(
                f"{folder}: DuckDB {duckdb.__version__} takes * for a pattern: rename the folder, "
                "or use Python >= 3.11 with DuckDB >= 2"
            )
        memory = query_settings().memory_bytes
        self._scratch = TemporaryDirectory(prefix="elkmon-")
        self._reader = Reader(self.folder, Path(self._scratch.name))
        self._kept: tuple[int, int] | None = None
        self._covered: frozenset[str] = frozenset()
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET enable_progress_bar = false")  # DuckDB shows one in notebooks
        # a question opens a Parquet file several times; DuckDB notices if it has changed
        self._connection.execute("SET parquet_metadata_cache = true")
        self._memory = Memory(self._connection, Path(self._scratch.name), memory)

    def aggregate(
        self,
        dataset: Dataset,
        *,
        by: Sequence[Dimension],
        measures: Sequence[Measure],
        where: Filter,
    ) -> Table:
        """Group events and compute measures.

        Raises:
            QueryError: a field is not in the field table, or cannot be used in this way.
            StoreError: the events cannot be read.
        """
        sql = question(by, measures, where)
        columns = [f"{part} AS d{i}" for i, part in enumerate(sql.dimensions)]
        columns += [f"{part} AS m{i}" for i, part in enumerate(sql.measures)]
        group = ", ".join(f"d{i}" for i in range(len(by)))
        ending = f"GROUP BY {group} ORDER BY {group}" if by else "HAVING count(*) > 0"

        def ask(files: Listing, kept: Path | None) -> Rows:
            tables, name = _tables(files, kept, dataset, sql, where)
            query = f"WITH {tables} SELECT {', '.join(columns)} FROM {name} WHERE {sql.where} "
            return self._rows(query + ending, sql.values)

        rows = self._ask(ask) if columns else []
        names = [*(f"d{i}" for i in range(len(by))), *(f"m{i}" for i in range(len(measures)))]
        return Table(tuple(names), tuple(zip(*map(_cells, zip(*rows, strict=True)), strict=True)))

    def events(
        self, dataset: Dataset | None, *, where: Filter, limit: int, newest_first: bool = True
    ) -> Iterator[Event]:
        """Yield whole events, sorted by time; predictions with the fields that come from labels.

        Raises:
            QueryError: a field is not in the field table, or cannot be used in this way; or it
                comes from labels, and no dataset is given.
            StoreError: the events cannot be read.
        """
        check_events(dataset, where)
        sql = question((), (), where)
        sql.refs |= set(IDENTITY)
        order = "DESC" if newest_first else "ASC"
        identity = ", ".join(ref.sql for ref in IDENTITY)

        def ask(files: Listing, kept: Path | None) -> Rows:
            tables, name = _tables(files, kept, dataset, sql, where)
            chosen = self._rows(
                f"WITH {tables} SELECT {identity} FROM {name} WHERE {sql.where} "
                f'ORDER BY "@timestamp" {order}, "event.created" {order}, "event.id" {order} '
                f"LIMIT {max(limit, 0)}",
                sql.values,
            )
            return contents(self._rows, files, chosen)

        for (event,) in self._ask(ask):
            yield event

    def catalog(self) -> Catalog:
        """Return the contents of the store.

        Raises:
            StoreError: the events cannot be read.
        """
        return read_catalog(self._connection, self._reader, self._ask)

    def examine(self, progress: Progress | None = None) -> list[Finding]:
        """Return what is wrong with the files, and with the events in them.

        Raises:
            StoreError: the events cannot be read at all.
        """
        return examine(self.folder, self, progress)

    def write(self, lines: Iterable[bytes]) -> None:
        """Write events into a file of their own.

        Raises:
            StoreError: they cannot be written.
        """
        write_lines(self.folder, lines)

    def prune(
        self, before: datetime, *, dry_run: bool, progress: Progress | None = None
    ) -> list[OldPart]:
        """Delete the files whose events are all before a time; notes on issues are kept for ever.

        Raises:
            StoreError: the folder cannot be used, or its files are being replaced.
        """
        return prune_files(self.folder, before, dry_run=dry_run, progress=progress)

    def erase(
        self, request: ErasureRequest, *, dry_run: bool, progress: Progress | None = None
    ) -> ErasureReport:
        """Erase events, also from rejected lines and dead letters; a file is replaced as a whole.

        Raises:
            StoreError: a file cannot be read or replaced; the files before it are done.
        """
        return erase_in_files(self.folder, request, dry_run=dry_run, progress=progress)

    def close(self) -> None:
        """Close the connection and remove the scratch folder."""
        self._connection.close()
        self._scratch.cleanup()

    def _ask(self, ask: Callable[[Listing, Path | None], Rows]) -> Rows:
        """Ask with the copy of repeats, if it is of the Parquet files that are read.

        A query opens the copy several times; if it is replaced meanwhile, the question is asked
        again without it.
        """
        kept = self.folder / NAME

        def ask_once(files: Listing) -> Rows:
            before = _version(kept)
            if before != self._kept:
                self._kept, self._covered = before, covered(self._connection, self.folder)
            known = bool(files.parquet) and self._covered == {file.name for file in files.parquet}
            rows = self._memory.within(files, lambda: ask(files, kept if known else None))
            if known and _version(kept) != before:
                return self._memory.within(files, lambda: ask(files, None))
            return rows

        return self._reader.run(ask_once)

    def _rows(self, query: str, values: Sequence[object] = ()) -> Rows:
        return self._connection.execute(query, list(values)).fetchall()


def _version(file: Path) -> tuple[int, int] | None:
    """Return what tells a file from one that replaces it; None if it does not exist."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def _tables(
    files: Listing, kept: Path | None, dataset: Dataset | None, sql: Question, where: Filter
) -> tuple[str, str]:
    """Return the common tables of a question, and the name of the table that it reads.

    That table holds each event once, as it was written first.

    Args:
        files: of the folder.
        kept: the copy of the repeats of its Parquet files, if it can be used.
        dataset: of the events; None for all.
        sql: the question.
        where: its window.
    """
    on_labels = [ref for ref in sql.refs if dataset == PREDICTION and ref.field.name in JOINED]
    own = sql.refs.difference(on_labels).union(_IDENTITY)
    keyed = dataset == PREDICTION
    refs = own
    if on_labels:
        refs = own | needed([ref.field.name for ref in on_labels])
    source = sorted(refs, key=lambda ref: ref.column)
    tables = [_source(files, source, kept if keyed else None, keyed=keyed)]
    chosen = f"\"event.dataset\" = '{dataset}'" if dataset else "true"
    identity = KEY if keyed else '"event.id"'
    if keyed:
        twice = _repeated(PREDICTION, files, kept)
        chosen += _months(where)
    else:
        twice = f"SELECT hash({identity}) AS h FROM x WHERE {chosen} GROUP BY h HAVING count(*) > 1"
    tables.append(f"""
        twice AS MATERIALIZED ({twice}),
        once AS NOT MATERIALIZED (
            SELECT * FROM x WHERE {chosen} AND hash({identity}) NOT IN (FROM twice)
            UNION ALL
            SELECT * FROM r WHERE {chosen} AND hash({identity}) IN (FROM twice)
            QUALIFY row_number() OVER (
                PARTITION BY {identity}, date_trunc('month', "@timestamp")
                ORDER BY "event.created", "event.sequence", "event.id") = 1)""")
    if not on_labels:
        return ", ".join(tables), "once"
    again = _repeated(LABEL, files, kept)
    tables.append(joined(again, [ref.field.name for ref in on_labels], own))
    return ", ".join(tables), "joined"


def _repeated(dataset: Dataset, files: Listing, kept: Path | None) -> str:
    if kept is None:
        return repeated(dataset, new="x", old=None, kept=None)
    return repeated(dataset, new="n" if files.ndjson else None, old="f", kept="k")


def _source(files: Listing, refs: Collection[Ref], kept: Path | None, *, keyed: bool) -> str:
    """Return the common tables ``x`` of all events and ``r`` of those that may be repeats.

    NDJSON (``n``) and the copy of repeats (``k``) are read once, Parquet (``f``) at each use.
    """
    hashed = bool(files.parquet) if keyed else None
    sources = {}
    if files.ndjson:
        sources["n AS MATERIALIZED"] = ndjson_source(files.ndjson, refs, hashed=hashed)
    if files.parquet:
        sources["f AS NOT MATERIALIZED"] = parquet_source(files.parquet, refs, key=keyed)
    if not sources:
        kinds = [f"NULL::{ref.field.kind.duckdb} AS {ref.sql}" for ref in refs]
        sources["n AS MATERIALIZED"] = (
            f"SELECT {', '.join(kinds)}, NULL::VARCHAR AS {KEY} WHERE false"
        )
    everything = " UNION ALL ".join(f"FROM {name[0]}" for name in sources)
    repeats = "FROM x"
    if kept is not None:
        complete = holds(refs)
        sources["k AS MATERIALIZED"] = parquet_source(
            [kept], refs if complete else _DATASET, key=True
        )
        if complete:
            repeats = candidates(new="n" if files.ndjson else None, old="f", kept="k")
    tables = [f"{name} ({query})" for name, query in sources.items()]
    tables.append(f"x AS NOT MATERIALIZED ({everything})")
    tables.append(f"r AS NOT MATERIALIZED ({repeats})")
    return ", ".join(tables)


def _months(where: Filter) -> str:
    """Return a condition on the months of a window, as repeats are repeats within a month only."""
    condition = ""
    if where.since is not None:
        first = naive_utc(where.since).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        condition += f" AND \"@timestamp\" >= TIMESTAMP '{first.isoformat(' ')}'"
    if where.until is not None:
        until = naive_utc(where.until)
        after = f"TIMESTAMP '{until.replace(day=1):%Y-%m-%d}' + INTERVAL 1 MONTH"
        condition += f' AND "@timestamp" < {after}'
    return condition


def _cells(column: Sequence[Any]) -> Iterable[Cell]:
    """Return the cells of a column, with times aware."""
    if isinstance(next((cell for cell in column if cell is not None), None), datetime):
        return (None if cell is None else cell.replace(tzinfo=timezone.utc) for cell in column)
    return column
