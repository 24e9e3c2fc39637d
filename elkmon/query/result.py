"""What a question gives back: typed rows, plain dictionaries, or a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from elkmon.events.errors import ConfigError
from elkmon.query.conditions import typed
from elkmon.query.question import Question
from elkmon.query.times import iso
from elkmon.stores.protocol import Condition

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

__all__ = ["Result", "flat", "parts_of", "plain"]

RowT = TypeVar("RowT")
_RATE = "value"
"""The field of a rate that takes its name alone when rows become flat."""


@dataclass(frozen=True, slots=True)
class Result(Generic[RowT]):
    """Typed rows, and the question that they answer."""

    question: Question
    rows: tuple[RowT, ...]
    columns: tuple[str, ...]
    """The names of a flat row's cells."""
    notes: tuple[str, ...] = ()
    """What a reader has to know, in sentences."""

    def to_dicts(self) -> list[dict[str, Any]]:
        """Give the rows as JSON knows them, in the shapes of ``docs/json.md``."""
        return [plain(row) for row in self.rows]

    def to_pandas(self) -> pd.DataFrame:
        """Give the rows as a frame, one column a group and a figure's part.

        Raises:
            ConfigError: pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 - only who asks for a frame needs it
        except ImportError as error:
            raise ConfigError(
                "to_pandas() needs pandas: pip install pandas, or use to_dicts()"
            ) from error
        return pd.DataFrame([flat(row) for row in self.rows], columns=list(self.columns))


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever a row is made of
    """Turn a row into what JSON knows; times become ISO 8601 in UTC, conditions text."""
    if isinstance(value, tuple) and any(isinstance(each, Condition) for each in value):
        return typed(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    return iso(value) if isinstance(value, datetime) else value


def flat(row: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass of rows
    """Turn a row into cells: groups by their name, a rate's parts as ``error_rate_low``."""
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
    """Name the cells that rates or figures of these names become in a flat row."""
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
    return {} if any(is_dataclass(each) for each in value) else {name: " ".join(value)}
