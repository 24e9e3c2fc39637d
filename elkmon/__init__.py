"""elkmon: model error tracking on log pipelines.

An application emits predictions, labels and errors as JSON events::

    import elkmon

    log = elkmon.get_logger(model="fraud", version="2.3.1", task="binary", positive="fraud")
    with log.predict(features={"amount": 12.5}) as p:
        p.label, p.score = "fraud", 0.93

and anybody asks for the error rates behind them with ``elkmon errors`` or :class:`elkmon.Monitor`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elkmon import emit
    from elkmon.emit import configure, get_logger, reset, stats
    from elkmon.events.errors import ConfigError, ElkmonError, QueryError, StoreError, UsageError
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
    "emit",
    "get_logger",
    "reset",
    "stats",
]

_EMIT = dict.fromkeys(("configure", "get_logger", "reset", "stats"), "elkmon.emit")
_ERRORS = dict.fromkeys(
    ("ConfigError", "ElkmonError", "QueryError", "StoreError", "UsageError"),
    "elkmon.events.errors",
)
_HOME = {**_EMIT, **_ERRORS, "Monitor": "elkmon.monitor"}
"""Where each name lives. It is imported on first use: an application that only emits never pays
for the client, and the command line never pays for the emitter."""


def __getattr__(name: str) -> object:
    """Import a name on first use."""
    if name == "emit":
        return import_module("elkmon.emit")
    if name not in _HOME:
        raise AttributeError(f"module 'elkmon' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    """Name what is there, also what has not been imported yet."""
    return sorted({*globals(), *__all__})
