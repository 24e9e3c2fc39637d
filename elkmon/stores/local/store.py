"""The local store: DuckDB over the files of a folder, in place."""

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
from elkmon.stores.local.catalog import inventory
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
"""From this version on DuckDB can be kept from taking a * in a folder's name for a pattern."""
_IDENTITY = tuple(
    Ref(BY_NAME[name])
    for name in ("event.id", "event.dataset", "@timestamp", "event.created", "event.sequence")
)

_DATASET = (Ref(BY_NAME["event.dataset"]),)


class LocalStore:
    """A folder of events, asked by DuckDB; see :class:`elkmon.stores.protocol.Store`.

    Nothing is imported and nothing is kept: every question reads the files as they are. A folder
    that is not there is an empty store.

    Args:
        folder: that holds the events.

    Raises:
        ConfigError: how much memory a question may take cannot be told from the setting.
        StoreError: it is a file, or may not be read.
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
        self._connection.execute("SET enable_progress_bar = false")  # on by itself in notebooks
        # a question opens each Parquet file several times; DuckDB looks whether it has changed
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
            QueryError: a field that is not in the field table, or does not fit its use.
            StoreError: the events cannot be read.
        """
        asked = question(by, measures, where)
        columns = [f"{sql} AS d{i}" for i, sql in enumerate(asked.dimensions)]
        columns += [f"{sql} AS m{i}" for i, sql in enumerate(asked.measures)]
        group = ", ".join(f"d{i}" for i in range(len(by)))
        ending = f"GROUP BY {group} ORDER BY {group}" if by else "HAVING count(*) > 0"

        def ask(files: Listing, kept: Path | None) -> Rows:
            tables, name = _tables(files, kept, dataset, asked, where)
            query = f"WITH {tables} SELECT {', '.join(columns)} FROM {name} WHERE {asked.where} "
            return self._rows(query + ending, asked.values)

        rows = self._ask(ask) if columns else []
        names = [*(f"d{i}" for i in range(len(by))), *(f"m{i}" for i in range(len(measures)))]
        return Table(tuple(names), tuple(zip(*map(_cells, zip(*rows, strict=True)), strict=True)))

    def events(
        self, dataset: Dataset | None, *, where: Filter, limit: int, newest_first: bool = True
    ) -> Iterator[Event]:
        """Return events, whole, sorted by time; predictions with what their labels make of them.

        Raises:
            QueryError: a field that is not in the field table, or does not fit its use; one that
                comes from labels, without ``dataset``.
            StoreError: the events cannot be read.
        """
        check_events(dataset, where)
        asked = question((), (), where)
        asked.refs |= set(IDENTITY)
        order = "DESC" if newest_first else "ASC"
        identity = ", ".join(ref.sql for ref in IDENTITY)

        def ask(files: Listing, kept: Path | None) -> Rows:
            tables, name = _tables(files, kept, dataset, asked, where)
            chosen = self._rows(
                f"WITH {tables} SELECT {identity} FROM {name} WHERE {asked.where} "
                f'ORDER BY "@timestamp" {order}, "event.created" {order}, "event.id" {order} '
                f"LIMIT {max(limit, 0)}",
                asked.values,
            )
            return contents(self._rows, files, chosen)

        for (event,) in self._ask(ask):
            yield event

    def catalog(self) -> Catalog:
        """Say what is in the store.

        Raises:
            StoreError: the events cannot be read.
        """
        return inventory(self._connection, self._reader, self._ask)

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
        """Delete the files whose events are all before a time; notes on issues stay.

        Raises:
            StoreError: the folder cannot be used, or its files are being replaced.
        """
        return prune_files(self.folder, before, dry_run=dry_run, progress=progress)

    def erase(
        self, request: ErasureRequest, *, dry_run: bool, progress: Progress | None = None
    ) -> ErasureReport:
        """Erase events, and what was set apart of them; each file is replaced as a whole.

        Raises:
            StoreError: a file cannot be read or replaced; those before it are done.
        """
        return erase_in_files(self.folder, request, dry_run=dry_run, progress=progress)

    def close(self) -> None:
        """Return back the connection and the scratch folder."""
        self._connection.close()
        self._scratch.cleanup()

    def _ask(self, ask: Callable[[Listing, Path | None], Rows]) -> Rows:
        """Ask with what compaction found out about repeats, where it is of the files that are read.

        A query opens it in several places: where it was replaced meanwhile, it is done without.
        """
        kept = self.folder / NAME

        def tried(files: Listing) -> Rows:
            before = _changed(kept)
            if before != self._kept:
                self._kept, self._covered = before, covered(self._connection, self.folder)
            known = bool(files.parquet) and self._covered == {file.name for file in files.parquet}
            rows = self._memory.within(files, lambda: ask(files, kept if known else None))
            if known and _changed(kept) != before:
                return self._memory.within(files, lambda: ask(files, None))
            return rows

        return self._reader.run(tried)

    def _rows(self, query: str, values: Sequence[object] = ()) -> Rows:
        return self._connection.execute(query, list(values)).fetchall()


