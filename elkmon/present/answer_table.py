"""What the tables of several questions have in common: what explains them, and what is behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.text import Text

from elkmon.events.datasets import PREDICTION
from elkmon.present.formatting import cell, command_line, when
from elkmon.present.output import Output, clean, typed_text
from elkmon.present.result import Result
from elkmon.query.conditions import dimension, equal, typed
from elkmon.query.question import Question
from elkmon.query.times import SECONDS
from elkmon.stores.location import Place
from elkmon.stores.protocol import Cell, TimeBucket

__all__ = ["behind", "explain", "group_name", "of_group", "sampled", "steps_of"]


def explain(out: Output, result: Result[Any], *lines: str) -> None:
    """Write the span, what explains a table, and notes."""
    question = result.question
    span = f"{when(question.since)} to {when(question.until)} UTC; in brackets the 95 % interval"
    out.show(*(Text(line, "dim") for line in (span, *lines) if line))
    if result.notes:
        out.show(*(Text(clean(note), "yellow") for note in result.notes))


def behind(out: Output, folder: Place, question: Question, *more: str) -> None:
    """Write the command that lists the predictions behind a figure."""
    line = command_line("events", folder, question, "--dataset", PREDICTION, *more)
    out.show(Text(""), Text("The events behind", "bold"), typed_text(line))


def of_group(question: Question, by: Mapping[str, Cell]) -> list[str]:
    """Give the arguments that narrow a command to one group."""
    more: list[str] = []
    for name, value in by.items():
        if name == "model" and question.model is None and value is not None:
            more += ["--model", clean(value)]
        elif name != "model":
            more += ["--where", *typed([equal(dimension(name), value)])]
    return more


def group_name(by: Mapping[str, Cell]) -> str:
    """Write a group on one line."""
    return " ".join(cell(value) for value in by.values())


def steps_of(steps: TimeBucket, times: Sequence[datetime]) -> list[datetime]:
    """List all steps from the first to the last, those without events as well."""
    known = sorted(set(times))
    width = timedelta(seconds=steps.every * SECONDS[steps.unit])
    number = (known[-1] - known[0]) // width + 1 if known else 0
    return [known[0] + width * position for position in range(number)]


def sampled(weighted: bool) -> str:
    """Explain the asterisk, where there is one."""
    if not weighted:
        return ""
    return (
        "* sampled: each prediction counts as many times as it stands for; the counts are what is "
        "stored"
    )
