"""``elkmon report``: the file that it writes, and what it says."""

import os
import re
import shlex
import stat
import subprocess
import sys
from contextlib import closing
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner

from elkmon.cli import main
from elkmon.query.question import Question
from elkmon.questions.issues.figures import issues
from elkmon.questions.issues.states import notes_of
from elkmon.stores.registry import open_store
from tests.support.report_scenes import END, HOSTILE, SPAN, START, serve

ROOT = Path(__file__).parents[2]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_it_writes_the_file_and_says_where_and_how_large(store, tmp_path):
    path = tmp_path / "out.html"

    result = run("report", "--no-note", "--store", store, *SPAN, "-o", path)

    assert (result.exit_code, result.stderr) == (0, "")
    size = path.stat().st_size / 1e6
    assert result.stdout.endswith(f"\n{path}: {size:.1f} MB; open it in a browser\n")
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_it_prints_what_changed_as_the_page_begins(store, report, tmp_path):
    text = run("report", "--no-note", "--store", store, *SPAN, "-o", tmp_path / "r.html").stdout

    assert text.startswith(f"What changed: {report.alarms} things got worse, in fraud\n")
    places = [
        text.index(part) for finding in report.sections[0].findings
        for part in (finding.title, *finding.evidence)
    ]  # fmt: skip
    assert places == sorted(places)
    assert len(places) > 5


def test_it_prints_that_nothing_is_known_to_have_got_worse(tmp_path):
    folder = serve(tmp_path / "store", worse=False)

    text = run("report", "--store", folder, *SPAN, "-o", tmp_path / "r.html").stdout

    assert text.startswith("What changed: no sign that anything got worse\n")
    assert "Unclear No evidence that the failure rate of 2.0 differs from that of 1.0" in text


def test_what_steers_a_terminal_is_written_out(tmp_path):
    folder = serve(tmp_path / "store", name=HOSTILE)

    text = run("report", "--store", folder, *SPAN, "-o", tmp_path / "r.html").stdout

    assert "\\x1b[2J" in text
    assert not {"\x1b", "\x07", "\u202e", "\u2028"} & set(text)


def test_the_first_sight_of_its_issues_is_noted_once(tmp_path):
    folder = serve(tmp_path / "store")
    arguments = ("report", "--store", folder, *SPAN, "-o", tmp_path / "r.html")

    quiet = run(*arguments, "--no-note").stderr
    first, second = run(*arguments).stderr, run(*arguments).stderr

    assert (quiet, second) == ("", "")
    assert re.fullmatch(r"when \d issues were first seen is now noted in the store .*\n", first)
    with closing(open_store(folder)) as store:
        notes = notes_of(store)
        rows = issues(store, Question.of(since=START, until=END)).rows
    assert {name: note.first_seen for name, note in notes.items()} == {
        row.id: row.first_seen for row in rows
    }


def test_where_notes_cannot_be_written_it_says_so_and_makes_the_page(tmp_path, monkeypatch):
    folder = serve(tmp_path / "store")
    monkeypatch.setitem(os.environ, "ELKMON_MAX_BYTES", "1")

    result = run("report", "--store", folder, *SPAN, "-o", tmp_path / "r.html")

    assert result.exit_code == 0
    assert "when issues were first seen is not noted: " in result.stderr
    assert (tmp_path / "r.html").exists()


def test_it_is_called_report_html_where_nothing_else_is_said(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert run("report", "--store", store, *SPAN).exit_code == 0

    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_file_that_is_there_is_replaced(store, tmp_path):
    path = tmp_path / "out.html"
    path.write_text("old")
    mask = os.umask(0o022)
    os.umask(mask)

    run("report", "--store", store, *SPAN, "-o", path)

    assert path.stat().st_size > 100_000
    assert stat.S_IMODE(path.stat().st_mode) == 0o644 & ~mask
    assert [path.name for path in tmp_path.iterdir()] == ["out.html"]


def test_a_place_that_cannot_be_written_is_named(store, tmp_path):
    result = run("report", "--store", store, *SPAN, "-o", tmp_path / "no" / "out.html")

    assert result.exit_code == 2
    assert f"cannot write to {tmp_path}/no/out.html" in result.stderr


def test_where_nothing_was_served_it_says_what_there_is(store, tmp_path):
    result = run("report", "--store", store, "--since", "2020-01-01", "--until", "2020-01-02",
                 "-o", tmp_path / "out.html")  # fmt: skip

    assert result.exit_code == 0
    assert "run from 2026-11-10 00:00" in result.stderr
    assert "elkmon report --store" in result.stderr


def test_the_commands_of_the_page_run(store, report):
    lines = {unescape(line) for line in re.findall(r"<code>(elkmon [^<]+)</code>", report.html)}

    assert len(lines) >= 10
    for line in lines:
        result = run(*shlex.split(line)[1:])
        assert result.exit_code == 0, (line, result.output)


@pytest.mark.parametrize("missing", ["jinja2", "vl_convert"])
def test_without_its_extra_it_says_what_to_install(missing, tmp_path):
    code = (
        f"import sys; sys.modules['{missing}'] = None\n"
        "from elkmon.cli import main\n"
        f"main(['report', '--store', '{tmp_path}', '-o', '{tmp_path}/r.html'])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert done.returncode == 2
    assert "pip install 'elkmon[report]'" in done.stderr
