"""The sink for containers: every event is a line on standard output."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from threading import RLock

from elkmon.events.limits import STDOUT_LINE

__all__ = ["Stdout", "is_standard"]

_DESCRIPTOR = 1
_REASONS = {errno.EPIPE: "stdout_closed", errno.EBADF: "stdout_closed", errno.EAGAIN: "stdout_full"}


def is_standard(descriptor: int) -> bool:
    """Return whether a descriptor of standard output or error is open, and no file of somebody.

    Whoever closes all descriptors and opens a file may get its number. Standard streams are handed
    on to programs that are started; what Python opens is not (PEP 446).
    """
    try:
        return os.get_inheritable(descriptor)
    except OSError:
        return False


def _write(data: bytes) -> int:
    """Write what goes in one call.

    Raises:
        OSError: it cannot be written, or standard output is closed.
    """
    if not is_standard(_DESCRIPTOR):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return os.write(_DESCRIPTOR, data)


class Stdout:
    """Write lines to the process's standard output, and count what became of them.

    It may block as ``print`` does. Log drivers of containers cut lines above 16 KiB, so an event
    sheds what exceeds that.

    Attributes:
        written: lines that were handed over.
        dropped: lines that are lost, by reason.
    """

    limit = STDOUT_LINE

    def __init__(self, on_trouble: Callable[[str], None]) -> None:
        self.lock = RLock()
        self.written = 0
        self.dropped: dict[str, int] = {}
        self._on_trouble = on_trouble
        self._torn = False

    def write(
        self,
        data: bytes,
        ms: int,  # noqa: ARG002 - the spool needs the time
        lines: int = 1,
    ) -> None:
        """Write whole lines."""
        with self.lock:
            lead = int(self._torn)
            rest = b"\n" + data if lead else data
            total, sent, whole = len(rest), 0, False
            reason = "interrupted"
            self._torn = True  # until it is whole: a signal handler may log meanwhile
            try:
                sent = _write(rest)
                whole = sent == total
                while sent < total and self._torn:  # a signal cut it short: it goes on
                    sent += os.write(_DESCRIPTOR, rest[sent:])
                    whole = sent == total and self._torn
                self._torn = sent < total
            except OSError as error:
                reason = _REASONS.get(error.errno or 0, "io_error")
                self._torn = bool(sent or lead)
                self._on_trouble(f"cannot write to standard output: {error}; events are counted")
            finally:
                done = lines if whole else data.count(b"\n", 0, max(sent - lead, 0))
                if sent == total and not whole:
                    done -= 1  # the line of a handler stands in the middle of ours
                self.written += done
                if lines > done:
                    self.dropped[reason] = self.dropped.get(reason, 0) + lines - done

    def close(self) -> None:
        """Nothing is held."""

    def abandon(self) -> None:
        """Nothing is held."""
