"""What the doctor finds: what, where, how often, and what to do about it."""

import fcntl
import io
import logging
from contextlib import closing
from datetime import datetime, timedelta, timezone
from math import isfinite

import duckdb
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import elkmon
from elkmon import StoreError
from elkmon.emit import ElkmonFormatter, ElkmonHandler
from elkmon.events.fields import Kind
from elkmon.stores.local import doctor
from elkmon.stores.local import line_survey as survey
from elkmon.stores.local.columns import STORED, shape, structure
from elkmon.stores.local.compact import compact
from elkmon.stores.local.schema_check import misfits
from tests.support.event_folders import AT, event, examine, label, line, prediction, write


@pytest.fixture
def private(folder):
    """Give a folder that only its owner may look into."""
    folder.mkdir(mode=0o700)
    return folder


def told(folder):
    return [(each.level, each.what, each.count, each.places) for each in examine(folder)]


def test_of_an_empty_folder_there_is_nothing_to_say(private):
    assert told(private) == []


def test_a_folder_that_is_not_there_is_a_problem(folder):
    (found,) = examine(folder / "missing")

    assert found.level == "problem"
    assert "there is no folder" in found.what


def test_lines_that_another_handler_prints_are_not_missing(spool):
    logger = logging.getLogger("printed-elsewhere")
    logger.propagate = False
    printing = logging.StreamHandler(io.StringIO())
    printing.setFormatter(ElkmonFormatter("fraud", "1"))
    logger.handlers = [printing, ElkmonHandler("fraud", "1")]
    for number in range(5):
        logger.warning("line %d", number)
    elkmon.reset()

    assert told(spool) == []


def test_what_elkmon_writes_is_fine(spool):
    log = elkmon.get_logger("fraud", "1", task="binary")
    log.label(log.prediction(label="yes", features={"n": float("nan")}), "no")
    log.error(ValueError("boom"))
    elkmon.reset()

    assert told(spool) == []
    compact(spool)
    assert told(spool) == []


def test_bad_lines_are_told_by_reason_the_first_three_with_their_place(private):
    write(private / "a.ndjson", b"7\n", prediction("a"), b"8\n9\n\xff\n", b"10\n")

    found = told(private)

    assert found == [
        ("problem", "lines that are no events: not a JSON object", 4,
         ("a.ndjson:1", "a.ndjson:3", "a.ndjson:4")),
        ("problem", "lines that are no events: not UTF-8", 1, ("a.ndjson:5",)),
    ]  # fmt: skip
    assert "compact sets them apart" in examine(private)[0].advice


def test_a_line_that_is_being_written_is_no_problem_until_its_file_is_closed(private):
    file = write(private / "a.ndjson", prediction("a"), line(prediction("b"))[:40])

    with file.open("ab") as live:
        fcntl.flock(live, fcntl.LOCK_EX)
        assert told(private) == [("note", "lines that are being written right now", 1, ())]

    ((level, what, count, places),) = told(private)
    assert level == "problem"
    assert what.startswith("lines that are no events: not JSON")
    assert (count, places) == (1, ("a.ndjson:2",))


def test_values_that_do_not_fit_are_told_by_field(private):
    odd = {"ml.prediction.score": "high", "ml.segment": "x", "event.sequence": 1e30}
    write(private / "a.ndjson", prediction("a", odd), prediction("b"),
          prediction("c", {"ml.prediction.score": {}, "event.created": "soon"}))  # fmt: skip

    assert told(private) == [
        ("problem", f"values that do not fit: {what}", count, places)
        for what, count, places in (
            ("ml.prediction.score should be a number", 2, ("a.ndjson:1", "a.ndjson:3")),
            ("event.sequence should be a whole number", 1, ("a.ndjson:1",)),
            ("ml.segment should be an object of texts", 1, ("a.ndjson:1",)),
            ("event.created should be a time (ISO 8601)", 1, ("a.ndjson:3",)),
        )
    ]


