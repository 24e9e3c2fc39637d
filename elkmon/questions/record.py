"""Define the record of a question, which its command, method and section come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib import import_module
from types import ModuleType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from elkmon.present.result import Result, flat
from elkmon.stores.protocol import Store, TimeBucket

__all__ = ["Answer", "HasStore", "Option", "QuestionRecord"]

P = ParamSpec("P")
R = TypeVar("R", covariant=True)  # noqa: PLC0105 - the usual name


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a question's command, beside those that every question has."""

    name: str
    """The argument that it becomes."""
    flag: str
    help: str
    default: Any = None
    """The value if not given; its type is the option's type."""
    metavar: str | None = None
    repeatable: bool = False
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    of_table: bool = False
    """Whether it changes only the table, not the answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer that a question's command shows: the result, and more for its table."""

    result: Result[Any]
    steps: TimeBucket | None = None
    """The width of the steps of ``stepped``."""
    stepped: Callable[[], Sequence[Any]] = tuple
    """Returns the rows of each step, for sparklines."""
    parts: Mapping[str, Result[Any]] = field(default_factory=dict)
    """Further results of the question, by their name in JSON."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The options of its command, by name."""
    reason: Sequence[str] = ()
    """Why there are no rows, if known; else it is found out from the catalog."""
    lines: Callable[[], tuple[Sequence[str], Iterable[Sequence[object]]]] | None = None
    """Returns the columns and cells of CSV, if they are not those of the rows."""

    @property
    def empty(self) -> bool:
        """Whether no part has a row."""
        return not self.result.rows and not any(part.rows for part in self.parts.values())

    def csv(self) -> tuple[Sequence[str], Iterable[Sequence[object]]]:
        """Return the columns and cells of CSV."""
        if self.lines is not None:
            return self.lines()
        columns = self.result.columns
        cells = map(flat, self.result.rows)
        return columns, ([row.get(column) for column in columns] for row in cells)


class HasStore(Protocol):
    """An object with a store to ask, such as a ``Monitor``."""

    @property
    def store(self) -> Store:
        """Return the store."""
        ...


@dataclass(frozen=True)
class QuestionRecord(Generic[P, R]):
    """The record of one question.

    As an attribute of a class with a ``store``, it is the method that asks the question.

    Its package has up to three modules, each imported when it is used: ``figures`` (``answer(store,
    question, **options)`` returns an :class:`Answer`), ``table`` (``show(output, location,
    answer)`` writes it for a terminal), and ``section`` (``blocks(answers, location)`` returns
    its blocks of the report).
    """

    package: str
    """The package of its modules."""
    ask: Callable[Concatenate[Store, P], R]
    """Answers the question for the Python client; its name is that of the method."""
    command: str | None = None
    """The name of its command, if it has one."""
    summary: str = ""
    """One line for the list of commands."""
    help: str = ""
    """Further help of the command."""
    rows: str = ""
    """The name of its rows in JSON; the command's name if not given."""
    groups: bool = True
    """Whether it takes ``--by`` and ``--every``."""
    options: tuple[Option, ...] = ()
    in_report: bool = False
    """Whether the report has its section."""

    @property
    def method(self) -> str:
        """Return the name of its ``Monitor`` method."""
        return self.ask.__name__

    @property
    def rows_name(self) -> str:
        """Return the name of its rows in JSON."""
        return self.rows or self.command or self.method

    @cached_property
    def figures(self) -> ModuleType:
        """Return its module that asks the store and computes."""
        return import_module(f"{self.package}.figures")

    @cached_property
    def table(self) -> ModuleType:
        """Return its module that writes an answer to a terminal."""
        return import_module(f"{self.package}.table")

    @cached_property
    def section(self) -> ModuleType:
        """Return its module that writes the section of the report."""
        return import_module(f"{self.package}.section")

    @overload
    def __get__(self, instance: None, owner: type) -> QuestionRecord[P, R]: ...

    @overload
    def __get__(self, instance: HasStore, owner: type) -> Callable[P, R]: ...

    def __get__(
        self, instance: HasStore | None, owner: type
    ) -> QuestionRecord[P, R] | Callable[P, R]:
        """Return the method of a client; the record itself for its class."""
        return self if instance is None else partial(self.ask, instance.store)
