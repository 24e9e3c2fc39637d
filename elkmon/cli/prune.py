"""``elkmon prune``: delete events by age."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime

import click

from elkmon.cli.options import store_option
from elkmon.cli.progress import progress_bar
from elkmon.events.errors import StoreError
from elkmon.present.empty_answer import no_events
from elkmon.present.output import clean
from elkmon.query.times import iso
from elkmon.retention.pruning import OldPart, cut_off
from elkmon.stores.location import Place, is_missing
from elkmon.stores.protocol import Prunable
from elkmon.stores.registry import open_store

__all__ = ["command"]

_MIB = 1024 * 1024


def _age(_context: click.Context, _option: click.Parameter, age: str) -> datetime:
    try:
        return cut_off(age)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("prune")
@store_option
@click.option(
    "--older-than",
    "before",
    required=True,
    callback=_age,
    metavar="AGE",
    help="Delete what is older: 90d, 26w.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def command(store: Place, before: datetime, *, dry_run: bool, yes: bool) -> None:
    """Delete old events for good, by age.

    It deletes whole months of a cluster, and whole files of a folder: a month when its last day is
    older, a file when its last event is. Issues are never deleted. A file is kept if it is still
    written to, or if a registered reader has not read it to the end.
    """
    click.echo(f"events before {iso(before)}:")
    if is_missing(store):
        click.echo(no_events(store))
        return
    with closing(open_store(store)) as source:
        if not isinstance(source, Prunable):
            raise StoreError(
                f"{store} cannot be pruned: its store deletes nothing by age; delete old events "
                "where it keeps them"
            )
        old = _pruned(source, before, dry_run=True)
        going = [part for part in old if not part.stays]
        for part in going:
            click.echo(f"{clean(part.name)}\t{_events(part.events)}\t{_size(part.size)}")
        for part in old:
            if part.stays:
                click.echo(f"{clean(part.name)}\tkept: {clean(part.stays)}")
        if _sure(going, dry_run=dry_run, yes=yes):
            deleted = [part for part in _pruned(source, before, dry_run=False) if not part.stays]
            click.echo(f"deleted {_parts(deleted)}")


def _pruned(source: Prunable, before: datetime, *, dry_run: bool) -> list[OldPart]:
    with progress_bar("looking for old events") as progress:
        return source.prune(before, dry_run=dry_run, progress=progress)


def _sure(going: list[OldPart], *, dry_run: bool, yes: bool) -> bool:
    """Print what would be deleted, and return whether to delete it, after asking if need be."""
    if not going:
        click.echo("no events are that old")
        return False
    total = f"{_parts(going)}, {_size(sum(part.size for part in going))}"
    if dry_run:
        click.echo(f"would delete {total}")
        return False
    return yes or click.confirm(f"delete {total} for good?", abort=True)


def _parts(parts: list[OldPart]) -> str:
    kind = parts[0].kind if parts else "part"
    plural = {"index": "indices"}.get(kind, f"{kind}s")
    return f"{_counted(len(parts), kind, plural)}, {_events(sum(part.events for part in parts))}"


def _counted(count: int, singular: str, plural: str) -> str:
    return f"{count:,} {singular if count == 1 else plural}"


def _events(count: int) -> str:
    return _counted(count, "event", "events")


def _size(size: int) -> str:
    return f"{size / _MIB:,.1f} MiB"
