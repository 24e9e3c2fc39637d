"""Emit events: the logger, the doors for other loggers, and the spool that they write to."""

from __future__ import annotations

from elkmon.emit.chain import ElkmonProcessor, ElkmonRenderer
from elkmon.emit.emitter import Stats
from elkmon.emit.logger import ElkmonLogger, get_logger
from elkmon.emit.predict import Predict
from elkmon.emit.state import configure, flush, reset, stats
from elkmon.emit.stdlib import ElkmonFormatter, ElkmonHandler

__all__ = [
    "ElkmonFormatter",
    "ElkmonHandler",
    "ElkmonLogger",
    "ElkmonProcessor",
    "ElkmonRenderer",
    "Predict",
    "Stats",
    "configure",
    "flush",
    "get_logger",
    "reset",
    "stats",
]
