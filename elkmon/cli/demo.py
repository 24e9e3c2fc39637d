"""``elkmon demo``: serve a simulated week with real models, and report its errors."""

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
from elkmon.cli.progress import progress_bar
from elkmon.events.errors import ConfigError
from elkmon.present.output import clean

if TYPE_CHECKING:
    from elkmon.demo import DemoResult

__all__ = ["command"]

_REPORT_PACKAGES = ("jinja2", "vl_convert")


@click.command("demo")
@click.option(
    "--store",
    type=PlaceType(address=False),
    help="Folder for the events, empty or new; default: a temporary folder.",
)
@click.option("--requests", type=int, default=24_000, show_default=True, help="Number of requests.")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Another seed gives another week."
)
@click.option(
    "--truth",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the ground truth; default: ground-truth/demo.json in the store.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File for the report; default: report.html in the store.",
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
    """Serve a simulated week with real models, and report its errors.

    Models are trained on data that scikit-learn ships, and serve requests in several processes.
    During the week a version is replaced, one site sends a wrong unit, a new exception appears, and
    labels come late or never, or are corrected. Then the report shows what it found, here and as an
    HTML page.
    """
    try:
        for name in _REPORT_PACKAGES:
            import_module(name)  # to fail before the week is served, not after
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
        with progress_bar("serving a week") as progress:
            result = run_demo(options, progress)
    except BaseException:
        if store is None:
            rmtree(options.store, ignore_errors=True)  # nobody asked for half a week
        raise
    _show(context, result, output or result.store / "report.html")


def _last_full_hour() -> datetime:
    return datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)


def _show(context: click.Context, result: DemoResult, page: Path) -> None:
    """Run the commands that a reader would type, then show what was injected and what to try."""
    injected: dict[str, Any] = result.truth["injected"]
    model, version = injected["version"]["model"], injected["version"]["version"]
    (segment, site), *_ = injected["unit_error"]["segment"].items()
    until = datetime.fromisoformat(result.truth["to"])
    # the week ends there, and all commands take the last 7 days by default
    where = ["--store", str(result.store), "--until", f"{until:%Y-%m-%dT%H:%M}"]
    of_model = [*where, "--model", model]
    by_site = ["--where", f"version={version}", "--by", f"segment.{segment}"]

    click.echo(f"{result.truth['requests']:,} requests were served into {clean(result.store)}")
    _run(context, ["report", *where, "-o", str(page)])
    _run(context, ["errors", *where, "--by", "version"])
    _run(context, ["errors", *of_model, *by_site, "--top", "0"])

    click.echo("\nWhat was injected, and nothing else:")
    for line in _injected(result.truth):
        click.echo(f"  - {line}")
    click.echo(f"  the whole ground truth: {clean(result.truth_file)}")
    click.echo("\nTry next:")
    for arguments in (
        ["issues", *where],
        ["compare", *of_model],
        ["errors", *of_model, "--where", f"segment.{segment}={site}", "--every", "12h"],
        ["events", *where, "--dataset", "error"],
        ["models", "--store", str(result.store)],
    ):
        click.echo(f"  {_command_line(arguments)}")
    click.echo(f"\nThe report, as a page to open in a browser: {page.absolute().as_uri()}")


def _injected(truth: dict[str, Any]) -> list[str]:
    """Return a sentence for each thing that was done to the week."""
    injected = truth["injected"]
    version, unit, exception = (injected[name] for name in ("version", "unit_error", "exception"))
    live = f"{version['model']} {version['version']}, live since {_when(version['from'])},"
    if not truth["faults"]:
        return [f"{live} answers as the version before it"]
    (site,) = unit["segment"].values()
    return [
        f"{live} raises a {exception['type']} if the concavity is 0",
        f"since {_when(unit['from'])}, {site} sends the {unit['feature']} in another unit",
    ]


def _run(context: click.Context, arguments: list[str]) -> None:
    """Print a command line, and run it in this process."""
    click.echo(f"\n$ {_command_line(arguments)}")
    context.find_root().command.main(arguments, prog_name="elkmon", standalone_mode=False)


def _command_line(arguments: list[str]) -> str:
    return clean(shlex.join(["elkmon", *arguments]))


def _when(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%a %d %b %H:%M} UTC"
