"""Define ``elkmon kibana``: provision, export and remove dashboards and rules."""

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

from elkmon.cli.progress import progress_bar
from elkmon.cli.stopping import stopping
from elkmon.events.cluster_settings import Access, access
from elkmon.events.errors import ConfigError
from elkmon.kibana.client import DEFAULT, Kibana
from elkmon.kibana.numeric_features import numeric_features
from elkmon.kibana.provisioning import Plan, apply, export, plan, remove, supported_version
from elkmon.kibana.saved_objects import saved_objects
from elkmon.present.output import clean

__all__ = ["command"]

_Command = Callable[..., Any]
_PATIENCE = 300.0
_SPACE = re.compile(r"[a-z0-9_-]+")


def _space(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if not _SPACE.fullmatch(value):
        raise click.BadParameter(
            "the identifier of a space has lowercase letters, digits, - and _ only"
        )
    return value


def _options(command: _Command) -> _Command:
    """Add the options that say which Kibana, which space, and how long to wait."""
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
    """Provision dashboards and alert rules in Kibana."""


@command.command("provision")
@_options
@click.option("--overwrite", is_flag=True, help="Also replace what was changed in Kibana.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
def provision(
    url: str | None, space: str, patience: float, *, overwrite: bool, dry_run: bool
) -> None:
    """Create or update data views, saved searches, dashboards and rules in a space.

    Waits until Kibana is ready, shows what changes, and changes only that; it can be repeated. What
    was changed in Kibana (a threshold, a dashboard) is kept and listed, unless --overwrite is set.
    """
    settings = access()
    with _ready(url, settings, space, patience) as (kibana, version):
        supported_version(kibana, version)
        prefix = settings.prefix

        def plan_with(features: list[str]) -> Plan:
            objects = saved_objects(prefix, features)
            return plan(kibana, version, prefix, objects, overwrite=overwrite)

        features = numeric_features(kibana, prefix)
        planned = plan_with(features)
        _show(planned, space)
        if not dry_run:
            with progress_bar("provisioning") as progress:
                apply(kibana, planned, progress)
                if (current := numeric_features(kibana, prefix)) != features:
                    apply(kibana, plan_with(current), progress)  # a new data view lists them
        click.echo(_summary(planned, version, space, dry_run=dry_run))


@command.command("export")
@_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Output file, instead of standard output.",
)
def export_(url: str | None, space: str, patience: float, output: Path | None) -> None:
    """Write elkmon's saved objects, and others with its tag, as NDJSON.

    Kibana can import the file. It has no rules: provision creates them.
    """
    settings = access()
    with _ready(url, settings, space, patience) as (kibana, _):
        exported = export(kibana, settings.prefix, saved_objects(settings.prefix))
    lines = b"".join(orjson.dumps(item) + b"\n" for item in exported)
    if output is None:
        click.echo(lines, nl=False)
        return
    try:
        output.write_bytes(lines)
    except OSError as error:
        raise ConfigError(f"cannot write to {output}: {error.strerror}") from error
    click.echo(f"{len(exported)} saved objects are in {output}", err=True)


@command.command("remove")
@_options
@click.option("--dry-run", is_flag=True, help="Only show what would be removed.")
def remove_(url: str | None, space: str, patience: float, *, dry_run: bool) -> None:
    """Remove what provision created in a space, even if it was changed, and nothing else."""
    settings = access()
    with _ready(url, settings, space, patience) as (kibana, _):
        objects = saved_objects(settings.prefix)
        removed, remaining = remove(kibana, settings.prefix, objects, dry_run=dry_run)
    for title in removed:
        click.echo(f"{'would remove' if dry_run else 'removed'}: {clean(title)}")
    for line in remaining:
        click.echo(f"stays: {clean(line)}")
    if not removed:
        click.echo(f"the space {space} has nothing of elkmon to remove")


@contextmanager
def _ready(
    url: str | None, settings: Access, space: str, patience: float
) -> Iterator[tuple[Kibana, str]]:
    """Provide a client of a Kibana that is ready, and its version."""
    address = url or settings.kibana_url
    if address is None:
        raise click.UsageError("no Kibana is given: use --kibana, or set ELKMON_KIBANA_URL")
    with closing(Kibana(address, settings, space)) as kibana:
        with stopping() as stop, _waiting_shown() as report:
            version = kibana.wait(report, stop, patience)
        if version is None:
            raise click.Abort
        yield kibana, version


@contextmanager
def _waiting_shown() -> Iterator[Callable[[str, float], None]]:
    """Show on standard error why it waits: one updated line on a terminal, else one per reason."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    with console.status("connecting to Kibana") as line:
        last_reason = ""

        def report(reason: str, waited: float) -> None:
            nonlocal last_reason
            if console.is_terminal:
                line.update(clean(f"{reason}; waiting, {waited:.0f} s"))
            elif reason != last_reason:
                click.echo(clean(f"{reason}; waiting"), err=True)
            last_reason = reason

        yield report


def _show(planned: Plan, space: str) -> None:
    for warning in planned.warnings:
        click.echo(f"warning: {clean(warning)}", err=True)
    if planned.new_space:
        click.echo(f"new: space {space}")
    for step in planned.steps:
        if step.state != "same":
            why = f" ({step.why})" if step.why else ""
            click.echo(clean(f"{step.state}: {step.title}{why}"))


def _summary(planned: Plan, version: str, space: str, *, dry_run: bool) -> str:
    states = Counter(step.state for step in planned.steps)
    count = states["new"] + states["changed"] + planned.new_space
    kept = f", {states['kept']} kept (--overwrite replaces them)" if states["kept"] else ""
    return (
        f"{count} {'would change' if dry_run else 'changed'}, {states['same']} as they should be"
        f"{kept}; space {space}, Kibana {version}"
    )
