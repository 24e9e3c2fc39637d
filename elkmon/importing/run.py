"""Import a table: log every row with the public logger, so that it is redacted like all events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path

import elkmon
from elkmon.emit import process_emitter
from elkmon.events.errors import ConfigError, StoreError
from elkmon.importing.columns import check_columns
from elkmon.importing.delimited import DelimitedSource
from elkmon.importing.ndjson import NdjsonSource
from elkmon.importing.options import ImportOptions, ImportReport
from elkmon.importing.parquet import ParquetSource
from elkmon.importing.record import BadRow, Record, Source
from elkmon.importing.rejects import Rejects
from elkmon.importing.rows import Converter, RejectedError, Row

__all__ = ["Progress", "import_table"]

Progress = Callable[[int, int], None]
"""Called now and then with how much was read, and the total: bytes of the file, or rows."""

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
    reason; they do not end the import. With ``options.id`` the import can be repeated: an id counts
    once.

    Args:
        source: a CSV, NDJSON or Parquet file; CSV and NDJSON also as ``.gz``.
        store: the folder of the events, which need not exist yet.
        options: the roles of the columns.
        progress: called with how much has been read.

    Returns:
        What became of the rows: read = written + rejected.

    Raises:
        ConfigError: the kind of file is not known, or a column is missing.
        StoreError: the file cannot be read, or events cannot be written.
        KeyboardInterrupt: Ctrl-C; its message says how many rows were written.
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

    def _row(self, record: Record | BadRow) -> Row | None:
        """Convert a record, or write it to the rejected rows and return None."""
        if isinstance(record, Record):
            try:
                return self._converter.row(record.values)
            except RejectedError as error:
                record = BadRow(record.line, str(error), record.raw)
        self._rejects.add(record)
        self.rejected += 1
        return None

    def _write(self, rows: list[Row]) -> None:
        if not rows:
            return
        options = self._options
        ids = self._log.predictions(
            label=[row.label for row in rows] if options.label else None,
            value=[row.value for row in rows] if options.value else None,
            score=[row.score for row in rows] if options.score else None,
            features=_columns([row.features for row in rows]),
            segment=_columns([row.segment for row in rows]),
            id=[row.id for row in rows],
            at=[row.at for row in rows],
        )
        labelled = [
            (prediction_id, row)
            for prediction_id, row in zip(ids, rows, strict=True)
            if row.truth is not None
        ]
        if labelled:
            self._log.labels(
                [prediction_id for prediction_id, _ in labelled],
                observed_at=[row.truth_at for _, row in labelled],
                **{"value" if options.value else "label": [row.truth for _, row in labelled]},
            )
        self._check_losses()
        self.written += len(rows)
        self.labels += len(labelled)

    def _check_losses(self) -> None:
        lost = elkmon.stats().dropped
        if lost:
            reasons = ", ".join(f"{reason}: {count:,}" for reason, count in sorted(lost.items()))
            raise StoreError(
                f"events could not be written ({reasons}; see the message above), after "
                f"{self._so_far()}"
            )

    def _so_far(self) -> str:
        return (
            f"the first {self.written:,} rows; import the table again from the start: with an id "
            "column no row counts twice"
        )


def _columns(rows: list[Mapping[str, object]]) -> dict[str, list[object]] | None:
    """Return rows as columns; all rows have the same names."""
    return {name: [row[name] for row in rows] for name in rows[0]} or None


def _open(path: Path) -> Source:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = bool(suffixes) and suffixes[-1] == ".gz"
    kind = suffixes[-2 if packed else -1] if len(suffixes) > packed else ""
    opener = _SOURCES.get(kind)
    if opener is None or (packed and opener is ParquetSource):
        raise ConfigError(
            f"cannot tell from its name what kind of file {path.name} is: use one that ends in "
            f"{', '.join(_SOURCES)}; CSV and NDJSON may also end in .gz"
        )
    return opener(path)


@contextmanager
def _emitting_into(store: Path) -> Iterator[None]:
    """Write what is logged to a store, unsampled; restore the process's settings afterwards.

    It is strict: wrong use, which a logger only counts in an application, ends an import.
    """
    before = asdict(process_emitter.settings())
    settings = {**before, "spool": store, "sink": "spool", "enabled": True}
    elkmon.configure(**settings | {"sample_rate": 1.0, "strict": True})
    try:
        yield
    finally:
        elkmon.configure(**before)
