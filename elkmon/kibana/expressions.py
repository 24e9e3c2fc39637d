"""Build Lens formulas from typed expressions: their text, and the columns that they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Aggregate",
    "Expression",
    "average",
    "count",
    "maximum",
    "minimum",
    "overall_sum",
    "per_unit",
    "percentile",
    "total",
    "unique_count",
]

_SYMBOLS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
_ROOT = "sqrt"
_RECORDS = "___records___"


class Expression:
    """An aggregation, or arithmetic on expressions."""

    def __add__(self, other: Expression | float) -> Expression:
        return _Arithmetic("add", (self, other))

    def __sub__(self, other: Expression | float) -> Expression:
        return _Arithmetic("subtract", (self, other))

    def __mul__(self, other: Expression | float) -> Expression:
        return _Arithmetic("multiply", (self, other))

    def __truediv__(self, other: Expression | float) -> Expression:
        return _Arithmetic("divide", (self, other))

    def root(self) -> Expression:
        """Return the square root."""
        return _Arithmetic(_ROOT, (self,))

    @property
    def text(self) -> str:
        """Return the formula as people type it in Kibana."""
        raise NotImplementedError

    def aggregates(self) -> Iterator[Aggregate]:
        """Yield the aggregations in the order of the text."""
        raise NotImplementedError

    def compile(self, columns: _Columns) -> object:
        """Add the columns it needs; return its operand in arithmetic: a column, or a tree."""
        raise NotImplementedError

    def columns(self, name: str, label: str, number_format: Mapping[str, Any]) -> dict[str, Any]:
        """Return the formula's own column, then those that it is computed from.

        Args:
            name: name of its own column.
            label: label for people.
            number_format: how Lens shows the value.
        """
        columns = _Columns(name)
        result = columns.name_of(self)
        column = {
            **_column(label, "formula"),
            "params": {"formula": self.text, "isFormulaBroken": False, "format": number_format},
            "references": [result],
        }
        return {name: column, **columns.by_name}


@dataclass(frozen=True, slots=True)
class Aggregate(Expression):
    """One aggregation.

    Attributes:
        operation: Lens's name of it.
        field: field to aggregate; None to count records.
        where: KQL that selects the records.
        shift: shift of the time range: ``previous`` is the range of equal length just before.
        options: other arguments, such as ``percentile``.
    """

    operation: str
    field: str | None = None
    where: str = ""
    shift: str = ""
    options: tuple[tuple[str, float], ...] = ()

    @property
    def text(self) -> str:
        """Return the formula as people type it in Kibana."""
        arguments = [] if self.field is None else [self.field]
        arguments += [f"{name}={value:.15g}" for name, value in self.options]
        named = (("kql", self.where), ("shift", self.shift))
        arguments += [f"{name}='{value}'" for name, value in named if value]
        return f"{self.operation}({', '.join(arguments)})"

    def aggregates(self) -> Iterator[Aggregate]:
        """Yield itself."""
        yield self

    def compile(self, columns: _Columns) -> str:
        """Add its column and return the name."""
        return columns.add(self.column())

    def column(self) -> dict[str, Any]:
        """Return its column, which can also stand outside a formula."""
        column: dict[str, Any] = {
            **_column(f"Part of {self.text}", self.operation),
            "sourceField": self.field or _RECORDS,
            "params": dict(self.options),
        }
        if self.operation in {"count", "sum", "unique_count"}:
            # a share of nothing is then a division by zero, so it is absent: never 0
            column["params"]["emptyAsNull"] = False
        if self.where:
            column["filter"] = {"query": self.where, "language": "kuery"}
        if self.shift:
            column["timeShift"] = self.shift
        return column


@dataclass(frozen=True, slots=True)
class _Wrapped(Expression):
    """A Lens function of one expression, with an optional unit."""

    operation: str
    inner: Expression
    unit: str = ""

    @property
    def text(self) -> str:
        unit = f", unit='{self.unit}'" if self.unit else ""
        return f"{self.operation}({self.inner.text}{unit})"

    def aggregates(self) -> Iterator[Aggregate]:
        return self.inner.aggregates()

    def compile(self, columns: _Columns) -> str:
        column = _column(f"Part of {self.text}", self.operation)
        if self.unit:
            column["params"] = {"unit": self.unit}
        column["references"] = [columns.name_of(self.inner)]
        return columns.add(column)


@dataclass(frozen=True, slots=True)
class _Arithmetic(Expression):
    name: str
    operands: tuple[Expression | float, ...]

    @property
    def text(self) -> str:
        texts = [
            operand.text if isinstance(operand, Expression) else f"{operand:.15g}"
            for operand in self.operands
        ]
        if self.name == _ROOT:
            return f"{_ROOT}({texts[0]})"
        left, right = (
            f"({text})" if isinstance(operand, _Arithmetic) and operand.name != _ROOT else text
            for operand, text in zip(self.operands, texts, strict=True)
        )
        return f"{left} {_SYMBOLS[self.name]} {right}"

    def aggregates(self) -> Iterator[Aggregate]:
        for operand in self.operands:
            if isinstance(operand, Expression):
                yield from operand.aggregates()

    def compile(self, columns: _Columns) -> dict[str, Any]:
        arguments = [
            operand.compile(columns) if isinstance(operand, Expression) else operand
            for operand in self.operands
        ]
        return {
            "type": "function",
            "name": self.name,
            "args": arguments,
            "text": self.text,
            "location": {"min": 0, "max": len(self.text)},
        }


def count(where: str = "") -> Aggregate:
    """Return the number of records."""
    return Aggregate("count", None, where)


def total(field: str, where: str = "", shift: str = "") -> Aggregate:
    """Return the sum of a field."""
    return Aggregate("sum", field, where, shift)


def average(field: str) -> Aggregate:
    """Return the mean of a field over the records."""
    return Aggregate("average", field)


def unique_count(field: str) -> Aggregate:
    """Return the approximate number of distinct values of a field."""
    return Aggregate("unique_count", field)


def minimum(field: str) -> Aggregate:
    """Return the lowest value of a field."""
    return Aggregate("min", field)


def maximum(field: str) -> Aggregate:
    """Return the highest value of a field."""
    return Aggregate("max", field)


def percentile(field: str, percent: float, where: str = "") -> Aggregate:
    """Return the value that so many percent of the records do not exceed."""
    return Aggregate("percentile", field, where, options=(("percentile", percent),))


def overall_sum(inner: Expression) -> Expression:
    """Return the sum of an expression over a chart's buckets (over time, those of its series)."""
    return _Wrapped("overall_sum", inner)


