"""``elkmon issues``: list issues, show one in full, and resolve, ignore or reopen them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click

from elkmon.cli.first_sight import note_first_sight
from elkmon.cli.noting import note
from elkmon.cli.options import format_options, question_options, store_option
from elkmon.cli.question_command import question_command
from elkmon.emit.issue_notes import IssueNote
from elkmon.events.datasets import ISSUE
from elkmon.present.output import Form, clean, output_to, write_csv, write_json
from elkmon.present.result import plain
from elkmon.query.conditions import lookup
from elkmon.query.question import Question
from elkmon.questions.compare.comparison_sides import current_side
from elkmon.questions.issues import ISSUES, STATES
from elkmon.questions.issues.detail import find_issue, issue_detail
from elkmon.questions.issues.detail_table import show_issue
from elkmon.questions.issues.figures import issues
from elkmon.questions.issues.states import Note, notes_of
from elkmon.questions.issues.table import abbreviated
from elkmon.questions.record import Answer
from elkmon.stores.location import Place
from elkmon.stores.protocol import Condition, Filter, Store
from elkmon.stores.registry import open_store

__all__ = ["command"]

_Action = Literal["resolved", "ignored", "reopened"]


class _Issues(click.Group):
    """A group whose default command is ``list``; options may stand before the command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Add ``list`` if there is no command, and move the command before its options."""
        at = self._position(args)
        if at is not None:
            args = [args[at], *args[:at], *args[at + 1 :]]
        elif not args or args[0] not in ctx.help_option_names:
            args = ["list", *args]
        return super().parse_args(ctx, args)

    def _position(self, args: list[str]) -> int | None:
        """Return the position of the command behind options; None if there is none."""
        params = (param for command in self.commands.values() for param in command.params)
        options = (
            param for param in params if isinstance(param, click.Option) and not param.is_flag
        )
        valued = {name for option in options for name in option.opts}
        position = 0
        while position < len(args) and args[position].startswith("-"):
            position += 2 if args[position] in valued else 1
        return position if position < len(args) and args[position] in self.commands else None


@click.group("issues", cls=_Issues)
def command() -> None:
    """Show what goes wrong, as one list.

    Exceptions, and wrong answers that became more frequent; resolve, ignore or reopen them.
    `elkmon issues` alone is `elkmon issues list`.
    """


def _note_first_sight(source: Store, store: Place, answer: Answer) -> list[str]:
    return note_first_sight(source, store, answer.result.rows)


command.add_command(question_command(ISSUES, "list", _note_first_sight))


@command.command("show")
@click.argument("issue", metavar="ID")
@store_option
@question_options
@click.option("--every", metavar="STEP", help="Width of the steps of the trend: 1h, 12h, 1d, 1w.")
@format_options
def show(issue: str, store: Place, form: Form, output: Path | None, **arguments: Any) -> None:  # noqa: ANN401
    """Show one issue in full: trend, versions, segments, three events.

    ID is what the list shows, or a unique beginning of it.
    """
    question = Question.of(**arguments)
    with closing(open_store(store)) as source:
        detail = issue_detail(source, question, issue)
    with output_to(form, output) as out:
        if form == "json":
            write_json(out, {"question": question.to_dict(), **plain(detail)})
        elif form == "csv":
            write_csv(out, ("time", "count"), ([e.time, e.count] for e in detail.issue.trend))
        else:
            show_issue(out, store, question, detail)


def _add_decision(name: str, action: _Action, help_text: str) -> None:
    """Add a command that notes a decision."""

    @command.command(name, help=help_text)
    @click.argument("issue", metavar="ID...", nargs=-1, required=True)
    @store_option
    @question_options
    def decide(issue: tuple[str, ...], store: Place, **arguments: Any) -> None:  # noqa: ANN401
        question = Question.of(**arguments)
        with closing(open_store(store)) as source:
            by_id = _decidable_issues(source, question)
            chosen = [by_id[find_issue(by_id, prefix)] for prefix in dict.fromkeys(issue)]
            notes = [IssueNote(i.id, action, i.title, i.model, i.version) for i in chosen]
            note(source, store, notes)
        short = abbreviated(by_id)
        for row in chosen:
            where = "" if row.version is None else f" (in {row.version})"
            click.echo(clean(f"{action} {short(row.id)}: {row.title}{where}"))


_add_decision(
    "resolve",
    "resolved",
    "Mark issues as resolved: seen again, in this or a later version, they have regressed.",
)
_add_decision("ignore", "ignored", "Leave issues out of the list, even if they occur again.")
_add_decision("reopen", "reopened", "Undo resolving or ignoring issues.")


@dataclass(frozen=True, slots=True)
class _DecidableIssue:
    id: str
    title: str
    model: str | None
    version: str | None
    """The model's current one."""


def _decidable_issues(store: Store, question: Question) -> dict[str, _DecidableIssue]:
    """Return all issues that can be decided on: those of the span, and those with notes."""
    catalog = store.catalog()
    versions = {entry.name: current_side(entry, question).version for entry in catalog.models}
    for entry in catalog.models:
        if versions[entry.name] is None and len(entry.versions) == 1:
            versions[entry.name] = entry.versions[0].version or None
    by_id = {name: _noted(store, name, note) for name, note in notes_of(store).items()}
    for row in issues(store, question, states=STATES).rows:
        model = row.models[0] if len(row.models) == 1 else None
        by_id[row.id] = _DecidableIssue(row.id, row.title, model, versions.get(model or ""))
    return by_id


def _noted(store: Store, fingerprint: str, _note: Note) -> _DecidableIssue:
    only = Filter(conditions=(Condition("error.fingerprint", "=", (fingerprint,)),))
    for event in store.events(ISSUE, where=only, limit=1):
        values = [
            lookup(event, value) for value in ("message", "ml.model.name", "ml.model.version")
        ]
        title, model, version = (None if value is None else str(value) for value in values)
        return _DecidableIssue(fingerprint, title or "", model, version)
    return _DecidableIssue(fingerprint, "", None, None)
