"""``elkmon compact``: closed files become Parquet."""

from __future__ import annotations

from pathlib import Path

import click

from elkmon.cli.nothing import no_events
from elkmon.cli.options import store_option
from elkmon.cli.output import clean
from elkmon.cli.progress import shown_progress
from elkmon.store.compact import Compacted, compact

__all__ = ["command"]

_MIB = 1024 * 1024


@click.command("compact")
@store_option
def command(store: Path) -> None:
    """Turn closed files into Parquet, for speed.

    Files that an application still writes to are left alone. Lines that are no events go to
    rejected/ below the store, with their place and reason. It can be interrupted and repeated.
    """
    if not store.exists():
        click.echo(no_events(store))
        return
    with shown_progress("compacting") as progress:
        done = compact(store, progress)
    for line in _said(done):
        click.echo(line)
    if done.failed:
        raise click.exceptions.Exit(1)


def _said(done: Compacted) -> list[str]:
    said = [f"failed {clean(name)}: {clean(why)}" for name, why in done.failed]
    if done.rejected:
        said.append(
            f"{done.rejected:,} lines are no events; they are in rejected/, with the reason"
        )
    if done.kept:
        said.append(f"{len(done.kept):,} files stay until every registered reader has passed them")
    if done.live:
        said.append(f"{done.live:,} files are still written to, and were left alone")
    sizes = f"{done.bytes_before / _MIB:,.1f} MiB became {done.bytes_after / _MIB:,.1f} MiB"
    count = f"{done.files:,} file{'s' * (done.files != 1)}"
    said.append(f"compacted {count}{f': {sizes}' if done.files else ''}")
    return said
