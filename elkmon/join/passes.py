"""Run pass after pass of the join until told to stop, whatever fails in between."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from elkmon.events.errors import StoreError
from elkmon.join.join_pass import JoinReport

__all__ = ["Passes"]


class Passes:
    """Passes of the join; a failure is reported once, and tried again.

    Args:
        run_pass: runs one pass.
        every: seconds between two passes.
        stop: ends the passes when it is set.
        tell: called with a sentence about a failure.
        show: called with the report of each pass.

    Attributes:
        total: sum of all passes.
        trouble: why the last pass failed; None if it did not.
    """

    def __init__(
        self,
        run_pass: Callable[[], JoinReport],
        every: float,
        stop: Event,
        tell: Callable[[str], None],
        show: Callable[[JoinReport], object] = lambda _report: None,
    ) -> None:
        self.total = JoinReport()
        self.trouble: str | None = None
        self._run_pass = run_pass
        self._every = every
        self._stop = stop
        self._tell = tell
        self._show = show

    def run(self) -> None:
        """Run passes until told to stop."""
        while not self._stop.is_set():
            try:
                report = self._run_pass()
            except StoreError as error:
                if str(error) != self.trouble:
                    self.trouble = str(error)
                    self._tell(f"{error}; will try again every {self._every:g} s")
            else:
                self.trouble = None
                self.total += report
                self._show(report)
            self._stop.wait(self._every)
