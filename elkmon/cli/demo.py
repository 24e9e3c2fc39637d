"""``elkmon demo``: a simulated week of real models, and the error report of it."""

from __future__ import annotations

import shlex
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import click

from elkmon.cli.options import PlaceType
from elkmon.cli.progress import shown_progress
from elkmon.events.errors import ConfigError
from elkmon.present.output import clean

if TYPE_CHECKING:
    from elkmon.demo import DemoResult

__all__ = ["command"]

_OF_REPORT = ("jinja2", "vl_convert")


@click.command("demo")
@click.option(
    "--store",
    type=PlaceType(address=False),
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
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File for the report's page; report.html in the store where not given.",
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
    output: Path | None,
    no_faults: bool,
) -> None:
    """Serve a simulated week of real models, and report its errors.

    Models are trained on data that scikit-learn ships, and serve requests in several processes.
    In their week a version is replaced, a unit goes wrong at one site, a new exception appears,
    and labels come late, never, or are corrected. Then the report says what it finds of that, here
    and as a page of HTML.
    """
    try:
        for name in _OF_REPORT:
            import_module(name)  # to be missed before a week is served, not after
        from elkmon.demo import DemoOptions, run_demo  # noqa: PLC0415 - an extra, and slow to load
    except ImportError as error:
        raise ConfigError(
            f"the demo needs {error.name}: install it with pip install 'elkmon[demo]'"
        ) from error
    options = DemoOptions(
        store=Path(mkdtemp(prefix="elkmon-demo-")) if store is None else store,
        end=_last_full_hour(),
        requests=requests,
        seed=seed,
        truth=truth,
        faults=not no_faults,
    )
    try:
        with shown_progress("serving a week") as progress:
            result = run_demo(options, progress)
    except BaseException:
        if store is None:
            rmtree(options.store, ignore_errors=True)  # nobody asked for half a week
        raise
    _show(context, result, output or result.store / "report.html")


def _last_full_hour() -> datetime:
    return datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)


def _show(context: click.Context, result: DemoResult, page: Path) -> None:
    """Run the commands that a reader would type, then say what there was to find, and go on."""
    injected: dict[str, Any] = result.truth["injected"]
    model, version = injected["version"]["model"], injected["version"]["version"]
    (segment, site), *_ = injected["unit_error"]["segment"].items()
    until = datetime.fromisoformat(result.truth["to"])
    # the week ends there, and all commands take 7 days where nothing else is said
    where = ["--store", str(result.store), "--until", f"{until:%Y-%m-%dT%H:%M}"]
    of_model = [*where, "--model", model]
    by_site = ["--where", f"version={version}", "--by", f"segment.{segment}"]

    click.echo(f"{result.truth['requests']:,} requests were served into {clean(result.store)}")
    _run(context, ["report", *where, "-o", str(page)])
    _run(context, ["errors", *where, "--by", "version"])
    _run(context, ["errors", *of_model, *by_site, "--top", "0"])

    click.echo("\nWhat had been injected, and nothing else:")
    for line in _told(result.truth):
        click.echo(f"  - {line}")
    click.echo(f"  all of it, as ground truth: {clean(result.truth_file)}")
    click.echo("\nTry next:")
    for tried in (
        ["issues", *where],
        ["compare", *of_model],
        ["errors", *of_model, "--where", f"segment.{segment}={site}", "--every", "12h"],
        ["events", *where, "--dataset", "error"],
        ["models", "--store", str(result.store)],
    ):
        click.echo(f"  {_typed(tried)}")
    click.echo(f"\nThe report, as a page to open in a browser: {page.absolute().as_uri()}")


def _told(truth: dict[str, Any]) -> list[str]:
    """Tell what was done to the week."""
    injected = truth["injected"]
    version, unit, exception = (injected[each] for each in ("version", "unit_error", "exception"))
    live = f"{version['model']} {version['version']}, live since {_when(version['from'])},"
    if not truth["faults"]:
        return [f"{live} answers as the version before"]
    (site,) = unit["segment"].values()
    return [
        f"{live} raises a {exception['type']} without concavity",
        f"since {_when(unit['from'])}, {site} sends the {unit['feature']} in another unit",
    ]


def _run(context: click.Context, arguments: list[str]) -> None:
    """Show a command line, and what it prints, in this very process."""
    click.echo(f"\n$ {_typed(arguments)}")
    context.find_root().command.main(arguments, prog_name="elkmon", standalone_mode=False)


def _typed(arguments: list[str]) -> str:
    return clean(shlex.join(["elkmon", *arguments]))


def _when(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%a %d %b %H:%M} UTC"
