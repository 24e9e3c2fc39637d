"""Compaction: each closed NDJSON file becomes a Parquet file, which is several times faster."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import orjson

from elkmon.events.errors import StoreError
from elkmon.events.fields import SCHEMA, Kind
from elkmon.stores.local.columns import (
    KEY,
    RAW,
    REQUIRED,
    STORED,
    UNREADABLE,
    key_of,
    quoted,
    read_json,
    shape,
    text,
)
from elkmon.stores.local.files import NDJSON, PARQUET, is_closed, listing, readers_behind
from elkmon.stores.local.line_scan import has_long_line, scan
from elkmon.stores.local.rejects import Rejects
from elkmon.stores.local.repeats import find
from elkmon.stores.protocol import Progress

__all__ = ["Compacted", "alone", "compact"]

_WORKERS = 2
_GROUP = 16
_LOCK = ".compact.lock"
_PART = ".part"
_PATHS, _SHAPE = shape(STORED)
_RAW = RAW.encode()
_SHAPE_RAW = f"{_SHAPE[:-1]}, {quoted(RAW)}: 'VARCHAR'}}"
_CHECKED = ("ml.schema", "process.entity_id", *(ref.field.name for ref in REQUIRED))
"""Columns whose statistics tell whether lines may hold more than the columns do."""
_DOUBLES = (
    *(ref.sql for ref in STORED if ref.field.kind is Kind.DOUBLE),
    *(f'{ref.sql}."value"' for ref in STORED if ref.field.kind is Kind.NUMBERS),
)
"""Columns of doubles, as DuckDB's statistics name them."""
_EXACT = 2.0**53
"""From here on, a double cannot hold every whole number."""
_KEY_SQL = key_of({ref: ref.sql for ref in STORED}, hashed=True)


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did.

    Attributes:
        files: number of files turned into Parquet.
        bytes_before, bytes_after: the sizes of these files.
        rejected: lines that are no events; they are in ``rejected/<file>.ndjson``, with the reason.
        live: files that are still written to, and were left alone.
        kept: NDJSON files that stay, as a registered reader has not read them to the end.
        failed: files that could not be turned into Parquet, with the reason.
    """

    files: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    rejected: int = 0
    live: int = 0
    kept: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Converted:
    part: Path
    before: int
    after: int
    rejected: int


def compact(folder: Path, progress: Progress | None = None) -> Compacted:
    """Turn every closed NDJSON file of a folder into Parquet, and remove it when readers are done.

    A Parquet file gets its name when it is complete, and the NDJSON file is removed afterwards: at
    any moment a reader sees every event once, and a crash leaves only a hidden file.

    Args:
        folder: of the events.
        progress: called with how many bytes of how many are done.

    Raises:
        StoreError: the folder cannot be used, or another compaction is under way in it.
    """
    if not listing(folder):
        return Compacted()
    with alone(folder):
        failed: list[tuple[str, str]] = []
        files = {file: _closed_size(file, failed) for file in listing(folder).ndjson}
        sizes = {file: size for file, size in files.items() if size is not None}
        live = len(files) - len(sizes) - len(failed)
        total = sum(sizes.values())
        done = 0
        converted: list[_Converted] = []
        with duckdb.connect() as connection, _converters() as pool:
            for group in _grouped(list(sizes)):
                jobs = [(file, pool.submit(_convert, connection.cursor(), file)) for file in group]
                parts: dict[str, Path] = {}
                for file, job in jobs:
                    done += sizes[file]
                    try:
                        converted.append(job.result())
                        parts[file.with_suffix(PARQUET).name] = converted[-1].part
                    except (duckdb.Error, OSError) as error:
                        failed.append((file.name, str(error)))
                    if progress is not None:
                        progress(done, total)
                _publish(connection, folder, parts)
        return Compacted(
            files=len(converted),
            bytes_before=sum(file.before for file in converted),
            bytes_after=sum(file.after for file in converted),
            rejected=sum(file.rejected for file in converted),
            live=live,
            kept=tuple(_remove_passed(folder)),
            failed=tuple(failed),
        )


@contextmanager
def _converters() -> Iterator[ThreadPoolExecutor]:
    """Yield threads that convert files; an interrupt only waits for the files under way."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def _closed_size(file: Path, failed: list[tuple[str, str]]) -> int | None:
    """Return the size of a closed file, None for a live one; add a file that cannot be opened."""
    try:
        return file.stat().st_size if is_closed(file) else None
    except OSError as error:
        failed.append((file.name, str(error)))
        return None


def _grouped(files: list[Path]) -> Iterator[list[Path]]:
    """Yield files in groups; a crash costs the work on one group."""
    for first in range(0, len(files), _GROUP):
        yield files[first : first + _GROUP]


