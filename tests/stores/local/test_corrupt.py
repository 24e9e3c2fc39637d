"""Lines that are no events never fail a question and never change a count; none is lost."""

import os
import shutil
import tempfile
from pathlib import Path

import duckdb
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elkmon import StoreError
from elkmon.events import lines
from elkmon.events.limits import LINE
from elkmon.stores.local import line_scan
from elkmon.stores.local.compact import compact
from elkmon.stores.local.line_scan import has_long_line, scan
from elkmon.stores.local.store import LocalStore
from elkmon.stores.protocol import FieldValue
from tests.support.event_folders import (
    ALL,
    ENTITY,
    ask,
    catalog,
    count,
    events,
    examine,
    label,
    line,
    names,
    prediction,
    write,
)

GOOD = [prediction(name, {"ml.prediction.label": "yes"}) for name in "abc"]
TRUTH = label("l", "a", {"ml.truth.label": "no"})
A = line(prediction("bad"))
OUTCOME = FieldValue("ml.eval.outcome")

BAD = {
    "half a record": (A[:60], "not JSON: unexpected end of data"),
    "an end": (A[60:-1], "not JSON: "),
    "NUL bytes": (b"\0" * 4096, "NUL bytes"),
    "a NUL byte in a text": (A[:-2] + b',"x":"\0"}', "NUL bytes"),
    "bad UTF-8": (A[:-2] + b',"x":"\xff\xfe"}', "not UTF-8"),
    "bad UTF-8 alone": (b"\x80", "not UTF-8"),
    "half a surrogate": (A[:-2] + b',"x":"\\ud800"}', "not JSON: "),
    "a number": (b"7", "not a JSON object"),
    "a text": (b'"text"', "not a JSON object"),
    "null": (b"null", "not a JSON object"),
    "an array": (b"[" + A[:-1] + b"]", "not a JSON object"),
    "an open array": (b"[" + A[:-1], "not JSON: "),
    "an empty object": (b"{}", "without event.id and event.dataset and @timestamp"),
    "no id": (A[:-1].replace(b'"id":"fraud/bad",', b""), "without event.id"),
    "an event that is none": (b'{"@timestamp":"2026-11-24T00:00:00Z","event":7}', "without event"),
    "no time": (A[:-1].replace(b"12:00:00.000Z", b"25:00:00.000Z"), "@timestamp is no time"),
    "a time as a number": (b'{"@timestamp":1,"event":{"id":"1","dataset":"x"}}', "@timestamp is"),
    "a year too far": (A[:-1].replace(b"2026-", b"20260-"), "@timestamp is no time"),
    "two records": (A[:-1] + A[:-1], "not JSON: "),
    "a record and more": (A[:-1] + b"}", "not JSON: "),
    "text that an error cuts within a character": (
        b'{"a":"' + "\u20ac".encode() * 300 + b'"x}',
        "not JSON: ",
    ),
    "no JSON": (b"Traceback (most recent call last):", "not JSON: "),
    "open brackets": (b"[" * 100_000, "nested too deeply"),
    "open braces": (b'{"a":' * 100_000, "nested too deeply"),
    "brackets to the end": (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
    "a mark that is none": (b"\xfe\xff" + A[:-1], "not UTF-8"),
    "a form feed and no more": (b"\x1c", "not JSON: "),
}
"""Each with how its reason begins."""

LENIENT = {
    "infinity": A[:-2] + b',"x":Infinity}',
    "minus infinity": A[:-2] + b',"x":-Infinity}',
    "NaN": A[:-2] + b',"x":NaN}',
    "a number beyond double": A[:-2] + b',"x":1e999}',
    "a trailing comma": A[:-2] + b",}",
    "white space": b" \t\x0b\x0c" + A[:-1] + b" \r",
    "a key twice": A[:-2] + b',"x":1,"x":2}',
    "an id twice": A[:-2] + b',"event":{"id":"other","dataset":"elkmon.prediction"}}',
    "deep nesting": A[:-2] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a fullstop too many digits": A[:-2] + b',"x":' + b"1" * 400 + b"}",
    "a half-escaped NUL": A[:-2] + b',"x":"\\u0000"}',
    "another form of time": A[:-1].replace(b"2026-11-24T12", b"2026-11-24 12"),
}
"""Lines that are events, as DuckDB reads them: they count, and are kept as they are."""


