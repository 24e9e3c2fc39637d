"""The Python client: one method a question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from elkmon.events.errors import ConfigError, QueryError
from elkmon.events.fields import DATASETS, Dataset
from elkmon.query.conditions import Where, dataset_of
from elkmon.query.question import Question
from elkmon.query.result import Result
from elkmon.query.times import Moment
from elkmon.questions.business_metrics import figures as metrics
from elkmon.questions.business_metrics.figures import MetricRow
from elkmon.questions.calibration import figures as calibration
from elkmon.questions.calibration.figures import CalibrationRow
from elkmon.questions.compare import figures as compare
from elkmon.questions.compare.figures import Comparison
from elkmon.questions.confusion import figures as confusion
from elkmon.questions.confusion.figures import ConfusionRow
from elkmon.questions.coverage import figures as coverage
from elkmon.questions.coverage.figures import CoverageRow
from elkmon.questions.exceptions import figures as exceptions
from elkmon.questions.exceptions.figures import ExceptionRow
from elkmon.questions.issues import detail as issue_detail
from elkmon.questions.issues import figures as issues
from elkmon.questions.issues.detail import IssueDetail
from elkmon.questions.issues.figures import OPEN
from elkmon.questions.issues.row import IssueRow
from elkmon.questions.latency import figures as latency
from elkmon.questions.latency.figures import LatencyRow
from elkmon.questions.quality import figures as quality
from elkmon.questions.quality.figures import QualityRow
from elkmon.questions.rates import figures as rates
from elkmon.questions.rates.figures import ErrorRow, FailureRow
from elkmon.stores.location import place_of
from elkmon.stores.protocol import Catalog, Event, Store, TimeBucket

if TYPE_CHECKING:
    from elkmon.stores.elastic.store import ElasticStore

__all__ = ["Monitor", "open_cluster", "open_store"]


class Monitor:
    """Ask a store for rates, quality, latency, labels, issues, metrics and events.

    Every figure takes the same arguments, all of them optional: ``model`` (all models, each by
    itself), ``since`` and ``until`` (``24h``, ``7d``, ``2026-11-01``, ISO 8601, a datetime; the
    last 7 days), ``every`` (``1h``, ``1d``: figures over time), ``by`` (fields to group by) and
    ``where`` (conditions). Each gives a result with ``.rows``, ``.to_dicts()``, ``.to_pandas()``.

    Args:
        store: folder of the events, the address of a cluster (``https://es:9200``), or an open
            store, which stays open.
    """

    def __init__(self, store: str | Path | Store = "elkmon-data") -> None:
        self._own = isinstance(store, (str, Path))
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
        if self._own:
            self._store.close()

    def failure_rate(
        self,
        *,
        model: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        every: str | timedelta | TimeBucket | None = None,
        by: str | Iterable[str] = (),
        where: Where | None = None,
    ) -> Result[FailureRow]:
        """Give failed attempts out of all attempts, with Wilson's 95 % interval.

        Raises:
            QueryError: it cannot be asked; the message says what would do.
            StoreError: the store cannot be read.
        """
        question = Question.of(
            model=model, since=since, until=until, every=every, by=by, where=where
        )
        return rates.failure_rate(self._store, question)

    def error_rate(
        self,
        *,
        model: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        every: str | timedelta | TimeBucket | None = None,
        by: str | Iterable[str] = (),
        where: Where | None = None,
    ) -> Result[ErrorRow]:
        """Give wrong answers out of labelled ones, with Wilson's 95 % interval and the coverage.

        Raises:
            QueryError: it cannot be asked; the message says what would do.
            StoreError: the store cannot be read.
        """
        question = Question.of(
            model=model, since=since, until=until, every=every, by=by, where=where
        )
        return rates.error_rate(self._store, question)

    def quality(
        self,
        metrics: str | Iterable[str] = (),
        *,
        model: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        every: str | timedelta | TimeBucket | None = None,
        by: str | Iterable[str] = (),
        where: Where | None = None,
    ) -> Result[QualityRow]:
        """Give metrics from late labels, each with interval, support and coverage.

        ``metrics`` are names such as ``f1``, ``auc`` or ``log_loss``, one or several; by the task
        of each model where none is named. What cannot be computed is None, with its reason.

        Raises:
            QueryError: it cannot be asked; the message says what would do.
            StoreError: the store cannot be read.
        """
        question = Question.of(
            model=model, since=since, until=until, every=every, by=by, where=where
        )
        return quality.quality(self._store, question, metrics)

    def confusion(
        self,
        *,
        model: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        every: str | timedelta | TimeBucket | None = None,
        by: str | Iterable[str] = (),
        where: Where | None = None,
    ) -> Result[ConfusionRow]:
        """Count labelled predictions by true and predicted class, with shares of each true class.

        Raises:
            QueryError: it cannot be asked; the message says what would do.
            StoreError: the store cannot be read.
        """
        question = Question.of(
            model=model, since=since, until=until, every=every, by=by, where=where
        )
        return confusion.confusion(self._store, question)

    def calibration(
        self,
        bins: int = 10,
        *,
        model: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        every: str | timedelta | TimeBucket | None = None,
        by: str | Iterable[str] = (),
        where: Where | None = None,
    ) -> Result[CalibrationRow]:
        """Compare scores with what came true, in equal ``bins`` over [0, 1].

        Raises:
            QueryError: it cannot be asked; the message says what would do.
            StoreError: the store cannot be read.
        """
        question = Question.of(
            model=model, since=since, until=until, every=every, by=by, where=where
        )
        return calibration.calibration(self._store, question, bins)

    def latency(
        self,
        *,
        model: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        every: str | timedelta | TimeBucket | None = None,
        by: str | Iterable[str] = (),
        where: Where | None = None,
    ) -> Result[LatencyRow]:
        """Give p50, p95 and p99 of how long attempts took, successes and failures apart.

        Raises:
            QueryError: it cannot be asked; the message says what would do.
            StoreError: the store cannot be read.
        """
        question = Question.of(
            model=model, since=since, until=until, every=every, by=by, where=where
        )
        return latency.latency(self._store, question)

    def coverage(
        self,
        *,
        model: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        every: str | timedelta | TimeBucket | None = None,
        by: str | Iterable[str] = (),
        where: Where | None = None,
    ) -> Result[CoverageRow]:
        """Say how much is labelled at which age, how long labels take, what became of them.

        Raises:
            QueryError: it cannot be asked; the message says what would do.
            StoreError: the store cannot be read.
        """
        question = Question.of(
            model=model, since=since, until=until, every=every, by=by, where=where
        )
        return coverage.coverage(self._store, question)

    def exceptions(
        self,
        *,
        model: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        where: Where | None = None,
        limit: int | None = None,
    ) -> Result[ExceptionRow]:
        """Give the exceptions, the most frequent first.

        At most ``limit`` of them, all where it is not given; the rest as everywhere.

        Raises:
            QueryError: it cannot be asked; the message says what would do.
            StoreError: the store cannot be read.
        """
        question = Question.of(model=model, since=since, until=until, where=where)
        return exceptions.exceptions(self._store, question, limit)

    def issues(
        self,
        *,
        model: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        every: str | timedelta | TimeBucket | None = None,
        where: Where | None = None,
        states: Iterable[str] = OPEN,
        limit: int | None = None,
    ) -> Result[IssueRow]:
        """Give exceptions, and wrong answers that became more frequent, as one list.

        ``every`` is the step of their trends, ``states`` which to give (those that somebody has to
        look at), ``limit`` how many at most; the rest as everywhere. Nothing is written.

        Raises:
            QueryError: it cannot be asked; the message says what would do.
            StoreError: the store cannot be read.
        """
        question = Question.of(model=model, since=since, until=until, every=every, where=where)
        return issues.issues(self._store, question, limit, states)

    def issue(
        self,
        id: str,  # noqa: A002 - the word that people use
        *,
        model: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        every: str | timedelta | TimeBucket | None = None,
        where: Where | None = None,
    ) -> IssueDetail:
        """Give one issue in full, by its id or as much of its beginning as is needed.

        Raises:
            QueryError: there is no such issue within the span, or it cannot be asked.
            StoreError: the store cannot be read.
        """
        question = Question.of(model=model, since=since, until=until, every=every, where=where)
        return issue_detail.issue_detail(self._store, question, id)

    def compare(
        self,
        baseline: str | None = None,
        current: str | None = None,
        *,
        model: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        where: Where | None = None,
    ) -> Result[Comparison]:
        """Compare two versions, or two spans ``FROM..TO``, of each model.

        The last version with the one before, or the span with as long a one before, where they are
        not given.

        Raises:
            QueryError: there is no such version, or it cannot be asked.
            StoreError: the store cannot be read.
        """
        question = Question.of(model=model, since=since, until=until, where=where)
        return compare.compare(self._store, question, baseline, current)

    def metrics(
        self,
        *names: str,
        model: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        every: str | timedelta | TimeBucket | None = None,
        by: str | Iterable[str] = (),
        where: Where | None = None,
    ) -> Result[MetricRow]:
        """Give count, mean, least and greatest value of business and host figures, by name.

        Raises:
            QueryError: it cannot be asked; the message says what would do.
            StoreError: the store cannot be read.
        """
        question = Question.of(
            model=model, since=since, until=until, every=every, by=by, where=where
        )
        return metrics.metrics(self._store, question, names)

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
        """Give events as they were written, predictions with what their labels make of them.

        Of one ``dataset``, such as ``elkmon.error``, or of all that can meet the conditions; at
        most ``limit``, sorted by time; the rest as everywhere.

        Raises:
            QueryError: it cannot be asked; the message says what would do.
            StoreError: the store cannot be read.
        """
        if dataset is not None and dataset not in DATASETS:
            raise QueryError(f"no such dataset: {dataset}; there are: {', '.join(DATASETS)}")
        question = Question.of(model=model, since=since, until=until, where=where)
        return self._store.events(
            dataset or dataset_of(question.conditions),
            where=question.filter,
            limit=limit,
            newest_first=newest_first,
        )

    def catalog(self) -> Catalog:
        """Say what is in the store: models, versions, time span, completeness, labels.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._store.catalog()


def open_store(place: str | Path) -> Store:
    """Open the store in a folder, or on a cluster: ``https://es:9200``.

    Credentials, certificates and the prefix of indices come from the environment, or from files
    that it names.

    Raises:
        ConfigError: what it needs is not installed; an address or a setting cannot be used.
        StoreError: the folder cannot be used.
    """
    found = place_of(place)
    if isinstance(found, str):
        return open_cluster(found)
    with _needing("duckdb", "cli", "reading a store"):
        from elkmon.stores.local.store import LocalStore  # noqa: PLC0415 - DuckDB is an extra, and large
    return LocalStore(found)


def open_cluster(url: str) -> ElasticStore:
    """Open the store on a cluster.

    Raises:
        ConfigError: its client is not installed; the address or a setting cannot be used.
    """
    with _needing("elasticsearch", "elastic", "asking Elasticsearch"):
        from elkmon.stores.elastic.store import ElasticStore  # noqa: PLC0415 - an extra
    return ElasticStore(url)


@contextmanager
def _needing(module: str, extra: str, doing: str) -> Iterator[None]:
    """Say how what is missing is installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in {module, "elastic_transport"}:
            raise
        name = {"duckdb": "DuckDB", "elasticsearch": "its client"}[module]
        raise ConfigError(
            f"{doing} needs {name}: install it with pip install 'elkmon[{extra}]'"
        ) from error
