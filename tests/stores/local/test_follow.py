"""Following a folder: each event once, as soon as its line is whole."""

import json

import pytest

from elkmon import StoreError
from elkmon.events import lines
from elkmon.stores.local import follow
from elkmon.stores.local.follow import Follower


def line(number, **more):
    written = {"id": str(number), "created": f"2026-11-24T00:00:{number:02d}.000Z", **more}
    return json.dumps({"event": written}).encode() + b"\n"


def append(path, data):
    with path.open("ab") as file:
        file.write(data)


def ids(events):
    return [event["event"]["id"] for event in events]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a.ndjson"


@pytest.fixture
def follower(tmp_path):
    return Follower(tmp_path)


def test_what_is_appended_is_given_once(follower, file):
    append(file, line(1) + line(2))
    assert ids(follower.new()) == ["1", "2"]

    append(file, line(3))

    assert ids(follower.new()) == ["3"]
    assert ids(follower.new()) == []


def test_a_torn_tail_waits_until_its_newline_comes(follower, file):
    whole = line(1)
    append(file, whole[:10])
    assert ids(follower.new()) == []
    append(file, whole[10:-1])
    assert ids(follower.new()) == []

    append(file, whole[-1:])

    assert ids(follower.new()) == ["1"]


def test_new_files_are_read_from_their_beginning(follower, file, tmp_path):
    append(file, line(1))
    assert ids(follower.new()) == ["1"]

    append(tmp_path / "b.ndjson", line(2))
    append(tmp_path / ".hidden.ndjson", line(3))

    assert ids(follower.new()) == ["2"]


def test_a_file_that_another_one_replaces_is_read_anew(follower, file, tmp_path):
    append(file, line(1) + line(2))
    assert ids(follower.new()) == ["1", "2"]
    append(tmp_path / "other", line(3))

    (tmp_path / "other").rename(file)

    assert ids(follower.new()) == ["3"]


def test_a_compacted_file_gives_what_was_written_last_and_then_nothing(follower, file, tmp_path):
    append(file, line(1))
    assert ids(follower.new()) == ["1"]
    append(file, line(2))
    (tmp_path / "a.parquet").write_bytes(b"")

    assert ids(follower.new()) == ["2"]
    file.unlink()
    assert ids(follower.new()) == []


def test_a_file_that_vanishes_costs_nothing(follower, file, monkeypatch):
    append(file, line(1))
    found = follow.listing(file.parent)
    file.unlink()
    monkeypatch.setattr(follow, "listing", lambda _folder: found)

    assert ids(follower.new()) == []
    assert follower.last(5) == []


@pytest.mark.parametrize("bad", [b"{", b"\x00\x00", b"\xff\xfe", b"7", b'"x"', b"[]", b"{}", b""])
def test_what_is_no_event_is_passed_over(follower, file, bad):
    append(file, line(1) + bad + b"\n" + line(2))

    assert ids(follower.new()) == ["1", "2"]


def test_a_line_that_is_too_long_is_passed_over_without_being_kept(tmp_path, file, monkeypatch):
    for module in (follow, lines):
        monkeypatch.setattr(module, "LINE", 1000)
    told = []
    follower = Follower(tmp_path, tell=told.append)
    append(file, line(1) + b"x" * 5000)
    assert ids(follower.new()) == ["1"]
    append(file, b"x" * 5000)
    assert ids(follower.new()) == []
    assert follower._files[file].offset == file.stat().st_size  # it is not read again
    assert told == []

    append(file, b"x\n" + line(2))

    assert ids(follower.new()) == ["2"]
    assert told == ["a.ndjson: line 2 is 0.1 MiB long; the limit is 16 MiB: it is left out"]


@pytest.mark.parametrize("size", [999, 1000, 1001, 5000, 9000])
@pytest.mark.parametrize("behind", [b"", line(3), line(3) + b"torn"])
def test_a_line_that_was_there_before_is_told_likewise(tmp_path, file, monkeypatch, size, behind):
    for module in (follow, lines):
        monkeypatch.setattr(module, "LINE", 1000)
    monkeypatch.setattr(follow, "_LOOK_BACK", 800)
    told = []
    follower = Follower(tmp_path, tell=told.append)
    append(file, line(1) + line(2) + b"x" * size + b"\n" + behind)

    follower.last(10)
    append(file, b"\n" + line(4))

    assert ids(follower.new()) == ["4"]
    assert [text.partition(" is ")[0] for text in told] == ["a.ndjson: line 3"] * (size > 1000)


@pytest.mark.parametrize("size", [1500, 2500, 9000])
def test_a_long_line_that_is_being_written_when_following_begins(tmp_path, file, monkeypatch, size):
    monkeypatch.setattr(follow, "_LOOK_BACK", 800)
    follower = Follower(tmp_path)
    whole = line(2, text="x" * size)
    append(file, line(1) + whole[:-5])
    assert follower.last(0) == []

    append(file, whole[-5:])

    assert ids(follower.new()) == ["2"]


def test_only_wanted_events_are_given(tmp_path, file):
    follower = Follower(tmp_path, lambda event: event["event"]["id"] != "1")
    append(file, line(1) + line(2))

    assert ids(follower.new()) == ["2"]


def test_the_last_ones_come_by_time_of_writing_from_all_files(follower, file, tmp_path):
    append(file, line(1) + line(4) + line(5))
    append(tmp_path / "b.ndjson", line(2) + line(3) + line(6))

    assert ids(follower.last(4)) == ["3", "4", "5", "6"]


def test_what_comes_after_the_last_ones_is_new(follower, file):
    torn = line(3)
    append(file, line(1) + line(2) + torn[:9])
    assert ids(follower.last(1)) == ["2"]
    assert ids(follower.new()) == []

    append(file, torn[9:] + line(4))

    assert ids(follower.new()) == ["3", "4"]


def test_none_of_the_last_ones_may_be_asked_for(follower, file):
    append(file, line(1))

    assert follower.last(0) == []
    assert ids(follower.new()) == []


def test_the_last_ones_are_looked_for_at_the_end_of_each_file(follower, file, monkeypatch):
    monkeypatch.setattr(follow, "_LOOK_BACK", 2 * len(line(1)) + 5)
    append(file, line(1) + line(2) + line(3))

    assert ids(follower.last(10)) == ["2", "3"]


def test_one_endless_line_is_no_event(follower, file, monkeypatch):
    monkeypatch.setattr(follow, "_LOOK_BACK", 50)
    append(file, line(1) + b"x" * 500)
    assert follower.last(10) == []

    append(file, b"\n" + line(2))

    assert ids(follower.new()) == ["2"]


def test_an_event_without_a_time_of_writing_counts_as_old(follower, file, tmp_path):
    append(file, b'{"event": {"id": "x"}}\n')
    append(tmp_path / "b.ndjson", line(1))

    assert ids(follower.last(1)) == ["1"]


def test_a_folder_that_does_not_exist_yet_is_waited_for(tmp_path):
    follower = Follower(tmp_path / "later")
    assert follower.last(5) == []
    assert ids(follower.new()) == []

    (tmp_path / "later").mkdir()
    append(tmp_path / "later" / "a.ndjson", line(1))

    assert ids(follower.new()) == ["1"]


def test_a_file_instead_of_a_folder_is_refused(file):
    append(file, line(1))

    with pytest.raises(StoreError, match="is a file"):
        Follower(file).last(1)
