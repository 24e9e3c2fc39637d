"""``elkmon doctor``: what it finds wrong with a store, in every form, and its exit code."""

import csv
import json
from io import StringIO

import pytest

import elkmon


@pytest.fixture
def ill(tmp_path):
    """A store with a line that is no event, and a label whose prediction is nowhere."""
    elkmon.configure(spool=tmp_path, service="shop", environment="test")
    log = elkmon.get_logger("fraud", "1", task="binary", positive="fraud")
    log.prediction(label="legit", score=0.2, id="p1")
    log.label("p2", "legit")
    elkmon.reset()
    (file,) = tmp_path.glob("*.ndjson")
    file.write_bytes(file.read_bytes() + b"half a li\n\x1b[31m\n")
    return tmp_path


def test_a_sound_store_has_nothing_wrong_and_exits_with_0(run, tmp_path):
    elkmon.configure(spool=tmp_path, service="shop", environment="test")
    elkmon.get_logger("fraud", "1").prediction(label="legit", id="p1")
    elkmon.reset()

    result = run("doctor", "--store", tmp_path)

    assert (result.exit_code, result.stdout) == (0, f"{tmp_path}: nothing is wrong\n")


def test_problems_come_first_and_exit_with_1(run, ill):
    result = run("doctor", "--store", ill)

    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("problem  lines that are no events: ")
    assert any(line.startswith("warning  labels whose prediction is not in") for line in lines)
    assert "\x1b" not in result.stdout
    assert lines[-1].endswith(" 1 warning")


def test_every_finding_says_where_and_what_to_do(run, ill):
    result = run("doctor", "--store", ill)

    (file,) = ill.glob("*.ndjson")
    assert f"{file.name}:4" in result.stdout
    assert "elkmon compact sets them apart in rejected/" in result.stdout
    assert "are the ids those of the predictions?" in result.stdout


def test_json_has_one_object_a_finding(run, ill):
    result = run("doctor", "--store", ill, "--format", "json")

    assert result.exit_code == 1
    findings = json.loads(result.stdout)
    assert {tuple(row) for row in findings} == {("level", "what", "count", "places", "advice")}
    assert "model fraud" in [place for row in findings for place in row["places"]]


def test_csv_has_one_row_a_finding(run, ill, tmp_path):
    target = tmp_path / "found.csv"

    result = run("doctor", "--store", ill, "--format", "csv", "-o", target)

    assert (result.exit_code, result.stdout) == (1, "")
    rows = list(csv.DictReader(StringIO(target.read_text())))
    assert {row["level"] for row in rows} == {"problem", "warning"}


def test_a_folder_that_is_not_there_is_a_problem(run, tmp_path):
    result = run("doctor", "--store", tmp_path / "none")

    assert result.exit_code == 1
    assert f"there is no folder {tmp_path / 'none'}" in result.stdout.replace("\n", " ")
    assert "1 problem" in result.stdout
