"""Lens formulas, typed: an expression gives its text, and the columns that it stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Aggregate",
    "Expression",
    "Per",
    "Whole",
    "average",
    "count",
    "different",
    "highest",
    "lowest",
    "percentile",
    "total",
]

_SYMBOLS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
_ROOT = "sqrt"
_RECORDS = "___records___"


class Expression:
    """A figure: an aggregation, or arithmetic on figures."""

    def __add__(self, other: Expression | float) -> Expression:
        return _Arithmetic("add", (self, other))

    def __sub__(self, other: Expression | float) -> Expression:
        return _Arithmetic("subtract", (self, other))

    def __mul__(self, other: Expression | float) -> Expression:
        return _Arithmetic("multiply", (self, other))

    def __truediv__(self, other: Expression | float) -> Expression:
        return _Arithmetic("divide", (self, other))

    def root(self) -> Expression:
        """Give the square root."""
        return _Arithmetic(_ROOT, (self,))

    @property
    def text(self) -> str:
        """Give the formula as people type it in Kibana."""
        raise NotImplementedError

    def aggregates(self) -> Iterator[Aggregate]:
        """Give the aggregations in it, in the order of the text."""
        raise NotImplementedError

    def compile(self, made: _Columns) -> object:
        """Add columns, and give what stands for this one in arithmetic: a column, or a tree."""
        raise NotImplementedError

    def columns(self, name: str, label: str, form: Mapping[str, Any]) -> dict[str, Any]:
        """Give the columns of a figure: its own one, then those that it is computed from.

        Args:
            name: of its own column.
            label: for people.
            form: how its value is shown, as Lens has it.
        """
        made = _Columns(name)
        last = made.name(self)
        own = {
            **_column(label, "formula"),
            "params": {"formula": self.text, "isFormulaBroken": False, "format": form},
            "references": [last],
        }
        return {name: own, **made.found}


@dataclass(frozen=True, slots=True)
class Aggregate(Expression):
    """One aggregation.

    Attributes:
        operation: Lens's name for it.
        field: None where records are counted.
        where: which records, in KQL.
        shift: of the time range: ``previous`` is the one just before, of equal length.
        options: what else it takes, such as ``percentile``.
    """

    operation: str
    field: str | None = None
    where: str = ""
    shift: str = ""
    options: tuple[tuple[str, float], ...] = ()

    @property
    def text(self) -> str:
        """Give the formula as people type it in Kibana."""
        said = [] if self.field is None else [self.field]
        said += [f"{name}={value:.15g}" for name, value in self.options]
        said += [f"{name}='{value}'" for name, value in self._named() if value]
        return f"{self.operation}({', '.join(said)})"

    def aggregates(self) -> Iterator[Aggregate]:
        """Give itself."""
        yield self

    def compile(self, made: _Columns) -> str:
        """Add its column."""
        return made.add(self.column())

    def column(self) -> dict[str, Any]:
        """Give its column, as it is also where no formula is around it."""
        column: dict[str, Any] = {
            **_column(f"Part of {self.text}", self.operation),
            "sourceField": self.field or _RECORDS,
            "params": {**dict(self.options), **_empty(self.operation)},
        }
        if self.where:
            column["filter"] = {"query": self.where, "language": "kuery"}
        if self.shift:
            column["timeShift"] = self.shift
        return column

    def _named(self) -> tuple[tuple[str, str], ...]:
        return (("kql", self.where), ("shift", self.shift))


@dataclass(frozen=True, slots=True)
class Whole(Expression):
    """The sum of a figure over a chart's buckets (of its series, where there is time)."""

    of: Expression

    @property
    def text(self) -> str:
        """Give the formula as people type it in Kibana."""
        return f"overall_sum({self.of.text})"

    def aggregates(self) -> Iterator[Aggregate]:
        """Give the aggregations of what is summed up."""
        return self.of.aggregates()

    def compile(self, made: _Columns) -> str:
        """Add the columns of what is summed up, and its own one."""
        references = [made.name(self.of)]
        return made.add(
            {**_column(f"Part of {self.text}", "overall_sum"), "references": references}
        )