def test_a_line_that_only_duckdb_reads_is_told(private):
    lenient = line(prediction("a", {"ml.prediction.score": "x"}))[:-2] + b',"x":NaN}\n'
    write(private / "a.ndjson", lenient)

    ((_, what, count, places),) = told(private)

    assert what.startswith("values that do not fit: a line should be strict JSON: ")
    assert (count, places) == (1, ("a.ndjson:1",))


def test_what_was_set_apart_is_told_as_long_as_it_is_there(private):
    write(private / "a.ndjson", prediction("a"), b"7\n8\n")
    compact(private)

    assert told(private) == [
        ("warning", "rows that an import or a compaction set apart", 2, ("rejected/a.ndjson",))
    ]


def test_a_folder_that_others_may_look_into_is_told(private):
    private.chmod(0o750)

    ((level, what, _, places),) = told(private)

    assert (level, places) == ("warning", (str(private),))
    assert "others than its owner" in what
    assert examine(private)[0].advice == f"chmod 700 {private}"


def emitter(sequence, fields, at=AT):
    own = {"event.sequence": sequence, "service.name": "shop", "service.node.name": "host"}
    return event("emitter", f"x{sequence}", {**own, **fields}, at=at)


def test_events_that_are_missing_are_told_from_those_that_were_dropped(private):
    write(
        private / "a.ndjson",
        prediction("a", {"event.sequence": 1}),
        emitter(10, {"ml.emitter.dropped": {"disk_full": 3, "unwritable": 1}}),
    )

    assert told(private) == [
        ("problem", "events that a process dropped: disk_full 3, unwritable 1", 4,
         ("shop on host (p0c355)",)),
        ("problem", "events that are missing, and that no process says it dropped", 4,
         ("shop on host (p0c355)",)),
    ]  # fmt: skip


def test_wrong_uses_of_the_logger_are_told_of_each_process_once(private):
    write(
        private / "a.ndjson",
        emitter(2, {"ml.emitter.misused": {"no_such_task": 5}}, "2026-11-24T13:00:00.000Z"),
        emitter(1, {"ml.emitter.misused": {"no_such_task": 1}}),
        emitter(3, {"ml.emitter.misused": {"no_such_task": 2}, "process.entity_id": "other"}),
    )

    ((level, what, count, _),) = told(private)

    assert (level, what) == ("warning", "wrong uses of the logger: no_such_task")
    assert count == 5 + 2


@pytest.mark.parametrize(
    "odd",
    [{"ml.emitter.dropped": "all"}, {"ml.emitter.dropped": {"a": "x", "b": None}}, {"ml": 7},
     {"ml.emitter.misused": [1]}, {"process": "one"}, {"service": [], "ml.emitter.misused": {}}],
)  # fmt: skip
def test_odd_emitter_events_fail_nothing(private, odd):
    made = emitter(1, {name: value for name, value in odd.items() if "." in name})
    made |= {name: value for name, value in odd.items() if "." not in name}
    write(private / "a.ndjson", made)

    assert all("process dropped" not in each.what for each in examine(private))


def test_labels_that_found_nothing_and_repeats_that_differ_are_told_by_model(private):
    write(
        private / "a.ndjson",
        prediction("a"),
        prediction("a", {"ml.prediction.label": "yes"}),
        label("l", "gone"),
    )

    assert [(each[0], each[2], each[3]) for each in told(private)] == [
        ("warning", 1, ("model fraud",)),
        ("warning", 1, ("model fraud",)),
    ]


def test_predictions_that_no_label_can_reach_are_told(private):
    nameless = prediction("", {"ml.prediction.id": None})
    write(private / "p.ndjson", nameless, nameless, prediction("a"))

    (found,) = told(private)

    assert found[:3] == (
        *("warning", "predictions without ml.prediction.id: no label can reach them", 1),
    )


def test_predictions_from_the_future_are_told(private):
    soon, later = (
        (datetime.now(timezone.utc) + timedelta(hours=hours)).isoformat() for hours in (23, 25)
    )
    write(private / "a.ndjson", prediction("a", at=soon), prediction("b", at=later))

    ((level, what, count, _),) = told(private)

    assert (level, count) == ("problem", 1)
    assert "from the future" in what


