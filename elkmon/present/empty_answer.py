"""Explain an empty answer, and give the command that would show something."""

from __future__ import annotations

import shlex
from datetime import timedelta

from elkmon.present.formatting import command_line, when
from elkmon.present.output import clean
from elkmon.query.conditions import condition_texts
from elkmon.query.question import Question
from elkmon.stores.location import Place, is_cluster, is_missing
from elkmon.stores.protocol import Catalog, Span

__all__ = ["explanation", "no_events"]


def explanation(
    catalog: Catalog, folder: Place, question: Question, command: str, *more: str
) -> list[str]:
    """Return lines that explain an empty answer; the last one may be a command to try.

    Args:
        catalog: of the store.
        folder: or the address of the store.
        question: that has no answer.
        command: that asked it.
        more: further arguments of the command.
    """
    if catalog.span is None:
        return [no_events(folder)]
    span = catalog.span
    if question.model is not None:
        spans = {entry.name: entry.span for entry in catalog.models}
        if question.model not in spans:
            known = f"it has: {', '.join(sorted(spans))}" if spans else "it has no predictions"
            return [clean(f"{folder} has no model {question.model}; {known}")]
        span = spans[question.model] or span
    in_span = f"from {when(question.since)} to {when(question.until)} UTC"
    if span.first < question.until and span.last >= question.since:
        where = clean(" and ".join(condition_texts(question.conditions)))
        missing = f"that match {where}: change --where" if where else "that answer this question"
        return [
            f"there are no events {in_span} {missing}; to see what the store holds:",
            clean(shlex.join(["elkmon", "models", "--store", str(folder)])),
        ]
    events = f"from {when(span.first)} to {when(span.last)} UTC"
    source = clean(f"the store ({folder})" if question.model is None else question.model)
    return [
        f"there are no events {in_span}; those of {source} run {events}:",
        command_line(command, folder, _over(question, span), *more),
    ]


def no_events(folder: Place) -> str:
    """Return the message that a store is empty."""
    if is_cluster(folder):
        return f"{clean(folder)} holds no events yet: run elkmon setup, then elkmon ship"
    if is_missing(folder):
        return f"there is no folder {clean(folder)}: name the folder of the events with --store"
    return f"{clean(folder)} holds no events yet"


def _over(question: Question, span: Span) -> Question:
    """Return the same question over a span of whole seconds."""
    return question.over(
        span.first.replace(microsecond=0),
        span.last.replace(microsecond=0) + timedelta(seconds=1),
    )
