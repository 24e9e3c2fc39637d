"""``elkmon demo`` serves the week, then runs the commands that it shows."""

import os
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import click
import orjson
import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement

from elkmon import ConfigError
from elkmon.cli.demo import command


def group():
    """Return a program with the demo, and with commands that print their arguments."""
    program = click.Group("elkmon")
    program.add_command(command)
    for name in ("report", "errors"):

        @program.command(
            name, context_settings={"ignore_unknown_options": True, "allow_extra_args": True}
        )
        @click.pass_context
        def _echo(context):
            click.echo(shlex.join(["ASKED", context.info_name, *context.args]))

    return program


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """Run the command once, with few requests; return the store and what was printed."""
    store = tmp_path_factory.mktemp("command") / "store"
    arguments = ["demo", "--store", str(store), "--requests", "400"]
    result = CliRunner().invoke(group(), arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return store, result.stdout


def test_the_commands_it_shows_are_the_commands_it_runs(output):
    _, text = output
    lines = text.splitlines()

    commands = [line for line in lines if line.startswith("$ elkmon ")]

    assert len(commands) == 3
    for line in commands:
        assert lines[lines.index(line) + 1] == line.replace("$ elkmon", "ASKED")


def test_it_asks_for_the_report_then_by_version_and_by_segment_of_the_new_version(output):
    store, text = output
    until = orjson.loads((store / "ground-truth" / "demo.json").read_bytes())["to"][:16]

    assert f"report --store {store} --until {until} -o {store / 'report.html'}" in text
    assert f"errors --store {store} --until {until} --by version" in text
    assert "--model tumour-triage --where version=2.0.0 --by segment.site --top 0" in text


def test_it_says_what_was_injected_and_what_to_try_next(output):
    store, text = output
    injected, suggested = text.split("What was injected")[1].split("Try next:")

    assert "2.0.0" in injected
    assert "ValueError" in injected
    assert "porto sends the perimeter in another unit" in injected
    assert f"{store / 'ground-truth' / 'demo.json'}\n" in injected
    assert suggested.count("  elkmon ") == 5


def test_the_page_goes_where_it_is_told(tmp_path):
    page = tmp_path / "page of the week.html"
    arguments = ["demo", "--store", str(tmp_path / "store"), "--requests", "200", "-o", str(page)]

    result = CliRunner().invoke(group(), [*arguments, "--no-faults"], catch_exceptions=False)

    assert f"-o '{page}'" in result.stdout
    assert result.stdout.endswith(f"{page.as_uri()}\n")
    assert "answers as the version before it" in result.stdout


def test_the_week_ends_at_the_last_full_hour(output):
    store, _ = output
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


@pytest.mark.parametrize("missing", ["sklearn", "jinja2", "vl_convert"])
def test_without_its_extra_it_says_what_to_install_before_anything_is_served(missing, tmp_path):
    Path(tmp_path, f"{missing}.py").write_text(f"raise ModuleNotFoundError(name='{missing}')")
    code = "from elkmon.cli.demo import command; command.main([], standalone_mode=False)"

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert f"ConfigError: the demo needs {missing}: install it with pip" in done.stderr
    assert done.stdout == ""


def test_its_extra_brings_all_that_it_needs(tmp_path):
    """Run it where only what ``elkmon[demo]`` requires can be imported."""
    code = f"""
import sys
from importlib.metadata import packages_distributions

allowed = {required("elkmon", "demo")!r}
foreign = {{
    name for name, owners in packages_distributions().items()
    if not name.startswith("_") and not any(owner.lower() in allowed for owner in owners)
}}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in foreign:
            raise ModuleNotFoundError(f"no {{name}} here", name=name)

sys.meta_path.insert(0, Absent())
from elkmon.cli import main
main(["demo", "--store", {str(tmp_path / "store")!r}, "--requests", "200"])
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "store" / "report.html").stat().st_size > 100_000


def required(name, extra=""):
    """Return the names of a distribution and of all that it requires, in turn."""
    seen, left = set(), [(name, extra)]
    while left:
        name, extra = left.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            lines = [Requirement(requirement) for requirement in requires(name) or []]
        except PackageNotFoundError:  # of another platform or Python
            continue
        left += [
            (requirement.name, more)
            for requirement in lines
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra})
            for more in ("", *requirement.extras)
        ]
    return {name.lower() for name, _ in seen}
