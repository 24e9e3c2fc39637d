"""The methods of a structlog bound logger that say something at a level; none of them raises."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from structlog import DropEvent

from elkmon.emit.exceptions import text_of
from elkmon.emit.model import Model
from elkmon.events.errors import UsageError

__all__ = ["LogMethods", "filled"]

R = TypeVar("R")

_LEVELS = ((50, "critical"), (40, "error"), (30, "warning"), (20, "info"))

if TYPE_CHECKING:

    class _Base(structlog.BoundLoggerBase):
        """What ``make_filtering_bound_logger`` makes; its declared type is a protocol only."""

        _context: dict[str, Any]
        _logger: Model
else:
    _Base = structlog.make_filtering_bound_logger(0)


def filled(template: str, args: tuple[object, ...]) -> str:
    """Put arguments into a text with ``%``, as structlog does; what does not fit is shown."""
    one = args[0] if len(args) == 1 and isinstance(args[0], Mapping) and args[0] else args
    try:
        return template % one
    except Exception:  # noqa: BLE001 - arguments that do not fit the text are the application's
        return f"{template} {', '.join(map(text_of, args))}"


class LogMethods(_Base):
    """Say things; ``event`` is a text, with ``%`` for its arguments, or an exception.

    Errors that have no exception are grouped by the text as it is without its arguments. As in
    structlog, ``exc_info=True`` adds the exception that is being handled, and all else is kept by
    name.
    """

    def debug(self, event: object = None, *args: object, **kw: object) -> None:
        """Say what helps to find a fault."""
        self._say("debug", event, args, kw)

    def info(self, event: object = None, *args: object, **kw: object) -> None:
        """Say what happened."""
        self._say("info", event, args, kw)

    def warning(self, event: object = None, *args: object, **kw: object) -> None:
        """Say what may go wrong."""
        self._say("warning", event, args, kw)

    def error(self, event: object = None, *args: object, **kw: object) -> None:
        """Log a failure: an exception, or words; grouped by its stack, or by the constant words."""
        self._say("error", event, args, kw)

    def critical(self, event: object = None, *args: object, **kw: object) -> None:
        """Log a failure that everything hangs on."""
        self._say("critical", event, args, kw)

    def exception(self, event: object = None, *args: object, **kw: object) -> None:
        """Log the exception that is being handled."""
        kw.setdefault("exc_info", True)
        self._say("error", event, args, kw)

    def log(self, level: object, event: object = None, *args: object, **kw: object) -> None:
        """Say something at a level of ``logging``'s; one in between counts as the one below."""
        number = level if isinstance(level, int) else 20
        name = next((name for least, name in _LEVELS if number >= least), "debug")
        self._say(name, event, args, kw)

    # One append to a local file takes microseconds: less than a thread to do it in.

    async def adebug(self, event: object = None, *args: object, **kw: object) -> None:
        """Do as :meth:`debug`."""
        self._say("debug", event, args, kw)

    async def ainfo(self, event: object = None, *args: object, **kw: object) -> None:
        """Do as :meth:`info`."""
        self._say("info", event, args, kw)

    async def awarning(self, event: object = None, *args: object, **kw: object) -> None:
        """Do as :meth:`warning`."""
        self._say("warning", event, args, kw)

    async def aerror(self, event: object = None, *args: object, **kw: object) -> None:
        """Do as :meth:`error`."""
        self._say("error", event, args, kw)

    async def acritical(self, event: object = None, *args: object, **kw: object) -> None:
        """Do as :meth:`critical`."""
        self._say("critical", event, args, kw)

    async def aexception(self, event: object = None, *args: object, **kw: object) -> None:
        """Do as :meth:`exception`."""
        self.exception(event, *args, **kw)

    async def alog(self, level: object, event: object = None, *args: object, **kw: object) -> None:
        """Do as :meth:`log`."""
        self.log(level, event, *args, **kw)

    msg, warn, fatal = info, warning, critical
    amsg, awarn, afatal = ainfo, awarning, acritical

    def _say(
        self, level: str, event: object, args: tuple[object, ...], kw: dict[str, object]
    ) -> None:
        if isinstance(event, BaseException):
            kw["exc_info"], event = event, None
            if args:
                kw.setdefault("args", args)
        elif isinstance(event, str) and args:
            kw["_template"], event = event, filled(event, args)
        elif args:
            event = filled(text_of(event), args)
        if kw.get("exc_info") is True:
            kw["exc_info"] = sys.exc_info()
        with suppress(DropEvent):
            self._guard(self._process_event, level, event, kw)

    def _guard(self, function: Callable[..., R], /, *args: Any, **kw: Any) -> R | None:  # noqa: ANN401 - whatever the function takes
        """Call what may meet broken values: an event that cannot be made is counted."""
        try:
            return function(*args, **kw)
        except (UsageError, DropEvent):  # strict mode asked for it; the call is done
            raise
        except Exception as error:  # noqa: BLE001 - emitting never raises into the caller
            self._logger.ready().lost(error)
            return None
