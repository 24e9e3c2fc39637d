"""``elkmon compact``: closed files become Parquet."""

from __future__ import annotations

from pathlib import Path

import click

from elkmon.cli.options import folder_option
from elkmon.cli.progress import progress_bar
from elkmon.present.empty_answer import no_events
from elkmon.present.output import clean
from elkmon.stores.local.compact import Compacted, compact

__all__ = ["command"]

_MIB = 1024 * 1024


@click.command("compact")
@folder_option
def command(store: Path) -> None:
    """Turn closed files into Parquet, for speed.

    Files that an application still writes to are left alone. Lines that are no events go to
    rejected/ below the store, with their place and reason. It can be interrupted and repeated.
    """
    if not store.exists():
        click.echo(no_events(store))
        return
    with progress_bar("compacting") as progress:
        done = compact(store, progress)
    for line in _said(done):
        click.echo(line)
    if done.failed:
        raise click.exceptions.Exit(1)


def _said(done: Compacted) -> list[str]:
    said = [f"failed {clean(name)}: {clean(why)}" for name, why in done.failed]
    if done.rejected:
        are, they = (
            ("is no event", "it is") if done.rejected == 1 else ("are no events", "they are")
        )
        lines = _counted(done.rejected, "line")
        said.append(f"{lines} {are}; {they} in rejected/, with the reason")
    if done.kept:
        stay, them = ("stays", "it") if len(done.kept) == 1 else ("stay", "them")
        files = _counted(len(done.kept), "file")
        said.append(f"{files} {stay} until every registered reader has passed {them}")
    if done.live:
        are, were = ("is", "was") if done.live == 1 else ("are", "were")
        said.append(f"{_counted(done.live, 'file')} {are} still written to, and {were} left alone")
    sizes = f"{done.bytes_before / _MIB:,.1f} MiB became {done.bytes_after / _MIB:,.1f} MiB"
    said.append(f"compacted {_counted(done.files, 'file')}{f': {sizes}' if done.files else ''}")
    return said


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
