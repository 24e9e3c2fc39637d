"""``elkmon demo``: it serves the week, then runs the commands that it shows."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import orjson
import pytest
from click.testing import CliRunner

from elkmon import ConfigError
from elkmon.cli.demo import command


def group():
    """Make a program with the demo and an ``errors`` that prints what it was asked."""
    program = click.Group("elkmon")
    program.add_command(command)

    @program.command(
        "errors", context_settings={"ignore_unknown_options": True, "allow_extra_args": True}
    )
    @click.pass_context
    def _errors(context):
        click.echo("ASKED " + shlex.join(context.args))

    return program


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Run the command once, small; give the store and what was printed."""
    store = tmp_path_factory.mktemp("command") / "store"
    arguments = ["demo", "--store", str(store), "--requests", "400"]
    result = CliRunner().invoke(group(), arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return store, result.stdout


def test_the_commands_it_shows_are_the_commands_it_runs(shown):
    _, text = shown
    lines = text.splitlines()

    asked = [line for line in lines if line.startswith("$ elkmon errors ")]

    assert len(asked) == 2
    for line in asked:
        assert lines[lines.index(line) + 1] == line.replace("$ elkmon errors", "ASKED")


def test_it_asks_by_version_and_by_segment_of_the_new_version(shown):
    store, text = shown

    assert f"errors --store {store} --since 8d --by version" in text
    assert "--model tumour-triage --where version=2.0.0 --by segment.site" in text


def test_it_says_what_to_look_at_and_what_to_try_next(shown):
    _, text = shown
    looked, tried = text.split("What to look at:")[1].split("Try next:")

    assert "2.0.0" in looked
    assert "ValueError is new in it" in looked
    assert "site porto" in looked
    assert tried.count("  elkmon ") == 5


def test_it_says_where_the_ground_truth_is(shown):
    store, text = shown

    assert text.endswith(f"{store / 'ground-truth' / 'demo.json'}\n")


def test_the_week_ends_at_the_last_full_hour(shown):
    store, _ = shown
    truth = orjson.loads((store / "ground-truth" / "demo.json").read_bytes())

    assert truth["to"].endswith(":00:00+00:00")
    assert truth["requests"] == 400


def test_without_a_store_it_takes_a_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    result = CliRunner().invoke(group(), ["demo", "--requests", "200"], catch_exceptions=False)

    (store,) = tmp_path.glob("elkmon-demo-*")
    assert f"200 requests were served into {store}" in result.stdout


def test_a_folder_that_holds_something_is_refused_before_anything_is_served(tmp_path):
    (tmp_path / "mine").write_text("")

    with pytest.raises(ConfigError, match="is not empty"):
        CliRunner().invoke(group(), ["demo", "--store", str(tmp_path)], catch_exceptions=False)


def test_without_scikit_learn_it_says_what_to_install(tmp_path):
    Path(tmp_path, "sklearn.py").write_text("raise ModuleNotFoundError(name='sklearn')")
    code = "from elkmon.cli.demo import command; command.main([], standalone_mode=False)"

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert "ConfigError: the demo needs sklearn: install it with pip" in done.stderr