def findings(folder, beginning="lines that are no events: "):
    """Give what the doctor says of such lines: reason, how many, where."""
    return [
        (each.what.removeprefix(beginning), each.count, each.places)
        for each in examine(folder)
        if each.what.startswith(beginning)
    ]


def rejected(folder):
    rows = [
        orjson.loads(each)
        for file in sorted((folder / "rejected").glob("*"))
        for each in file.read_bytes().splitlines()
    ]
    return [(row["line"], row["reason"], row["raw"]) for row in rows]


def answers(folder):
    """Ask the three questions."""
    given = [each["ml"]["prediction"]["id"] for each in events(folder)]
    return ask(folder, OUTCOME), given, catalog(folder).datasets


SOUND = (
    [("wrong", 1), (None, 2)],
    ["a", "b", "c"],
    {"elkmon.label": 1, "elkmon.prediction": 3},
)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_changes_nothing_is_told_and_is_set_apart(folder, name):
    bad, reason = BAD[name]
    a, b, c = GOOD
    write(folder / "p.ndjson", bad + b"\n", a, b, bad + b"\n", c, TRUTH, bad)

    assert answers(folder) == SOUND
    assert catalog(folder).bad_lines == 3

    ((told, how_many, where),) = findings(folder)
    assert told.startswith(reason)
    assert (how_many, where) == (3, ("p.ndjson:1", "p.ndjson:4", "p.ndjson:7"))

    assert compact(folder).rejected == 3
    assert answers(folder) == SOUND
    assert catalog(folder).bad_lines == 0
    raw = bad.decode(errors="backslashreplace")
    assert rejected(folder) == [(number, told, raw) for number in (1, 4, 7)]


@pytest.mark.parametrize("name", LENIENT)
def test_what_duckdb_takes_for_an_event_counts_and_stays(folder, name):
    write(folder / "foreign.ndjson", *GOOD, LENIENT[name] + b"\n", TRUTH)
    expected = [("wrong", 1), (None, 3)], 4, {"elkmon.label": 1, "elkmon.prediction": 4}

    rows, given, datasets = answers(folder)
    assert (rows, len(given), datasets) == expected
    assert findings(folder) == []
    assert catalog(folder).bad_lines == 0

    assert compact(folder).rejected == 0
    rows, given, datasets = answers(folder)
    assert (rows, len(given), datasets) == expected
    (raw,) = duckdb.execute(
        "SELECT _raw FROM read_parquet(?) WHERE \"ml.prediction.id\" = 'bad'",
        [str(folder / "foreign.parquet")],
    ).fetchone()
    assert raw == LENIENT[name].strip().decode()


def test_a_mark_at_the_beginning_is_no_part_of_the_first_line(folder):
    write(folder / "foreign.ndjson", b"\xef\xbb\xbf", *GOOD, TRUTH)

    assert answers(folder) == SOUND
    assert findings(folder) == []
    compact(folder)
    assert answers(folder) == SOUND
    assert rejected(folder) == []


def test_a_mark_alone_is_nothing(folder):
    write(folder / "a.ndjson", b"\xef\xbb\xbf")

    assert [each.data for each in scan(folder / "a.ndjson")] == []
    assert count(folder) == 0


def test_lines_may_end_as_windows_ends_them(folder):
    write(folder / f"{ENTITY}.ndjson", *(line(each).replace(b"\n", b"\r\n") for each in GOOD))
    write(folder / "b.ndjson", b"\r\n\r\n", line(TRUTH).replace(b"\n", b"\r\n"), b"torn\r\n")

    assert answers(folder) == SOUND
    assert findings(folder)[0][1:] == (1, ("b.ndjson:4",))
    assert compact(folder).rejected == 1
    assert answers(folder) == SOUND


def test_blank_lines_are_nothing(folder):
    write(folder / "a.ndjson", b"\n", *GOOD, b" \t\n\x0b\x0c\n", TRUTH, b"\n\n ")

    assert answers(folder) == SOUND
    assert catalog(folder).bad_lines == 0
    assert findings(folder) == []
    assert compact(folder).rejected == 0


def test_a_last_line_needs_no_end(folder):
    write(folder / "a.ndjson", *GOOD, line(TRUTH)[:-1])

    assert answers(folder) == SOUND
    assert compact(folder).rejected == 0
    assert answers(folder) == SOUND