def _publish(
    connection: duckdb.DuckDBPyConnection, folder: Path, parts: Mapping[str, Path]
) -> None:
    """Find the repeats in new Parquet files, then give the files their names."""
    if parts:
        before = listing(folder).parquet
        try:
            find(connection, folder, before, parts)
        except duckdb.Error as error:
            raise StoreError(f"{folder} cannot be compacted: {error}") from error
    for name, part in parts.items():
        part.rename(folder / name)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock for replacing or removing files, and remove what a killed process left.

    Raises:
        StoreError: another process holds it, or the folder cannot be written to.
    """
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(folder / _LOCK, flags, 0o600)
    except OSError as error:
        raise StoreError(f"cannot write to {folder}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"another compaction of {folder} is under way, or an erasure: wait for it"
            ) from error
        _clear(folder)
        try:
            yield
        finally:
            _clear(folder)
    finally:
        os.close(fd)


def _clear(folder: Path) -> None:
    """Remove unfinished files of a compaction that failed or was killed."""
    for left in folder.glob(f".*{_PART}"):
        left.unlink(missing_ok=True)


def _convert(connection: duckdb.DuckDBPyConnection, file: Path) -> _Converted:
    """Turn one file into Parquet, under a hidden name.

    Raises:
        OSError: the file cannot be read or written, or it has changed meanwhile.
        duckdb.Error: it cannot be read or written.
    """
    part = file.with_name(f".{file.stem}{PARQUET}{_PART}")
    before = file.stat()
    rejected = 0
    connection.execute("SET TimeZone = 'UTC'")  # each cursor has its own
    if has_long_line(file) or not _as_columns(connection, file, part):
        rejected = _with_lines(connection, file, part)
    part.chmod(0o600)
    after = file.stat()
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise OSError(f"{file} was written to without a lock: try again when that is over")
    return _Converted(part, before.st_size, part.stat().st_size, rejected)


def _as_columns(connection: duckdb.DuckDBPyConnection, file: Path, part: Path) -> bool:
    """Write the columns alone; return whether they hold everything that the lines do.

    They do if every value fits its column, no number is so large that a double may have lost
    digits, and every line is of the process that the file belongs to and of elkmon's own schema:
    elkmon's emitter writes nothing without a column.
    """
    try:
        written = _write(connection, read_json([file], _SHAPE, strict=True), "NULL::VARCHAR", part)
    except UNREADABLE:
        return False
    checked = [written.get(quoted(name), {}) for name in _CHECKED]
    schema, entity = ({column.get("min"), column.get("max")} for column in checked[:2])
    doubles = (written.get(name, {}).get(end) for name in _DOUBLES for end in ("min", "max"))
    return (
        all(column.get("null_count") == "0" for column in checked)
        and schema == {str(SCHEMA)}
        and len(entity) == 1
        and all(name and name in file.name for name in entity)
        and all(bound is None or abs(float(bound)) < _EXACT for bound in doubles)
    )


def _with_lines(connection: duckdb.DuckDBPyConnection, file: Path, part: Path) -> int:
    """Write columns and whole lines; return how many lines are rejected as no events."""
    copy = file.with_name(f".{file.name}{_PART}")
    try:
        copy.touch(mode=0o600)
        with copy.open("wb") as target, closing(Rejects(file)) as rejects:
            for line in scan(file):
                if line.reason is None:
                    whole = line.data.strip()
                    target.write(b'{"%b":%b,%b\n' % (_RAW, orjson.dumps(whole.decode()), whole[1:]))
                else:
                    rejects.add(line)
        source = read_json([copy], _SHAPE_RAW, strict=False, lines=4)
        _write(connection, source, RAW, part)
    finally:
        copy.unlink(missing_ok=True)
    return rejects.count


def _write(
    connection: duckdb.DuckDBPyConnection, source: str, raw: str, part: Path
) -> dict[str, dict[str, str]]:
    """Write columns to Parquet; return DuckDB's statistics of each: minimum, maximum, nulls."""
    columns = ", ".join(f"{_PATHS[ref]} AS {ref.sql}" for ref in STORED)
    lines = f"SELECT {columns}, {raw} AS {RAW} FROM {source}"
    # Snappy, DuckDB's default: zstd made a file smaller by a third, and questions slower.
    # The second version of the format is smaller by a tenth, and as fast.
    statistics: dict[str, dict[str, str]]
    ((_file, _rows, _size, _footer, statistics, *_),) = connection.execute(
        f"COPY (SELECT *, {_KEY_SQL} AS {KEY} FROM ({lines})) TO {text(str(part))} "
        "(FORMAT parquet, COMPRESSION snappy, PARQUET_VERSION V2, RETURN_STATS)"
    ).fetchall()
    return statistics


def _remove_passed(folder: Path) -> Iterator[str]:
    """Remove NDJSON files that are Parquet now; yield names of those still needed by a reader."""
    for parquet in listing(folder).parquet:
        file = parquet.with_suffix(NDJSON)
        if file.is_symlink() or not file.is_file():
            continue
        if readers_behind(folder, file):
            yield file.name
        else:
            file.unlink(missing_ok=True)
