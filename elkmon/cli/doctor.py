"""``elkmon doctor``: say what is wrong with a store, where, and what to do."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from elkmon.cli.options import format_options, store_option
from elkmon.cli.progress import progress_bar
from elkmon.events.cluster_settings import access
from elkmon.events.errors import StoreError
from elkmon.present.output import Form, Output, clean, output_to, write_csv, write_json
from elkmon.present.result import plain
from elkmon.stores.finding import Finding
from elkmon.stores.location import Place
from elkmon.stores.protocol import Examinable
from elkmon.stores.registry import open_store

__all__ = ["command"]

_COLUMNS = ("level", "what", "count", "places", "advice")
_STYLES = {"problem": "bold red", "warning": "yellow", "note": "cyan"}


@click.command("doctor")
@store_option
@click.option(
    "--logstash",
    metavar="URL",
    help="Examine a Logstash instead, at its monitoring API: http://localhost:9600.",
)
@format_options
def command(store: Place, logstash: str | None, form: Form, output: Path | None) -> None:
    """Look for what is wrong with a store.

    It finds lines that are not events, values of a wrong type, missing events, labels without a
    prediction and wrong clocks; on a cluster also indices without elkmon's templates. With
    --logstash it looks at pipelines, queues and dead letters. Exit code 1 if there is a problem.
    """
    findings = _examine(store) if logstash is None else _examine_logstash(logstash)
    with output_to(form, output) as out:
        if form == "json":
            write_json(out, plain(findings))
        elif form == "csv":
            rows = ([f.level, f.what, f.count, " ".join(f.places), f.advice] for f in findings)
            write_csv(out, _COLUMNS, rows)
        else:
            _show(out, logstash or store, findings)
    if any(finding.level == "problem" for finding in findings):
        raise click.exceptions.Exit(1)


def _examine_logstash(url: str) -> list[Finding]:
    from elkmon.logstash.health import examine  # noqa: PLC0415 - needs elkmon[elastic]

    return examine(url, access())


def _examine(store: Place) -> list[Finding]:
    with closing(open_store(store)) as source, progress_bar("examining") as progress:
        if not isinstance(source, Examinable):
            raise StoreError(
                f"{store} cannot be examined: its store offers no checks; elkmon models shows how "
                "complete it is"
            )
        return source.examine(progress)


def _show(out: Output, store: Place, findings: list[Finding]) -> None:
    counts = [(sum(finding.level == level for finding in findings), level) for level in _STYLES]
    total = ", ".join(f"{count} {level}{'s' * (count != 1)}" for count, level in counts if count)
    out.show(*map(_grid, findings), Text(clean(f"{store}: {total or 'nothing is wrong'}")))


def _grid(finding: Finding) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=len("problem"))
    grid.add_column()
    count = f" ({finding.count:,})" if finding.count > 1 else ""
    level = Text(finding.level, style=_STYLES[finding.level])
    grid.add_row(level, Text(clean(f"{finding.what}{count}")))
    if finding.places:
        grid.add_row("", Text(clean(", ".join(finding.places)), style="dim"))
    if finding.advice:
        grid.add_row("", Text(clean(finding.advice)))
    return grid
