"""``elkmon host``: readings beside a model's events, until it is told to stop."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest
from click.testing import CliRunner

from elkmon.cli import main
from elkmon.questions.business_metrics.table import _number
from tests.support import field_table_check as conforming

ELKMON = Path(sys.executable).parent / "elkmon"


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch):
    for name in [name for name in os.environ if name.startswith("ELKMON_")]:
        monkeypatch.delenv(name)


def events(folder):
    lines = [line for file in folder.glob("*.ndjson") for line in file.read_bytes().splitlines()]
    return [json.loads(line) for line in lines]


def run(*arguments):
    return subprocess.run(
        [ELKMON, *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_readings_are_written_until_the_process_is_told_to_stop(tmp_path, how):
    store = tmp_path / "store"
    with subprocess.Popen(
        [ELKMON, "host", "--store", store, "--every", "0.1s"], stderr=subprocess.PIPE, text=True
    ) as process:
        give_up = monotonic() + 60
        while not store.exists() or len(events(store)) < 6:
            assert monotonic() < give_up
            sleep(0.05)
        process.send_signal(how)
        _, message = process.communicate(timeout=60)

    assert process.returncode == 0
    assert "until SIGTERM or Ctrl-C" in message
    *readings, last = events(store)
    for event in (*readings, last):
        conforming.conforms(event)
    assert {event["event"]["kind"] for event in readings} == {"metric"}
    assert {event["service"]["name"] for event in readings} == {"host"}
    assert last["event"]["dataset"] == "elkmon.emitter"
    assert last["ml"]["emitter"]["written"] == len(readings)
    assert f"{len(readings):,} events" in message


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("host") / "store"
    environ = {**os.environ, "ELKMON_SERVICE": "gpu-farm"}
    subprocess.run(
        [ELKMON, "host", "--store", folder, "--once", "--every", "0.1"],
        env=environ, capture_output=True, check=True,
    )  # fmt: skip
    code = "import elkmon; elkmon.get_logger().metric('basket', 31.5, unit='eur')"
    subprocess.run(
        [sys.executable, "-c", code], env={**environ, "ELKMON_SPOOL": str(folder)}, check=True
    )
    return folder


def test_metrics_show_what_was_read_beside_what_was_logged(store):
    rows = json.loads(run("metrics", "--store", store, "--format", "json").stdout)["metrics"]

    by_name = {row["name"]: row for row in rows}
    host, *_ = events_of(store, "memory")
    memory = by_name["system.memory.total"]
    assert memory["count"] == 1
    assert memory["unit"] == "byte"
    assert memory["mean"] == memory["min"] == host["system"]["memory"]["total"]
    assert by_name["basket"]["mean"] == 31.5
    assert "system.filesystem.mount_point" not in by_name


def events_of(store, name):
    return [event for event in events(store) if name in event.get("system", {})]


def test_one_reading_can_be_asked_for_by_name_and_group(store):
    load = ("--name", "system.load.1")
    by_service = run("metrics", "--store", store, *load, "--by", "service", "--format", "csv")
    table = run("metrics", "--store", store, *load)
    used = ("--name", "system.filesystem.used.pct", "--by", "system.filesystem.mount_point")
    disks = run("metrics", "--store", store, *used, "--format", "json")
    both = run("metrics", "--store", store, *load, "--name", "basket")

    assert by_service.stdout.splitlines()[1].startswith(",gpu-farm,,system.load.1,,1,0,")
    assert "--where 'system.load.1!='" in table.stdout
    mounts = [mount["system"]["filesystem"] for mount in events_of(store, "filesystem")]
    assert {row["by"]["system.filesystem.mount_point"]: row["mean"]
            for row in json.loads(disks.stdout)["metrics"]} == {
        mount["mount_point"]: mount["used"]["pct"] for mount in mounts
    }  # fmt: skip
    assert "basket" in both.stdout
    assert "system.load.1" in both.stdout


def test_a_table_writes_bytes_in_the_unit_that_fits():
    texts = [_number(value, True) for value in (0, 1023, 1024, 512.5 * 1024**3, 3 * 1024**6)]

    assert texts == ["0 B", "1,023 B", "1 KiB", "512.5 GiB", "3,072 PiB"]


def test_events_say_the_most_of_a_reading_in_a_line(store):
    output = run("events", "--store", store, "--dataset", "metric").stdout

    assert "memory 0." in output
    assert "of /, used 0." in output


def test_standard_output_takes_readings_and_nothing_else(tmp_path):
    done = subprocess.run(
        [ELKMON, "host", "--once", "--every", "0.1"],
        env={**os.environ, "ELKMON_SINK": "stdout"}, cwd=tmp_path,
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert [json.loads(line)["event"]["dataset"] for line in done.stdout.splitlines()][:2] == [
        "elkmon.metric"
    ] * 2
    assert "wrote 1 reading as " in done.stderr


def test_readings_that_could_not_be_written_are_an_error(tmp_path):
    (tmp_path / "store").write_text("a file")

    done = run("host", "--once", "--every", "0.1", "--store", tmp_path / "store" / "below")

    assert done.returncode == 3
    assert "some events could not be written" in done.stderr


def test_without_its_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    for name in [
        module for module in sys.modules if module.startswith(("elkmon.host", "elkmon.cli.host"))
    ]:
        monkeypatch.delitem(sys.modules, name)

    result = CliRunner().invoke(main, ["host"])

    assert result.exit_code == 2
    assert "pip install 'elkmon[host]'" in result.stderr


@pytest.mark.parametrize("text", ["x", "0", "10d", "-1s"])
def test_a_length_that_is_none_is_refused(text):
    result = CliRunner().invoke(main, ["host", f"--every={text}"])

    assert result.exit_code == 2
    assert "is not a length of time, such as 10s or 1m" in result.stderr