@dataclass(frozen=True, slots=True)
class Per(Expression):
    """A figure over time, each step by its length: so many per second, minute, hour or day."""

    of: Expression
    unit: str

    @property
    def text(self) -> str:
        """Give the formula as people type it in Kibana."""
        return f"normalize_by_unit({self.of.text}, unit='{self.unit}')"

    def aggregates(self) -> Iterator[Aggregate]:
        """Give the aggregations of what is divided."""
        return self.of.aggregates()

    def compile(self, made: _Columns) -> str:
        """Add the columns of what is divided, and its own one."""
        return made.add(
            {
                **_column(f"Part of {self.text}", "normalize_by_unit"),
                "params": {"unit": self.unit},
                "references": [made.name(self.of)],
            }
        )


@dataclass(frozen=True, slots=True)
class _Arithmetic(Expression):
    name: str
    operands: tuple[Expression | float, ...]

    @property
    def text(self) -> str:
        said = [
            each.text if isinstance(each, Expression) else f"{each:.15g}" for each in self.operands
        ]
        if self.name == _ROOT:
            return f"{_ROOT}({said[0]})"
        left, right = (
            f"({text})" if isinstance(each, _Arithmetic) and each.name != _ROOT else text
            for each, text in zip(self.operands, said, strict=True)
        )
        return f"{left} {_SYMBOLS[self.name]} {right}"

    def aggregates(self) -> Iterator[Aggregate]:
        for each in self.operands:
            if isinstance(each, Expression):
                yield from each.aggregates()

    def compile(self, made: _Columns) -> dict[str, Any]:
        inner = [
            each.compile(made) if isinstance(each, Expression) else each for each in self.operands
        ]
        return {
            "type": "function",
            "name": self.name,
            "args": inner,
            "text": self.text,
            "location": {"min": 0, "max": len(self.text)},
        }


def count(where: str = "", shift: str = "") -> Aggregate:
    """Count records."""
    return Aggregate("count", None, where, shift)


def total(field: str, where: str = "", shift: str = "") -> Aggregate:
    """Add up a field."""
    return Aggregate("sum", field, where, shift)


def average(field: str, where: str = "", shift: str = "") -> Aggregate:
    """Give a field's mean over the records."""
    return Aggregate("average", field, where, shift)


def different(field: str, where: str = "") -> Aggregate:
    """Count a field's different values, nearly."""
    return Aggregate("unique_count", field, where)


def lowest(field: str, where: str = "") -> Aggregate:
    """Give a field's lowest value."""
    return Aggregate("min", field, where)


def highest(field: str, where: str = "") -> Aggregate:
    """Give a field's highest value."""
    return Aggregate("max", field, where)


def percentile(field: str, share: float, where: str = "") -> Aggregate:
    """Give the value that a share of the records, in percent, is not above."""
    return Aggregate("percentile", field, where, options=(("percentile", share),))


class _Columns:
    """The columns of a formula, named as Kibana itself names them."""

    def __init__(self, name: str) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self._of = name

    def add(self, column: dict[str, Any]) -> str:
        """Add a column, or find the same one again."""
        for name, known in self.found.items():
            if known == column:
                return name
        name = f"{self._of}X{len(self.found)}"
        self.found[name] = column
        return name

    def name(self, of: Expression) -> str:
        """Add a figure's columns, and name the one that holds its value."""
        tree = of.compile(self)
        if isinstance(tree, str):
            return tree
        return self.add(
            {
                **_column(f"Part of {of.text}", "math"),
                "params": {"tinymathAst": tree},
                "references": list(dict.fromkeys(_leaves(tree))),
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


def _empty(operation: str) -> dict[str, bool]:
    # a share of nothing is then a division by zero, and absent: never 0
    return {"emptyAsNull": False} if operation in {"count", "sum", "unique_count"} else {}


def _leaves(tree: object) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for each in tree["args"]:
            yield from _leaves(each)
