"""For structlog: write log calls as events, at the end of our own chain or inside another's."""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, NoReturn

from structlog import DropEvent

from elkmon.emit import reports
from elkmon.emit.recorder import Recorder
from elkmon.events.errors import UsageError

__all__ = ["ElkmonProcessor", "ElkmonRenderer", "write_line"]

_TAKEN = frozenset(
    {"event", "exc_info", "exception", "level", "logger", "logger_name", "timestamp", "_template"}
)


def said_by(method: str, event_dict: Mapping[str, Any]) -> reports.Line:
    """Read what a structlog call says, wherever in a chain."""
    event = event_dict.get("event")
    exception = exception_of(event_dict.get("exc_info"))
    if exception is None and isinstance(event, BaseException):
        exception, event = event, None
    labels = {key: value for key, value in event_dict.items() if key not in _TAKEN}
    if isinstance(event_dict.get("exception"), str):  # an earlier processor has formatted it
        labels["exception"] = event_dict["exception"]
    template = event_dict.get("_template")
    logger = event_dict.get("logger_name", event_dict.get("logger"))
    return reports.Line(
        level=str(event_dict.get("level", method)),
        message=None if event is None else str(event),
        logger=logger if isinstance(logger, str) else None,
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


def write_line(recorder: Recorder, method: str, event_dict: MutableMapping[str, Any]) -> NoReturn:
    """End the chain of elkmon's own loggers: write the event, and print nothing.

    Raises:
        structlog.DropEvent: always; it tells structlog that the call is done.
    """
    try:
        reports.line(recorder, said_by(method, event_dict))
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - emitting never raises into the caller
        recorder.ready().lost(error)
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
        self._recorder = Recorder(model, version)

    def __call__(
        self,
        logger: object,  # noqa: ARG002 - structlog's signature
        method_name: str,
        event_dict: MutableMapping[str, Any],
    ) -> MutableMapping[str, Any]:
        """Write the event; the call itself goes on as it is."""
        try:
            reports.line(self._recorder, said_by(method_name, event_dict))
        except Exception as error:  # noqa: BLE001 - emitting never raises into the caller
            self._recorder.ready().lost(error)
        return event_dict


class ElkmonRenderer:
    """Render each log call as an event's line, to be printed by the chain's own logger.

    For containers whose platform collects standard output. The event is numbered; that it is
    written is up to the logger that prints it.

    Args:
        model: the model that the lines belong to; inside ``predict`` that of the prediction.
        version: its version.
    """

    def __init__(self, model: str | None = None, version: str | None = None) -> None:
        self._recorder = Recorder(model, version)

    def __call__(
        self,
        logger: object,  # noqa: ARG002 - structlog's signature
        method_name: str,
        event_dict: MutableMapping[str, Any],
    ) -> str:
        """Give the line, without its newline.

        Raises:
            structlog.DropEvent: the event could not be made; it is counted.
        """
        line = rendered(self._recorder, said_by(method_name, event_dict))
        if line is None:
            raise DropEvent
        return line


def rendered(recorder: Recorder, said: reports.Line) -> str | None:
    """Give the line of a log call without writing it; None where it could not be made."""
    try:
        line = reports.rendered_line(recorder, said)
    except Exception as error:  # noqa: BLE001 - emitting never raises into the caller
        recorder.ready().lost(error)
        return None
    return None if line is None else line[:-1].decode()
