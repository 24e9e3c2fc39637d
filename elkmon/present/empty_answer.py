"""Why there is nothing to show, and the command that would show something."""

from __future__ import annotations

import shlex
from datetime import timedelta

from elkmon.present.formatting import command_line, when
from elkmon.present.output import clean
from elkmon.query.question import Question
from elkmon.stores.location import Place, is_cluster, is_missing
from elkmon.stores.protocol import Catalog, Span

__all__ = ["explanation", "no_events"]


def explanation(
    catalog: Catalog, folder: Place, question: Question, command: str, *more: str
) -> list[str]:
    """Explain an empty answer, in lines; the last is the command to try where there is one.

    Args:
        catalog: what the store has.
        folder: where it is.
        question: what was asked.
        command: that was called.
        more: its own arguments.
    """
    if catalog.span is None:
        return [no_events(folder)]
    span = catalog.span
    if question.model is not None:
        names = {each.name: each.span for each in catalog.models}
        if question.model not in names:
            known = f"it has: {', '.join(sorted(names))}" if names else "it has no predictions"
            return [clean(f"{folder} knows no model {question.model}; {known}")]
        span = names[question.model] or span
    asked = f"from {when(question.since)} to {when(question.until)} UTC"
    if span.first < question.until and span.last >= question.since:
        tried = clean(shlex.join(["elkmon", "models", "--store", str(folder)]))
        return [f"nothing {asked} meets the conditions; what there is shows: {tried}"]
    whose = clean(f"the store's ({folder})" if question.model is None else f"{question.model}'s")
    return [
        f"nothing {asked}; {whose} events span {when(span.first)} to {when(span.last)} UTC:",
        command_line(command, folder, _over(question, span), *more),
    ]


def no_events(folder: Place) -> str:
    """Say that a store is empty."""
    if is_cluster(folder):
        return f"{clean(folder)} holds no events yet: elkmon setup, then elkmon ship, bring them"
    if is_missing(folder):
        return f"there is no folder {clean(folder)}: say where the events are with --store"
    return f"{clean(folder)} holds no events yet"


def _over(question: Question, span: Span) -> Question:
    """Ask the same over a span, from its first second to the end of its last."""
    return question.over(
        span.first.replace(microsecond=0),
        span.last.replace(microsecond=0) + timedelta(seconds=1),
    )
