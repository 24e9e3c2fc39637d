"""``elkmon report``: what changed and why, as one page of HTML."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import click

from elkmon.analysis.question import Question
from elkmon.cli.nothing import explanation
from elkmon.cli.options import question_options, store_option
from elkmon.cli.output import clean
from elkmon.cli.progress import shown_progress
from elkmon.events.errors import ConfigError
from elkmon.monitor import open_store

__all__ = ["command"]

_MEGABYTE = 1_000_000
_READABLE = 0o644


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
def command(store: Path, output: Path, **asked: Any) -> None:  # noqa: ANN401 - what a question takes
    """Write what changed, and why, as one page of HTML.

    First what got worse, in words with the evidence; then for each model, the worst first, its
    rates over time, issues with examples, quality by version, confusion, reliability, latency and
    label coverage; and how complete the data is. The file needs no network and nothing beside it.
    """
    try:
        from elkmon.report import build_report  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if error.name not in {"jinja2", "markupsafe"}:
            raise
        raise ConfigError(
            f"a report needs {error.name}: install it with pip install 'elkmon[report]'"
        ) from error
    question = Question.of(**asked)
    with closing(open_store(store)) as source, shown_progress("making the report") as progress:
        report = build_report(source, question, store, progress)
        said = [] if report.served else explanation(source.catalog(), store, question, "report")
    data = report.html.encode()
    _write(output, data)
    click.echo(f"{clean(output)}: {len(data) / _MEGABYTE:.1f} MB")
    for line in said:
        click.echo(line, err=True)


def _write(path: Path, data: bytes) -> None:
    """Put a file in place, whole or not at all.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
            made = Path(file.name)
            try:
                file.write(data)
                file.flush()
                # as any other file that people make: readable, unless they say otherwise
                mask = os.umask(0)
                os.umask(mask)
                made.chmod(_READABLE & ~mask)
                made.replace(path)
            except BaseException:
                made.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise ConfigError(f"cannot write to {path}: {error.strerror}") from error
