"""``elkmon report``: the file that it writes, and what it says."""

import os
import re
import shlex
import stat
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner
from scenes import SPAN

from elkmon.cli import main

ROOT = Path(__file__).parents[2]


def run(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments])


def test_it_writes_the_file_and_says_where_and_how_large(store, tmp_path):
    path = tmp_path / "out.html"

    result = run("report", "--store", store, *SPAN, "-o", path)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{path}: {path.stat().st_size / 1e6:.1f} MB\n"
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_it_is_called_report_html_where_nothing_else_is_said(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert run("report", "--store", store, *SPAN).exit_code == 0

    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_a_file_that_is_there_is_replaced(store, tmp_path):
    path = tmp_path / "out.html"
    path.write_text("old")
    mask = os.umask(0o022)
    os.umask(mask)

    run("report", "--store", store, *SPAN, "-o", path)

    assert path.stat().st_size > 100_000
    assert stat.S_IMODE(path.stat().st_mode) == 0o644 & ~mask
    assert [each.name for each in tmp_path.iterdir()] == ["out.html"]


def test_a_place_that_cannot_be_written_is_named(store, tmp_path):
    result = run("report", "--store", store, *SPAN, "-o", tmp_path / "no" / "out.html")

    assert result.exit_code == 2
    assert f"cannot write to {tmp_path}/no/out.html" in result.stderr


def test_where_nothing_was_served_it_says_what_there_is(store, tmp_path):
    result = run("report", "--store", store, "--since", "2020-01-01", "--until", "2020-01-02",
                 "-o", tmp_path / "out.html")  # fmt: skip

    assert result.exit_code == 0
    assert "events span 2026-11-10 00:00" in result.stderr
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