@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_twenty_megabytes_without_an_end_are_one_bad_line(folder, place):
    junk = b"x" * 20_000_000
    good = b"".join(map(line, [*GOOD, TRUTH]))
    cut = {"start": 0, "middle": good.index(b"\n") + 1, "end": len(good)}[place]
    end = b"" if place == "end" else b"\n"
    write(folder / "a.ndjson", good[:cut] + junk + end + good[cut:])

    assert answers(folder) == SOUND
    assert catalog(folder).bad_lines == 1
    assert findings(folder)[0][1] == 1
    assert compact(folder).rejected == 1
    assert answers(folder) == SOUND
    ((_, reason, raw),) = rejected(folder)
    assert reason == "19.1 MiB long; the limit is 16 MiB"
    assert raw == junk.decode()


def filled(size):
    """Return a line that is a prediction, of so many bytes without its newline."""
    text = line(prediction("big", {"message": ""}))[:-1]
    return text.replace(b'"message":""', b'"message":"' + b"x" * (size - len(text)) + b'"') + b"\n"


@pytest.mark.parametrize(
    ("size", "counts"), [(LINE, True), (LINE + 1, False), (20_000_000, False), (2 * LINE, False)]
)
def test_a_long_line_counts_up_to_the_limit(folder, size, counts):
    write(folder / "a.ndjson", GOOD[0], filled(size), *GOOD[1:])
    expected = 3 + counts

    assert count(folder) == expected
    assert compact(folder).rejected == 1 - counts
    assert count(folder) == expected
    assert sum(len(raw) for _, _, raw in rejected(folder)) == (0 if counts else size)


@given(lengths=st.lists(st.integers(0, 120), max_size=30), ended=st.booleans())
def test_a_file_with_a_long_line_is_told_by_few_reads(tmp_path_factory, lengths, ended):
    file = tmp_path_factory.mktemp("lines") / "a.ndjson"
    file.write_bytes(b"\n".join(b"x" * length for length in lengths) + b"\n" * ended)

    with pytest.MonkeyPatch.context() as patch:
        for module in (line_scan, lines):
            patch.setattr(module, "LINE", 100)
        assert has_long_line(file) == any(length > 100 for length in lengths)


@pytest.mark.parametrize("after", [0, 3])
def test_a_long_line_is_an_event_to_every_question_wherever_it_stands(folder, after):
    write(folder / "a.ndjson", *GOOD[after:], filled(LINE), *GOOD[:after])

    assert count(folder) == 4
    assert len(events(folder)) == 4
    assert catalog(folder).bad_lines == 0
    assert findings(folder) == []


def test_a_corrupt_file_that_grows_is_read_anew_without_filling_the_disk(folder):
    write(folder / "good.ndjson", GOOD[0])
    file = write(folder / "a.ndjson", GOOD[1], b"x" * 34_000_000)
    store = LocalStore(folder)
    scratch = Path(store._scratch.name)

    counts, copies = [], set()
    for number in range(6):
        counts.append(count(store))
        copies.add(len(list(scratch.glob("*.ndjson"))))
        write(file, b"x" * 1000 if number < 3 else b"\n" + line(prediction(f"n{number}")))
    counts.append(count(store))

    store.close()
    assert counts == [2, 2, 2, 2, 3, 4, 5]
    assert copies == {1}
    assert not scratch.exists()


def test_each_corrupt_file_has_one_copy_of_its_own(folder):
    for name in ("a", "b", "c"):
        write(folder / f"{name}.ndjson", prediction(name))
    store = LocalStore(folder)
    for name in ("b", "a"):
        write(folder / f"{name}.ndjson", b"x" * 34_000_000 + b"\n")
        assert count(store) == 3
    write(folder / "d.ndjson", prediction("d"), b"x" * 34_000_000)
    assert count(store) == 4

    assert len(list(Path(store._scratch.name).glob("*.ndjson"))) == 3
    store.close()


def test_a_file_that_turns_corrupt_behind_our_back_is_looked_at_again(folder, monkeypatch):
    write(folder / "a.ndjson", *GOOD)
    store = LocalStore(folder)
    rows = store._rows
    late = iter([b"x" * 34_000_000, b"y" * 34_000_000])

    def growing(query, values=()):
        for more in late:
            write(folder / "a.ndjson", more)
            break
        return rows(query, values)

    monkeypatch.setattr(store, "_rows", growing)

    assert count(store) == 3
    store.close()


