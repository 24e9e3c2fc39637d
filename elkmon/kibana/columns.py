"""Columns of a Lens layer: what it is grouped by, and the figures that it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elkmon.kibana.formulas import Aggregate, Expression
from elkmon.kibana.views import Type, View

__all__ = ["Column", "Figure", "Groups", "Last", "Queries", "Steps", "Times"]

_BARS = 30
"""The most that are told apart, where steps are not given."""
_NUMERIC = {"sum", "average", "median", "percentile", "standard_deviation"}
"""Aggregations of numbers only."""


class Column:
    """One column of a layer."""

    bucketed = True

    def fields(self) -> Mapping[str, frozenset[Type]]:
        """Give the fields that it stands on, each with the types that fit."""
        raise NotImplementedError

    def bodies(self, name: str) -> dict[str, Any]:
        """Give the column as Lens keeps it, and those that it needs.

        Args:
            name: of the column in its layer.
        """
        raise NotImplementedError

    def checked(self, view: View) -> None:
        """Hold its fields to the field table.

        Raises:
            ValueError: a field is not there, or Kibana can not use it so.
        """
        for name, fitting in self.fields().items():
            try:
                there = view.type_of(name)
            except KeyError:
                there = None
            if there not in fitting:
                raise ValueError(f"{view.title}: {name} is {there}, not {sorted(fitting)}")


@dataclass(frozen=True, slots=True)
class Figure(Column):
    """A figure by formula.

    Attributes:
        label: for people.
        value: the formula.
        percent: whether it is a share, shown in percent.
        decimals: how many are shown.
        unit: after the number.
        number: another way that Lens has to show numbers, such as ``bytes``.
    """

    label: str
    value: Expression
    percent: bool = False
    decimals: int = 0
    unit: str = ""
    number: str = "number"

    bucketed = False

    def fields(self) -> Mapping[str, frozenset[Type]]:
        """Give the fields that it stands on, each with the types that fit."""
        return {
            each.field: frozenset({"number"} if each.operation in _NUMERIC else _ANY)
            for each in self.value.aggregates()
            if each.field is not None
        }

    def bodies(self, name: str) -> dict[str, Any]:
        """Give the column as Lens keeps it, and those that it needs."""
        kind = "percent" if self.percent else self.number
        params: dict[str, Any] = {"decimals": self.decimals}
        if self.unit:
            params["suffix"] = f" {self.unit}"
        return self.value.columns(name, self.label, {"id": kind, "params": params})


@dataclass(frozen=True, slots=True)
class Times(Column):
    """Steps in time, as many as fit."""

    field: str = "@timestamp"

    def fields(self) -> Mapping[str, frozenset[Type]]:
        """Give the fields that it stands on, each with the types that fit."""
        return {self.field: frozenset({"date"})}

    def bodies(self, name: str) -> dict[str, Any]:
        """Give the column as Lens keeps it."""
        params = {"interval": "auto", "includeEmptyRows": True, "dropPartials": False}
        return {name: _bucket("Time", "date", "date_histogram", "interval", self.field, params)}


@dataclass(frozen=True, slots=True)
class Groups(Column):
    """The most frequent values of a field, or all of a few in their order.

    Attributes:
        label: for people.
        field: whose values.
        size: how many at most.
        by: what the order goes by, the most first; the values themselves where it is None.
        other: whether the rest is shown as one.
    """

    label: str
    field: str
    size: int = 10
    by: Aggregate | None = None
    other: bool = False

    def fields(self) -> Mapping[str, frozenset[Type]]:
        """Give the fields that it stands on, each with the types that fit."""
        ordered = {} if self.by is None else Figure("", self.by).fields()
        return {**ordered, self.field: frozenset({"string", "boolean", "number"})}

    def bodies(self, name: str) -> dict[str, Any]:
        """Give the column as Lens keeps it."""
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
class Steps(Column):
    """Steps of a number.

    Attributes:
        label: for people.
        field: the number.
        edges: where steps begin and end, None for no end; where there are none, equal steps, as
            many as fit.
    """

    label: str
    field: str
    edges: Sequence[float | None] = ()

    def fields(self) -> Mapping[str, frozenset[Type]]:
        """Give the fields that it stands on, each with the types that fit."""
        return {self.field: frozenset({"number"})}

    def bodies(self, name: str) -> dict[str, Any]:
        """Give the column as Lens keeps it."""
        pairs = list(zip(self.edges, self.edges[1:], strict=False)) or [(0.0, 1000.0)]
        params: dict[str, Any] = {
            "type": "range" if self.edges else "histogram",
            "ranges": [{"from": low, "to": high, "label": ""} for low, high in pairs],
            "maxBars": "auto" if self.edges else _BARS,
        }
        if not self.edges:
            return {name: _bucket(self.label, "number", "range", "interval", self.field, params)}
        params["parentFormat"] = {"id": "range", "params": {"template": "arrow_right"}}
        return {name: _bucket(self.label, "string", "range", "ordinal", self.field, params)}


@dataclass(frozen=True, slots=True)
class Queries(Column):
    """Groups that are queries, in the order given: label and KQL."""

    label: str
    queries: Mapping[str, str]

    def fields(self) -> Mapping[str, frozenset[Type]]:
        """Give none: a query's fields are no column's."""
        return {}

    def bodies(self, name: str) -> dict[str, Any]:
        """Give the column as Lens keeps it."""
        params = {
            "filters": [
                {"label": label, "input": {"query": query, "language": "kuery"}}
                for label, query in self.queries.items()
            ]
        }
        return {name: _bucket(self.label, "string", "filters", "ordinal", None, params)}


@dataclass(frozen=True, slots=True)
class Last(Column):
    """The value of a field in the newest event that has it."""

    label: str
    field: str
    kind: Type = "string"

    bucketed = False

    def fields(self) -> Mapping[str, frozenset[Type]]:
        """Give the fields that it stands on, each with the types that fit."""
        return {self.field: frozenset({self.kind})}

    def bodies(self, name: str) -> dict[str, Any]:
        """Give the column as Lens keeps it."""
        scale = {"string": "ordinal", "date": "interval"}.get(self.kind, "ratio")
        column = _bucket(
            self.label, self.kind, "last_value", scale, self.field,
            {"sortField": "@timestamp", "showArrayValues": False},
        )  # fmt: skip
        exists = {"query": f'"{self.field}": *', "language": "kuery"}
        return {name: {**column, "isBucketed": False, "filter": exists}}


_ANY: tuple[Type, ...] = ("number", "string", "date", "boolean")


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
