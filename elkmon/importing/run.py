"""Import a table: every row through the public logger, so that it is redacted as all else is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path

import elkmon
from elkmon.emit import process_emitter as state
from elkmon.events.errors import ConfigError, StoreError
from elkmon.importing.columns import check_columns
from elkmon.importing.delimited import DelimitedSource
from elkmon.importing.ndjson import NdjsonSource
from elkmon.importing.options import ImportOptions, ImportReport
from elkmon.importing.parquet import ParquetSource
from elkmon.importing.record import Bad, Record, Source
from elkmon.importing.rejects import Rejects
from elkmon.importing.rows import Converter, RefusedError, Row

__all__ = ["Progress", "import_table"]

Progress = Callable[[int, int], None]
"""Called now and then with how much was read, of how much: bytes of the file, or rows."""

_SOURCES: dict[str, Callable[[Path], Source]] = {
    ".csv": DelimitedSource,
    ".tsv": DelimitedSource,
    ".ndjson": NdjsonSource,
    ".jsonl": NdjsonSource,
    ".json": NdjsonSource,
    ".parquet": ParquetSource,
}
_CHUNK = 1000
"""Rows that are read, then written, then reported as progress."""


def import_table(
    source: Path, store: Path, options: ImportOptions, progress: Progress | None = None
) -> ImportReport:
    """Turn a table of predictions into events, and its truths into labels.

    Rows that cannot be used go to a file below ``store/rejected``, each with its line and the
    reason; the rest goes on. With ``options.id`` the import can be repeated: an id counts once.

    Args:
        source: a CSV, NDJSON or Parquet file; CSV and NDJSON also as ``.gz``.
        store: the folder of the events; made where it does not exist.
        options: which column is what.
        progress: is told how far it is.

    Returns:
        What became of the rows: read = written + rejected.

    Raises:
        ConfigError: a kind of file that cannot be read, or a column that is not there.
        StoreError: the file cannot be read, or events cannot be written.
        KeyboardInterrupt: Ctrl-C; it says how far the import came.
    """
    now = datetime.now(timezone.utc)
    table = _open(source)
    try:
        check_columns(options, table.columns, source)
        rejects = Rejects(store, source, now)
        try:
            with _emitting_into(store):
                run = _Run(table, rejects, Converter(options, table.numeric, now), options)
                run.all(progress)
        finally:
            rejects.close()
    finally:
        table.close()
    return ImportReport(
        read=run.written + run.rejected,
        written=run.written,
        rejected=run.rejected,
        labels=run.labels,
        reasons=rejects.reasons,
        rejected_file=rejects.path,
    )


class _Run:
    """One pass over a table."""

    def __init__(
        self, table: Source, rejects: Rejects, converter: Converter, options: ImportOptions
    ) -> None:
        self._table = table
        self._rejects = rejects
        self._converter = converter
        self._log = elkmon.get_logger(
            model=options.model,
            version=options.version,
            task=options.task,
            positive=options.positive,
        )
        self._options = options
        self.written = self.rejected = self.labels = 0

    def all(self, progress: Progress | None) -> None:
        """Read the table in chunks, and write each chunk as one batch."""
        records = iter(self._table)
        try:
            while chunk := list(islice(records, _CHUNK)):
                self._write([row for row in map(self._row, chunk) if row is not None])
                if progress is not None:
                    progress(self._table.position(), self._table.total)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"interrupted after {self._so_far()}") from None

    def _row(self, record: Record | Bad) -> Row | None:
        """Convert a record, or set it apart."""
        if isinstance(record, Record):
            try:
                return self._converter.row(record.values)
            except RefusedError as refused:
                record = Bad(record.line, str(refused), record.raw)
        self._rejects.add(record)
        self.rejected += 1
        return None

    def _write(self, rows: list[Row]) -> None:
        if not rows:
            return
        given = self._options
        ids = self._log.predictions(
            label=[row.label for row in rows] if given.label else None,
            value=[row.value for row in rows] if given.value else None,
            score=[row.score for row in rows] if given.score else None,
            features=_columns([row.features for row in rows]),
            segment=_columns([row.segment for row in rows]),
            id=[row.id for row in rows],
            at=[row.at for row in rows],
        )
        known = [(name, row) for name, row in zip(ids, rows, strict=True) if row.truth is not None]
        if known:
            self._log.labels(
                [name for name, _ in known],
                observed_at=[row.truth_at for _, row in known],
                **{"value" if given.value else "label": [row.truth for _, row in known]},
            )
        self._check_losses()
        self.written += len(rows)
        self.labels += len(known)

    def _check_losses(self) -> None:
        lost = elkmon.stats().dropped
        if lost:
            reasons = ", ".join(f"{reason}: {count:,}" for reason, count in sorted(lost.items()))
            raise StoreError(
                f"events could not be written ({reasons}), see the message above; it was after "
                f"{self._so_far()}"
            )

    def _so_far(self) -> str:
        return (
            f"the first {self.written:,} rows; import again from the start: with an id column no "
            "row counts twice"
        )


def _columns(rows: list[Mapping[str, object]]) -> dict[str, list[object]] | None:
    """Turn rows into columns; all rows have the same names."""
    return {name: [row[name] for row in rows] for name in rows[0]} or None


def _open(path: Path) -> Source:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = bool(suffixes) and suffixes[-1] == ".gz"
    kind = suffixes[-2 if packed else -1] if len(suffixes) > packed else ""
    opener = _SOURCES.get(kind)
    if opener is None or (packed and opener is ParquetSource):
        raise ConfigError(
            f"cannot tell what {path.name} is by its name; it ends in one of "
            f"{', '.join(_SOURCES)}; CSV and NDJSON may also have .gz behind"
        )
    return opener(path)


@contextmanager
def _emitting_into(store: Path) -> Iterator[None]:
    """Send what is logged to a store, whole; put the process's own settings back afterwards.

    It is strict: what a logger would only count in an application ends an import.
    """
    before = asdict(state.settings())
    own = {"spool": store, "sink": "spool", "enabled": True, "sample_rate": 1.0, "strict": True}
    elkmon.configure(**{**before, **own})
    try:
        yield
    finally:
        elkmon.configure(**before)
