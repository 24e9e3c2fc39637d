"""What a store answers, and what it may be able to do besides.

Every store is a :class:`Store`: it answers three questions; all statistics are arithmetic on top.
A store with one more method can do more: :class:`Examinable`, :class:`Writable`,
:class:`Prunable`, :class:`Erasable`. A command asks ``isinstance(store, Prunable)``, never which
store it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from elkmon.events.datasets import Dataset
from elkmon.retention.erasure import ErasureReport, ErasureRequest
from elkmon.retention.pruning import OldPart
from elkmon.stores.finding import Finding

__all__ = [
    "Bins",
    "Catalog",
    "Cell",
    "Condition",
    "Dimension",
    "Edges",
    "Erasable",
    "Event",
    "Examinable",
    "FieldValue",
    "Filter",
    "Measure",
    "ModelEntry",
    "ProcessEntry",
    "Progress",
    "Prunable",
    "Span",
    "Store",
    "Table",
    "TimeBucket",
    "VersionEntry",
    "Writable",
]

Cell = str | int | float | bool | datetime | None
Event = Mapping[str, Any]
"""One event as it was written: nested, plus the joined fields on a prediction."""
Progress = Callable[[int, int], None]
"""Called with how much is done, of how much."""


@dataclass(frozen=True, slots=True)
class FieldValue:
    """Group by the value of a field; None is a group of its own.

    ``field`` is a full name, an entry of a keyed field included (``ml.segment.country``).
    """

    field: str


@dataclass(frozen=True, slots=True)
class TimeBucket:
    """Group by ``@timestamp`` in UTC: minutes, hours, days, weeks from Monday, or months (M)."""

    every: int
    unit: Literal["m", "h", "d", "w", "M"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: ``field op values``.

    ``=`` and ``!=`` take several values (any of them, none of them); ``exists`` and ``missing``
    take none; the others take one. ``!=`` also matches an absent field.
    """

    field: str
    op: Literal["=", "!=", "<", "<=", ">", ">=", "exists", "missing"]
    values: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Bins:
    """Group a number by bins of equal width: the group is floor(value / width), in double.

    Only events that meet ``where``, a condition with ``=``, go into bins; for others the group is
    None.
    """

    field: str
    width: float
    where: Condition | None = None


@dataclass(frozen=True, slots=True)
class Edges:
    """Group a number by given edges [a, b): the group is the index of a.

    Values outside of the edges are None. A question has at most one such dimension.
    """

    field: str
    edges: tuple[float, ...]


Dimension = FieldValue | TimeBucket | Bins | Edges


@dataclass(frozen=True, slots=True)
class Measure:
    """What is computed in each group; documents without the field (or weight 0) do not count.

    ``count``: documents (that have ``field``, if one is given). ``weight``: Σw. ``weight2``:
    Σw². ``sum``: Σw·x. ``sum2``: Σw·x². ``min``, ``max``: of x. w is ``ml.sample.weight``, 1 where
    absent.
    """

    kind: Literal["count", "weight", "weight2", "sum", "sum2", "min", "max"]
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """A window of ``@timestamp`` [since, until) in UTC, and conditions, which must all hold."""

    since: datetime | None = None
    until: datetime | None = None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Aggregates: one row a group; the columns are the dimensions, then the measures."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Span:
    """First and last ``@timestamp``, aware and in UTC."""

    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class VersionEntry:
    """One version of a model."""

    version: str
    span: Span
    predictions: int
    failures: int
    deployed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model; every id is counted once."""

    name: str
    tasks: tuple[str, ...]
    versions: tuple[VersionEntry, ...]
    """By their first deployment, or the first prediction if there is none."""
    span: Span | None
    """Of its predictions, or its deployments if it has none; None if it has neither."""
    predictions: int
    failures: int
    labelled: int
    """Successful predictions with at least one label."""
    labels: int
    orphans: int
    """Labels whose prediction is not in the store, unless sampling left it out."""
    sampled_out: int
    """Labels whose prediction sampling left out."""
    repeats: int
    """Predictions written again under the same id."""
    differing: int
    """Repeats that differ from the prediction written first."""
    segments: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    lowest_rate: float = 1.0
    waiting: int = 0
    """Labels that are not joined yet; always 0 for a store that joins when it is asked."""
    given_up: int = 0
    """Orphans whose prediction is no longer looked for; 0 for such a store."""
    next_look: datetime | None = None
    """When the first of the other orphans is looked at again; None for such a store."""


@dataclass(frozen=True, slots=True)
class ProcessEntry:
    """One process that emits, and how many of its events are missing."""

    entity_id: str
    service: str | None
    host: str | None
    span: Span
    events: int
    missing: int
    """max − min + 1 − count of the sequence numbers that are in the store."""
    dropped: int
    """Events that the process reports as dropped; the rest of ``missing`` is unexplained."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The contents of a store."""

    span: Span | None
    datasets: Mapping[str, int]
    models: tuple[ModelEntry, ...] = ()
    processes: tuple[ProcessEntry, ...] = ()
    labels_waiting: int = 0
    """The sum of all models."""
    bad_lines: int = 0
    """Torn or corrupt lines, which are not counted."""
    notes: tuple[str, ...] = field(default=())


