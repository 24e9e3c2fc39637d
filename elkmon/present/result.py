"""Hold a question's typed rows, and turn them into dictionaries, frames, tables and plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, overload

from elkmon.events.errors import ConfigError
from elkmon.present.formatting import clean
from elkmon.query.conditions import condition_texts
from elkmon.query.question import Question
from elkmon.query.times import iso
from elkmon.statistics.estimate import Estimate
from elkmon.statistics.rate import Rate
from elkmon.stores.protocol import Condition

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd  # type: ignore[import-untyped]
    import polars as pl

__all__ = ["Result", "flat", "parts_of", "plain"]

RowT = TypeVar("RowT")
_PARTS = {
    part.name: "count"
    if part.type in {"int", "int | None"}
    else "text"
    if "str" in str(part.type)
    else "figure"
    for kind in (Rate, Estimate)
    for part in fields(kind)
}
"""The kind of each part of a rate or an estimate, by its name."""
_RATE = "value"
"""The part whose cell has the figure's name alone in a flat row."""


@dataclass(frozen=True, slots=True, repr=False)
class Result(Sequence[RowT]):
    """A sequence of typed rows, with the question that they answer."""

    question: Question
    rows: tuple[RowT, ...]
    columns: tuple[str, ...]
    """The names of a flat row's cells."""
    notes: tuple[str, ...] = ()
    """What a reader has to know about the rows, in sentences."""

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> RowT: ...

    @overload
    def __getitem__(self, place: slice) -> Result[RowT]: ...

    def __getitem__(self, place: int | slice) -> RowT | Result[RowT]:
        if isinstance(place, slice):
            return replace(self, rows=self.rows[place])
        return self.rows[place]

    def __iter__(self) -> Iterator[RowT]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return f"<Result of {self._summary}>"

    @property
    def _summary(self) -> str:
        kind = type(self.rows[0]).__name__ if self.rows else "row"
        count = f"{len(self)} {kind}{'' if len(self) == 1 else 's'}"
        return f"{count}, {iso(self.question.since)} to {iso(self.question.until)}"

    def _repr_html_(self) -> str:
        """Return the rows as a table, for notebooks."""
        from elkmon.present.html_table import html_table  # noqa: PLC0415 - for notebooks only
        from elkmon.present.result_table import result_table  # noqa: PLC0415

        notes = "".join(f"<p>{escape(clean(note))}</p>" for note in self.notes)
        return html_table(result_table(self.rows, self._summary)) + notes

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return the rows as in ``--format json``."""
        return [plain(row) for row in self.rows]

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a frame, with a column for each group and each part of a figure.

        Figures are ``float64``, times ``datetime64[ns, UTC]`` and counts ``int64`` (``Int64`` if
        some are absent), whatever the rows hold; everything else is ``object``.

        Raises:
            ConfigError: pandas is not installed.
        """
        pandas = _needed("pandas", "to_pandas()")
        frame: pd.DataFrame = pandas.DataFrame(
            {
                name: pandas.Series(
                    cells, dtype=_PANDAS[kind] if kind != "count" or None not in cells else "Int64"
                )
                for name, kind, cells in self._typed()
            }
        )
        return frame

    def to_polars(self) -> pl.DataFrame:
        """Return the rows as a polars frame, with the columns of :meth:`to_pandas`.

        Raises:
            ConfigError: polars is not installed.
        """
        polars = _needed("polars", "to_polars()")
        types = {
            "figure": polars.Float64,
            "count": polars.Int64,
            "time": polars.Datetime("us", "UTC"),
            "text": polars.String,
        }
        frame: pl.DataFrame = polars.DataFrame(
            [
                polars.Series(
                    name,
                    [str(c) if kind == "text" and c is not None else c for c in cells],
                    types[kind],
                )
                for name, kind, cells in self._typed()
            ]
        )
        return frame

    def plot(self, figure: str | None = None) -> alt.LayerChart:
        """Plot a figure with its interval: over time if there are steps, else by group.

        Args:
            figure: the name of the column, such as ``error_rate``; the first one if not given.

        Raises:
            ConfigError: altair is not installed.
            QueryError: there is no such figure, or no row.
        """
        altair = _needed("altair", "plot()", "plots")
        from elkmon.present.result_plot import result_plot  # noqa: PLC0415 - on first use

        chart: alt.LayerChart = altair.LayerChart.from_dict(
            result_plot(self.question, self.rows, figure)
        )
        return chart

    def _typed(self) -> Iterator[tuple[str, str, list[Any]]]:
        """Return each column's name, its kind, and its cells."""
        cells = [flat(row) for row in self.rows]
        for name in self.columns:
            column = [row.get(name) for row in cells]
            yield name, _kind(name, column, self.columns), column


_PANDAS = {"figure": "float64", "count": "int64", "time": "datetime64[ns, UTC]", "text": "object"}
_COUNTS = ("count", "absent", "labels", "labelled", "corrections", "orphans", "waiting")
_TIMES = ("time", "as_of", "first_seen", "last_seen", "since", "until", "next_look")


def _kind(name: str, column: Sequence[Any], columns: Sequence[str]) -> str:
    """Return the kind of a column, by its name if that is enough, else by its cells."""
    for part, kind in _PARTS.items():
        if name.endswith(f"_{part}") and name.removesuffix(f"_{part}") in columns:
            return kind
    if name.endswith(_TIMES):
        return "time"
    if f"{name}_low" in columns:
        return "figure"
    known = [cell for cell in column if cell is not None]
    if known and all(isinstance(cell, int) and not isinstance(cell, bool) for cell in known):
        return "count"
    if known and all(
        isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in known
    ):
        return "figure"
    if known and all(isinstance(cell, datetime) for cell in known):
        return "time"
    return "text"


def _needed(module: str, what: str, extra: str | None = None) -> Any:  # noqa: ANN401 - a module
    try:
        return import_module(module)
    except ImportError as error:
        name = f"'elkmon[{extra}]'" if extra else module
        raise ConfigError(
            f"{what} needs {module}: pip install {name}; to_dicts() needs nothing"
        ) from error


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever a row is made of
    """Return a row as JSON values; times become ISO 8601 in UTC, conditions text."""
    if isinstance(value, tuple) and any(isinstance(item, Condition) for item in value):
        return condition_texts(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return iso(value) if isinstance(value, datetime) else value


def flat(row: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass of rows
    """Return a row as flat cells: groups by name, parts of figures as ``error_rate_low``."""
    cells: dict[str, Any] = {}
    for field in fields(row):
        value = getattr(row, field.name)
        if field.name == "by":
            cells.update(value)
            continue
        # figures by name are parts of their own
        for name, part in value.items() if isinstance(value, Mapping) else [(field.name, value)]:
            cells.update(_flat(name, part))
    return cells


def parts_of(kind: type[Any], *names: str) -> tuple[str, ...]:
    """Return the names of the cells of rates or estimates in a flat row."""
    return tuple(_cell(name, part.name) for name in names for part in fields(kind))


def _cell(name: str, part: str) -> str:
    return name if part == _RATE else f"{name}_{part}"


def _flat(name: str, value: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a row is made of
    if is_dataclass(value) and not isinstance(value, type):
        cells: dict[str, Any] = {}
        for part in fields(value):
            cells.update(_flat(_cell(name, part.name), getattr(value, part.name)))
        return cells
    if not isinstance(value, tuple):
        return {name: value}
    # rows within a row are in dictionaries only
    return {} if any(is_dataclass(item) for item in value) else {name: " ".join(value)}
