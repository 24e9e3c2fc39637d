"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from elkmon.events.cluster_settings import access
from elkmon.events.datasets import DATASETS, dataset_name, short_name
from elkmon.events.errors import QueryError
from elkmon.stores.elastic.indices import RETENTION
from elkmon.stores.location import FOLDER, is_cluster, scheme_of

__all__ = [
    "PlaceType",
    "cluster_option",
    "dataset_option",
    "folder_option",
    "format_options",
    "group_options",
    "no_note_option",
    "question_options",
    "retention_option",
    "store_option",
    "where_option",
]

_Command = Callable[..., Any]


class PlaceType(click.Path):
    """A folder, or the address of a store."""

    def __init__(self, *, address: bool) -> None:
        super().__init__(path_type=Path, file_okay=address)
        self._address = address

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401 - a Place
        """Return an address as text, if the option takes one, or a folder as a path."""
        if scheme_of(value) == FOLDER:
            return super().convert(value, param, ctx)
        if not self._address:
            kind = "a cluster" if is_cluster(value) else "not a folder"
            self.fail(f"{value} is {kind}; give the folder that an application logs to", param, ctx)
        return str(value)


def _store_option(text: str, *, address: bool) -> Callable[[_Command], _Command]:
    return click.option(
        "--store",
        type=PlaceType(address=address),
        envvar="ELKMON_STORE",
        default=Path("elkmon-data"),
        show_default=True,
        help=text,
    )


store_option = _store_option(
    "Folder of the events, or Elasticsearch as https://es:9200; also ELKMON_STORE.", address=True
)
folder_option = _store_option("Folder of the events; also ELKMON_STORE.", address=False)
cluster_option = click.option(
    "--store",
    envvar="ELKMON_STORE",
    required=True,
    metavar="URL",
    help="Elasticsearch, such as https://es:9200; also ELKMON_STORE.",
)


def retention_option(text: str) -> Callable[[_Command], _Command]:
    """Return the option for how long events are kept."""
    return click.option(
        "--retention",
        type=click.IntRange(1, 36_500),
        default=lambda: access().retention or RETENTION.days,
        show_default=f"ELKMON_RETENTION, else {RETENTION.days}",
        metavar="DAYS",
        help=text,
    )


def _dataset(_context: click.Context, _option: click.Parameter, name: str | None) -> str | None:
    try:
        return None if name is None else dataset_name(name)
    except QueryError as error:
        raise click.BadParameter(str(error)) from None


dataset_option = click.option(
    "--dataset",
    callback=_dataset,
    shell_complete=lambda _context, _option, begun: [
        name for name in map(short_name, DATASETS) if name.startswith(begun)
    ],
    metavar="DATASET",
    help=f"Only events of one dataset: {', '.join(map(short_name, DATASETS))}.",
)


no_note_option = click.option(
    "--no-note", is_flag=True, help="Do not note in the store when each issue was first seen."
)

where_option = click.option(
    "--where",
    metavar="CONDITION",
    multiple=True,
    help="Condition, such as version=2.0.0, segment.country!=de, ml.prediction.score>=0.9; "
    "repeatable: all must hold, but of several = for one field only one.",
)


def question_options(command: _Command) -> _Command:
    """Add the options for model, span and conditions."""
    for option in reversed(
        (
            click.option("--model", metavar="NAME", help="Only this model."),
            click.option(
                "--since",
                metavar="TIME",
                help="Begin: 24h, 7d, 2026-11-01, ISO 8601; default: 7 days before the end.",
            ),
            click.option("--until", metavar="TIME", help="End, not included; default: now."),
            where_option,
        )
    ):
        command = option(command)
    return command


def group_options(command: _Command) -> _Command:
    """Add the options for steps over time and groups."""
    for option in reversed(
        (
            click.option(
                "--every", metavar="STEP", help="Show steps over time: 5m, 1h, 12h, 1d, 1w."
            ),
            click.option(
                "--by",
                metavar="FIELD",
                multiple=True,
                help="Group by version, segment.country or any other field; repeatable.",
            ),
        )
    ):
        command = option(command)
    return command


def format_options(command: _Command) -> _Command:
    """Add the options for the form of the output, and its file."""
    for option in reversed(
        (
            click.option(
                "--format",
                "form",
                type=click.Choice(["table", "json", "csv"]),
                default="table",
                show_default=True,
                help="Form of the output.",
            ),
            click.option(
                "-o",
                "--output",
                type=click.Path(path_type=Path, dir_okay=False),
                metavar="FILE",
                help="Write to FILE instead of standard output.",
            ),
        )
    ):
        command = option(command)
    return command
