"""elkmon: model error tracking on log pipelines.

An application emits predictions, labels and errors as JSON events::

    import elkmon

    log = elkmon.get_logger(model="fraud", version="2.3.1", task="binary", positive="fraud")
    with log.predict(features={"amount": 12.5}) as p:
        p.label, p.score = "fraud", 0.93

and anybody asks for the error rates behind them with ``elkmon errors`` or :class:`elkmon.Monitor`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from elkmon.emit import configure, get_logger, reset, stats
from elkmon.events.errors import ConfigError, ElkmonError, QueryError, StoreError, UsageError

if TYPE_CHECKING:
    from elkmon.monitor import Monitor

__version__ = "0.1.0"

__all__ = [
    "ConfigError",
    "ElkmonError",
    "Monitor",
    "QueryError",
    "StoreError",
    "UsageError",
    "__version__",
    "configure",
    "get_logger",
    "reset",
    "stats",
]


def __getattr__(name: str) -> object:
    """Import the client on first use: an application that only emits never pays for it."""
    if name == "Monitor":
        from elkmon.monitor import Monitor  # noqa: PLC0415 - the whole point is to import it late

        return Monitor
    raise AttributeError(f"module 'elkmon' has no attribute {name!r}")
