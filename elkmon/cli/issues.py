"""``elkmon issues``: the list, one of them in full, and what was decided of them."""

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
    """A group that lists, where nothing else is said; options may stand before the command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take ``elkmon issues`` as ``elkmon issues list``, and the command to the front."""
        place = self._place(args)
        if place is not None:
            args = [args[place], *args[:place], *args[place + 1 :]]
        elif not args or args[0] not in ctx.help_option_names:
            args = ["list", *args]
        return super().parse_args(ctx, args)

    def _place(self, args: list[str]) -> int | None:
        """Find the command behind options and their values; None where there is none."""
        params = (param for command in self.commands.values() for param in command.params)
        options = (each for each in params if isinstance(each, click.Option) and not each.is_flag)
        valued = {name for option in options for name in option.opts}
        place = 0
        while place < len(args) and args[place].startswith("-"):
            place += 2 if args[place] in valued else 1
        return place if place < len(args) and args[place] in self.commands else None


@click.group("issues", cls=_Issues)
def command() -> None:
    """Show what goes wrong, as one list.

    Exceptions, and wrong answers that became more frequent; and decide what becomes of them.
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
def show(issue: str, store: Place, form: Form, output: Path | None, **asked: Any) -> None:  # noqa: ANN401
    """Show one issue in full: trend, versions, segments, three events.

    ID is what the list shows, or as much of its beginning as tells it from the others.
    """
    question = Question.of(**asked)
    with closing(open_store(store)) as source:
        detail = issue_detail(source, question, issue)
    with output_to(form, output) as out:
        if form == "json":
            write_json(out, {"question": question.to_dict(), **plain(detail)})
        elif form == "csv":
            write_csv(out, ("time", "count"), ([e.time, e.count] for e in detail.issue.trend))
        else:
            show_issue(out, store, question, detail)


def _deciding(name: str, action: _Action, help_text: str) -> None:
    """Add a command that notes what was decided."""

    @command.command(name, help=help_text)
    @click.argument("issue", metavar="ID...", nargs=-1, required=True)
    @store_option
    @question_options
    def decide(issue: tuple[str, ...], store: Place, **asked: Any) -> None:  # noqa: ANN401
        question = Question.of(**asked)
        with closing(open_store(store)) as source:
            known = _known(source, question)
            chosen = [known[find_issue(known, each)] for each in dict.fromkeys(issue)]
            notes = [IssueNote(e.id, action, e.title, e.model, e.version) for e in chosen]
            note(source, store, notes)
        short = abbreviated(known)
        for each in chosen:
            where = "" if each.version is None else f" (in {each.version})"
            click.echo(clean(f"{action} {short(each.id)}: {each.title}{where}"))


_deciding(
    "resolve",
    "resolved",
    "Say that issues are done: seen again, in this or a later version, they have regressed.",
)
_deciding("ignore", "ignored", "Leave issues out of the list, whatever comes.")
_deciding("reopen", "reopened", "Take back that issues are resolved or ignored.")


@dataclass(frozen=True, slots=True)
class _Known:
    id: str
    title: str
    model: str | None
    version: str | None
    """The model's current one."""


def _known(store: Store, question: Question) -> dict[str, _Known]:
    """Give all issues that something can be decided of: of the span, and those of the notes."""
    catalog = store.catalog()
    versions = {each.name: current_side(each, question).version for each in catalog.models}
    for each in catalog.models:
        if versions[each.name] is None and len(each.versions) == 1:
            versions[each.name] = each.versions[0].version or None
    found = {name: _noted(store, name, note) for name, note in notes_of(store).items()}
    for row in issues(store, question, states=STATES).rows:
        model = row.models[0] if len(row.models) == 1 else None
        found[row.id] = _Known(row.id, row.title, model, versions.get(model or ""))
    return found


def _noted(store: Store, fingerprint: str, _note: Note) -> _Known:
    only = Filter(conditions=(Condition("error.fingerprint", "=", (fingerprint,)),))
    for event in store.events(ISSUE, where=only, limit=1):
        said = [lookup(event, each) for each in ("message", "ml.model.name", "ml.model.version")]
        title, model, version = (None if each is None else str(each) for each in said)
        return _Known(fingerprint, title or "", model, version)
    return _Known(fingerprint, "", None, None)
