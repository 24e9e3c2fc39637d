"""Erase events in the files of a folder; a file is replaced as a whole or not at all."""

from __future__ import annotations

import os
import shutil
from base64 import b64decode
from collections.abc import Callable, Iterator
from functools import partial
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import duckdb
import orjson

from elkmon.events.datasets import PREDICTION
from elkmon.events.errors import StoreError
from elkmon.events.fields import BY_NAME
from elkmon.retention.erasure import ErasureReport, ErasureRequest, dataset_of
from elkmon.stores.local.columns import Ref, listed, parquet_source, text
from elkmon.stores.local.compact import alone
from elkmon.stores.local.file_lock import holding
from elkmon.stores.local.files import NDJSON, PARQUET, is_closed, listing
from elkmon.stores.local.line_scan import Line, scan
from elkmon.stores.local.repeats import NAME as REPEATS
from elkmon.stores.local.replaced_files import put_in_place
from elkmon.stores.protocol import Progress

__all__ = ["erase_in_files"]

REJECTED, DEAD = "rejected", "deadletter"
_APART = (REJECTED, DEAD)
"""Folders of lines that are no events or could not be sent; each is kept whole in a row."""
_USER, _ID, _MODEL, _DATASET = (
    Ref(BY_NAME[name])
    for name in ("user.hash", "ml.prediction.id", "ml.model.name", "event.dataset")
)
_MATCHES = f"""
    ({_USER.sql} = (FROM who) OR EXISTS (
        SELECT 1 FROM requested WHERE requested.id = {_ID.sql} AND (requested.model IS NULL
        OR {_MODEL.sql} IS NULL OR requested.model = {_MODEL.sql}))) IS TRUE"""


