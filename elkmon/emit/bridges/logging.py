"""For the standard ``logging`` module: a handler that writes events, and a formatter of lines."""

from __future__ import annotations

import logging

from pythonjsonlogger.core import RESERVED_ATTRS, BaseJsonFormatter, merge_record_extra

from elkmon.emit import event_builders
from elkmon.emit.bridges.structlog import exception_of, rendered
from elkmon.emit.exceptions import brief_repr, text_of
from elkmon.emit.model import Model
from elkmon.events.errors import UsageError

__all__ = ["ElkmonFormatter", "ElkmonHandler"]


def read_call(record: logging.LogRecord) -> event_builders.LogCall:
    """Read a log record."""
    labels = merge_record_extra(record, {}, reserved=RESERVED_ATTRS)
    if record.stack_info:
        labels["stack"] = record.stack_info
    message: str | None
    exception = exception_of(record.exc_info)
    if isinstance(record.msg, BaseException) and (exception is None or exception is record.msg):
        exception, message = record.msg, None
    else:
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - arguments that do not fit the text are the application's
            message = f"{text_of(record.msg)} {brief_repr(record.args)}"
    return event_builders.LogCall(
        level=record.levelname.lower(),
        message=message,
        logger=record.name,
        exception=exception,
        template=record.msg if isinstance(record.msg, str) else None,
        labels=labels,
    )


class ElkmonFormatter(BaseJsonFormatter):
    """Render each record as an event's line, for any handler: a python-json-logger formatter.

    That the line is written is up to the handler, so that these lines are numbered apart, as of a
    process of their own.

    Args:
        model: the model that the lines belong to; inside ``predict`` that of the prediction.
        version: its version.
    """

    def __init__(self, model: str | None = None, version: str | None = None) -> None:
        super().__init__()
        self._model = Model(model, version)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its newline; empty where the event could not be made."""
        return rendered(self._model, lambda: read_call(record)) or ""


class ElkmonHandler(logging.Handler):
    """Write each record as an event.

    Such as::

        logging.getLogger().addHandler(elkmon.emit.ElkmonHandler(model="fraud"))

    Args:
        model: the model that the lines belong to; inside ``predict`` that of the prediction.
        version: its version.
        level: of the records to write.
    """

    def __init__(
        self, model: str | None = None, version: str | None = None, level: int | str = 0
    ) -> None:
        super().__init__(level)
        self._model = Model(model, version)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record's event."""
        try:
            event_builders.log_call(self._model, read_call(record))
        except UsageError:  # strict mode asked for it
            raise
        except Exception as error:  # noqa: BLE001 - emitting never raises into the caller
            self._model.ready().lost(error)
