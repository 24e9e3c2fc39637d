"""One line, one fate: whoever reads a line beyond the limit sets it apart, and says so alike."""

import re
import tracemalloc
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from elkmon.events.limits import LINE, LINE_KEPT, MiB
from elkmon.importing import ImportOptions, import_table
from elkmon.importing.lines import Lines
from elkmon.logstash.rules import rules
from elkmon.stores.local.compact import compact
from elkmon.stores.local.follow import Follower
from elkmon.stores.local.line_scan import has_long_line, scan
from elkmon.stores.local.store import LocalStore
from tests.support.bulk_proxy import Proxy
from tests.support.event_folders import catalog, count, events, line, prediction
from tests.support.shipping import AT, dead_letters, figures, ship, write

SIZES = {LINE - 1: None, LINE: None, LINE + 1: "16.1 MiB", 20 * MiB: "20.0 MiB"}
"""Bytes of a line without its newline, and how long it is said to be where it is no event."""


@pytest.fixture(params=SIZES, ids=["just under", "at", "just over", "20 MiB"])
def size(request):
    return request.param


@pytest.fixture
def reason(size):
    """Return why the line is no event; None where it is one."""
    return SIZES[size] and f"{SIZES[size]} long; the limit is 16 MiB"


@pytest.fixture
def long(size):
    """Return a prediction as a line of that size."""
    text = line(prediction("long", {"pred": "yes", "message": ""}, at=AT))[:-1]
    return text.replace(b'"message":""', b'"message":"' + b"x" * (size - len(text)) + b'"')


@pytest.fixture
def folder(tmp_path, long):
    """Return a folder with a file of three lines, the long one second."""
    short = [line(prediction(name, {"pred": "no"}, at=AT))[:-1] for name in "ab"]
    write(tmp_path / "store", "a.ndjson", short[0], long, short[1])
    return tmp_path / "store"


def rows(folder):
    paths = sorted((folder / "rejected").glob("*"))
    return [orjson.loads(row) for path in paths for row in path.read_bytes().splitlines()]


def test_the_local_store_does_not_count_it(folder, reason):
    assert count(folder) == len(events(folder)) == (3 if reason is None else 2)
    assert catalog(folder).bad_lines == (0 if reason is None else 1)
    assert catalog(folder).datasets == {"elkmon.prediction": 3 if reason is None else 2}


def test_the_doctor_names_its_place_and_size(folder, size, reason):
    with closing(LocalStore(folder)) as store:
        problems = [each for each in store.examine() if each.level == "problem"]

    if reason is None:
        assert problems == []
    else:
        (found,) = problems
        assert found.what == "lines that are no events: longer than the limit of 16 MiB"
        assert (found.count, found.places) == (1, (f"a.ndjson:2 ({SIZES[size]})",))


def test_compaction_sets_it_apart_whole(folder, long, reason):
    done = compact(folder)

    assert (done.files, done.failed) == (1, ())
    assert count(folder) == (3 if reason is None else 2)
    expected = [{"line": 2, "reason": reason, "raw": long.decode()}]
    assert rows(folder) == ([] if reason is None else expected)


def test_ship_makes_it_a_dead_letter(folder, long, reason):
    with Proxy("http://localhost:9", lambda _request: (200, "ok")) as logstash:
        run = ship(folder, logstash.url, "elkmon", via="logstash")

    if reason is None:
        assert figures(run) == (3, 3, 0, 0)
    else:
        assert figures(run) == (3, 2, 0, 1)
        (dead,) = dead_letters(folder)
        assert (dead["file"], dead["line"], dead["reason"]) == ("a.ndjson", 2, reason)
        assert dead["cut"]
        assert dead["raw"] == long[:LINE_KEPT].decode()


@pytest.mark.parametrize("look", ["last", "new"])
def test_tail_says_that_it_is_left_out(folder, reason, look):
    told = []
    follower = Follower(folder, tell=told.append)

    seen = follower.last(10) if look == "last" else list(follower.new())

    if look == "new":  # the last ones are looked for in a part of the file
        assert len(seen) == (3 if reason is None else 2)
    assert told == ([] if reason is None else [f"a.ndjson: line 2 is {reason}: it is left out"])


def test_an_import_rejects_it(folder, tmp_path, long, reason):
    options = ImportOptions(model="m", label="pred")

    report = import_table(folder / "a.ndjson", tmp_path / "imported", options)

    assert (report.read, report.written) == (3, 3 if reason is None else 2)
    cut = {"line": 2, "reason": reason, "raw": long[:LINE_KEPT].decode(), "cut": True}
    assert rows(tmp_path / "imported") == ([] if reason is None else [cut])
    assert report.reasons == ({} if reason is None else {reason: 1})


def test_logstash_judges_by_the_same_limit(size, reason):
    folder = Path(__file__).parents[1] / "logstash"
    rule = orjson.loads(rules())
    http = (folder / "pipeline" / "http.conf").read_text()
    beats = (folder / "filebeat.yml").read_text()

    assert (size > rule["max_line"]) is (reason is not None)
    assert rule["max_line_kept"] == LINE_KEPT
    # an array of one event comes through, and what Filebeat cuts is still too long
    assert re.search(r"max_content_length => (\d+)", http)[1] == str(LINE + 1024)
    assert re.search(r"message_max_bytes: (\d+)", beats)[1] == str(LINE + 1)


def test_a_line_without_an_end_takes_no_more_memory(tmp_path):
    file = tmp_path / "a.ndjson"
    with file.open("wb") as target:
        target.write(b"x\n")
        target.truncate(12 * LINE)  # of NUL bytes, which take no room on the disk
    lines = Lines(file)
    for read in (
        lambda: has_long_line(file),
        lambda: list(scan(file)),
        lambda: list(lines),
        lambda: list(Follower(tmp_path).new()),
        lambda: Follower(tmp_path).last(10),
    ):
        tracemalloc.start()
        read()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 3 * LINE
    lines.close()
