"""Join pass after pass, whatever fails in between."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from elkmon.events.errors import StoreError
from elkmon.join.join_pass import JoinReport

__all__ = ["Passes"]


class Passes:
    """Passes of the join; what fails is told once, and tried again.

    Args:
        one: makes a pass.
        every: seconds between two of them.
        stop: set when it is to end.
        tell: takes a sentence for people.
        show: takes the report of each pass.

    Attributes:
        total: of all passes.
        trouble: what is waited out at present.
    """

    def __init__(
        self,
        one: Callable[[], JoinReport],
        every: float,
        stop: Event,
        tell: Callable[[str], None],
        show: Callable[[JoinReport], object] = lambda _report: None,
    ) -> None:
        self.total = JoinReport()
        self.trouble: str | None = None
        self._one = one
        self._every = every
        self._stop = stop
        self._tell = tell
        self._show = show

    def run(self) -> None:
        """Go on until told to stop."""
        while not self._stop.is_set():
            try:
                report = self._one()
            except StoreError as error:
                if str(error) != self.trouble:
                    self.trouble = str(error)
                    self._tell(f"{error}; trying again every {self._every:g} s")
            else:
                self.trouble = None
                self.total += report
                self._show(report)
            self._stop.wait(self._every)
