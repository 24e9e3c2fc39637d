"""The registry of questions: what their records promise is there."""

import inspect
from importlib.util import find_spec

import click
import pytest

from elkmon import Monitor
from elkmon.cli import main
from elkmon.questions.record import QuestionRecord
from elkmon.questions.registry import Questions, built_in, questions

COMMANDS = [record for record in built_in() if record.command is not None]


def name_of(record):
    return record.method


def test_the_attribute_of_a_question_is_its_method():
    records = {
        name: value for name, value in vars(Questions).items() if isinstance(value, QuestionRecord)
    }

    assert {name: record.method for name, record in records.items()} == {
        name: name for name in records
    }
    assert list(questions()) == list(records)


@pytest.mark.parametrize("record", built_in(), ids=name_of)
def test_a_question_is_a_method_of_the_client(record, tmp_path):
    with Monitor(tmp_path) as monitor:
        method = getattr(monitor, record.method)

    assert method.func is record.ask
    assert inspect.getdoc(record.ask)
    assert "model" in inspect.signature(record.ask).parameters
    assert record.method in dir(Monitor)


@pytest.mark.parametrize("record", COMMANDS, ids=name_of)
def test_the_options_of_a_command_are_arguments_of_its_answer(record):
    parameters = list(inspect.signature(record.figures.answer).parameters)

    assert parameters[2:] == [option.name for option in record.options if not option.of_table]


@pytest.mark.parametrize("record", COMMANDS, ids=name_of)
def test_a_command_has_a_table_and_the_options_of_its_record(record):
    command = main.get_command(click.Context(main), record.command)
    if isinstance(command, click.Group):
        command = command.commands["list"]
    flags = {flag for parameter in command.params for flag in parameter.opts}

    assert list(inspect.signature(record.table.show).parameters)[1:] == ["store", "answer"]
    assert {option.flag for option in record.options} <= flags
    assert ({"--by", "--every"} <= flags) == record.groups


@pytest.mark.parametrize("record", built_in(), ids=name_of)
def test_a_question_in_the_report_has_a_section(record):
    there = record.in_report and find_spec(f"{record.package}.section") is not None

    assert record.in_report == (there and callable(record.section.ask))
    assert not record.in_report or callable(record.section.blocks)