@runtime_checkable
class Store(Protocol):
    """A place that holds events; every question counts a repeated id once."""

    def aggregate(
        self,
        dataset: Dataset,
        *,
        by: Sequence[Dimension],
        measures: Sequence[Measure],
        where: Filter,
    ) -> Table:
        """Group events and compute measures.

        Rows are sorted by the dimensions, None last. Without any event there is no row.

        Raises:
            QueryError: a field is not in the field table, or cannot be used in this way.
            StoreError: the events cannot be read.
        """
        ...

    def events(
        self, dataset: Dataset | None, *, where: Filter, limit: int, newest_first: bool = True
    ) -> Iterator[Event]:
        """Yield whole events, sorted by time; of all datasets if ``dataset`` is None."""
        ...

    def catalog(self) -> Catalog:
        """Return the contents of the store."""
        ...

    def close(self) -> None:
        """Release the connections and files of the store."""
        ...


@runtime_checkable
class Examinable(Protocol):
    """A store that can look for what is wrong with it: ``elkmon doctor``."""

    def examine(self, progress: Progress | None = None) -> list[Finding]:
        """Return what is wrong, problems first; nothing for a store in order.

        Raises:
            StoreError: the events cannot be read at all.
        """
        ...


@runtime_checkable
class Writable(Protocol):
    """A store that takes a few finished events: notes on issues."""

    def write(self, lines: Iterable[bytes]) -> None:
        """Write events, and return when they can be asked for.

        Args:
            lines: one event each, as JSON with its newline.

        Raises:
            StoreError: they could not all be written.
        """
        ...


@runtime_checkable
class Prunable(Protocol):
    """A store that can delete what is old: ``elkmon prune``."""

    def prune(
        self, before: datetime, *, dry_run: bool, progress: Progress | None = None
    ) -> list[OldPart]:
        """Delete the parts whose events are all before a time; notes on issues are kept for ever.

        Args:
            before: aware.
            dry_run: whether only to return what would be deleted.
            progress: called with how much is done.

        Returns:
            The old parts, those that stay included.

        Raises:
            StoreError: the store cannot be read, or a part cannot be deleted.
        """
        ...


@runtime_checkable
class Erasable(Protocol):
    """A store that can erase the events of a prediction or a user: ``elkmon forget``."""

    def erase(
        self, request: ErasureRequest, *, dry_run: bool, progress: Progress | None = None
    ) -> ErasureReport:
        """Erase events, and whatever was set apart of them.

        Args:
            request: what to erase; of a user it learns the predictions.
            dry_run: whether only to count.
            progress: called with how much is done.

        Raises:
            StoreError: an event cannot be read or erased; those before it are gone.
        """
        ...
