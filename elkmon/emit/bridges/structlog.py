"""For structlog: write log calls as events, at the end of our own chain or inside another's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, NoReturn

from structlog import DropEvent

from elkmon.emit import event_builders
from elkmon.emit.exceptions import text_of
from elkmon.emit.log_methods import filled
from elkmon.emit.model import Model
from elkmon.events.errors import UsageError

__all__ = ["ElkmonProcessor", "ElkmonRenderer", "write_line"]

_OWN = frozenset({"event", "exc_info", "_template"})
"""What elkmon's own logger puts into an event dict, beside what it was given."""
_THEIRS = frozenset({"event", "exc_info", "level", "logger", "logger_name", "timestamp"})
"""What the processors of an application put there."""
_LEVELS = {"exception": "error", "fatal": "critical", "warn": "warning", "msg": "info"}


def read_call(method: str, event_dict: Mapping[str, Any]) -> event_builders.LogCall:
    """Read a call of an application's own structlog logger, wherever in its chain."""
    labels = {key: value for key, value in event_dict.items() if key not in _THEIRS}
    event = template = event_dict.get("event")
    args = labels.pop("positional_args", None)
    if args and isinstance(event, str):  # PositionalArgumentsFormatter comes later
        event = filled(event, args)
    logger = event_dict.get("logger_name", event_dict.get("logger"))
    level = text_of(event_dict.get("level", method)).lower()
    return _call(
        _LEVELS.get(level, level),
        event,
        event_dict.get("exc_info"),
        template=template,
        logger=logger if isinstance(logger, str) else None,
        labels=labels,
    )


def _call(
    level: str,
    event: object,
    exc_info: object,
    *,
    template: object,
    labels: Mapping[str, object],
    logger: str | None = None,
) -> event_builders.LogCall:
    exception = exception_of(exc_info)
    if isinstance(event, BaseException) and (exception is None or exception is event):
        exception, event = event, None
    return event_builders.LogCall(
        level=level,
        message=None if event is None else text_of(event),
        logger=logger,
        exception=exception,
        template=template if isinstance(template, str) else None,
        labels=labels,
    )


def exception_of(exc_info: object) -> BaseException | None:
    """Find the exception that ``exc_info`` stands for: itself, a tuple, or true for the present."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if len(exc_info) > 1 and isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None


def write_line(model: Model, method: str, event_dict: MutableMapping[str, Any]) -> NoReturn:
    """End the chain of elkmon's own loggers: write the event, and print nothing.

    Raises:
        structlog.DropEvent: always; it tells structlog that the call is done.
    """
    labels = {key: value for key, value in event_dict.items() if key not in _OWN}
    call = _call(
        method,
        event_dict.get("event"),
        event_dict.get("exc_info"),
        template=event_dict.get("_template"),
        labels=labels,
    )
    event_builders.log_call(model, call)
    raise DropEvent


class ElkmonProcessor:
    """Write each log call as an event, and hand it on: for an application's own structlog chain.

    Put it before what formats exceptions::

        structlog.configure(processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            elkmon.emit.ElkmonProcessor(model="fraud", version="2.3.1"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ])

    Args:
        model: the model that the lines belong to; inside ``predict`` that of the prediction.
        version: its version.
    """

    def __init__(self, model: str | None = None, version: str | None = None) -> None:
        self._model = Model(model, version)

    def __call__(
        self,
        logger: object,  # noqa: ARG002 - structlog's signature
        method_name: str,
        event_dict: MutableMapping[str, Any],
    ) -> MutableMapping[str, Any]:
        """Write the event; the call itself goes on as it is."""
        try:
            event_builders.log_call(self._model, read_call(method_name, event_dict))
        except UsageError:  # strict mode asked for it
            raise
        except Exception as error:  # noqa: BLE001 - emitting never raises into the caller
            self._model.ready().lost(error)
        return event_dict


class ElkmonRenderer:
    """Render each log call as an event's line, to be printed by the chain's own logger.

    For containers whose platform collects standard output. That the line is written is up to the
    logger that prints it, so that these lines are numbered apart, as of a process of their own.

    Args:
        model: the model that the lines belong to; inside ``predict`` that of the prediction.
        version: its version.
    """

    def __init__(self, model: str | None = None, version: str | None = None) -> None:
        self._model = Model(model, version)

    def __call__(
        self,
        logger: object,  # noqa: ARG002 - structlog's signature
        method_name: str,
        event_dict: MutableMapping[str, Any],
    ) -> str:
        """Return the line, without its newline.

        Raises:
            structlog.DropEvent: the event could not be made; it is counted.
        """
        line = rendered(self._model, lambda: read_call(method_name, event_dict))
        if line is None:
            raise DropEvent
        return line


def rendered(model: Model, read: Callable[[], event_builders.LogCall]) -> str | None:
    """Return the line of a log call without writing it; None where it could not be made."""
    try:
        line = event_builders.render_log_call(model, read(), handed_on=True)
    except UsageError:  # strict mode asked for it
        raise
    except Exception as error:  # noqa: BLE001 - emitting never raises into the caller
        model.ready().lost(error)
        return None
    if line is None:
        return None
    model.ready().handed_on += 1
    return line[:-1].decode()
