"""The sink for containers: every event is a line on standard output."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from threading import RLock

from elkmon.emit.spool import Loss

__all__ = ["Stdout"]

_DESCRIPTOR = 1
_REASONS = {errno.EPIPE: "stdout_closed", errno.EBADF: "stdout_closed", errno.EAGAIN: "stdout_full"}


class Stdout:
    """Write lines to the process's standard output.

    It may block as ``print`` does. A line is written with one call; log drivers of containers cut
    lines above 16 KiB, so an event sheds what exceeds that.
    """

    limit = 16 * 1024

    def __init__(self, on_trouble: Callable[[str], None]) -> None:
        self.lock = RLock()
        self._on_trouble = on_trouble
        self._torn = False

    def write(
        self,
        data: bytes,
        ms: int,  # noqa: ARG002 - the spool needs the time
        lines: int = 1,
    ) -> Loss | None:
        """Write whole lines; give None, or why not and how many are lost."""
        with self.lock:
            if self._torn:
                data = b"\n" + data
            try:
                written = os.write(_DESCRIPTOR, data)
            except OSError as error:
                self._on_trouble(f"cannot write to standard output: {error}; events are counted")
                return Loss(_REASONS.get(error.errno or 0, "io_error"), lines)
            if written == len(data):
                self._torn = False
                return None
            whole = data.count(b"\n", 0, written) - self._torn
            self._torn = True
            return Loss("stdout_full", lines - max(whole, 0))

    def close(self) -> None:
        """Nothing is held."""

    def abandon(self) -> None:
        """Nothing is held."""