def erase_in_files(
    folder: Path, request: ErasureRequest, *, dry_run: bool, progress: Progress | None = None
) -> ErasureReport:
    """Erase events from a folder, also from rejected lines and dead letters.

    In NDJSON files, spaces replace an event, so that the offsets of readers stay true.

    Args:
        folder: of the events.
        request: what to erase; the predictions of its user are added to it.
        dry_run: whether only to count.
        progress: called with how many files of how many are done.

    Raises:
        StoreError: a file cannot be read or replaced; the files before it are done.
    """
    report = ErasureReport()
    if not folder.is_dir():
        return report
    with alone(folder), duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        files = list(_files(folder))
        if request.user is not None:
            for file in files:
                _trying(file, partial(_learn, connection, file, request))
        connection.execute("CREATE TEMP TABLE who AS SELECT ?::VARCHAR", [request.user])
        connection.execute("CREATE TEMP TABLE requested (id VARCHAR, model VARCHAR)")
        pairs = list(request.pairs())
        if pairs:
            connection.executemany("INSERT INTO requested VALUES (?, ?)", pairs)
        for number, file in enumerate(files, 1):
            _trying(file, partial(_erase, connection, file, request, report, dry_run=dry_run))
            if progress is not None:
                progress(number, len(files))
    return report


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of events, NDJSON beside its Parquet included, and those set apart."""
    files = listing(folder)
    for file in files.parquet:
        yield file
        if file.with_suffix(NDJSON).is_file():
            yield file.with_suffix(NDJSON)
    yield from files.ndjson
    for name in _APART:
        yield from sorted((folder / name).glob(f"*{NDJSON}"))


def _trying(file: Path, do: Callable[[], None]) -> None:
    """Do something with a file that may vanish meanwhile.

    Raises:
        StoreError: the file exists, and cannot be read or replaced.
    """
    try:
        do()
    except FileNotFoundError:
        return
    except (OSError, duckdb.Error) as error:
        raise StoreError(f"{file} cannot be read or replaced: {error}") from error


def _learn(connection: duckdb.DuckDBPyConnection, file: Path, request: ErasureRequest) -> None:
    if file.suffix == PARQUET:
        source = parquet_source([file], (_USER, _ID, _MODEL, _DATASET))
        rows = connection.execute(
            f"SELECT DISTINCT {_ID.sql}, {_MODEL.sql} FROM ({source}) WHERE {_USER.sql} = ? "
            f"AND {_DATASET.sql} = '{PREDICTION}' AND {_ID.sql} IS NOT NULL",
            [request.user],
        ).fetchall()
        for prediction, model in rows:
            request.add(prediction, model)
    elif file.parent.name not in _APART:
        for line in scan(file):
            request.learn(_event(line.data))


def _erase(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    request: ErasureRequest,
    report: ErasureReport,
    *,
    dry_run: bool,
) -> None:
    if file.suffix == PARQUET:
        _in_columns(connection, file, report, dry_run=dry_run)
    elif file.parent.name == DEAD:
        with holding(file.parent / ".lock"):
            _in_rows(file, request, report, dry_run=dry_run)
    elif file.parent.name == REJECTED:
        _in_rows(file, request, report, dry_run=dry_run)
    else:
        _in_lines(file, request, report, dry_run=dry_run)


def _in_columns(
    connection: duckdb.DuckDBPyConnection, file: Path, report: ErasureReport, *, dry_run: bool
) -> None:
    read = f"read_parquet([{listed([file])}])"
    counts = connection.execute(
        f"SELECT coalesce({_DATASET.sql}, 'no event'), count(*) FROM {read} WHERE {_MATCHES} "
        "GROUP BY 1"
    ).fetchall()
    for dataset, count in counts:
        report.add(dataset, count)
    if not counts or dry_run:
        return
    (file.parent / REPEATS).unlink(missing_ok=True)  # it holds copies; compaction writes it anew
    part = _part(file)
    connection.execute(
        f"COPY (SELECT * FROM {read} WHERE NOT {_MATCHES}) TO {text(str(part))} "
        "(FORMAT parquet, COMPRESSION snappy)"
    )
    part.chmod(0o600)
    part.rename(file)


def _in_lines(file: Path, request: ErasureRequest, report: ErasureReport, *, dry_run: bool) -> None:
    copy = file.with_suffix(PARQUET).exists()  # its events are counted there
    closed = is_closed(file)
    lines: list[Line] = []
    for line in scan(file):
        event = _event(line.data)
        if request.has(event) if event is not None else _mentioned(file, line, request):
            lines.append(line)
            if closed and not copy:
                report.add(dataset_of(event))
    if not lines:
        return
    if not closed:
        report.left.append(
            f"{file.name}: {len(lines):,} events are in a file that is still written to; run this "
            "again when the application has closed it, which it does at rotation "
            "(ELKMON_ROTATE_SECONDS) and when it ends"
        )
        return
    if dry_run:
        return
    part = _part(file)
    shutil.copyfile(file, part)
    part.chmod(0o600)
    with part.open("r+b") as target:
        for line in lines:
            target.seek(line.start)
            target.write(b" " * (line.size - line.ended))
    _keep_times(file, part)
    put_in_place(part, file)


def _mentioned(file: Path, line: Line, request: ErasureRequest) -> bool:
    """Return whether a line that is no event mentions what is requested, however long it is."""
    if not line.too_long:
        return request.mentioned_in(line.data)
    with (
        file.open("rb") as stream,
        mmap(stream.fileno(), 0, access=ACCESS_READ) as mapped,
        memoryview(mapped) as whole,
        whole[line.start : line.start + line.size] as part,
    ):
        return request.mentioned_in(part)


def _in_rows(file: Path, request: ErasureRequest, report: ErasureReport, *, dry_run: bool) -> None:
    """Erase rows from a file of rejected lines or dead letters."""
    kept: list[bytes] = []
    removed = 0
    with file.open("rb") as rows:
        for row in rows:
            data = _whole(row)
            event = _event(data)
            if request.has(event) if event is not None else request.mentioned_in(data):
                removed += 1
            else:
                kept.append(row)
    if removed:
        report.add(f"{file.parent.name} lines", removed)
    if not removed or dry_run:
        return
    part = _part(file)
    part.touch(mode=0o600)
    part.write_bytes(b"".join(kept))
    part.rename(file)


def _whole(row: bytes) -> bytes:
    """Return the line that a row holds; the row itself if it holds none."""
    held = _event(row)
    if isinstance(held, dict) and isinstance(held.get("raw"), str):
        return str(held["raw"]).encode()
    if isinstance(held, dict) and isinstance(held.get("raw_base64"), str):
        return b64decode(held["raw_base64"])
    return b"row " + row  # no JSON any more, so that its words are searched


def _event(data: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Return a line as JSON; None if it is none."""
    try:
        return orjson.loads(data.strip())
    except orjson.JSONDecodeError:
        return None


def _part(file: Path) -> Path:
    return file.with_name(f".{file.name}.part")


def _keep_times(file: Path, part: Path) -> None:
    status = file.stat()
    os.utime(part, ns=(status.st_atime_ns, status.st_mtime_ns))
