"""Write what the tables of several questions share: group columns, notes, and commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.text import Text

from elkmon.events.datasets import PREDICTION
from elkmon.present.formatting import cell, command_line, when
from elkmon.present.output import Output, clean, copyable
from elkmon.present.result import Result
from elkmon.query.conditions import condition_texts, dimension, equal
from elkmon.query.question import Question
from elkmon.query.times import grid
from elkmon.stores.location import Place
from elkmon.stores.protocol import Cell, TimeBucket

__all__ = ["all_steps", "group_cells", "group_heads", "group_name", "show_command", "show_notes"]

_SAMPLED = (
    "* sampled: each prediction counts as many times as it stands for; the counts are what is "
    "stored"
)


def show_notes(out: Output, result: Result[Any], *lines: str, weighted: bool) -> None:
    """Write the span, explanations of a table, and notes.

    Args:
        out: where to write.
        result: with the span and the notes.
        lines: explanations; empty ones are left out.
        weighted: whether a figure has an asterisk, because it is weighted.
    """
    span = f"{when(result.question.since)} to {when(result.question.until)} UTC"
    lines = (f"{span}; in brackets the 95 % interval", *lines, _SAMPLED if weighted else "")
    out.show(*(Text(line, "dim") for line in lines if line))
    if result.notes:
        out.show(*(Text(clean(note), "yellow") for note in result.notes))


def show_command(
    out: Output, store: Place, question: Question, *where: str, by: Mapping[str, Cell] | None = None
) -> None:
    """Write the command that lists the predictions behind a figure.

    Args:
        out: where to write.
        store: the folder or the address.
        question: of the figure.
        where: further conditions, as text.
        by: the group of the figure; all groups if not given.
    """
    groups = dict(by or {})
    model = groups.pop("model", None)
    more = [] if model is None or question.model is not None else ["--model", clean(model)]
    group = condition_texts([equal(dimension(name), value) for name, value in groups.items()])
    more += [part for text in (*group, *where) for part in ("--where", text)]
    line = command_line("events", store, question, "--dataset", PREDICTION, *more)
    out.show(Text(""), Text("The events behind", "bold"), copyable(line))


def group_heads(question: Question) -> list[str]:
    """Return the heads of the columns that name a row's group and step."""
    time = [] if question.every is None else ["time (UTC)"]
    return [*map(clean, question.by), *time]


def group_cells(by: Mapping[str, Cell], time: datetime | None) -> list[Text]:
    """Return the cells under :func:`group_heads`."""
    return [*(Text(cell(value)) for value in by.values()), *([Text(when(time))] if time else [])]


def group_name(by: Mapping[str, Cell]) -> str:
    """Return a group on one line."""
    return " ".join(cell(value) for value in by.values())


def all_steps(steps: TimeBucket, times: Sequence[datetime]) -> list[datetime]:
    """Return all steps from the first to the last, also those without events."""
    return grid(steps, min(times), max(times) + timedelta.resolution) if times else []