def _changed(file: Path) -> tuple[int, int] | None:
    """Tell a file from what may come in its place."""
    try:
        state = file.stat()
    except FileNotFoundError:
        return None
    return state.st_ino, state.st_mtime_ns


def _tables(
    files: Listing, kept: Path | None, dataset: Dataset | None, asked: Question, where: Filter
) -> tuple[str, str]:
    """Return the common tables of a question, and the name of the one to ask.

    Each event is there once: of the same event the first that was written counts.

    Args:
        files: to ask.
        kept: what is known of the repeats of their Parquet files, if anything.
        dataset: to ask for.
        asked: the question.
        where: its window.
    """
    on_labels = [ref for ref in asked.refs if dataset == PREDICTION and ref.field.name in JOINED]
    own = asked.refs.difference(on_labels).union(_IDENTITY)
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
    """Return the common tables ``x`` of all events, and ``r`` of those that may be repeats.

    NDJSON (``n``) and known repeats (``k``) are read once, Parquet (``f``) wherever it is asked.
    """
    hashed = bool(files.parquet) if keyed else None
    made = {}
    if files.ndjson:
        made["n AS MATERIALIZED"] = ndjson_source(files.ndjson, refs, hashed=hashed)
    if files.parquet:
        made["f AS NOT MATERIALIZED"] = parquet_source(files.parquet, refs, key=keyed)
    if not made:
        kinds = [f"NULL::{ref.field.kind.duckdb} AS {ref.sql}" for ref in refs]
        made["n AS MATERIALIZED"] = f"SELECT {', '.join(kinds)}, NULL::VARCHAR AS {KEY} WHERE false"
    everything = " UNION ALL ".join(f"FROM {name[0]}" for name in made)
    repeats = "FROM x"
    if kept is not None:
        held = holds(refs)
        made["k AS MATERIALIZED"] = parquet_source([kept], refs if held else _DATASET, key=True)
        if held:
            repeats = candidates(new="n" if files.ndjson else None, old="f", kept="k")
    tables = [f"{name} ({query})" for name, query in made.items()]
    tables.append(f"x AS NOT MATERIALIZED ({everything})")
    tables.append(f"r AS NOT MATERIALIZED ({repeats})")
    return ", ".join(tables)


def _months(where: Filter) -> str:
    """Narrow predictions to the months that a window touches: repeats count within a month."""
    found = ""
    if where.since is not None:
        first = naive_utc(where.since).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        found += f" AND \"@timestamp\" >= TIMESTAMP '{first.isoformat(' ')}'"
    if where.until is not None:
        until = naive_utc(where.until)
        after = f"TIMESTAMP '{until.replace(day=1):%Y-%m-%d}' + INTERVAL 1 MONTH"
        found += f' AND "@timestamp" < {after}'
    return found


def _cells(column: Sequence[Any]) -> Iterable[Cell]:
    """Return the cells of a column: times are aware."""
    if isinstance(next((cell for cell in column if cell is not None), None), datetime):
        return (None if cell is None else cell.replace(tzinfo=timezone.utc) for cell in column)
    return column
