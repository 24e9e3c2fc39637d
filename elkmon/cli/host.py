"""``elkmon host``: readings of this host, beside the events of its models."""

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
    """Understand a length of time: ``10s``, ``1m``, or a number of seconds."""
    found = _LENGTH.fullmatch(text.strip())
    seconds = 0.0 if found is None else float(found[1]) * _SECONDS[found[2]]
    if seconds < _LEAST:
        raise click.BadParameter(f"{text!r} is no length of time: use 10s, 1m; 0.1s at least")
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
@click.option("--once", is_flag=True, help="One reading, over a second at most; then end.")
def command(store: Path, every: float, *, once: bool) -> None:
    """Write readings of this host, beside the events of its models.

    Processors, memory, disks, network and GPUs, under Metricbeat's names, until SIGTERM or Ctrl-C.
    elkmon metrics shows them.
    """
    settings = replace(from_environment(), spool=store.absolute())
    if settings.service == Settings().service:
        settings = replace(settings, service="host")

    def tell(sentence: str) -> None:
        click.echo(clean(sentence), err=True)

    with stopping() as stop:
        if not once:
            tell(f"writing readings of this host to {store}, until SIGTERM or Ctrl-C")
        made = record(settings, every, stop, once=once, tell=tell)
    readings = "1 reading" if made.readings == 1 else f"{made.readings:,} readings"
    tell(f"{readings}, {made.events:,} events; elkmon metrics --store {store} shows them")
    if made.dropped:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in made.dropped.items())
        raise StoreError(f"not all of it could be written to {store}: {reasons}")
