"""Compaction: closed files become Parquet, one for one; nothing is lost, nothing counts twice."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

import elkmon
from elkmon import StoreError
from elkmon.stores.local import compact as module
from elkmon.stores.local.compact import Compacted, compact
from elkmon.stores.local.files import is_closed
from elkmon.stores.local.repeats import NAME as REPEATS
from tests.support.event_folders import (
    AT,
    ENTITY,
    count,
    event,
    events,
    line,
    names,
    prediction,
    write,
)


@pytest.fixture
def three(folder):
    """Write three closed files, of one prediction each."""
    for name in ("a", "b", "c"):
        write(folder / f"{name}.ndjson", prediction(name))
    return folder


def rejected(folder):
    rows = [
        orjson.loads(each)
        for file in sorted((folder / "rejected").glob("*"))
        for each in file.read_bytes().splitlines()
    ]
    return [(row["line"], row["reason"], row["raw"]) for row in rows]


def test_each_closed_file_becomes_one_of_the_same_stem(three):
    sizes = sum(file.stat().st_size for file in three.glob("*.ndjson"))

    done = compact(three)

    assert [each for each in names(three) if each != REPEATS] == [
        "a.parquet",
        "b.parquet",
        "c.parquet",
    ]
    assert (done.files, done.bytes_before, done.live, done.rejected) == (3, sizes, 0, 0)
    assert done.bytes_after == sum(file.stat().st_size for file in three.glob("[a-c].parquet"))
    assert count(three) == 3


def test_only_the_owner_may_read_what_is_written(three):
    write(three / "d.ndjson", b"torn\n")
    before = os.umask(0)

    compact(three)
    os.umask(before)

    files = [each for each in three.rglob("*") if each.is_file()]
    assert len(files) == 7
    assert {each.stat().st_mode & 0o777 for each in files} == {0o600}
    assert (three / "rejected").stat().st_mode & 0o777 == 0o700


def test_a_second_time_there_is_nothing_to_do(three):
    compact(three)
    before = {name: (three / name).stat() for name in names(three)}

    assert compact(three) == Compacted()

    assert {name: (three / name).stat() for name in names(three)} == before


def test_progress_is_told_in_bytes(three):
    told = []

    done = compact(three, lambda *progress: told.append(progress))

    assert told[-1] == (done.bytes_before, done.bytes_before)
    assert [each for each, _ in told] == sorted(each for each, _ in told)
    assert len(told) == 3


@pytest.mark.parametrize("folder_is", ["missing", "empty"])
def test_of_nothing_nothing_is_made(folder, folder_is):
    if folder_is == "empty":
        folder.mkdir()

    assert compact(folder) == Compacted()

    assert not folder.exists() or names(folder) == []


def test_an_empty_file_becomes_an_empty_one(folder):
    write(folder / "a.ndjson")
    write(folder / "b.ndjson", b"\n\n")

    assert compact(folder).files == 2
    assert count(folder) == 0


def test_a_file_that_is_written_to_is_left_alone(three):
    with (three / "b.ndjson").open("ab") as live:
        fcntl.flock(live, fcntl.LOCK_EX)
        assert not is_closed(three / "b.ndjson")

        done = compact(three)

        assert (done.files, done.live, done.failed) == (2, 1, ())
        assert (three / "b.ndjson").exists()
        assert count(three) == 3
    assert compact(three).files == 1


def test_the_file_that_elkmon_writes_to_is_left_alone(spool):
    log = elkmon.get_logger("fraud", "1", task="binary")
    log.prediction(label="yes")

    assert compact(spool).live == 1
    log.prediction(label="yes")
    elkmon.reset()

    assert compact(spool).files == 1
    assert count(spool) == 2


def test_a_file_that_grows_without_a_lock_is_left_alone(three, monkeypatch):
    convert = module._as_columns

    def meanwhile(connection, file, part):
        write(file, prediction(f"late {file.stem}"))
        return convert(connection, file, part)

    monkeypatch.setattr(module, "_as_columns", meanwhile)

    done = compact(three)

    assert done.files == 0
    assert "without a lock" in done.failed[0][1]
    assert count(three) == 6
    assert names(three) == ["a.ndjson", "b.ndjson", "c.ndjson"]


def test_a_file_that_fails_stays_and_the_others_go_on(three, monkeypatch):
    convert = module._as_columns

    def failing(connection, file, part):
        done = convert(connection, file, part)
        if file.stem == "b":
            raise OSError(28, "No space left on device")
        return done

    monkeypatch.setattr(module, "_as_columns", failing)

    done = compact(three)

    assert done.files == 2
    assert done.failed == (("b.ndjson", "[Errno 28] No space left on device"),)
    assert [each for each in names(three) if each != REPEATS] == [
        "a.parquet",
        "b.ndjson",
        "c.parquet",
    ]
    assert count(three) == 3


def test_a_file_that_vanishes_meanwhile_is_told_of(three, monkeypatch):
    found = module.listing(three)
    (three / "b.ndjson").unlink()
    monkeypatch.setattr(module, "listing", lambda _folder: found)

    done = compact(three)

    assert done.files == 2
    assert done.failed[0][0] == "b.ndjson"


def test_what_a_killed_compaction_left_is_cleared_away(three):
    for name in (".a.parquet.part", ".a.ndjson.part", f"{REPEATS}.part"):
        (three / name).write_bytes(b"half")

    assert compact(three).files == 3

    assert not [each for each in names(three) if each.endswith(".part")]


def test_a_parquet_file_whose_lines_were_not_removed_yet_counts_once(three):
    before = (three / "a.ndjson").read_bytes()
    compact(three)
    write(three / "a.ndjson", before)
    assert count(three) == 3

    compact(three)

    assert not (three / "a.ndjson").exists()
    assert count(three) == 3


def test_two_at_once_are_refused(three):
    with (three / ".compact.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(StoreError, match=r"another compaction of .* is under way"):
            compact(three)

    assert compact(three).files == 3


def test_a_folder_that_may_not_be_written_to_is_told(three):
    (three / ".compact.lock").symlink_to(three / "elsewhere")

    with pytest.raises(StoreError, match="cannot write to"):
        compact(three)

    assert not (three / "elsewhere").exists()


def test_a_parquet_file_that_is_none_is_told(three):
    (three / "z.parquet").write_bytes(b"not parquet")

    with pytest.raises(StoreError, match=r"cannot be compacted: .*z\.parquet"):
        compact(three)

    (three / "z.parquet").unlink()
    assert count(three) == 3
    assert compact(three).files == 3


def register(folder, name, content):
    (folder / "readers").mkdir(exist_ok=True)
    (folder / "readers" / f"{name}.json").write_bytes(content)


@pytest.mark.parametrize(
    "registration",
    [b"", b"{", b"[]", b"null", b'{"offsets":{}}', b'{"offsets":[]}', b'{"offsets":{"a.ndjson":1}}',
     b'{"offsets":{"a.ndjson":"all"}}', b'{"offsets":{"a.ndjson":null}}', b"{}"],
)  # fmt: skip
def test_lines_stay_until_every_registered_reader_passed_them(folder, registration):
    size = write(folder / "a.ndjson", prediction("a")).stat().st_size
    passed = json.dumps({"offsets": {"a.ndjson": size}}).encode()
    register(folder, "ship", registration)
    register(folder, "other", passed)

    assert compact(folder).kept == ("a.ndjson",)
    assert (folder / "a.ndjson").exists()
    assert count(folder) == 1
    assert compact(folder).kept == ("a.ndjson",)

    register(folder, "ship", passed)

    assert compact(folder).kept == ()
    assert not (folder / "a.ndjson").exists()
    assert count(folder) == 1


def test_lines_that_are_no_events_are_set_apart_whole(folder):
    torn = line(prediction("torn"))[:50]
    write(folder / "a.ndjson", prediction("a"), b"\xff\x00\n", b"\n", prediction("b"), torn)

    assert compact(folder).rejected == 2

    assert rejected(folder) == [
        (2, "NUL bytes", "\\xff\0"),
        (5, "not JSON: unexpected end of data", torn.decode()),
    ]
    assert count(folder) == 2


def test_a_line_that_is_too_long_is_set_apart_to_its_end(folder, monkeypatch):
    for module_name in ("elkmon.events.lines", "elkmon.stores.local.line_scan"):
        monkeypatch.setattr(f"{module_name}.LINE", 600)
    monkeypatch.setattr("elkmon.stores.local.rejects._CHUNK", 7)
    long = ("é\U0001f600" * 400).encode() + b"\xff"
    write(folder / "other.ndjson", prediction("a"), long + b"\n", prediction("b"))

    assert compact(folder).rejected == 1

    ((number, reason, raw),) = rejected(folder)
    assert number == 2
    assert reason.startswith("0.1 MiB long; the limit is ")
    assert raw == long.decode(errors="backslashreplace")
    assert count(folder) == 2


def test_a_compaction_that_is_done_again_sets_apart_once(folder, monkeypatch):
    write(folder / "a.ndjson", prediction("a"), b"torn\n")
    with monkeypatch.context() as patch:
        patch.setattr(module, "find", failing_find)
        with pytest.raises(StoreError, match="cannot be compacted: disk full"):
            compact(folder)
    assert count(folder) == 1

    compact(folder)

    assert len(rejected(folder)) == 1


def failing_find(*_):
    raise module.duckdb.IOException("disk full")


def test_many_files_are_published_in_groups(folder, monkeypatch):
    monkeypatch.setattr(module, "_GROUP", 2)
    for number in range(5):
        write(folder / f"{number}.ndjson", prediction("a"), prediction(f"b{number}"))

    assert compact(folder).files == 5

    assert count(folder) == 6


def test_times_without_a_zone_are_in_utc_wherever_the_machine_is(folder):
    for name in (ENTITY, "other"):
        write(folder / f"{name}.ndjson", prediction(name, at=AT[:-1]))
    before = events(folder)
    script = "import sys; from elkmon.stores.local.compact import compact; compact(sys.argv[1])"
    script = script.replace("sys.argv[1]", "__import__('pathlib').Path(sys.argv[1])")

    subprocess.run(
        [sys.executable, "-c", script, folder], env={**os.environ, "TZ": "Asia/Tokyo"}, check=True
    )

    assert [Path(each).suffix for each in names(folder) if each != REPEATS] == [".parquet"] * 2
    again = events(folder)
    assert [each["ml"] for each in again] == [each["ml"] for each in before]
    assert {each["@timestamp"] for each in again} <= {AT, AT[:-1]}


def test_no_digit_of_a_large_number_is_lost(folder):
    exact = 2**53 + 1  # a double has no such number
    features = {"ml.features.number": {"account": -exact}, "labels": {"order": exact}}
    metric = {"metric.name": "balance", "metric.value": exact, "process.entity_id": "other"}
    write(folder / f"{ENTITY}.ndjson", prediction("a", features))
    write(folder / "other.ndjson", event("metric", "m", metric))
    before = events(folder) + events(folder, "elkmon.metric")

    compact(folder)

    after = events(folder) + events(folder, "elkmon.metric")
    assert [orjson.dumps(each) for each in after] == [orjson.dumps(each) for each in before]
    assert after[0]["ml"]["features"]["number"] == {"account": -exact}
    assert not [*folder.glob("*.ndjson")]


def test_who_interrupts_leaves_nothing_half_written(three):
    def interrupt(_done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compact(three, interrupt)

    assert names(three) == ["a.ndjson", "b.ndjson", "c.ndjson"]
    assert compact(three).files == 3
    assert count(three) == 3
