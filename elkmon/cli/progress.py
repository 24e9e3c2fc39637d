"""A progress bar on standard error, on a terminal only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

__all__ = ["shown_progress"]


@contextmanager
def shown_progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far something is; the bar goes when it is done.

    Args:
        what: what is under way, in a few words.

    Yields:
        A function that takes how much is done, of how much.
    """
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)

        def update(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield update
