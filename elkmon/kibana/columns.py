"""Define the columns of a Lens layer: what it is grouped by, and the formulas that it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elkmon.kibana.expressions import Aggregate, Expression
from elkmon.kibana.views import Type, View

__all__ = ["Column", "DateHistogram", "Filters", "Formula", "Intervals", "LastValue", "TopValues"]

_MAX_BARS = 30
"""The largest number of intervals where no edges are given."""
_ANY: tuple[Type, ...] = ("number", "string", "date", "boolean")
_NUMERIC = {"sum", "average", "median", "percentile", "standard_deviation"}
"""Aggregations that take numbers only."""


class Column:
    """One column of a layer."""

    bucketed = True

    def fields(self) -> Mapping[str, frozenset[Type]]:
        """Return the fields that it reads, each with the types that it accepts."""
        raise NotImplementedError

    def lens_columns(self, name: str) -> dict[str, Any]:
        """Return the column in Lens's format, and the columns that it needs.

        Args:
            name: name of the column in its layer.
        """
        raise NotImplementedError

    def check(self, view: View) -> None:
        """Check its fields against the field table.

        Raises:
            ValueError: a field does not exist, or has a type that does not fit.
        """
        for name, accepted in self.fields().items():
            try:
                actual = view.type_of(name)
            except KeyError:
                actual = None
            if actual not in accepted:
                raise ValueError(f"{view.title}: {name} is {actual}, not {sorted(accepted)}")


@dataclass(frozen=True, slots=True)
class Formula(Column):
    """A number computed by a formula.

    Attributes:
        label: label for people.
        value: the formula.
        percent: whether to show a share in percent.
        decimals: number of decimals.
        unit: text after the number.
        number: another of Lens's number formats, such as ``bytes``.
    """

    label: str
    value: Expression
    percent: bool = False
    decimals: int = 0
    unit: str = ""
    number: str = "number"

    bucketed = False

    def fields(self) -> Mapping[str, frozenset[Type]]:
        """Return the fields of its aggregations, each with the types that fit."""
        return {
            aggregate.field: frozenset({"number"} if aggregate.operation in _NUMERIC else _ANY)
            for aggregate in self.value.aggregates()
            if aggregate.field is not None
        }

    def lens_columns(self, name: str) -> dict[str, Any]:
        """Return the column in Lens's format, and the columns that it is computed from."""
        kind = "percent" if self.percent else self.number
        params: dict[str, Any] = {"decimals": self.decimals}
        if self.unit:
            params["suffix"] = f" {self.unit}"
        return self.value.columns(name, self.label, {"id": kind, "params": params})


@dataclass(frozen=True, slots=True)
class DateHistogram(Column):
    """Time, in as many steps as fit."""

    field: str = "@timestamp"

    def fields(self) -> Mapping[str, frozenset[Type]]:
        """Return its field, which has to be a date."""
        return {self.field: frozenset({"date"})}

    def lens_columns(self, name: str) -> dict[str, Any]:
        """Return the column in Lens's format."""
        params = {"interval": "auto", "includeEmptyRows": True, "dropPartials": False}
        return {name: _bucket("Time", "date", "date_histogram", "interval", self.field, params)}


@dataclass(frozen=True, slots=True)
class TopValues(Column):
    """The most frequent values of a field, or its values in alphabetical order.

    Attributes:
        label: label for people.
        field: the field.
        size: largest number of values.
        by: aggregation to sort by, highest first; None sorts alphabetically.
        other: whether to show all remaining values as one group.
    """

    label: str
    field: str
    size: int = 10
    by: Aggregate | None = None
    other: bool = False

    def fields(self) -> Mapping[str, frozenset[Type]]:
        """Return its field and the one it is sorted by, each with the types that fit."""
        sort_fields = {} if self.by is None else Formula("", self.by).fields()
        return {**sort_fields, self.field: frozenset({"string", "boolean", "number"})}

    def lens_columns(self, name: str) -> dict[str, Any]:
        """Return the column in Lens's format."""
        params: dict[str, Any] = {
            "size": self.size,
            "orderBy": {"type": "alphabetical"},
            "orderDirection": "asc",
            "otherBucket": self.other,
            "missingBucket": False,
            "parentFormat": {"id": "terms"},
            "include": [],
            "exclude": [],
            "includeIsRegex": False,
            "excludeIsRegex": False,
        }
        if self.by is not None:
            params |= {
                "orderBy": {"type": "custom"},
                "orderAgg": self.by.column(),
                "orderDirection": "desc",
            }
        return {name: _bucket(self.label, "string", "terms", "ordinal", self.field, params)}


@dataclass(frozen=True, slots=True)
class Intervals(Column):
    """Intervals of a number.

    Attributes:
        label: label for people.
        field: the number.
        edges: edges of the intervals; without any, as many equal intervals as fit.
    """

    label: str
    field: str
    edges: Sequence[float] = ()

    def fields(self) -> Mapping[str, frozenset[Type]]:
        """Return its field, which has to be a number."""
        return {self.field: frozenset({"number"})}

    def lens_columns(self, name: str) -> dict[str, Any]:
        """Return the column in Lens's format."""
        pairs = list(zip(self.edges, self.edges[1:], strict=False)) or [(0.0, 1000.0)]
        params: dict[str, Any] = {
            "type": "range" if self.edges else "histogram",
            "ranges": [{"from": low, "to": high, "label": ""} for low, high in pairs],
            "maxBars": "auto" if self.edges else _MAX_BARS,
        }
        if not self.edges:
            return {name: _bucket(self.label, "number", "range", "interval", self.field, params)}
        params["parentFormat"] = {"id": "range", "params": {"template": "arrow_right"}}
        return {name: _bucket(self.label, "string", "range", "ordinal", self.field, params)}


@dataclass(frozen=True, slots=True)
class Filters(Column):
    """One group for each KQL query, by label, in this order."""

    label: str
    queries: Mapping[str, str]

    def fields(self) -> Mapping[str, frozenset[Type]]:
        """Return nothing: queries name their fields themselves."""
        return {}

    def lens_columns(self, name: str) -> dict[str, Any]:
        """Return the column in Lens's format."""
        params = {
            "filters": [
                {"label": label, "input": {"query": query, "language": "kuery"}}
                for label, query in self.queries.items()
            ]
        }
        return {name: _bucket(self.label, "string", "filters", "ordinal", None, params)}


@dataclass(frozen=True, slots=True)
class LastValue(Column):
    """The value of a field in the newest event that has it."""

    label: str
    field: str
    kind: Type = "string"

    bucketed = False

    def fields(self) -> Mapping[str, frozenset[Type]]:
        """Return its field, which has to be of its type."""
        return {self.field: frozenset({self.kind})}

    def lens_columns(self, name: str) -> dict[str, Any]:
        """Return the column in Lens's format."""
        scale = {"string": "ordinal", "date": "interval"}.get(self.kind, "ratio")
        column = _bucket(
            self.label, self.kind, "last_value", scale, self.field,
            {"sortField": "@timestamp", "showArrayValues": False},
        )  # fmt: skip
        exists = {"query": f'"{self.field}": *', "language": "kuery"}
        return {name: {**column, "isBucketed": False, "filter": exists}}


def _bucket(
    label: str,
    data: str,
    operation: str,
    scale: str,
    field: str | None,
    params: Mapping[str, Any],
) -> dict[str, Any]:
    column = {
        "label": label,
        "customLabel": True,
        "dataType": data,
        "operationType": operation,
        "isBucketed": True,
        "scale": scale,
        "params": dict(params),
    }
    return column if field is None else {**column, "sourceField": field}