def per_unit(inner: Expression, unit: str) -> Expression:
    """Return an expression over time divided by each step's length in ``s``, ``m``, ``h`` or ``d``.

    Lens shows it as a rate, such as attempts per minute.
    """
    return _Wrapped("normalize_by_unit", inner, unit)


class _Columns:
    """The columns of a formula, named as Kibana itself names them."""

    def __init__(self, formula: str) -> None:
        self.by_name: dict[str, dict[str, Any]] = {}
        self._formula = formula

    def add(self, column: dict[str, Any]) -> str:
        """Return the name of a column, and add it unless it is there."""
        for name, known in self.by_name.items():
            if known == column:
                return name
        name = f"{self._formula}X{len(self.by_name)}"
        self.by_name[name] = column
        return name

    def name_of(self, expression: Expression) -> str:
        """Add an expression's columns, and return the name of the one that holds its value."""
        tree = expression.compile(self)
        if isinstance(tree, str):
            return tree
        return self.add(
            {
                **_column(f"Part of {expression.text}", "math"),
                "params": {"tinymathAst": tree},
                "references": list(dict.fromkeys(_column_names(tree))),
            }
        )


def _column(label: str, operation: str) -> dict[str, Any]:
    return {
        "label": label,
        "customLabel": True,
        "dataType": "number",
        "operationType": operation,
        "isBucketed": False,
        "scale": "ratio",
    }


def _column_names(tree: object) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for argument in tree["args"]:
            yield from _column_names(argument)
