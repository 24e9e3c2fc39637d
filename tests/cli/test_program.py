"""The program: help without weight, one exit code a kind of trouble, quiet ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import elkmon
from elkmon.cli import events, main, program
from elkmon.cli.program import COMMANDS
from elkmon.stores.local.store import LocalStore

PROGRAM = (sys.executable, "-m", "elkmon.cli")


def elkmon_says(*arguments, **environment):
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip


def test_help_names_every_command_and_loads_none():
    code = (
        "import sys\nfrom elkmon.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as done: print(done.code, *sys.modules, file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    code, *loaded = done.stderr.split()
    assert code == "0"
    assert not {"duckdb", "sklearn", "numpy", "pandas", "rich"} & set(loaded)
    assert not {"elkmon.cli.models", "elkmon.questions.rates.figures"} & set(loaded)
    for name, line in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert line in " ".join(done.stdout.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_fits_and_begins_as_the_list_says(name):
    result = CliRunner().invoke(main, [name, "--help"], terminal_width=80)

    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert COMMANDS[name] in " ".join(result.stdout.split())


def test_the_version_is_said():
    assert CliRunner().invoke(main, ["--version"]).stdout == f"elkmon {elkmon.__version__}\n"


def test_an_unknown_command_is_wrong_usage_with_the_one_that_was_meant():
    result = CliRunner().invoke(main, ["erors"])

    assert result.exit_code == 2
    assert "no such command: erors; did you mean errors?" in result.stderr
    assert "use one of: errors, issues" in CliRunner().invoke(main, ["xyzzy"]).stderr


def test_an_unknown_option_is_wrong_usage():
    assert CliRunner().invoke(main, ["errors", "--nope"]).exit_code == 2
    assert CliRunner().invoke(main, ["--nope"]).exit_code == 2


def test_no_command_at_all_shows_the_help():
    assert "Commands:" in CliRunner().invoke(main, []).output


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (elkmon.QueryError("what to do"), 2),
        (elkmon.ConfigError("what to do"), 2),
        (elkmon.StoreError("what to do"), 3),
        (OSError(28, "what to do", "file"), 3),
        (click.exceptions.Exit(1), 1),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 0),
    ],
)
def test_every_kind_of_trouble_has_its_exit_code(monkeypatch, error, code):
    def fail(_folder):
        raise error

    monkeypatch.setattr(events, "open_store", fail)
    monkeypatch.setattr(program, "_forget_output", lambda: None)

    result = CliRunner().invoke(main, ["events"])

    assert result.exit_code == code
    assert ("what to do" in result.stderr) == (code in {2, 3})
    assert ("interrupted" in result.stderr) == (code == 130)
    assert "Traceback" not in result.output


def test_a_bad_question_says_what_would_do():
    result = CliRunner().invoke(main, ["errors", "--since", "yesterday"])

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: not a time: 'yesterday'; use 24h, 7d")


def test_a_store_that_is_a_file_cannot_be_read(tmp_path):
    file = tmp_path / "file"
    file.write_text("")

    assert CliRunner().invoke(main, ["errors", "--store", str(file)]).exit_code == 3


def test_called_by_another_command_errors_go_to_the_caller():
    with pytest.raises(elkmon.QueryError):
        main.main(["errors", "--since", "yesterday"], standalone_mode=False)


def test_the_store_is_taken_from_the_environment(tmp_path):
    result = CliRunner().invoke(main, ["models"], env={"ELKMON_STORE": str(tmp_path)})

    assert result.stdout == f"{tmp_path} holds no events yet\n"


def test_a_reader_that_goes_ends_it_quietly(store):
    arguments = ("events", "--store", store, "--since", "2026-11-01", "--until", "2026-12-01")
    with subprocess.Popen(
        [*PROGRAM, *arguments, "--format", "json", "--limit", "10000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        message = process.stderr.read()

    assert message == b""
    assert process.returncode == 0


def test_a_terminal_without_unicode_still_gets_an_answer(store):
    done = elkmon_says(
        *("errors", "--store", store, "--since", "2026-11-01", "--until", "2026-12-01"),
        PYTHONIOENCODING="ascii",
    )

    assert done.returncode == 0
    assert "4 / 160" in done.stdout


def fake_absence(folder, *names):
    """Write modules that pretend not to be installed; return the environment to find them."""
    for name in names:
        Path(folder, f"{name}.py").write_text(f"raise ModuleNotFoundError(name={name!r})")
    return {"PYTHONPATH": str(folder)}


def test_without_click_it_says_what_to_install(tmp_path):
    done = elkmon_says("errors", **fake_absence(tmp_path, "click"))

    assert done.returncode == 1
    assert done.stderr == "elkmon's command line needs its extra: pip install 'elkmon[cli]'\n"


@pytest.mark.parametrize(("name", "extra"), [("rich", "cli"), ("duckdb", "query")])
def test_without_the_rest_of_the_extra_it_says_what_to_install(tmp_path, name, extra):
    done = elkmon_says("errors", **fake_absence(tmp_path, name))

    assert done.returncode == 2
    assert f"pip install 'elkmon[{extra}]'" in done.stderr


def test_a_fault_of_our_own_is_not_taken_for_a_missing_extra(monkeypatch):
    def fail(_name):
        raise ModuleNotFoundError(name="elkmon.typo")

    monkeypatch.setattr(program, "import_module", fail)

    with pytest.raises(ModuleNotFoundError):
        main.get_command(click.Context(main), "models")


def test_an_interrupted_query_ends_as_interrupted(tmp_path, monkeypatch):
    (tmp_path / "x.ndjson").write_text("{}\n")

    def interrupted(*_):
        raise RuntimeError("Query interrupted")  # what DuckDB makes of Ctrl-C

    monkeypatch.setattr(LocalStore, "_rows", interrupted)

    with pytest.raises(SystemExit) as ended:
        main(["errors", "--store", str(tmp_path)])

    assert ended.value.code == 130


HALT = "import signal; print('ready', flush=True); signal.pause()"
"""Wait for Ctrl-C, in the middle of whatever loads a module of that name."""


@pytest.mark.parametrize("module", ["click", "duckdb"])
def test_ctrl_c_while_the_program_loads_is_one_line(tmp_path, module):
    (tmp_path / f"{module}.py").write_text(HALT)

    result = interrupted("errors", PYTHONPATH=str(tmp_path))

    assert result == (130, "interrupted")


def interrupted(*arguments, **environment):
    """Run the program until it prints something, then press Ctrl-C; return code and message."""
    with subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, **environment},
    ) as process:  # fmt: skip
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)  # a terminal tells all of a program's processes
        _, message = process.communicate()
    return process.returncode, message.strip()


def test_sigterm_leaves_nothing_behind(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "tmp").mkdir()
    code = (  # what measures the coverage has a handler of its own
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
        "from elkmon.cli import main\nfrom elkmon.stores.local import reader\n"
        "def listing(folder):\n    print('asked', flush=True)\n    time.sleep(600)\n"
        "reader.listing = listing\nmain(['models', '--store', sys.argv[1]])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "store")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
    )  # fmt: skip
    assert process.stdout.readline() == "asked\n"
    assert len(list((tmp_path / "tmp").iterdir())) == 1

    process.send_signal(signal.SIGTERM)

    assert process.communicate()[1].strip() == "interrupted"
    assert process.returncode == 130
    assert list((tmp_path / "tmp").iterdir()) == []
