"""The record of a question: its command, its ``Monitor`` method and its section come from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib import import_module
from types import ModuleType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from elkmon.present.result import Result, flat
from elkmon.stores.protocol import Store, TimeBucket

__all__ = ["Answer", "Asks", "Option", "QuestionRecord"]

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
    """What it is if not given; its type is the option's type."""
    metavar: str | None = None
    repeatable: bool = False
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    of_table: bool = False
    """Whether it changes only the table, not the answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question's command shows: the result, and what its table draws beside it."""

    result: Result[Any]
    steps: TimeBucket | None = None
    """The steps of ``stepped``."""
    stepped: Callable[[], Sequence[Any]] = tuple
    """Compute the rows step by step, for the lines that are drawn beside them."""
    parts: Mapping[str, Result[Any]] = field(default_factory=dict)
    """Further results of the same question, by their name in JSON."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The options of its command, by name."""
    reason: Sequence[str] = ()
    """Why there is no row, where that is known; else the store's catalog is asked."""
    lines: Callable[[], tuple[Sequence[str], Iterable[Sequence[object]]]] | None = None
    """Compute the columns and cells of CSV, where they are not those of the rows."""

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


class Asks(Protocol):
    """Whoever has a store to ask: a ``Monitor``."""

    @property
    def store(self) -> Store:
        """Return the store."""
        ...


@dataclass(frozen=True)
class QuestionRecord(Generic[P, R]):
    """One question.

    As an attribute of a class that has a ``store``, it is the method that asks the question.

    Its package has up to three modules, each imported when it is used: ``figures`` (``answer(store,
    question, **options)`` returns an :class:`Answer`), ``table`` (``show(output, location,
    answer)`` writes it for a terminal), and ``section`` (``blocks(answers, location)`` returns
    its blocks of the report).
    """

    package: str
    """Where its modules are."""
    ask: Callable[Concatenate[Store, P], R]
    """Answers the question for the Python client; its name is that of the method."""
    command: str | None = None
    """The name of its command; none where it has none."""
    summary: str = ""
    """One line for the list of commands."""
    help: str = ""
    """What the command's own help adds to the summary."""
    rows: str = ""
    """What its rows are called in JSON; as the command where not given."""
    groups: bool = True
    """Whether it takes ``--by`` and ``--every``."""
    options: tuple[Option, ...] = ()
    in_report: bool = False
    """Whether the report has a section of it."""

    @property
    def method(self) -> str:
        """Return the name of its ``Monitor`` method."""
        return self.ask.__name__

    @property
    def rows_name(self) -> str:
        """Return what its rows are called in JSON."""
        return self.rows or self.command or self.method

    @cached_property
    def figures(self) -> ModuleType:
        """Import what asks the store and computes."""
        return import_module(f"{self.package}.figures")

    @cached_property
    def table(self) -> ModuleType:
        """Import what shows an answer on a terminal."""
        return import_module(f"{self.package}.table")

    @cached_property
    def section(self) -> ModuleType:
        """Import what shows it in the report."""
        return import_module(f"{self.package}.section")

    @overload
    def __get__(self, instance: None, owner: type) -> QuestionRecord[P, R]: ...

    @overload
    def __get__(self, instance: Asks, owner: type) -> Callable[P, R]: ...

    def __get__(self, instance: Asks | None, owner: type) -> QuestionRecord[P, R] | Callable[P, R]:
        """Return the method of a client; the record itself for its class."""
        return self if instance is None else partial(self.ask, instance.store)
