"""``elkmon compact``: turn closed files into Parquet."""

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

    Files that an application still writes to are left alone. Lines that are not events go to
    rejected/ below the store, with their position and the reason. It can be interrupted and
    repeated.
    """
    if not store.exists():
        click.echo(no_events(store))
        return
    with progress_bar("compacting") as progress:
        result = compact(store, progress)
    for line in _lines(result):
        click.echo(line)
    if result.failed:
        raise click.exceptions.Exit(1)


def _lines(result: Compacted) -> list[str]:
    lines = [f"failed {clean(name)}: {clean(reason)}" for name, reason in result.failed]
    if result.rejected:
        lines.append(
            f"moved {_count(result.rejected, 'line')} that cannot be read as events to rejected/, "
            "with the reason"
        )
    if result.kept:
        files = _count(len(result.kept), "file")
        lines.append(f"kept {files} that a registered reader has not read to the end yet")
    if result.live:
        lines.append(f"left alone {_count(result.live, 'file')} that an application writes to")
    sizes = f"{result.bytes_before / _MIB:,.1f} MiB became {result.bytes_after / _MIB:,.1f} MiB"
    lines.append(f"compacted {_count(result.files, 'file')}{f': {sizes}' if result.files else ''}")
    return lines


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
