"""Build the command of a question from its record."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from elkmon.cli.options import (
    format_options,
    group_options,
    no_note_option,
    question_options,
    store_option,
)
from elkmon.present.empty_answer import explanation
from elkmon.present.output import Form, Output, clean, copyable, output_to, write_csv, write_json
from elkmon.query.question import Question
from elkmon.query.times import text_of
from elkmon.questions.record import Answer, Option, QuestionRecord
from elkmon.stores.location import Place
from elkmon.stores.protocol import Store
from elkmon.stores.registry import open_store

__all__ = ["question_command"]

After = Callable[[Store, Place, Answer], list[str]]
"""Called once the store has answered; returns notes."""


def question_command(
    record: QuestionRecord[..., Any], name: str | None = None, after: After | None = None
) -> click.Command:
    """Return the command of a question.

    Args:
        record: of the question.
        name: of the command; the record's if not given.
        after: called with the answer, unless the user gives ``--no-note``.
    """

    def command(
        store: Place,
        form: Form,
        output: Path | None,
        no_note: bool = False,
        **options: Any,  # noqa: ANN401 - those of the record
    ) -> None:
        values = {option.name: options.pop(option.name) for option in record.options}
        question = Question.of(**options)
        with closing(open_store(store)) as source:
            arguments = {o.name: values[o.name] for o in record.options if not o.of_table}
            answer = record.figures.answer(source, question, **arguments)
            notes = list(answer.result.notes)
            if answer.empty:
                reason = answer.reason or _explanation(source, store, question, record)
                notes = list(dict.fromkeys((*reason, *notes)))
            if after is not None and not no_note:
                notes += after(source, store, answer)
            result = replace(answer.result, notes=tuple(notes))
            with output_to(form, output) as out:
                _write(out, record, replace(answer, result=result, options=values), store)

    command.__doc__ = f"{record.summary}\n\n{record.help}"
    parameters = [store_option, question_options, *([group_options] if record.groups else [])]
    parameters += [_option(option) for option in record.options]
    if after is not None:
        parameters.append(no_note_option)
    for parameter in reversed([*parameters, format_options]):
        command = parameter(command)
    return click.command(name or record.command)(command)


def _write(
    out: Output,
    record: QuestionRecord[..., Any],
    answer: Answer,
    store: Place,
) -> None:
    notes = answer.result.notes
    if out.form == "json":
        parts = {name: part.to_dicts() for name, part in answer.parts.items()}
        write_json(
            out,
            {
                "question": answer.result.question.to_dict(),
                record.rows_name: answer.result.to_dicts(),
                **parts,
                "notes": list(notes),
            },
        )
    elif out.form == "csv":
        write_csv(out, *answer.csv())
        for note in notes:
            click.echo(clean(note), err=True)
    elif answer.empty:
        out.show(*(copyable(clean(note)) for note in notes))
    else:
        record.table.show(out, store, answer)


def _explanation(
    source: Store, store: Place, question: Question, record: QuestionRecord[..., Any]
) -> list[str]:
    more = [part for name in question.by if name != "model" for part in ("--by", name)]
    if question.every is not None:
        more += ["--every", text_of(question.every)]
    return explanation(source.catalog(), store, question, record.command or "", *more)


def _option(option: Option) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a record's option as one of click."""
    if option.default is False:
        return click.option(option.flag, option.name, is_flag=True, help=option.help)
    kind: click.Choice[str] | click.IntRange | None = None
    if option.choices:
        kind = click.Choice(option.choices)
    elif option.least is not None or option.most is not None:
        kind = click.IntRange(option.least, option.most)
    return click.option(
        option.flag,
        option.name,
        type=kind,
        default=None if option.repeatable else option.default,
        multiple=option.repeatable,
        show_default=not option.repeatable and option.default is not None,
        metavar=option.metavar,
        help=option.help,
    )
