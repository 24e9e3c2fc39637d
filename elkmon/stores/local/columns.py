"""The field table in DuckDB: the shape of an NDJSON line, and the columns of Parquet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import orjson

from elkmon.events.fields import BY_NAME, FIELDS, Field, Kind
from elkmon.events.limits import LINE

__all__ = [
    "KEY",
    "RAW",
    "REQUIRED",
    "STORED",
    "UNREADABLE",
    "Ref",
    "key_of",
    "listed",
    "ndjson_source",
    "object_size",
    "parquet_source",
    "quoted",
    "read_json",
    "shape",
    "structure",
    "text",
]

RAW = "_raw"
"""Parquet's column for the whole line, in files where a line may hold more than the columns do."""
KEY = "_key"
"""The column that joins labels to predictions: the model and the id of the prediction. For an
event without such an id it is ``event.id``: the event counts once, and no label reaches it."""
UNREADABLE = (duckdb.InvalidInputException, UnicodeDecodeError)
"""What DuckDB raises for lines that it cannot read; its message may be cut within a character."""
_OBJECT = LINE + 1
"""Bytes of a line with its newline, for DuckDB. Depending on its place, DuckDB also reads a line of
up to twice that size, so files with such a line are read by a copy without it."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A field, or one entry of a keyed field, as a column.

    Attributes:
        field: the field.
        key: the entry, None for the whole field.
    """

    field: Field
    key: str | None = None

    @property
    def column(self) -> str:
        """Return the name of the column; capitals are marked, as names in DuckDB ignore case."""
        if self.key is None:
            return self.field.name
        marked = (f"^{c.lower()}" if c.isupper() or c == "^" else c for c in self.key)
        return f"{self.field.name}.{''.join(marked)}"

    @property
    def sql(self) -> str:
        """Return the name of the column, quoted."""
        return quoted(self.column)


STORED: tuple[Ref, ...] = tuple(Ref(field) for field in FIELDS if field.writer == "emit")
"""The columns of Parquet: all fields that an application writes."""
_KEYED: tuple[Ref, ...] = tuple(
    Ref(BY_NAME[name]) for name in ("ml.model.name", "ml.prediction.id", "event.id")
)
REQUIRED: tuple[Ref, ...] = tuple(
    Ref(BY_NAME[name]) for name in ("event.id", "event.dataset", "@timestamp")
)
"""The fields without which a line is no event."""
_FIRST, _LAST = (
    f"TIMESTAMPTZ '{moment}+00'" for moment in ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999")
)
_READ = {Kind.DATE: "TIMESTAMPTZ"}
"""Kinds that are read with another type from lines: DuckDB's TIMESTAMP ignores a time zone."""
_ENTRY = {Kind.CATEGORIES: "VARCHAR", Kind.LABELS: "JSON", Kind.NUMBERS: "DOUBLE"}


def quoted(name: str) -> str:
    """Return a name, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Return a text, quoted for SQL where no value can be bound."""
    return "'" + value.replace("'", "''") + "'"


def key_of(columns: Mapping[Ref, str], *, hashed: bool) -> str:
    """Return the key of an event as SQL.

    Args:
        columns: the SQL of each column.
        hashed: whether as 128 bits (MD5), as in Parquet, or as text, which is faster.
    """
    model, prediction_id, event_id = (columns[ref] for ref in _KEYED)
    key = f"coalesce(coalesce({model}, '') || chr(0) || {prediction_id}, {event_id})"
    return f"md5({key})::UUID" if hashed else key


def ndjson_source(
    files: Iterable[Path],
    refs: Collection[Ref],
    *,
    hashed: bool | None = None,
) -> str:
    """Return a query that reads columns of NDJSON files.

    A line that is no event gives no row, and a value that does not fit is null.

    Args:
        files: to read.
        refs: columns to give.
        hashed: whether the key is to be hashed; None for no key at all.
    """
    read = {*refs, *REQUIRED, *(_KEYED if hashed is not None else ())}
    paths, lines = shape(read)
    chosen = [f"{paths[ref]} AS {ref.sql}" for ref in refs]
    if hashed is not None:
        chosen.append(f"{key_of(paths, hashed=hashed)} AS {KEY}")
    there = " AND ".join(f"{paths[ref]} IS NOT NULL" for ref in REQUIRED)
    source = read_json(files, lines, strict=False)
    return f"SELECT {', '.join(chosen)} FROM {source} WHERE {there}"


