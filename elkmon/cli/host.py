"""``elkmon host``: write readings of this host next to the events of its models."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import click

from elkmon.cli.options import folder_option
from elkmon.cli.stopping import stopping
from elkmon.events.errors import StoreError
from elkmon.events.settings import Settings, from_environment
from elkmon.host import record
from elkmon.present.output import clean

__all__ = ["command"]

_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*([smh]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
_LEAST = 0.1


def _seconds(_context: click.Context, _option: click.Parameter, text: str) -> float:
    """Return the seconds in a length of time: ``10s``, ``1m``, or a number of seconds."""
    match = _LENGTH.fullmatch(text.strip())
    seconds = 0.0 if match is None else float(match[1]) * _SECONDS[match[2]]
    if seconds < _LEAST:
        raise click.BadParameter(
            f"{text!r} is not a length of time, such as 10s or 1m, of at least 0.1s"
        )
    return seconds


@click.command("host")
@folder_option
@click.option(
    "--every",
    callback=_seconds,
    default="10s",
    show_default=True,
    metavar="LENGTH",
    help="Time between two readings.",
)
@click.option("--once", is_flag=True, help="Take one reading, over a second at most, and end.")
def command(store: Path, every: float, *, once: bool) -> None:
    """Write readings of this host next to the events of its models.

    It reads processors, memory, disks, network and GPUs until SIGTERM or Ctrl-C, and names the
    figures as Metricbeat does. See them with elkmon metrics.
    """
    settings = replace(from_environment(), spool=store.absolute())
    if settings.service == Settings().service:
        settings = replace(settings, service="host")

    def tell(sentence: str) -> None:
        click.echo(clean(sentence), err=True)

    with stopping() as stop:
        if not once:
            tell(f"writing readings of this host to {store} until SIGTERM or Ctrl-C")
        result = record(settings, every, stop, once=once, tell=tell)
    readings = "1 reading" if result.readings == 1 else f"{result.readings:,} readings"
    tell(
        f"wrote {readings} as {result.events:,} events; see them with "
        f"elkmon metrics --store {store}"
    )
    if result.dropped:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in result.dropped.items())
        raise StoreError(f"some events could not be written to {store}: {reasons}")
