"""On a terminal: as wide as it is, never wider, and the same figures."""

import re
import sys

import pytest
from rich.cells import cell_len

from tests.support.terminals import shown_on_terminal

SPAN = ("--since", "2026-11-10", "--until", "2026-11-20")


@pytest.fixture
def on_terminal(store):
    """A function that runs a command on a terminal of some columns, and returns unstyled lines."""

    def run(columns, command, *arguments):
        program = [sys.executable, "-m", "elkmon.cli", command]
        return shown_on_terminal(columns, *program, "--store", store, *arguments)

    return run


COMMANDS = [
    ("errors", "--by", "version", *SPAN),
    ("errors", "--every", "1d", *SPAN),
    ("quality", "--classes", "--by", "version", *SPAN),
    ("quality", "--every", "2d", *SPAN),
    ("confusion", "--by", "version", *SPAN),
    ("calibration", *SPAN),
    ("latency", "--by", "version", *SPAN),
    ("labels", "--by", "version", *SPAN),
    ("issues", "--no-note", *SPAN),
    ("compare", *SPAN),
    ("models",),
    ("events", "--dataset", "error", *SPAN),
]


@pytest.mark.parametrize("columns", [80, 110, 180])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_line_but_a_command_to_copy_is_wider_than_the_terminal(on_terminal, columns, command):
    lines = on_terminal(columns, *command)

    wide = [line for line in lines if cell_len(line) > columns]
    assert all(line.startswith("elkmon events") for line in wide)


def test_where_there_is_room_the_counts_stand_beside_the_share(on_terminal):
    lines = on_terminal(180, "errors", "--by", "version", *SPAN)

    assert any(re.search(r"fraud +1\.0 +4\.0 % \[1\.6, 9\.8\] +4 / 100 ", line) for line in lines)


def test_where_there_is_none_they_stand_below_with_the_course(on_terminal):
    lines = on_terminal(80, "errors", "--by", "version", *SPAN)

    place = next(i for i, line in enumerate(lines) if re.search(r"fraud +1\.0 ", line))
    assert "4.0 % [1.6, 9.8]" in lines[place]
    assert re.search(r"4 / 100 +8 / 80", lines[place + 1])
    assert re.search(r"[▁-█]{3}", lines[place + 2])


def test_a_command_to_copy_is_one_line_for_the_terminal_to_break(on_terminal):
    lines = on_terminal(80, "errors", *SPAN)

    assert lines[-1].startswith("elkmon events --store ")
    assert re.search(r"--where error.fingerprint=\w+ --dataset elkmon.error$", lines[-1])
