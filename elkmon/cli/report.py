"""``elkmon report``: write what changed and why, to the terminal and as one HTML page."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from elkmon.cli.first_sight import note_first_sight
from elkmon.cli.options import no_note_option, question_options, store_option
from elkmon.cli.progress import progress_bar
from elkmon.present.empty_answer import explanation
from elkmon.present.output import clean, output_to
from elkmon.query.question import Question
from elkmon.stores.location import Place
from elkmon.stores.registry import open_store

__all__ = ["command"]

_MEGABYTE = 1_000_000


@click.command("report")
@store_option
@question_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    show_default=True,
    metavar="FILE",
    help="The file; one that is there is replaced, at once and whole.",
)
@no_note_option
def command(
    store: Place,
    output: Path,
    no_note: bool,
    **arguments: Any,  # noqa: ANN401 - what a question takes
) -> None:
    """Say what changed, and write why as one page of HTML.

    The page begins with what got worse, in words with the evidence, as it is printed here; then for
    each model, the worst first, its rates over time, issues with examples, quality by version,
    confusion, reliability, latency and label coverage; and how complete the data is. The file needs
    no network and no other file. When each issue was first seen is noted in the store, once.
    """
    from elkmon.report import build_report  # noqa: PLC0415 - an extra
    from elkmon.report.changes_table import show_changed  # noqa: PLC0415 - an extra

    question = Question.of(**arguments)
    with closing(open_store(store)) as source, progress_bar("building the report") as progress:
        report = build_report(source, question, store, progress)
        notes = [] if report.served else explanation(source.catalog(), store, question, "report")
        if not no_note:
            notes += note_first_sight(source, store, report.answers.issues)
    report.save(output)
    with output_to("table", None) as out:
        show_changed(out, report)
        size = f"{output.stat().st_size / _MEGABYTE:.1f} MB"
        out.show(Text(""), Text(f"{clean(output)}: {size}; open it in a browser", no_wrap=True))
    for note in notes:
        click.echo(note, err=True)
