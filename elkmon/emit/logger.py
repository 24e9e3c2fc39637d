"""The logger that applications use: a structlog bound logger that also knows predictions."""

from __future__ import annotations

from contextvars import copy_context
from typing import Any

from structlog.contextvars import get_contextvars, merge_contextvars
from structlog.processors import StackInfoRenderer
from structlog.typing import Processor

from elkmon.emit import event_builders
from elkmon.emit.bridges.structlog import write_line
from elkmon.emit.encode.answers import usable_id
from elkmon.emit.encode.batch import label_many, predict_many
from elkmon.emit.encode.prediction import write_prediction
from elkmon.emit.exceptions import describe, written_as
from elkmon.emit.log_methods import LogMethods
from elkmon.emit.model import Model
from elkmon.emit.predict_block import Predict
from elkmon.events.errors import UsageError

__all__ = ["ElkmonLogger", "get_logger"]


class ElkmonLogger(LogMethods):
    """Log predictions, labels, errors, metrics and plain lines, each as one JSON event.

    It is a structlog bound logger: ``bind``, ``unbind``, ``new``, ``info``, ``ainfo`` and the rest
    are as structlog has them. Nothing here raises but in strict mode, and nothing waits for a
    network.
    """

    def predict(
        self,
        *,
        features: object = None,
        segment: object = None,
        id: object = None,  # noqa: A002 - the word that people use
        at: object = None,
        user: object = None,
    ) -> Predict:
        """Begin an attempt: ``with log.predict(features=row) as p: p.label = model(row)``.

        The duration is measured. An exception is logged once, linked to the attempt, and goes on.
        ``async with`` works the same.

        Args:
            features: mapping of names to values; numbers and categories are kept apart.
            segment: the few dimensions to slice by, as a mapping.
            id: the caller's id, for the label that comes later; a UUIDv7 where not given.
            at: when it happened; now where not given.
            user: who asked; kept as a keyed hash only.
        """
        return Predict(
            self,
            self._id(id),
            features=features,
            segment=segment,
            user=user,
            at=at,
        )

    def prediction(
        self,
        *,
        label: object = None,
        score: object = None,
        value: object = None,
        scores: object = None,
        features: object = None,
        segment: object = None,
        duration: float | None = None,
        id: object = None,  # noqa: A002 - the word that people use
        at: object = None,
        user: object = None,
    ) -> str:
        """Log a successful prediction.

        Args:
            label: the predicted class.
            score: probability of the positive class in a binary task, else of the predicted class.
            value: the predicted value of a regression.
            scores: probability of each class, as a mapping.
            features: mapping of names to values.
            segment: the few dimensions to slice by, as a mapping.
            duration: how long it took, in seconds.
            id: the caller's id; a UUIDv7 where not given.
            at: when it happened; now where not given.
            user: who asked; kept as a keyed hash only.

        Returns:
            The prediction's id, for :meth:`label`.

        Raises:
            UsageError: in strict mode, on wrong use.
        """
        model = self._logger
        emitter = model.ready()
        prediction_id = (id is not None and usable_id(emitter, id)) or emitter.new_id()
        try:
            write_prediction(
                model,
                emitter,
                prediction_id,
                label,
                score,
                value,
                scores,
                features,
                segment,
                duration,
                at,
                user,
                labels=self._labels() if copy_context() else self._context,
            )
        except UsageError:  # strict mode asked for it
            raise
        except Exception as error:  # noqa: BLE001 - emitting never raises into the caller
            emitter.lost(error)
        return prediction_id

    def predictions(
        self,
        *,
        label: object = None,
        score: object = None,
        value: object = None,
        scores: object = None,
        features: object = None,
        segment: object = None,
        duration: object = None,
        id: object = None,  # noqa: A002 - the word that people use
        at: object = None,
        user: object = None,
    ) -> list[str]:
        """Log a batch of successful predictions, with one write a chunk.

        Every argument is as in :meth:`prediction`, as a column: a list, an array of numpy, or
        anything of pandas, polars or pyarrow; a single value holds for all rows. ``features`` and
        ``segment`` are a frame, a mapping of names to columns, a list of mappings, or a
        two-dimensional array; ``scores`` a mapping of classes to columns or a list of mappings.

        Returns:
            The ids, in the order of the rows; none where the columns do not fit each other.

        Raises:
            UsageError: in strict mode, for columns of different lengths.
        """
        columns = {
            "label": label,
            "score": score,
            "value": value,
            "scores": scores,
            "features": features,
            "segment": segment,
            "duration": duration,
            "id": id,
            "at": at,
            "user": user,
        }
        return self._guard(predict_many, self._logger, columns, self._labels()) or []

    def label(
        self,
        prediction_id: str,
        label: object = None,
        *,
        value: object = None,
        correct: bool | None = None,
        rating: float | None = None,
        source: str | None = None,
        observed_at: object = None,
    ) -> None:
        """Log what turned out to be true of a prediction, now or months later, perhaps again.

        Args:
            prediction_id: what :meth:`prediction` returned, or the caller's own id.
            label: the true class.
            value: the true value of a regression.
            correct: whether the answer was right, where no class says it.
            rating: a person's rating of it.
            source: where the truth comes from.
            observed_at: when it became known; now where not given.

        Raises:
            UsageError: in strict mode, for a class of a regression model, or nothing at all.
        """
        self._guard(
            event_builders.label,
            self._logger,
            prediction_id,
            event_builders.Truth(label, value, correct, rating, source, observed_at),
            self._labels(),
        )

    def labels(
        self,
        prediction_id: object,
        label: object = None,
        *,
        value: object = None,
        correct: object = None,
        rating: object = None,
        source: object = None,
        observed_at: object = None,
    ) -> None:
        """Log a batch of labels: every argument is as in :meth:`label`, as a column.

        Raises:
            UsageError: in strict mode, for columns of different lengths.
        """
        columns = {
            "label": label,
            "value": value,
            "correct": correct,
            "rating": rating,
            "source": source,
            "observed_at": observed_at,
        }
        self._guard(label_many, self._logger, prediction_id, columns, self._labels())

    def metric(self, name: str, value: float, *, unit: str | None = None) -> None:
        """Log a business or technical figure.

        Args:
            name: such as ``basket_value``.
            value: a number.
            unit: such as ``eur``, ``s``, ``By``.
        """
        self._guard(event_builders.metric, self._logger, name, value, unit, self._labels())

    def deployment(self, version: str, *, action: str = "deployed", at: object = None) -> None:
        """Log that a version went live (``deployed``), or was taken back (``rolled_back``)."""
        self._guard(event_builders.deployment, self._logger, version, action, at, self._labels())

    def _finish(self, attempt: Predict, seconds: float, error: BaseException | None) -> None:
        """Log how an attempt ended."""
        self._guard(self._write, attempt, seconds, error)

    def _write(self, attempt: Predict, seconds: float, error: BaseException | None) -> None:
        labels = self._labels()
        failure = None
        if error is not None:
            failure = describe(error)
            if written_as(error) is None:
                line = event_builders.LogCall(
                    "error", exception=error, labels=labels, at=attempt.at
                )
                event_builders.log_call(self._logger, line)
        write_prediction(
            self._logger,
            self._logger.ready(),
            self._id(attempt.id),
            attempt.label,
            attempt.score,
            attempt.value,
            attempt.scores,
            attempt.features,
            attempt.segment,
            seconds,
            attempt.at,
            attempt.user,
            labels=labels,
            failure=failure,
        )

    def _labels(self) -> dict[str, Any]:
        """Return what was bound, here and in structlog's context variables."""
        return {**get_contextvars(), **self._context} if copy_context() else self._context

    def _id(self, given: object) -> str:
        emitter = self._logger.ready()
        return (given is not None and usable_id(emitter, given)) or emitter.new_id()


def get_logger(
    model: str | None = None,
    version: object = None,
    *,
    task: str | None = None,
    positive: object = None,
    sample_rate: float | None = None,
    **bound: object,
) -> ElkmonLogger:
    """Return a logger for one model.

    Args:
        model: its name.
        version: its version.
        task: ``binary``, ``multiclass``, ``regression`` or ``generation``.
        positive: the positive class of a binary task.
        sample_rate: share of successful predictions to keep, above 0 and up to 1; the setting's
            where not given.
        **bound: said with every event, as ``bind`` does.

    Raises:
        UsageError: in strict mode, for a task that does not exist.
    """
    processors: list[Processor] = [merge_contextvars, StackInfoRenderer(), write_line]
    known = Model(model, version, task, positive, sample_rate)
    return ElkmonLogger(known, processors, dict(bound))
