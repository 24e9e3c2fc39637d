"""``elkmon prune``: events go by age."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click

from elkmon.cli.options import store_option
from elkmon.cli.progress import shown_progress
from elkmon.events.cluster_settings import access
from elkmon.present.empty_answer import no_events
from elkmon.present.output import clean
from elkmon.query.times import iso
from elkmon.stores.elastic.connect import connect, speaking
from elkmon.stores.elastic.prune import delete, outdated
from elkmon.stores.local.prune import OldFile, prune_files
from elkmon.stores.location import Place

__all__ = ["command"]

_DAYS = re.compile(r"([1-9][0-9]{0,4})([dw])")
_MIB = 1024 * 1024


def _age(_context: click.Context, _option: click.Parameter, given: str) -> datetime:
    found = _DAYS.fullmatch(given.strip())
    if found is None:
        raise click.BadParameter(f"{given!r} is no age: use days or weeks, such as 90d or 26w")
    days = int(found[1]) * (7 if found[2] == "w" else 1)
    return datetime.now(timezone.utc) - timedelta(days=days)


@click.command("prune")
@store_option
@click.option(
    "--older-than",
    "before",
    required=True,
    callback=_age,
    metavar="AGE",
    help="What is older goes: 90d, 26w.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(store: Place, before: datetime, *, dry_run: bool, yes: bool) -> None:
    """Delete old events for good, by age.

    Months of a cluster and files of a folder go as a whole. A month goes when its last day is
    older, a file when its last event is. Issues are kept for ever. A file that is still written to,
    or that a registered reader has not passed, stays.
    """
    click.echo(f"events before {iso(before)}:")
    if isinstance(store, Path):
        _files(store, before, dry_run=dry_run, yes=yes)
    else:
        _indices(store, before, dry_run=dry_run, yes=yes)


def _indices(url: str, before: datetime, *, dry_run: bool, yes: bool) -> None:
    settings = access()
    with connect(url, settings) as client:
        with speaking(url, "list indices"):
            months = outdated(client, settings.prefix, before)
        for month in months:
            click.echo(f"{month.name}\t{_events(month.events)}\t{_size(month.size)}")
        size = sum(month.size for month in months)
        events = sum(month.events for month in months)
        if _sure(len(months), ("index", "indices"), events, size, dry_run=dry_run, yes=yes):
            with speaking(url, "delete indices"):
                delete(client, months)
            click.echo(f"deleted {_counted(len(months), 'index', 'indices')}, {_events(events)}")


def _files(folder: Path, before: datetime, *, dry_run: bool, yes: bool) -> None:
    if not folder.exists():
        click.echo(no_events(folder))
        return
    found = _pruned(folder, before, dry_run=True)
    for old in found:
        if old.fate == "goes":
            click.echo(f"{clean(old.name)}\t{_events(old.events)}\t{_size(old.size)}")
    for old in found:
        if old.fate != "goes":
            click.echo(f"{clean(old.name)}\tstays: {_why(old)}")
    going = [old for old in found if old.fate == "goes"]
    events, size = sum(old.events for old in going), sum(old.size for old in going)
    if _sure(len(going), ("file", "files"), events, size, dry_run=dry_run, yes=yes):
        done = [old for old in _pruned(folder, before, dry_run=False) if old.fate == "goes"]
        events = sum(old.events for old in done)
        click.echo(f"deleted {_counted(len(done), 'file', 'files')}, {_events(events)}")


def _pruned(folder: Path, before: datetime, *, dry_run: bool) -> list[OldFile]:
    with shown_progress("looking for old files") as progress:
        return prune_files(folder, before, dry_run=dry_run, progress=progress)


def _sure(
    count: int, what: tuple[str, str], events: int, size: int, *, dry_run: bool, yes: bool
) -> bool:
    """Say what goes, and ask where that is wanted."""
    if not count:
        click.echo("nothing is that old")
        return False
    said = f"{_counted(count, *what)}, {_events(events)}, {_size(size)}"
    if dry_run:
        click.echo(f"would delete {said}")
        return False
    return yes or click.confirm(f"delete {said} for good?", abort=True)


def _why(old: OldFile) -> str:
    if old.fate == "behind":
        return f"not passed yet by {clean(', '.join(old.behind))}"
    return {"live": "still written to", "issues": "holds issues"}[old.fate]


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _events(count: int) -> str:
    return _counted(count, "event", "events")


def _size(size: int) -> str:
    return f"{size / _MIB:,.1f} MiB"
