"""``elkmon demo``: a simulated week of real models, and its error rates."""

from __future__ import annotations

import shlex
from datetime import datetime, timezone
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import click

from elkmon.cli.progress import shown_progress
from elkmon.events.errors import ConfigError

if TYPE_CHECKING:
    from elkmon.demo import DemoResult

__all__ = ["command"]

_TRIAGE = "tumour-triage"
_SINCE = "8d"
"""The week ends at the last full hour, so that it begins a little more than 7 days ago."""


@click.command("demo")
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    help="Folder for the events, empty or new; a temporary one where not given.",
)
@click.option("--requests", type=int, default=24_000, show_default=True, help="How many requests.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another week.")
@click.option(
    "--truth",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the ground truth; below the store where not given.",
)
@click.option(
    "--no-faults", is_flag=True, help="Nothing goes wrong: version 2 answers as version 1 does."
)
@click.pass_context
def command(
    context: click.Context,
    store: Path | None,
    requests: int,
    seed: int,
    truth: Path | None,
    no_faults: bool,
) -> None:
    """Serve a simulated week of real models, and show its error rates.

    Models are trained on data that scikit-learn ships, and serve requests in several processes.
    In their week a version is replaced, a unit goes wrong at one site, a new exception appears,
    and labels come late, never, or are corrected.
    """
    try:
        from elkmon.demo import DemoOptions, run_demo  # noqa: PLC0415 - an extra, and slow to load
    except ImportError as error:
        raise ConfigError(
            f"the demo needs {error.name}: install it with pip install 'elkmon[demo]'"
        ) from error
    now = datetime.now(timezone.utc)
    options = DemoOptions(
        store=Path(mkdtemp(prefix="elkmon-demo-")) if store is None else store,
        end=now.replace(minute=0, second=0, microsecond=0),
        requests=requests,
        seed=seed,
        truth=truth,
        faults=not no_faults,
    )
    with shown_progress("serving a week") as progress:
        result = run_demo(options, progress)
    _show(context, result)


def _show(context: click.Context, result: DemoResult) -> None:
    """Run the commands that a reader would type, then say what to look at, and what to try."""
    injected = result.truth["injected"]
    version = injected["version"]["version"]
    unit = injected["unit_error"]
    (name, site), *_ = unit["segment"].items()
    where = ["--store", str(result.store), "--since", _SINCE]
    triage = [*where, "--model", _TRIAGE]

    click.echo(f"{result.truth['requests']:,} requests were served into {result.store}")
    _run(context, ["errors", *where, "--by", "version"])
    _run(context, ["errors", *triage, "--where", f"version={version}", "--by", f"segment.{name}"])

    click.echo("\nWhat to look at:")
    since = _when(injected["version"]["from"])
    if result.truth["faults"]:
        click.echo(
            f"  - {_TRIAGE} {version}, live since {since}, fails more often: "
            f"{injected['exception']['type']} is new in it"
        )
        click.echo(
            f"  - its errors at {name} {site} stand out: since {_when(unit['from'])} the "
            f"{unit['feature']} comes from there in another unit; elsewhere it is better than "
            "before"
        )
    else:
        click.echo(
            f"  - nothing was injected: {_TRIAGE} {version}, live since {since}, answers as the "
            "version before"
        )
    click.echo("\nTry next:")
    for tried in (
        ["issues", *where],
        ["compare", *triage],
        ["errors", *triage, "--where", f"segment.{name}={site}", "--every", "12h"],
        ["events", "--store", str(result.store), "--dataset", "elkmon.error", "--since", _SINCE],
        ["models", "--store", str(result.store)],
    ):
        click.echo(f"  {_typed(tried)}")
    click.echo(f"\nWhat was injected, as ground truth: {result.truth_file}")


def _run(context: click.Context, arguments: list[str]) -> None:
    """Show a command line, and what it prints, in this very process."""
    click.echo(f"\n$ {_typed(arguments)}")
    context.find_root().command.main(arguments, prog_name="elkmon", standalone_mode=False)


def _typed(arguments: list[str]) -> str:
    return shlex.join(["elkmon", *arguments])


def _when(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%a %d %b %H:%M} UTC"
