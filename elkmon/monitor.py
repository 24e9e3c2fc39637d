"""Ask a store from Python: one method per question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from elkmon.events.datasets import Dataset, dataset_name
from elkmon.events.errors import StoreError
from elkmon.query.conditions import Where, dataset_of
from elkmon.query.question import Question, Spanned, Unpack
from elkmon.query.times import Moment
from elkmon.questions.registry import Questions, questions
from elkmon.stores.finding import Finding
from elkmon.stores.location import Place
from elkmon.stores.protocol import Catalog, Event, Examinable, Store
from elkmon.stores.registry import open_store

if TYPE_CHECKING:
    from elkmon.report import Report

__all__ = ["Monitor"]

STORE: Place = "STORE"
"""What commands of a report name where the store was handed over open."""


class Monitor(Questions):
    """Ask a store for rates, quality, latency, labels, issues, metrics and events.

    Every figure takes the same arguments, all of them optional: ``model`` (all models, each by
    itself), ``since`` and ``until`` (``24h``, ``7d``, ``2026-11-01``, ISO 8601, a datetime; the
    last 7 days), ``every`` (``1h``, ``1d``: figures over time), ``by`` (fields to group by) and
    ``where`` (conditions). Each gives a result with ``.rows``, ``.to_dicts()``, ``.to_pandas()``.

    Args:
        store: folder of the events, the address of a store (``https://es:9200``), or an open store,
            which stays open.
    """

    def __init__(self, store: str | Path | Store = "elkmon-data") -> None:
        self._location = store if isinstance(store, (str, Path)) else None
        self._store = open_store(store) if isinstance(store, (str, Path)) else store

    def __enter__(self) -> Monitor:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the store, if it was opened here."""
        if self._location is not None:
            self._store.close()

    @property
    def store(self) -> Store:
        """Return the store that is asked."""
        return self._store

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the method of a question that a plug-in adds."""
        record = None if name.startswith("_") else questions().get(name)
        if record is None:
            raise AttributeError(f"a Monitor has no {name!r}; see dir(monitor)")
        return partial(record.ask, self.store)

    def __dir__(self) -> list[str]:
        """Return the names of all methods, also those of plug-ins."""
        return sorted({*super().__dir__(), *questions()})

    def events(
        self,
        dataset: Dataset | None = None,
        *,
        model: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        where: Where | None = None,
        limit: int = 100,
        newest_first: bool = True,
    ) -> Iterator[Event]:
        """Return events as they were written, and predictions with the fields of their labels.

        They are of one ``dataset`` (``error`` or ``elkmon.error``), or of all that can meet the
        conditions; at most ``limit``, sorted by time; the other arguments as everywhere.

        Raises:
            QueryError: it cannot be asked; the message says what would do.
            StoreError: the store cannot be read.
        """
        only = None if dataset is None else dataset_name(dataset)
        question = Question.of(model=model, since=since, until=until, where=where)
        return self._store.events(
            only or dataset_of(question.conditions),
            where=question.filter,
            limit=limit,
            newest_first=newest_first,
        )

    def catalog(self) -> Catalog:
        """Return the contents of the store: models, versions, time span, completeness, labels.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._store.catalog()

    def report(
        self,
        path: str | Path | None = None,
        *,
        model: str | None = None,
        **arguments: Unpack[Spanned],
    ) -> Report:
        """Return the report, one page of HTML; write it to ``path`` where that is given.

        Raises:
            ConfigError: what the report needs is not installed, or the file cannot be written.
            QueryError: it cannot be asked; the message says what would do.
            StoreError: the store cannot be read.
        """
        from elkmon.report import build_report  # noqa: PLC0415 - an extra

        location = STORE if self._location is None else self._location
        report = build_report(self._store, Question.of(model=model, **arguments), location)
        if path is not None:
            report.save(path)
        return report

    def doctor(self) -> list[Finding]:
        """Return what is wrong with the store, problems first; nothing where it is in order.

        Raises:
            StoreError: the store cannot be read, or cannot look for what is wrong with it.
        """
        if not isinstance(self._store, Examinable):
            raise StoreError(f"{type(self._store).__name__} cannot be examined")
        return self._store.examine()