def test_what_is_no_regular_file_is_no_event_and_is_named(folder, tmp_path):
    write(folder / "a.ndjson", *GOOD, TRUTH)
    elsewhere = write(tmp_path / "elsewhere.ndjson", prediction("x"))
    (folder / "folder.ndjson").mkdir()
    (folder / "folder.parquet").mkdir()
    (folder / "link.ndjson").symlink_to(elsewhere)
    (folder / "loop.ndjson").symlink_to(folder / "loop.ndjson")
    (folder / "dangling.ndjson").symlink_to(tmp_path / "nowhere")
    (folder / "again.ndjson").symlink_to(folder / "a.ndjson")
    os.mkfifo(folder / "pipe.ndjson")
    write(folder / ".hidden.ndjson", prediction("x"))
    write(folder / "notes.txt", b"x")

    assert answers(folder) == SOUND
    ((told, how_many, where),) = findings(folder, "names of files of events")
    assert "not read" in told
    assert how_many == 7
    assert where == ("again.ndjson", "dangling.ndjson", "folder.ndjson")

    done = compact(folder)
    assert (done.files, done.failed) == (1, ())
    assert answers(folder) == SOUND
    assert elsewhere.exists()
    assert (folder / "link.ndjson").is_symlink()


@pytest.fixture
def unreadable():
    """Give a folder with a file that may not be read, whoever runs the tests."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    write(folder / "a.ndjson", *GOOD)
    write(folder / "b.ndjson", prediction("d")).chmod(0)
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)  # root may read anything
    yield folder
    os.seteuid(before)
    shutil.rmtree(folder)


def test_a_file_that_may_not_be_read_is_named_and_not_passed_over(unreadable):
    with pytest.raises(StoreError, match=r"cannot be read: (?=.*b\.ndjson).*Permission denied"):
        count(unreadable)

    assert findings(unreadable, "files that cannot be read: ") == [
        ("Permission denied", 1, ("b.ndjson",))
    ]


def test_a_folder_that_may_not_be_read_is_told(unreadable):
    os.seteuid(os.getuid())
    inner = unreadable / "inner"
    inner.mkdir(mode=0o700)
    inner.chmod(0)
    if os.getuid() == 0:
        os.seteuid(65534)

    with pytest.raises(StoreError, match="inner cannot be read: Permission denied"):
        count(inner)
    with pytest.raises(StoreError, match="Permission denied"):
        examine(inner)


def test_compaction_leaves_a_file_that_may_not_be_read(folder, monkeypatch):
    write(folder / "a.ndjson", *GOOD)
    write(folder / "b.ndjson", prediction("d"))
    is_closed = compact.__globals__["is_closed"]

    def refusing(file):
        if file.stem == "b":
            raise PermissionError(13, "Permission denied")
        return is_closed(file)

    monkeypatch.setitem(compact.__globals__, "is_closed", refusing)

    done = compact(folder)

    assert (done.files, done.live) == (1, 0)
    assert done.failed == (("b.ndjson", "[Errno 13] Permission denied"),)
    assert count(folder) == 4


def test_a_parquet_file_that_is_none_is_named(folder):
    write(folder / "a.ndjson", *GOOD)
    write(folder / "b.parquet", b"not parquet")

    with pytest.raises(StoreError, match=r"b\.parquet"):
        count(folder)
    with pytest.raises(StoreError, match=r"b\.parquet"):
        catalog(folder)


@pytest.mark.parametrize("pad", range(3))
def test_a_value_that_an_error_cuts_within_a_character_is_just_absent(folder, pad):
    score = "a" * pad + "\u20ac" * 300
    write(folder / "a.ndjson", *GOOD, prediction("d", {"ml.prediction.score": score}))

    ((what, how_many, _),) = findings(folder, "values that do not fit: ")
    assert (what, how_many) == ("ml.prediction.score should be a number", 1)
    done = compact(folder)
    assert (done.files, done.rejected, done.failed) == (1, 0, ())
    assert count(folder) == 4


def test_half_written_lines_of_many_files_are_all_left_out(folder):
    whole = b"".join(map(line, GOOD))
    for cut in range(1, len(line(GOOD[0])) - 1, 7):
        write(folder / f"{cut:03d}.ndjson", whole, line(TRUTH)[:cut])
    files = len(names(folder))

    assert count(folder) == 3
    assert catalog(folder).bad_lines == files
    assert compact(folder).rejected == files
    assert list(events(folder, where=ALL))
    assert count(folder) == 3
