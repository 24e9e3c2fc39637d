"""``elkmon prune``: whole old months of a cluster, whole old files of a folder, and what stays."""

import fcntl
import json
import os
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from elkmon.cli import main
from elkmon.stores.local.compact import compact
from elkmon.stores.local.files import listing

NOW = datetime.now(timezone.utc)


def run(*arguments, **options):
    return CliRunner().invoke(main, ["prune", *map(str, arguments)], **options)


def event(number, at, dataset="elkmon.prediction"):
    return {
        "@timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.000Z",
        "event": {"id": f"e{number}", "dataset": dataset},
        "ml": {"model": {"name": "m"}, "prediction": {"id": f"p{number}"}},
    }


@pytest.fixture
def write(tmp_path):
    """A function that writes a closed file of events, so many days old."""

    def written(name, *days, dataset="elkmon.prediction"):
        file = tmp_path / f"{name}.ndjson"
        events = [event(f"{name}{day}", NOW - timedelta(days=day), dataset) for day in days]
        file.write_text("".join(f"{json.dumps(each)}\n" for each in events))
        return file

    return written


def names(folder):
    files = listing(folder)
    return {file.name for file in (*files.ndjson, *files.parquet)}


@pytest.fixture
def months(server, prefix, installed):
    """A function that makes indices of some months with one event each, and lists what is left."""
    client = installed(server)

    def made(*kinds_and_days):
        for number, (kind, days) in enumerate(kinds_and_days):
            at = NOW - timedelta(days=days)
            client.index(
                index=f"{prefix}-{kind}-{at:%Y.%m}.01",
                document=event(number, at, f"elkmon.{kind}"),
                refresh=True,
            )
        return lambda: set(client.indices.get(index=f"{prefix}-*"))

    return made


def test_whole_months_go_and_issues_and_newer_ones_stay(server, prefix, months):
    left = months(("prediction", 400), ("label", 200), ("issue", 400), ("prediction", 1))
    old = NOW - timedelta(days=400)

    result = run("--store", server.url, "--older-than", "300d", "--yes")

    assert result.exit_code == 0
    assert f"{prefix}-prediction-{old:%Y.%m}.01\t1 event" in result.stdout
    assert result.stdout.endswith("deleted 1 index, 1 event\n")
    assert {name.split("-")[1] for name in left()} == {"prediction", "label", "issue"}
    assert f"{prefix}-prediction-{old:%Y.%m}.01" not in left()


def test_a_month_that_is_not_over_by_then_stays(server, months):
    left = months(("prediction", 40))
    before = left()

    result = run("--store", server.url, "--older-than", "40d", "--yes")

    assert result.stdout.endswith("no events are that old\n")
    assert left() == before


def test_a_dry_run_and_a_no_delete_nothing(server, months):
    left = months(("prediction", 400))

    dry = run("--store", server.url, "--older-than", "300d", "--dry-run")
    no = run("--store", server.url, "--older-than", "300d", input="n\n")

    assert "would delete 1 index, 1 event" in dry.stdout
    assert no.exit_code == 130
    assert "for good?" in no.stdout
    assert len(left()) == 1


def test_indices_of_others_are_not_touched(server, prefix, months):
    left = months(("prediction", 400), ("predictions", 400), ("log-mine", 400))

    run("--store", server.url, "--older-than", "300d", "--yes")

    assert {name.removeprefix(f"{prefix}-")[:8] for name in left()} == {"predicti", "log-mine"}
    assert not any(name.startswith(f"{prefix}-prediction-") for name in left())


def test_files_go_when_their_last_event_is_old(tmp_path, write):
    write("old", 400, 301)
    write("both", 400, 2)
    write("new", 1)

    result = run("--store", tmp_path, "--older-than", "300d", "--yes")

    assert result.exit_code == 0
    assert "old.ndjson\t2 events" in result.stdout
    assert result.stdout.endswith("deleted 1 file, 2 events\n")
    assert names(tmp_path) == {"both.ndjson", "new.ndjson"}


def test_compacted_files_go_with_what_was_set_apart_of_them(tmp_path, write):
    file = write("old", 400)
    file.write_text(f"{file.read_text()}torn\n")
    write("new", 1)
    compact(tmp_path)

    result = run("--store", tmp_path, "--older-than", "300d", "--yes")

    assert result.stdout.endswith("deleted 1 file, 1 event\n")
    assert names(tmp_path) == {"new.parquet"}
    assert not (tmp_path / "rejected" / "old.ndjson").exists()
    assert not (tmp_path / ".repeats.parquet").exists()


def test_a_file_that_is_still_written_to_stays(tmp_path, write):
    file = write("live", 400)
    fd = os.open(file, os.O_RDWR)
    fcntl.flock(fd, fcntl.LOCK_EX)

    result = run("--store", tmp_path, "--older-than", "300d", "--yes")

    os.close(fd)
    assert "live.ndjson\tkept: still written to" in result.stdout
    assert file.exists()


@pytest.mark.parametrize("compacted", [False, True])
def test_a_file_that_a_registered_reader_has_not_passed_stays(tmp_path, write, compacted):
    file = write("old", 400)
    (tmp_path / "readers").mkdir()
    registration = tmp_path / "readers" / "ship.json"
    registration.write_text(json.dumps({"offsets": {"old.ndjson": 3}}))
    if compacted:
        compact(tmp_path)

    behind = run("--store", tmp_path, "--older-than", "300d", "--yes")
    still = file.exists()
    registration.write_text(json.dumps({"offsets": {"old.ndjson": file.stat().st_size}}))
    passed = run("--store", tmp_path, "--older-than", "300d", "--yes")

    assert "kept: not passed yet by ship" in behind.stdout
    assert still
    assert passed.stdout.endswith("deleted 1 file, 1 event\n")
    assert names(tmp_path) == set()


def test_notes_on_issues_stay(tmp_path, write):
    write("notes", 400, dataset="elkmon.issue")

    result = run("--store", tmp_path, "--older-than", "300d", "--yes")

    assert "notes.ndjson\tkept: holds issues" in result.stdout
    assert names(tmp_path) == {"notes.ndjson"}


def test_a_file_whose_times_cannot_be_told_stays(tmp_path):
    (tmp_path / "a.ndjson").write_text("no event\n")
    odd = event(1, NOW - timedelta(days=400)) | {"@timestamp": 5}
    (tmp_path / "b.ndjson").write_text(json.dumps(odd) + "\n")

    result = run("--store", tmp_path, "--older-than", "300d", "--yes")

    assert result.stdout.endswith("no events are that old\n")
    assert names(tmp_path) == {"a.ndjson", "b.ndjson"}


def test_a_dry_run_leaves_files(tmp_path, write):
    write("old", 400)

    result = run("--store", tmp_path, "--older-than", "43w", "--dry-run")

    assert "would delete 1 file, 1 event" in result.stdout
    assert names(tmp_path) == {"old.ndjson"}


def test_a_folder_that_is_not_there_is_an_empty_store(tmp_path):
    assert run("--store", tmp_path / "none", "--older-than", "90d").exit_code == 0


@pytest.mark.parametrize("age", ["90", "0d", "24h", "2026-01-01", "999999w"])
def test_what_is_no_age_is_refused(tmp_path, age):
    result = run("--store", tmp_path, "--older-than", age)

    assert result.exit_code == 2
    assert "--older-than" in result.stderr
