"""Emit events: the logger, the doors for other loggers, and the spool that they write to."""

from __future__ import annotations

from elkmon.emit.bridges.logging import ElkmonFormatter, ElkmonHandler
from elkmon.emit.bridges.structlog import ElkmonProcessor, ElkmonRenderer
from elkmon.emit.emitter import Stats
from elkmon.emit.logger import ElkmonLogger, get_logger
from elkmon.emit.predict_block import Predict
from elkmon.emit.process_emitter import configure, flush, reset, stats

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
