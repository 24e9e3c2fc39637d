"""Import a table: every row through the public logger, so that it is redacted as all else is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

import elkmon
from elkmon.emit import state
from elkmon.events.errors import ConfigError, StoreError
from elkmon.importing.columns import check_columns
from elkmon.importing.delimited import DelimitedSource
from elkmon.importing.ndjson import NdjsonSource
from elkmon.importing.options import ImportOptions, ImportReport
from elkmon.importing.parquet import ParquetSource
from elkmon.importing.record import Bad, Source
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
_EVERY = 1000
"""Rows from one look at what was lost, and one sign of progress, to the next."""


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
        self.written = self.rejected = self.labels = 0

    def all(self, progress: Progress | None) -> None:
        for number, record in enumerate(self._table, start=1):
            if isinstance(record, Bad):
                self._reject(record.line, record.reason, record.raw)
            else:
                try:
                    row = self._converter.row(record.values)
                except RefusedError as refused:
                    self._reject(record.line, str(refused), record.raw)
                else:
                    self._write(row)
            if number % _EVERY == 0:
                self._look(progress)
        self._look(progress)

    def _reject(self, line: int, reason: str, raw: object) -> None:
        self._rejects.add(line, reason, raw)
        self.rejected += 1

    def _write(self, row: Row) -> None:
        prediction = self._log.prediction(
            label=row.label,
            score=row.score,
            value=row.value,
            features=row.features or None,
            segment=row.segment or None,
            id=row.id,
            at=row.at,
        )
        if isinstance(row.truth, float):
            self._log.label(prediction, value=row.truth, observed_at=row.truth_at)
        elif row.truth is not None:
            self._log.label(prediction, row.truth, observed_at=row.truth_at)
        self.labels += row.truth is not None
        self.written += 1

    def _look(self, progress: Progress | None) -> None:
        lost = elkmon.stats().dropped
        if lost:
            reasons = ", ".join(f"{reason}: {count:,}" for reason, count in sorted(lost.items()))
            raise StoreError(
                f"some of the first {self.written:,} rows could not be written ({reasons}); "
                "see the message above, then import again (with an id, an id counts once)"
            )
        if progress is not None:
            progress(self._table.position(), self._table.total)


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
    """Send what is logged to a store, whole; put the process's own settings back afterwards."""
    before = asdict(state.settings())
    elkmon.configure(
        **{**before, "spool": store, "sink": "spool", "enabled": True, "sample_rate": 1.0}
    )
    try:
        yield
    finally:
        elkmon.configure(**before)
