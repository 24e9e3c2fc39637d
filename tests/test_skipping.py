"""What is left out of a run is asked for by name, and said at its end."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = "tests/report/test_report_browser.py"


def run(skip, *arguments, path=None):
    environment = {**os.environ, "ELKMON_SKIP": skip}
    environment.pop("PYTEST_ADDOPTS", None)
    if path is not None:
        environment["PATH"] = path
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_what_was_left_out_is_the_last_line():
    done = run("browser", TESTS)

    assert done.returncode == 0
    last = done.stdout.splitlines()[-1]
    assert last.startswith("NOT TESTED, as ELKMON_SKIP says: browser (")


def test_a_name_that_means_nothing_is_an_error():
    done = run("brwoser", TESTS)

    assert done.returncode == 4
    assert "there is no brwoser; it takes browser, elasticsearch" in done.stderr


def test_without_a_browser_tests_fail_with_the_command_that_installs_it(tmp_path):
    done = run("", TESTS, "-x", "-k", "system_and_the_button", path=str(tmp_path))

    assert done.returncode == 1
    assert "apt-get install -y chromium" in done.stdout
