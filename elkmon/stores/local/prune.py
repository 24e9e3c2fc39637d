"""Delete old files of a folder, if they are closed and every registered reader has read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import duckdb
import orjson

from elkmon.events.datasets import KEPT_FOR_EVER
from elkmon.events.errors import StoreError
from elkmon.events.fields import BY_NAME
from elkmon.events.times import from_iso
from elkmon.retention.pruning import OldPart
from elkmon.stores.local.columns import Ref, parquet_source, text
from elkmon.stores.local.compact import alone
from elkmon.stores.local.files import NDJSON, PARQUET, is_closed, listing, readers_behind
from elkmon.stores.local.line_scan import scan
from elkmon.stores.local.repeats import NAME as REPEATS
from elkmon.stores.protocol import Progress

__all__ = ["prune_files"]

_DATASET, _TIME = Ref(BY_NAME["event.dataset"]), Ref(BY_NAME["@timestamp"])
_KEPT = ", ".join(map(text, KEPT_FOR_EVER))


@dataclass(frozen=True, slots=True)
class _Held:
    """The counts of a file whose events are all old."""

    events: int
    issues: int


def prune_files(
    folder: Path, before: datetime, *, dry_run: bool, progress: Progress | None = None
) -> list[OldPart]:
    """Delete the files whose events are all before a time.

    Args:
        folder: of the events.
        before: aware.
        dry_run: whether only to return what would be deleted.
        progress: called with how many files of how many are examined.

    Returns:
        The old files, those that stay included.

    Raises:
        StoreError: the folder cannot be used, or its files are being replaced.
    """
    if not listing(folder):
        return []
    with alone(folder), duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        old = list(_old_parts(connection, folder, before, progress or (lambda _done, _of: None)))
        if not dry_run:
            _delete(folder, [part.name for part in old if not part.stays])
    return old


def _old_parts(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    before: datetime,
    progress: Callable[[int, int], None],
) -> Iterator[OldPart]:
    files = listing(folder)
    everything = [*files.parquet, *files.ndjson]
    for number, file in enumerate(everything, 1):
        try:
            lines = file.suffix == NDJSON
            held = _of_lines(file, before) if lines else _of_columns(connection, file, before)
            if held is not None and held.events:
                yield _old_part(folder, file, held)
        except FileNotFoundError:
            continue  # it was removed meanwhile
        except (OSError, duckdb.Error) as error:
            raise StoreError(f"{file} cannot be read: {error}") from error
        progress(number, len(everything))


def _of_columns(
    connection: duckdb.DuckDBPyConnection, file: Path, before: datetime
) -> _Held | None:
    source = parquet_source([file], (_DATASET, _TIME))
    ((events, last, issues),) = connection.execute(
        f"SELECT count(*), max({_TIME.sql}), count(*) FILTER ({_DATASET.sql} IN ({_KEPT})) "
        f"FROM ({source})"
    ).fetchall()
    old = last is not None and last.replace(tzinfo=timezone.utc) < before
    return _Held(events, issues) if old else None


def _of_lines(file: Path, before: datetime) -> _Held | None:
    """Count the events of a file; None if one is not old, or if its time cannot be told."""
    events = issues = 0
    for line in scan(file):
        if line.reason is not None:
            continue
        try:
            event = orjson.loads(line.data.strip())
            if from_iso(event["@timestamp"]) >= before:
                return None
        except (ValueError, TypeError, AttributeError):  # DuckDB reads more than that
            return None
        events += 1
        issues += event["event"]["dataset"] in KEPT_FOR_EVER
    return _Held(events, issues)


def _old_part(folder: Path, file: Path, held: _Held) -> OldPart:
    parts = [part for part in _parts(folder, file.name) if part.exists()]
    size = sum(part.stat().st_size for part in parts)
    lines = file.with_suffix(NDJSON)
    stays = ""
    if held.issues:
        stays = "holds issues"
    elif lines.exists():  # NDJSON beside its Parquet file waits for readers
        behind = readers_behind(folder, lines)
        if not is_closed(lines):
            stays = "still written to"
        elif behind:
            stays = f"not passed yet by {', '.join(behind)}"
    return OldPart("file", file.name, held.events, size, stays)


def _parts(folder: Path, name: str) -> list[Path]:
    """Return the files that belong to one, in an order in which no event comes back meanwhile."""
    stem = Path(name).stem
    return [
        folder / "rejected" / f"{stem}{NDJSON}",
        folder / f"{stem}{NDJSON}",
        folder / f"{stem}{PARQUET}",
    ]


def _delete(folder: Path, names: list[str]) -> None:
    if any(name.endswith(PARQUET) for name in names):
        (folder / REPEATS).unlink(missing_ok=True)  # it holds copies; compaction writes it anew
    try:
        for name in names:
            for part in _parts(folder, name):
                part.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{error.filename} cannot be removed: {error.strerror}") from error
