"""``elkmon deadletter``: what could not be sent: the list, one in full, and another attempt."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from elkmon.cli.options import folder_option, format_options
from elkmon.cli.ship_options import age_options, name_option, shown_shipping
from elkmon.cli.stopping import stopping
from elkmon.events.cluster_settings import access
from elkmon.events.errors import QueryError
from elkmon.present.output import Form, Output, clean, output_to, table, write_csv, write_json
from elkmon.ship.deadletters import DeadLetters, Letter
from elkmon.ship.pace import Patience, StoppedError
from elkmon.ship.retry import retry
from elkmon.ship.ship import Route, admission_of, destination_of
from elkmon.stores.local.reader_registration import load

__all__ = ["command"]

_COLUMNS = ("id", "at", "shipper", "file", "line", "offset", "reason")
_VARYING = re.compile(r"\d+")
_LONG_WORD = re.compile(r"(\S{32})\S{32,}")
_PATIENCE = 600.0


@click.group("deadletter")
def command() -> None:
    """Look at what could not be sent, and try it again."""


@command.command("list")
@folder_option
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most."
)
@format_options
def list_(store: Path, limit: int, form: Form, output: Path | None) -> None:
    """List dead letters, the oldest first, and how many there are of each reason."""
    letters = DeadLetters(store)
    shown = list(islice(letters.letters(), limit))
    reasons = Counter(_VARYING.sub("…", letter.unfit.reason) for letter in letters.letters())
    with output_to(form, output) as out:
        if form == "json":
            counted = [{"reason": name, "count": n} for name, n in reasons.most_common()]
            rows = [dict(zip(_COLUMNS, _row(letter), strict=True)) for letter in shown]
            write_json(out, {"letters": rows, "reasons": counted})
        elif form == "csv":
            write_csv(out, _COLUMNS, map(_row, shown))
        else:
            _show(out, shown, reasons)


def _show(out: Output, shown: list[Letter], reasons: Counter[str]) -> None:
    if not shown:
        out.show(Text("no dead letters"))
        return
    made: Table = table(out, ("id", "time", "file", "line", "reason"), right={"line"})
    for letter in shown:
        place = letter.unfit.place
        cells = (letter.id, letter.at, place.file, f"{place.line}", _readable(letter.unfit.reason))
        made.add_row(*(Text(clean(cell)) for cell in cells))
    out.show(made)
    total = reasons.total()
    out.show(Text(f"{total:,} dead letter{'s' * (total != 1)}, by reason:", "bold"))
    most = reasons.most_common(20)
    out.show(*(Text(clean(f"{count:,} {_readable(reason)}")) for reason, count in most))


def _readable(reason: str) -> str:
    """Cut what a destination repeats of the event, such as an id of hundreds of characters."""
    return _LONG_WORD.sub(r"\1…", reason)


@command.command("show")
@click.argument("letter", metavar="ID")
@folder_option
def show(letter: str, store: Path) -> None:
    """Show one dead letter: its place, the reason, and the line.

    ID is what the list shows, or as much of its beginning as tells it from the others.
    """
    found = next(_chosen(DeadLetters(store), (letter,)))
    for name, value in zip(_COLUMNS, _row(found), strict=True):
        click.echo(clean(f"{name}: {value}"))
    click.echo("only the beginning of the line is kept:" if found.unfit.cut else "line:")
    click.echo(clean(found.unfit.line.decode("utf-8", "backslashreplace")))


@command.command("retry")
@click.argument("letter", metavar="[ID]...", nargs=-1)
@folder_option
@name_option
@age_options
def retry_(
    letter: tuple[str, ...], store: Path, name: str, retention: int, *, allow_old: bool
) -> None:
    """Send dead letters again to where they could not be sent; all, if none is named.

    Those that are taken now go; the others stay, with the reason of this time. Exit code 1 where
    any stays.
    """
    known = load(store, name)
    if known is None:
        raise click.UsageError(f"{store} has no shipper {name}: nothing was sent from there")
    letters, settings = DeadLetters(store), access()
    chosen = {each.id for each in _chosen(letters, letter)}
    route = Route(store, known.to, retention=retention, allow_old=allow_old)
    with stopping() as stop, shown_shipping() as (tell, _):
        try:
            tally = retry(
                letters,
                name,
                destination_of(known.to, known.via, settings),
                admission_of(route, settings),
                Patience(stop, tell, _PATIENCE),
                only=chosen,
            )
        except StoppedError as stopped:
            raise click.Abort from stopped
    click.echo(tally.balance())
    if tally.dead:
        raise click.exceptions.Exit(1)


def _chosen(letters: DeadLetters, beginnings: tuple[str, ...]) -> Iterator[Letter]:
    """Find letters by the beginnings of their ids.

    Raises:
        QueryError: there is none, or more than one.
    """
    for beginning in dict.fromkeys(beginnings):
        found = list(islice((e for e in letters.letters() if e.id.startswith(beginning)), 2))
        if len(found) != 1:
            what = "no dead letter" if not found else "more than one dead letter"
            raise QueryError(f"{what} begins with {beginning}: see elkmon deadletter list")
        yield found[0]


def _row(letter: Letter) -> tuple[object, ...]:
    place = letter.unfit.place
    return (
        letter.id,
        letter.at,
        letter.shipper,
        place.file,
        place.line,
        place.offset,
        letter.unfit.reason,
    )
