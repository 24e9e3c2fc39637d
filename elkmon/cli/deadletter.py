"""``elkmon deadletter``: list and show the lines that could not be sent, and send them again."""

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
from elkmon.cli.ship_options import age_options, name_option, shipping_progress
from elkmon.cli.stopping import stopping
from elkmon.events.cluster_settings import access
from elkmon.events.errors import QueryError
from elkmon.present.output import Form, Output, clean, output_to, table, write_csv, write_json
from elkmon.ship.deadletters import DeadLetters, Letter
from elkmon.ship.pace import Patience, StoppedError
from elkmon.ship.retry import retry
from elkmon.ship.route import Route, make_admission, make_destination
from elkmon.stores.local.reader_registration import load

__all__ = ["command"]

_COLUMNS = ("id", "at", "shipper", "file", "line", "offset", "reason")
_VARYING = re.compile(r"\d+")
_LONG_WORD = re.compile(r"(\S{32})\S{32,}")
_PATIENCE = 600.0


@click.group("deadletter")
def command() -> None:
    """Look at the lines that could not be sent, and send them again."""


@command.command("list")
@folder_option
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Most to show."
)
@format_options
def list_(store: Path, limit: int, form: Form, output: Path | None) -> None:
    """List dead letters, the oldest first, and count them by reason."""
    dead_letters = DeadLetters(store)
    letters = list(islice(dead_letters.letters(), limit))
    reasons = Counter(
        _VARYING.sub("…", letter.rejected.reason) for letter in dead_letters.letters()
    )
    with output_to(form, output) as out:
        if form == "json":
            counts = [{"reason": reason, "count": count} for reason, count in reasons.most_common()]
            rows = [dict(zip(_COLUMNS, _row(letter), strict=True)) for letter in letters]
            write_json(out, {"letters": rows, "reasons": counts})
        elif form == "csv":
            write_csv(out, _COLUMNS, map(_row, letters))
        else:
            _show(out, letters, reasons)


def _show(out: Output, letters: list[Letter], reasons: Counter[str]) -> None:
    if not letters:
        out.show(Text("no dead letters"))
        return
    grid: Table = table(out, ("id", "time", "file", "line", "reason"), right={"line"})
    for letter in letters:
        _, reason, position, _ = letter.rejected
        cells = (letter.id, letter.at, position.file, f"{position.line}", _readable(reason))
        grid.add_row(*(Text(clean(cell)) for cell in cells))
    out.show(grid)
    total = reasons.total()
    out.show(Text(f"{total:,} dead letter{'s' * (total != 1)}, by reason:", "bold"))
    most = reasons.most_common(20)
    out.show(*(Text(clean(f"{count:,} {_readable(reason)}")) for reason, count in most))


def _readable(reason: str) -> str:
    """Shorten long words, such as an id of hundreds of characters that a destination repeats."""
    return _LONG_WORD.sub(r"\1…", reason)


@command.command("show")
@click.argument("letter", metavar="ID")
@folder_option
def show(letter: str, store: Path) -> None:
    """Show one dead letter: its position, the reason, and the line.

    ID is an id from the list, or enough of its beginning to tell it from the others.
    """
    selected = next(_select(DeadLetters(store), (letter,)))
    for name, value in zip(_COLUMNS, _row(selected), strict=True):
        click.echo(clean(f"{name}: {value}"))
    click.echo(
        "beginning of the line; the rest was not kept:" if selected.rejected.cut else "line:"
    )
    click.echo(clean(selected.rejected.line.decode("utf-8", "backslashreplace")))


@command.command("retry")
@click.argument("letter", metavar="[ID]...", nargs=-1)
@folder_option
@name_option
@age_options
def retry_(
    letter: tuple[str, ...], store: Path, name: str, retention: int, *, allow_old: bool
) -> None:
    """Send dead letters again to their destination: those with the IDs, or all.

    Those that are taken now are deleted; the others are kept, with the new reason. Exit code 1 if
    any is kept.
    """
    registration = load(store, name)
    if registration is None:
        raise click.UsageError(
            f"nothing was sent from {store} by a shipper {name}: run elkmon ship first, or give "
            "its --name"
        )
    letters, settings = DeadLetters(store), access()
    only = {selected.id for selected in _select(letters, letter)}
    route = Route(store, registration.to, retention=retention, allow_old=allow_old)
    destination = make_destination(registration.to, registration.via, settings)
    with stopping() as stop, shipping_progress() as (tell, _):
        try:
            tally = retry(
                letters,
                name,
                destination,
                make_admission(route, settings),
                Patience(stop, tell, _PATIENCE),
                only=only,
            )
        except StoppedError as stopped:
            raise click.Abort from stopped
    click.echo(tally.balance(destination.success))
    if tally.dead:
        raise click.exceptions.Exit(1)


def _select(letters: DeadLetters, beginnings: tuple[str, ...]) -> Iterator[Letter]:
    """Yield the letters whose ids begin so.

    Raises:
        QueryError: no letter, or more than one, has such an id.
    """
    for beginning in dict.fromkeys(beginnings):
        matches = (letter for letter in letters.letters() if letter.id.startswith(beginning))
        match = list(islice(matches, 2))
        if len(match) != 1:
            count = "more than one dead letter has" if match else "no dead letter has"
            raise QueryError(
                f"{count} an id that begins with {beginning}: see elkmon deadletter list"
            )
        yield match[0]


def _row(letter: Letter) -> tuple[object, ...]:
    return (letter.id, letter.at, letter.shipper, *letter.rejected.position, letter.rejected.reason)
