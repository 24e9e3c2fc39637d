"""The logger that applications use: a structlog bound logger that also knows predictions."""

from __future__ import annotations

from contextvars import copy_context
from math import log as ln
from sys import modules
from time import time_ns
from typing import Any

import orjson
from structlog.contextvars import get_contextvars, merge_contextvars
from structlog.processors import StackInfoRenderer
from structlog.typing import Processor

from elkmon.emit import event_builders as reports
from elkmon.emit import process_emitter as state
from elkmon.emit.attempt import Attempt, submit, usable_id
from elkmon.emit.batch import label_many, predict_many
from elkmon.emit.bridges.structlog import write_line
from elkmon.emit.emitter import Emitter, following, trace_fields
from elkmon.emit.exceptions import describe, written_as
from elkmon.emit.fast import LONG, NUMBERS, TAIL
from elkmon.emit.levels import Levels
from elkmon.emit.predict_block import Predict
from elkmon.emit.recorder import LOG_BIN, Recorder, clean_id
from elkmon.emit.to_json import Notes

__all__ = ["ElkmonLogger", "get_logger"]

_EVENT = (
    b'","dataset":"elkmon.prediction","kind":"event","outcome":"success","duration":%d,'
    b'"created":"%b","sequence":%d},'
)


class ElkmonLogger(Levels):
    """Log predictions, labels, errors, metrics and plain lines, each as one JSON event.

    It is a structlog bound logger: ``bind``, ``unbind``, ``new``, ``info``, ``ainfo`` and the rest
    are as structlog has them. Nothing here raises but in strict mode, and nothing waits for a
    network.
    """

    _tail = b""
    """What was bound, as bytes for the short way."""
    _tail_of: Emitter | None = None
    """Whose redaction holds for it."""

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
        return Predict(self, self._id(id), features=features, segment=segment, user=user, at=at)

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
        recorder = self._logger
        emitter = recorder.emitter
        if (
            emitter is state._emitter  # noqa: SLF001 - the short way counts nanoseconds
            and emitter is not None
            and recorder.all_kept
            and at is None
            and user is None
            and value is None
            and scores is None
        ):
            try:
                plans = recorder.plans
                shape = plans.features[(*features,)]  # type: ignore[misc]  # anything else is a TypeError
                categories = shape.seen.get(shape.take(features))  # type: ignore[arg-type]  # likewise
                if categories is None:
                    categories = shape.encode(features, emitter.redactor)  # type: ignore[arg-type]  # likewise
                numbers = features.copy()  # type: ignore[attr-defined]  # likewise
                for name in shape.names:
                    del numbers[name]
                features_text = orjson.dumps(numbers, option=orjson.OPT_STRICT_INTEGER)
                shape = plans.segments[(*segment,) if segment else ()]  # type: ignore[misc]  # likewise
                segments = shape.seen.get(shape.take(segment))  # type: ignore[arg-type]  # likewise
                if segments is None:
                    segments = shape.encode(segment, emitter.redactor)  # type: ignore[arg-type]  # likewise
                answer = plans.classes[label]  # type: ignore[index]  # likewise
                nanoseconds = int(duration * 1e9)  # type: ignore[operator]  # likewise
                if (
                    categories is not None
                    and segments is not None
                    and NUMBERS.issuperset(map(type, numbers.values()))
                    and features_text.find(b":null") < 0  # half the time of ``in``
                    and (score is None or (type(score) is float and score - score == 0.0))
                    and 1 < nanoseconds < LONG
                    and (self._tail_of is emitter or self._bind_tail(emitter))
                    and not (copy_context() and get_contextvars())
                ):
                    now = emitter.clock.now
                    ms = time_ns() // 1_000_000
                    if now.ms != ms:
                        now = emitter.clock.turn(ms)
                    if id is None:
                        made = f"{now.head}{next(emitter.counters)}{now.tail}"
                        shown = raw = made.encode()
                    else:
                        made = clean_id(id)
                        raw = made.encode()
                        shown = orjson.dumps(made)[1:-1]
                        if not made:
                            raise ValueError  # noqa: TRY301 - no id at all: the careful way makes one
                    traced = "opentelemetry.trace" in modules
                    trace = following(trace_fields()) if traced else b""
                    key = recorder.keys.copy()
                    key.update(raw)
                    pieces = (
                        b'{"@timestamp":"',
                        now.iso,
                        b'","event":{"id":"',
                        key.hexdigest().encode(),
                        _EVENT % (nanoseconds, now.iso, next(emitter.sequence)),
                        recorder.head,
                        shown,
                        answer,
                        b"" if score is None else b',"score":' + orjson.dumps(score),
                        b'},"features":{"number":',
                        features_text,
                        categories,
                        segments,
                        b'"duration_bin":%d}' % int(ln(nanoseconds) / LOG_BIN),
                        self._tail,
                        trace,
                        b"}\n",
                    )
                    line = b"".join(pieces)
                    try:
                        emitter.sink.write(line, ms)  # at once: another call would cost 1 %
                    except Exception as error:  # noqa: BLE001 - as ``emitter.write`` does
                        emitter.unwritten(error)
                    return made
            except Exception:  # noqa: BLE001, S110 - something new, or odd: the careful way
                pass
        return self._prediction(
            Attempt(
                id=self._id(id),
                label=label,
                score=score,
                value=value,
                scores=scores,
                features=features,
                segment=segment,
                duration=duration,
                at=at,
                user=user,
            )
        )

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
            reports.label,
            self._logger,
            prediction_id,
            reports.Truth(label, value, correct, rating, source, observed_at),
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
        self._guard(reports.metric, self._logger, name, value, unit, self._labels())

    def deployment(self, version: str, *, action: str = "deployed", at: object = None) -> None:
        """Log that a version went live (``deployed``), or was taken back (``rolled_back``)."""
        self._guard(reports.deployment, self._logger, version, action, at, self._labels())

    def _prediction(self, attempt: Attempt) -> str:
        """Log an attempt with all care, and remember what repeats."""
        self._guard(submit, self._logger, attempt, self._labels())
        return attempt.id

    def _finish(self, attempt: Predict, nanoseconds: int, error: BaseException | None) -> None:
        """Log how an attempt ended."""
        if error is None:
            self.prediction(
                label=attempt.label,
                score=attempt.score,
                value=attempt.value,
                scores=attempt.scores,
                features=attempt.features,
                segment=attempt.segment,
                duration=nanoseconds / 1e9,
                id=attempt.id,
                at=attempt.at,
                user=attempt.user,
            )
            return
        self._guard(self._fail, attempt, nanoseconds, error)

    def _fail(self, attempt: Predict, nanoseconds: int, error: BaseException) -> None:
        failure = describe(error)
        if written_as(error) is None:
            reports.line(
                self._logger,
                reports.Line("error", exception=error, labels=self._labels(), at=attempt.at),
            )
        submit(
            self._logger,
            Attempt(
                id=attempt.id,
                label=attempt.label,
                score=attempt.score,
                value=attempt.value,
                scores=attempt.scores,
                features=attempt.features,
                segment=attempt.segment,
                duration=nanoseconds / 1e9,
                at=attempt.at,
                user=attempt.user,
                failure=failure,
            ),
            self._labels(),
        )

    def _labels(self) -> dict[str, Any]:
        """Give what was bound, here and in structlog's context variables."""
        return {**get_contextvars(), **self._context} if copy_context() else self._context

    def _bind_tail(self, emitter: Emitter) -> bool:
        """Make what was bound into bytes, once; say whether the short way can use them."""
        notes = Notes()
        fields = emitter.labels(self._context, notes)
        text = following(fields)
        if notes != Notes() or len(text) > TAIL:
            return False
        self._tail, self._tail_of = text, emitter
        return True

    def _id(self, given: object) -> str:
        emitter = self._logger.ready()
        return usable_id(emitter, given) or emitter.new_id()


def get_logger(
    model: str | None = None,
    version: object = None,
    *,
    task: str | None = None,
    positive: object = None,
    sample_rate: float | None = None,
    **bound: object,
) -> ElkmonLogger:
    """Give a logger for one model.

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
    recorder = Recorder(model, version, task, positive, sample_rate)
    processors: list[Processor] = [merge_contextvars, StackInfoRenderer(), write_line]
    return ElkmonLogger(recorder, processors, dict(bound))
