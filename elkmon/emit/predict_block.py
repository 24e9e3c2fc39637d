"""``with log.predict(...)``: measure an attempt, link what happens inside, log how it ended."""

from __future__ import annotations

from contextlib import suppress
from contextvars import Token
from time import perf_counter_ns
from types import TracebackType
from typing import TYPE_CHECKING

from elkmon.emit.context import UNDER_WAY, UnderWay

if TYPE_CHECKING:
    from typing_extensions import Self

    from elkmon.emit.logger import ElkmonLogger

__all__ = ["Predict"]


class Predict:
    """An attempt that is under way; set its answer before the block ends.

    Attributes:
        id: the prediction's id: known from the start, for the label that comes later.
        label: the predicted class.
        score: probability of the positive class (binary), else of the predicted class.
        scores: probability of each class.
        value: the predicted value of a regression.
        features: what the model was given.
        segment: the few dimensions to slice by.
        user: who asked; stored as a keyed hash only.
    """

    __slots__ = (
        "_log",
        "_started",
        "_token",
        "at",
        "features",
        "id",
        "label",
        "score",
        "scores",
        "segment",
        "user",
        "value",
    )

    def __init__(
        self,
        log: ElkmonLogger,
        prediction_id: str,
        *,
        features: object,
        segment: object,
        user: object,
        at: object,
    ) -> None:
        self._log = log
        self._started = 0
        self._token: Token[UnderWay | None] | None = None
        self.id = prediction_id
        self.features = features
        self.segment = segment
        self.user = user
        self.at = at
        self.label: object = None
        self.score: object = None
        self.scores: object = None
        self.value: object = None

    def __enter__(self) -> Self:
        recorder = self._log._logger  # noqa: SLF001 - two halves of one thing
        self._token = UNDER_WAY.set(UnderWay(self.id, recorder.model, recorder.version))
        self._started = perf_counter_ns()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        duration = perf_counter_ns() - self._started
        try:
            self._log._finish(self, duration, error)  # noqa: SLF001 - two halves of one thing
        finally:
            if self._token is not None:
                with suppress(ValueError):  # left in another context than it was entered in
                    UNDER_WAY.reset(self._token)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)
