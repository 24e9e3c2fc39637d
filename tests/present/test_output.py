"""What is shown is escaped for where it is shown."""

import csv
import json
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from elkmon.present.output import Output, clean, table, write_csv, write_json, write_line


def output(*, terminal=False):
    stream = StringIO()
    console = Console(file=stream, force_terminal=terminal, width=60, markup=False)
    return stream, Output(stream, "table", terminal, console)


@given(st.text())
def test_nothing_that_steers_a_terminal_is_left(text):
    written = clean(text)

    assert all(char.isprintable() or char.isspace() for char in written if char not in text)
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in written)
    written.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "written"),
    [("a\nb", "a\\nb"), ("\x1b[2J", "\\x1b[2J"), ("\u202egnp", "\\u202egnp"), ("\ud800", "\\ud800"),
     ("plain é 日本", "plain é 日本")],
)  # fmt: skip
def test_it_is_written_out_instead(text, written):
    assert clean(text) == written


@pytest.mark.parametrize("terminal", [True, False])
def test_markup_in_values_stays_text(terminal):
    stream, out = output(terminal=terminal)
    rendered = table(out, ["[bold]head[/bold]"])
    rendered.add_row(Text("[red]:smile:[/red]"))

    out.show(rendered)

    assert "[bold]head[/bold]" in stream.getvalue()
    assert "[red]:smile:[/red]" in stream.getvalue()


def test_in_a_pipe_there_are_no_colours_no_rules_and_no_broken_lines():
    stream, out = output()
    rendered = table(out, ["a", "b"])
    rendered.add_row(Text("x" * 500, "red"), Text("y"))

    out.show(rendered, Text("", "red"))

    assert stream.getvalue() == "a" + " " * 500 + "b\n" + "x" * 500 + " y\n\n"


@pytest.mark.parametrize("write", [write_json, write_line])
@given(text=st.text() | st.text("\x7f\x9b\u2028\u202e\ud800"))
def test_json_is_read_back_as_it_was_and_steers_no_terminal(write, text):
    stream, out = output()

    write(out, {"a": [text, 1]})

    written = stream.getvalue()
    assert json.loads(written)["a"][0] == text.encode("utf-8", "replace").decode()
    assert not any(0x7F <= ord(char) < 0xA0 or char in "\x1b\u202e" for char in written)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\\tx"),
        ("\r=1", "'\\r=1"),
        ("-12.5", "-12.5"),
        ("+1e-9", "+1e-9"),
        (-0.25, "-0.25"),
        (None, ""),
        (True, "True"),
        ("plain", "plain"),
        ("a,b", "a,b"),
    ],
)
def test_no_cell_of_csv_can_be_taken_for_a_formula(value, cell):
    stream, out = output()

    write_csv(out, ["=head"], [[value, "x"]])

    head, row = csv.reader(StringIO(stream.getvalue()))
    assert head == ["'=head"]
    assert row == [cell, "x"]
