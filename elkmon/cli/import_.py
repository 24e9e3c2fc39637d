"""``elkmon import``: turn a table of predictions into events."""

from __future__ import annotations

from pathlib import Path

import click

from elkmon.cli.options import folder_option
from elkmon.cli.progress import progress_bar
from elkmon.events.classes import TASKS
from elkmon.importing import ImportOptions, ImportReport, import_table

__all__ = ["command"]


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@folder_option
@click.option("--model", required=True, help="Name of the model.")
@click.option("--version", help="Version of the model.")
@click.option("--task", type=click.Choice(sorted(TASKS)), help="What the model predicts.")
@click.option("--positive", metavar="CLASS", help="The positive class of a binary task.")
@click.option("--timestamp", metavar="COL", help="Time of the prediction; default: now.")
@click.option("--id", metavar="COL", help="Id of the prediction; makes the import repeatable.")
@click.option("--label", metavar="COL", help="Predicted class.")
@click.option("--value", metavar="COL", help="Predicted value of a regression.")
@click.option("--score", metavar="COL", help="Probability, 0 to 1.")
@click.option("--truth", metavar="COL", help="True class or value; empty if not known yet.")
@click.option(
    "--truth-time", metavar="COL", help="Time the truth became known; default: the row's time."
)
@click.option("--feature", "features", metavar="COL", multiple=True, help="A feature; repeatable.")
@click.option("--segment", "segments", metavar="COL", multiple=True, help="A segment; repeatable.")
def command(file: Path, store: Path, **columns: object) -> None:
    """Turn FILE, a table of predictions, into events.

    FILE is CSV, NDJSON (both also as .gz) or Parquet; options take the names of its columns. Rows
    that cannot be used go to a file below the store, with their line and the reason. The last line
    of the output counts all rows: read = written + rejected.
    """
    options = ImportOptions(**columns)  # type: ignore[arg-type]  # click gives what it declares
    with progress_bar(f"importing {file.name}") as progress:
        report = import_table(file, store, options, progress)
    _print(report, store)
    if report.read and not report.written:
        raise click.exceptions.Exit(1)


def _print(report: ImportReport, store: Path) -> None:
    if report.labels:
        click.echo(f"{report.labels:,} of the rows have a label")
    for reason, count in sorted(report.reasons.items(), key=lambda item: -item[1]):
        click.echo(f"rejected {count:,}: {reason}")
    if report.rejected_file is not None:
        click.echo(f"the rejected rows are in {report.rejected_file}")
    if report.written:
        click.echo(f"next: elkmon errors --store {store}")
    click.echo(report.balance())
