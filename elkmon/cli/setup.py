"""``elkmon setup``: put templates, retention, roles and keys on a cluster, or remove them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import click
from elasticsearch import Elasticsearch

from elkmon.cli.options import cluster_option
from elkmon.cluster.keys import Job, make_keys, revoke
from elkmon.cluster.setup import Plan, apply, plan, uninstall
from elkmon.events.cluster_settings import Access, access
from elkmon.events.errors import ConfigError
from elkmon.events.settings import variables
from elkmon.logstash.pipelines import files, write
from elkmon.present.output import clean
from elkmon.stores.elastic.connect import connect, store_errors
from elkmon.stores.elastic.indices import RETENTION
from elkmon.stores.location import is_cluster

__all__ = ["command"]


@click.command("setup")
@cluster_option
@click.option(
    "--shards",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Primary shards of each month's index; default: the cluster's current value, else 1.",
)
@click.option(
    "--replicas",
    type=click.IntRange(0, 32),
    metavar="N",
    help="Copies of each shard; default: the cluster's current value, else 1.",
)
@click.option(
    "--retention",
    type=click.IntRange(1, 36_500),
    metavar="DAYS",
    help="Days that events are kept; default: ELKMON_RETENTION, else the cluster's current value, "
    f"else {RETENTION.days}.",
)
@click.option(
    "--api-keys", is_flag=True, help="Create a role and an API key for writer, reader and worker."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write the keys to writer.key, reader.key and worker.key there instead of showing them.",
)
@click.option(
    "--logstash",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write Logstash's pipelines for this address there; the cluster is not changed.",
)
@click.option("--remove", is_flag=True, help="Remove what setup put there; events are kept.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
def command(
    store: str,
    shards: int | None,
    replicas: int | None,
    retention: int | None,
    output: Path | None,
    logstash: Path | None,
    *,
    api_keys: bool,
    remove: bool,
    dry_run: bool,
) -> None:
    """Put templates, retention, roles and keys on Elasticsearch.

    Run it once before you ship events. It shows what changes, changes only that, and can be
    repeated; templates of a newer elkmon are never replaced. Existing indices that hold events keep
    their mappings: a change takes effect with the next month's index.
    """
    if not is_cluster(store):
        raise click.UsageError(
            f"{store} is not a cluster: give the address of Elasticsearch, as in --store "
            "https://es:9200 (a store in a folder, which needs no setup, can be used at once)"
        )
    if output is not None and not api_keys:
        raise click.UsageError("-o is the folder for the keys of --api-keys: give both")
    if remove and (api_keys or (shards, replicas, retention) != (None, None, None)):
        raise click.UsageError("--remove removes everything: only --dry-run goes with it")
    settings = access()
    if logstash is not None:
        if remove or api_keys or (shards, replicas) != (None, None):
            raise click.UsageError(
                "--logstash only writes files: --retention and --dry-run go with it"
            )
        kept_days = retention or settings.retention or RETENTION.days
        _pipelines(logstash, store, settings, kept_days, dry_run=dry_run)
        return
    with connect(store, settings) as client:
        with store_errors(store, "be set up"):
            if remove:
                _remove(client, settings.prefix, dry_run=dry_run)
                return
            days = settings.retention if retention is None else retention
            planned = plan(
                client, settings.prefix, shards=shards, replicas=replicas, retention=days
            )
        _show(planned, dry_run=dry_run)
        if dry_run:
            return
        with store_errors(store, "be set up"):
            apply(client, planned)
            if api_keys:
                _keys(client, settings.prefix, output)


def _pipelines(folder: Path, url: str, settings: Access, retention: int, *, dry_run: bool) -> None:
    environ = variables()
    pipelines = files(folder, url, settings, environ, retention=retention)
    for file in pipelines:
        if file.new:
            click.echo(f"new: {file.path}")
        elif file.lines:
            click.echo(f"changed: {file.path}")
            for line in file.lines:
                click.echo(f"  {clean(line)}")
    if not dry_run:
        write(pipelines)
    if not environ.get("LOGSTASH_CERTIFICATE"):
        click.echo(
            "warning: the http and beats inputs listen on this host only, without a password; to "
            "open them to other hosts, set LOGSTASH_CERTIFICATE and LOGSTASH_KEY",
            err=True,
        )
    count = sum(bool(file.lines) for file in pipelines)
    what = "would change" if dry_run else "changed"
    click.echo(
        f"{count} {what}, {len(pipelines) - count} up to date; start Logstash with: "
        f"logstash --path.settings {folder.absolute() / 'config'}"
    )


def _show(planned: Plan, *, dry_run: bool) -> None:
    for warning in planned.warnings:
        click.echo(f"warning: {warning}", err=True)
    for change in planned.changes:
        title = f"{change.asset.kind} {change.asset.name}"
        if change.new:
            click.echo(f"new: {title}")
            continue
        click.echo(f"changed: {title}")
        for line in change.lines:
            click.echo(f"  {clean(line)}")
    for name in planned.indices:
        click.echo(f"new: empty index {name}")
    count = len(planned.changes) + len(planned.indices)
    what = "would change" if dry_run else "to change"
    layout = planned.layout
    click.echo(
        f"{count} {what}, {planned.same} up to date; shards {layout.shards}, replicas "
        f"{layout.replicas}, retention {layout.retention} days"
    )


def _remove(client: Elasticsearch, prefix: str, *, dry_run: bool) -> None:
    removed, kept = uninstall(client, prefix, dry_run=dry_run)
    removed += revoke(client, prefix, dry_run=dry_run)
    for title in removed:
        click.echo(f"{'would remove' if dry_run else 'removed'}: {clean(title)}")
    for title in kept:
        click.echo(f"kept: {clean(title)}")
    if not removed:
        click.echo("elkmon has nothing there to remove")
    click.echo("events are kept: delete them with elkmon prune")


def _keys(client: Elasticsearch, prefix: str, output: Path | None) -> None:
    if output is not None:
        _prepare(output)  # before creating keys that could not be written
    keys = make_keys(client, prefix)
    if output is None:
        click.echo("keys for ELKMON_API_KEY, which are not shown again:")
        for job, key in keys.items():
            click.echo(f"{job}\t{key}")
        return
    _write(output, keys)
    click.echo(
        f"wrote one file for each key to {output}, for ELKMON_API_KEY_FILE: "
        f"{', '.join(f'{job}.key' for job in keys)}"
    )


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(f"cannot write keys to {folder}: {error.strerror}") from error


def _write(folder: Path, keys: Mapping[Job, str]) -> None:
    """Write each key to a file that only its owner can read, replacing an existing one."""
    for job, key in keys.items():
        fd, name = tempfile.mkstemp(dir=folder, prefix=f".{job}.")  # of mode 0600
        try:
            with os.fdopen(fd, "w", encoding="ascii") as file:
                file.write(f"{key}\n")
            Path(name).rename(folder / f"{job}.key")
        except OSError:
            with suppress(OSError):
                Path(name).unlink()
            raise
