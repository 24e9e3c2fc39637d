"""``with log.predict(...)``: measure an attempt, link what happens inside, log how it ended."""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar, Token
from time import perf_counter_ns
from types import TracebackType
from typing import TYPE_CHECKING

from elkmon.emit.model import Model

if TYPE_CHECKING:
    from typing_extensions import Self

    from elkmon.emit.logger import ElkmonLogger

__all__ = ["UNDER_WAY", "Predict"]

UNDER_WAY: ContextVar[tuple[str, Model] | None] = ContextVar("elkmon_under_way", default=None)
"""Id and model of the prediction that is being made, per thread and per asyncio task: errors and
log lines inside are linked to it."""


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
        self.id = prediction_id
        self.features = features
        self.segment = segment
        self.user = user
        self.at = at
        self.label: object = None
        self.score: object = None
        self.scores: object = None
        self.value: object = None
        self._log = log
        self._started = 0
        self._token: Token[tuple[str, Model] | None] | None = None

    def __enter__(self) -> Self:
        self._token = UNDER_WAY.set((self.id, self._log._logger))  # noqa: SLF001 - two halves of one thing
        self._started = perf_counter_ns()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        seconds = (perf_counter_ns() - self._started) / 1e9
        try:
            self._log._finish(self, seconds, error)  # noqa: SLF001 - two halves of one thing
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