def read_json(files: Iterable[Path], shape: str, *, strict: bool, lines: int = 1) -> str:
    """Return the table function that reads lines.

    Args:
        files: to read.
        shape: of a line, as :func:`shape` gives it.
        strict: whether a line or value that does not fit is an error; else it is null.
        lines: how many lines of events one line of the files may hold.
    """
    # without records and auto_detect, a file that begins with a bracket would be read as arrays
    return (
        f"read_json([{listed(files)}], format='newline_delimited', records='true', "
        f"auto_detect=false, ignore_errors={'false' if strict else 'true'}, "
        f"{object_size(lines)}, columns={shape})"
    )


def object_size(lines: int = 1) -> str:
    """Return the option that lets DuckDB read a line that holds so many lines of events."""
    return f"maximum_object_size={lines * _OBJECT}"


def parquet_source(files: Iterable[Path], refs: Collection[Ref], *, key: bool = False) -> str:
    """Return a query that reads columns of Parquet files."""
    columns = {ref: _entry(quoted(ref.field.name), ref) for ref in refs}
    chosen = [
        f"{column if ref.key is None else _finite(column, ref)} AS {ref.sql}"
        for ref, column in columns.items()
    ]
    if key:
        chosen.append(KEY)
    return (
        f"SELECT {', '.join(chosen)} FROM read_parquet([{listed(files)}], union_by_name=true) "
        'WHERE "event.dataset" IS NOT NULL'
    )


def listed(files: Iterable[Path]) -> str:
    """Return files as the items of a list in SQL, escaped so that no name is a pattern."""
    return ", ".join(
        text("".join(f"[{c}]" if c in "*?[" else c for c in str(file))) for file in files
    )


def _entry(column: str, ref: Ref) -> str:
    if ref.key is None:
        return column
    entry = f"{column}[{text(ref.key)}]"
    return f"({entry} ->> '$')" if ref.field.kind is Kind.LABELS else entry


def shape(refs: Collection[Ref]) -> tuple[dict[Ref, str], str]:
    """Nest columns as in JSON, so that DuckDB reads only these.

    Returns:
        The SQL of each column, and the shape of a line.
    """
    tree, paths = _tree(refs)
    members = ", ".join(f"{quoted(name)}: {text(_type(kind))}" for name, kind in tree.items())
    return paths, f"{{{members}}}"


def structure(refs: Collection[Ref]) -> str:
    """Return the same shape in JSON, for ``json_transform``."""
    tree, _ = _tree(refs)
    return orjson.dumps({name: _type(kind) for name, kind in tree.items()}).decode()


def _tree(refs: Collection[Ref]) -> tuple[dict[str, Any], dict[Ref, str]]:
    tree: dict[str, Any] = {}
    paths: dict[Ref, str] = {}
    for ref in sorted(set(refs), key=lambda ref: (ref.field.name, ref.key or "")):
        parts = ref.field.name.split(".")
        path = ".".join(map(quoted, parts))
        if ref.key is None:
            _put(tree, parts, _READ.get(ref.field.kind, ref.field.kind.duckdb))
        elif _crowded(ref, refs):
            _put(tree, parts, ref.field.kind.duckdb)
            path = _entry(path, ref)
        else:
            _put(tree, [*parts, ref.key], _ENTRY[ref.field.kind])
            path = f"{path}.{quoted(ref.key)}"
            path = f"({path} ->> '$')" if ref.field.kind is Kind.LABELS else path
        paths[ref] = _finite(path, ref)
    return tree, paths


def _finite(path: str, ref: Ref) -> str:
    """Return SQL that takes infinite numbers and impossible times for absent."""
    kind = ref.field.kind
    if kind is Kind.DOUBLE or (kind is Kind.NUMBERS and ref.key is not None):
        return f"CASE WHEN isfinite({path}) THEN {path} END"
    if kind is Kind.DATE:
        moment = f"make_timestamp(epoch_us({path}))"
        return f"CASE WHEN {path} BETWEEN {_FIRST} AND {_LAST} THEN {moment} END"
    return path


def _crowded(ref: Ref, refs: Collection[Ref]) -> bool:
    """Return whether a struct cannot hold a field: read whole, or names that differ in case."""
    keys = [other.key for other in refs if other.field is ref.field]
    return None in keys or len({str(key).lower() for key in keys}) < len(keys) or ref.key == ""


def _put(tree: dict[str, Any], parts: list[str], kind: str) -> None:
    *above, last = parts
    for part in above:
        tree = tree.setdefault(part, {})
    tree[last] = kind


def _type(kind: Any) -> str:  # noqa: ANN401 - a type's name, or a tree of them
    if isinstance(kind, str):
        return kind
    return f"STRUCT({', '.join(f'{quoted(name)} {_type(part)}' for name, part in kind.items())})"