def test_other_versions_of_the_schema_are_told(private):
    write(private / "a.ndjson", prediction("a", {"ml.schema": 2}), prediction("b"),
          prediction("c", {"ml.schema": None}))  # fmt: skip

    assert [(each[0], each[1], each[2]) for each in told(private)] == [
        ("note", "predictions of schema version 2, read as 1", 1),
        ("note", "predictions of no schema version, read as 1", 1),
    ]


def test_much_that_could_be_compacted_is_told(private, monkeypatch):
    monkeypatch.setattr(doctor, "_MANY", 100)
    write(private / "a.ndjson", prediction("a"))
    live = write(private / "b.ndjson", prediction("b"))
    with live.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        ((level, what, _, _),) = told(private)

    assert (level, what) == ("note", "0 MiB could be compacted")
    compact(private)
    assert told(private) == []


def test_problems_come_first_then_warnings_then_notes(private):
    private.chmod(0o755)
    write(private / "a.ndjson", prediction("a", {"ml.schema": 2}), b"7\n")

    assert [each.level for each in examine(private)] == ["problem", "warning", "note"]


def test_progress_is_told_in_files(private):
    for name in ("a", "b"):
        write(private / f"{name}.ndjson", prediction(name))
    seen = []

    examine(private, lambda *progress: seen.append(progress))

    assert seen == [(1, 2), (2, 2)]


def test_a_file_that_vanishes_meanwhile_is_passed_over(private, monkeypatch):
    write(private / "a.ndjson", prediction("a"))
    write(private / "b.ndjson", b"7\n")
    found = survey.listing(private)
    (private / "b.ndjson").unlink()
    monkeypatch.setattr(survey, "listing", lambda _folder: found)
    monkeypatch.setattr(doctor, "listing", lambda _folder: found)

    assert told(private) == []


def test_a_store_that_cannot_be_read_at_all_is_told(private):
    write(private / "a.parquet", b"not parquet")

    with pytest.raises(StoreError, match=r"a\.parquet"):
        examine(private)


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(["", "x", "7", "0.5", "-1e3", "true", "F", "yes", "inf", "nan", "1e999"]),
        st.sampled_from(["2026-11-24T12:00:00Z", "2026-13-01T00:00:00Z", "2026-11-24"]),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=4,
)
BY_KIND = {ref.field.kind: ref for ref in STORED if ref.field.name != "event.dataset"}


@settings(max_examples=100)
@example(values={Kind.BOOLEAN: "y", Kind.LONG: 1.5, Kind.NUMBERS: {"a": "inf"}})
@example(values={Kind.DOUBLE: True, Kind.LONG: True, Kind.KEYWORDS: [{"a": 1}]})
@given(values=st.dictionaries(st.sampled_from(list(BY_KIND)), VALUES))
def test_what_does_not_fit_is_what_duckdb_takes_for_absent(values):
    made = {}
    for kind, value in values.items():
        *above, last = BY_KIND[kind].field.name.split(".")
        here = made
        for part in above:
            here = here.setdefault(part, {})
        here[last] = value

    with closing(duckdb.connect()) as connection:
        paths, _ = shape(STORED)
        columns = ", ".join(paths[ref] for ref in BY_KIND.values())
        row = connection.execute(
            f"SELECT {columns} FROM (SELECT unnest(json_transform(?, '{structure(STORED)}')))",
            [orjson.dumps(made).decode()],
        ).fetchone()

    absent = set()
    for (kind, ref), column in zip(BY_KIND.items(), row, strict=True):
        value = values.get(kind)
        if value is not None and is_absent(value, column):
            absent.add(ref.field.name)
    assert {name for name, _ in misfits(made)} == absent


def is_absent(value, column):
    if column is None:
        return True
    if not isinstance(value, dict) or not isinstance(column, dict):
        return False
    there = {name for name, each in column.items() if each is not None and is_number(each)}
    return any(each is not None and name not in there for name, each in value.items())


def is_number(value):
    """Say that a value is none of those that no column holds: infinite, or none at all."""
    return not isinstance(value, float) or isfinite(value)
