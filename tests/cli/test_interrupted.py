"""Ctrl-C in the middle of long work: one line, nothing half done, and it can be done again."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

import elkmon
from elkmon import Monitor

PROGRAM = (sys.executable, "-m", "elkmon.cli")
ROWS = 60_000


def interrupted(store, pattern, *arguments):
    """Run the program until a file appears below the store, then press Ctrl-C.

    It returns when the program and its children have ended.
    """
    with subprocess.Popen(
        [*PROGRAM, *map(str, arguments), "--store", str(store)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        while process.poll() is None and not any(store.glob(pattern)):
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGINT)  # a terminal tells all of a program's processes
        _, message = process.communicate()
    return process.returncode, message.strip()


def done(*arguments):
    subprocess.run([*PROGRAM, *map(str, arguments)], check=True, capture_output=True)


def predictions(store):
    with Monitor(store) as monitor:
        return monitor.catalog().datasets.get("elkmon.prediction", 0)


def test_an_import_says_how_far_it_came_and_is_repeated_without_doubles(tmp_path):
    table, store = tmp_path / "rows.csv", tmp_path / "store"
    table.write_text("id,label\n" + "".join(f"r{row},a\n" for row in range(ROWS)))
    command = ("import", table, "--model", "m", "--id", "id", "--label", "label")

    code, message = interrupted(store, "*.ndjson", *command)

    assert code == 130
    match = re.fullmatch(
        "interrupted after the first (.*) rows; "
        "import the table again from the start: with an id column no row counts twice",
        message,
    )
    rows = int(match[1].replace(",", ""))
    assert rows <= predictions(store) <= rows + 1000 < ROWS
    done(*command, "--store", store)
    assert predictions(store) == ROWS


def test_a_compaction_is_finished_by_the_next(tmp_path):
    elkmon.configure(spool=tmp_path)
    for _ in range(3):
        elkmon.get_logger("m").predictions(label=["a"] * 20_000)
        elkmon.emit.flush()
    elkmon.reset()

    code, message = interrupted(tmp_path, "*.parquet*", "compact")

    assert (code, message) == (130, "interrupted")
    assert predictions(tmp_path) == 60_000
    done("compact", "--store", tmp_path)
    assert predictions(tmp_path) == 60_000
    assert not list(tmp_path.glob("*.ndjson"))
    assert {path.suffix for path in tmp_path.iterdir()} <= {".parquet", ".lock", ""}


@pytest.mark.parametrize("pattern", [".gitignore", "*.ndjson"])
def test_a_demo_leaves_a_store_that_can_be_read(tmp_path, pattern):
    store = tmp_path / "store"

    assert interrupted(store, pattern, "demo") == (130, "interrupted")

    assert predictions(store) < 24_000
