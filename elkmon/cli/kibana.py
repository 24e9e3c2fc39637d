"""``elkmon kibana``: dashboards and rules, put into a space of Kibana, written out, taken out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console

from elkmon.cli.progress import shown_progress
from elkmon.cli.stopping import stopping
from elkmon.events.cluster_settings import Access, access
from elkmon.events.errors import ConfigError
from elkmon.kibana.client import DEFAULT, Kibana
from elkmon.kibana.features import features
from elkmon.kibana.objects import saved_objects
from elkmon.kibana.provisioning import Plan, apply, checked, export, plan, take_out
from elkmon.present.output import clean

__all__ = ["command"]

_Command = Callable[..., Any]
_PATIENCE = 300.0
_SPACE = re.compile(r"[a-z0-9_-]+")


def _space(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if not _SPACE.fullmatch(value):
        raise click.BadParameter("a space's identifier is of small letters, digits, - and _")
    return value


def _options(command: _Command) -> _Command:
    """Add which Kibana, which space, and how long to wait."""
    for option in reversed(
        (
            click.option(
                "--kibana",
                "url",
                metavar="URL",
                help="Kibana, such as https://kibana:5601; also ELKMON_KIBANA_URL.",
            ),
            click.option(
                "--space",
                default=DEFAULT,
                show_default=True,
                callback=_space,
                metavar="ID",
                help="Space to work in.",
            ),
            click.option(
                "--patience",
                type=click.FloatRange(min=0),
                default=_PATIENCE,
                show_default=True,
                metavar="SECONDS",
                help="How long to wait for a Kibana that is not ready.",
            ),
        )
    ):
        command = option(command)
    return command


@click.group("kibana")
def command() -> None:
    """Put dashboards and alert rules into Kibana."""


@command.command("provision")
@_options
@click.option("--overwrite", is_flag=True, help="Replace what was changed in Kibana, too.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
def provision(
    url: str | None, space: str, patience: float, *, overwrite: bool, dry_run: bool
) -> None:
    """Put data views, saved searches, dashboards and rules into a space.

    It waits until Kibana is ready, shows what changes, changes only that, and can be repeated. What
    was changed in Kibana since (a threshold, a dashboard) is kept and named, unless --overwrite.
    """
    settings = access()
    with _ready(url, settings, space, patience) as (kibana, version):
        checked(kibana, version)
        prefix = settings.prefix

        def planning(names: list[str]) -> Plan:
            return plan(kibana, version, prefix, saved_objects(prefix, names), overwrite=overwrite)

        known = features(kibana, prefix)
        planned = planning(known)
        _show(planned, space)
        if not dry_run:
            with shown_progress("putting it there") as progress:
                apply(kibana, planned, progress)
                if (now := features(kibana, prefix)) != known:  # a first data view tells them
                    apply(kibana, planning(now), progress)
        click.echo(_balance(planned, version, space, dry_run=dry_run))


@command.command("export")
@_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File to write to, instead of standard output.",
)
def export_(url: str | None, space: str, patience: float, output: Path | None) -> None:
    """Write out what is there: elkmon's saved objects, and others that bear its tag, as NDJSON.

    Kibana imports the file. Rules are not in it: provision makes them.
    """
    settings = access()
    with _ready(url, settings, space, patience) as (kibana, _):
        found = export(kibana, settings.prefix, saved_objects(settings.prefix))
    lines = b"".join(orjson.dumps(each) + b"\n" for each in found)
    if output is None:
        click.echo(lines, nl=False)
        return
    try:
        output.write_bytes(lines)
    except OSError as error:
        raise ConfigError(f"cannot write to {output}: {error.strerror}") from error
    click.echo(f"{len(found)} saved objects are in {output}", err=True)


@command.command("remove")
@_options
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def remove(url: str | None, space: str, patience: float, *, dry_run: bool) -> None:
    """Take out what provision put into a space, also where it was changed since; nothing else."""
    settings = access()
    with _ready(url, settings, space, patience) as (kibana, _):
        objects = saved_objects(settings.prefix)
        gone, stays = take_out(kibana, settings.prefix, objects, dry_run=dry_run)
    for each in gone:
        click.echo(f"{'would remove' if dry_run else 'removed'}: {clean(each)}")
    for each in stays:
        click.echo(f"stays: {clean(each)}")
    if not gone:
        click.echo(f"nothing of elkmon's is in the space {space} to remove")


@contextmanager
def _ready(
    url: str | None, settings: Access, space: str, patience: float
) -> Iterator[tuple[Kibana, str]]:
    """Give a Kibana that is ready, and its version."""
    address = url or settings.kibana_url
    if address is None:
        raise click.UsageError("which Kibana? Give --kibana, or set ELKMON_KIBANA_URL")
    with closing(Kibana(address, settings, space)) as kibana:
        with stopping() as stop, _shown_waiting() as tell:
            version = kibana.wait(tell, stop, patience)
        if version is None:
            raise click.Abort
        yield kibana, version


@contextmanager
def _shown_waiting() -> Iterator[Callable[[str, float], None]]:
    """Show what is waited for, on standard error: as one line of a terminal, else once a reason."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    with console.status("asking Kibana") as line:
        said = ""

        def tell(reason: str, waited: float) -> None:
            nonlocal said
            if console.is_terminal:
                line.update(clean(f"{reason}; waiting, {waited:.0f} s"))
            elif reason != said:
                click.echo(clean(f"{reason}; waiting"), err=True)
            said = reason

        yield tell


def _show(planned: Plan, space: str) -> None:
    for warning in planned.warnings:
        click.echo(f"warning: {clean(warning)}", err=True)
    if planned.new_space:
        click.echo(f"new: space {space}")
    for step in planned.steps:
        if step.state != "same":
            why = f" ({step.why})" if step.why else ""
            click.echo(clean(f"{step.state}: {step.title}{why}"))


def _balance(planned: Plan, version: str, space: str, *, dry_run: bool) -> str:
    states = Counter(step.state for step in planned.steps)
    count = states["new"] + states["changed"] + planned.new_space
    kept = f", {states['kept']} kept (--overwrite replaces them)" if states["kept"] else ""
    return (
        f"{count} {'would change' if dry_run else 'changed'}, {states['same']} as they should be"
        f"{kept}; space {space}, Kibana {version}"
    )
