"""Issues of a store: what comes back, what is left out and why."""

from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest

import elkmon
from elkmon import Monitor, QueryError
from elkmon.emit.issue_notes import IssueNote, note_lines
from elkmon.stores.registry import open_store

START = datetime(2026, 11, 10, tzinfo=timezone.utc)
LIVE = START + timedelta(days=5)
HOUR = timedelta(hours=1)
SPAN = {"since": START, "until": START + timedelta(days=10)}


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "store"
    elkmon.reset()


def serve(
    folder,
    *,
    version="2",
    begin=LIVE,
    number=300,
    wrong=0.02,
    site="porto",
    name="site",
    label=None,
):
    """Serve predictions every 10 minutes, labelled at once; so many are wrong."""
    elkmon.configure(spool=folder)
    log = elkmon.get_logger("m", version, task="multiclass")
    times = [begin + timedelta(minutes=10 * n) for n in range(number)]
    ids = [f"{version}-{site}-{at.isoformat()}" for at in times]
    log.predictions(id=ids, at=times, label="b", segment={name: site})
    miss = [n % round(1 / wrong) == 0 for n in range(number)]
    if label is not None:
        log.labels(ids, observed_at=times, correct=[not wrong for wrong in miss])
    else:
        log.labels(ids, ["a" if wrong else "b" for wrong in miss], observed_at=times)
    elkmon.reset()


def listed(folder, **more):
    with Monitor(folder) as monitor:
        return monitor.issues(**{**SPAN, **more})


def write_notes(folder, notes):
    with closing(open_store(folder)) as store:
        store.write(note_lines(notes))


def both(folder, **now):
    serve(folder, version="1", begin=START)
    serve(folder, **{"wrong": 0.25, **now})


def test_a_rise_of_one_pair_is_an_issue(folder):
    both(folder)

    (row,) = listed(folder).rows

    assert (row.kind, row.state, row.title) == ("wrong", "new", "a predicted as b")
    assert (row.count, row.versions, row.models) == (75, ("2",), ("m",))
    assert (row.baseline.k, row.baseline.n) == (6, 300)
    assert row.first_seen == LIVE
    assert sum(step.count for step in row.trend) == 75


def test_answers_that_are_only_called_wrong_are_an_issue_too(folder):
    both(folder, label="correct")
    serve(folder, version="1", begin=START, site="oslo", label="correct")

    titles = {row.title for row in listed(folder).rows}

    assert titles == {"b, which is wrong"}


def test_nothing_before_is_said(folder):
    serve(folder, wrong=0.5)

    result = listed(folder)

    assert result.rows == ()
    (note,) = result.notes
    assert note.startswith("m: wrong answers are not compared, as there is nothing before 2026-11")


def test_too_few_labels_are_said(folder):
    serve(folder, version="1", begin=START)
    serve(folder, number=20, wrong=0.5)

    (note,) = listed(folder).notes

    assert "m: too few labels at equal age to compare wrong answers: 19 of 2, 300 of 1" in note


def test_a_segment_with_too_many_values_is_left_out_and_named(folder):
    both(folder)
    for number in range(60):
        serve(folder, site=f"s{number}", number=5, begin=LIVE)

    assert any("segment site is left out of slices" in note for note in listed(folder).notes)


def test_conditions_that_predictions_never_meet_leave_wrong_answers_out(folder):
    both(folder)

    result = listed(folder, where=["error.type!=X", "error.culprit=y"])

    assert result.rows == ()
    assert "wrong answers are left out: error.culprit is not known of predictions" in result.notes


@pytest.mark.parametrize(
    ("resolved_at", "state"),
    [
        (LIVE + timedelta(hours=12), "regressed"),
        (LIVE + timedelta(days=3), "resolved"),
    ],
)
def test_wrong_answers_come_back_where_they_are_tested_anew(folder, resolved_at, state):
    both(folder)
    (row,) = listed(folder).rows
    write_notes(folder, [IssueNote(row.id, "resolved", row.title, "m", "2", resolved_at)])

    (again,) = listed(folder, states=["regressed", "resolved"]).rows

    assert (again.id, again.state) == (row.id, state)


@pytest.mark.parametrize(
    ("after", "state"), [(LIVE + timedelta(hours=12), "regressed"), (SPAN["until"], "resolved")]
)
def test_whether_wrong_answers_came_back_does_not_depend_on_what_is_counted(folder, after, state):
    both(folder)
    where = ["label=b", "version=2"]
    (row,) = listed(folder, where=where).rows
    write_notes(folder, [IssueNote(row.id, "resolved", row.title, "m", "2", after)])

    for conditions in ((), where):
        (again,) = listed(folder, where=conditions, states=["regressed", "resolved"]).rows
        assert (again.id, again.state) == (row.id, state)


@pytest.mark.parametrize("number", [300, 10])
def test_an_issue_of_an_older_version_stays_resolved_unless_the_current_one_has_it(folder, number):
    both(folder, number=200)
    serve(folder, version="3", begin=LIVE + timedelta(minutes=10 * 200), number=number)
    (row,) = listed(folder, where=["version=2"]).rows
    at = LIVE + timedelta(hours=5)
    write_notes(folder, [IssueNote(row.id, "resolved", row.title, "m", "2", at)])

    (again,) = listed(folder, where=["version=2"], states=["resolved"]).rows
    assert again.id == row.id


def test_what_is_fixed_after_a_resolve_stays_resolved(folder):
    both(folder)
    (row,) = listed(folder).rows
    resolved_at = LIVE + timedelta(minutes=10 * 300)
    write_notes(folder, [IssueNote(row.id, "resolved", row.title, "m", "2", resolved_at)])
    serve(folder, begin=resolved_at)

    assert [row.state for row in listed(folder, states=["resolved"]).rows] == ["resolved"]


def test_a_first_sight_that_was_noted_counts(folder):
    both(folder)
    (row,) = listed(folder).rows
    first_seen = START - timedelta(days=400)
    write_notes(folder, [IssueNote(row.id, "first_seen", row.title, "m", "1", first_seen)])

    (again,) = listed(folder).rows

    assert (again.state, again.first_seen) == ("ongoing", first_seen)


def test_errors_in_words_are_named_by_their_words(folder):
    elkmon.configure(spool=folder)
    for number in range(3):
        elkmon.get_logger("m").error("the scale is off by %s", number)
    elkmon.get_logger("m").error("x" * 300)
    elkmon.reset()

    rows = listed(folder, since="1h", until=None).rows

    assert {row.title for row in rows} == {"the scale is off by 2", "x" * 100 + "…"}
    assert rows[0].count == 3


def test_what_comes_back_stands_first_then_what_is_new(folder):
    elkmon.configure(spool=folder)
    for version, begin in (("1", START), ("2", LIVE)):
        log = elkmon.get_logger("m", version)
        log.deployment(version, at=begin)
        for kind in (KeyError, ValueError) if version == "1" else (OSError, KeyError):
            for number in range(5 if kind is KeyError else 3):
                at = begin + timedelta(hours=number)
                with pytest.raises(kind), log.predict(at=at):
                    raise kind
    elkmon.reset()
    (old,) = [row for row in listed(folder).rows if row.title == "ValueError"]
    back = START + timedelta(minutes=30)
    write_notes(folder, [IssueNote(old.id, "resolved", "", "m", "1", back)])

    rows = listed(folder).rows

    assert [(row.title, row.state) for row in rows] == [
        ("ValueError", "regressed"), ("OSError", "new"), ("KeyError", "ongoing"),
    ]  # fmt: skip
    assert [row.title for row in listed(folder, limit=1).rows] == ["ValueError"]


def fail(folder, version, kind, *times):
    elkmon.configure(spool=folder)
    log = elkmon.get_logger("m", version)
    log.deployment(version, at=START if version == "1" else LIVE)
    for at in times:
        with pytest.raises(kind), log.predict(at=at, segment={"site": f"s{version}"}):
            raise kind
    elkmon.reset()


@pytest.mark.parametrize("where", [[], ["version=2"], ["version=1"], ["host!=x"]])
def test_the_state_of_an_exception_does_not_depend_on_what_is_counted(folder, where):
    fail(folder, "1", ValueError, START + HOUR, START + 2 * HOUR)
    fail(folder, "2", ValueError, LIVE + HOUR)
    resolved = [IssueNote(listed(folder).rows[0].id, "resolved", "", "m", "1", START + 3 * HOUR)]

    (before,) = listed(folder, where=where).rows
    write_notes(folder, resolved)
    (after,) = listed(folder, where=where).rows

    assert (before.first_seen, before.state, after.state) == (
        START + HOUR, "ongoing", "regressed",
    )  # fmt: skip


def test_one_issue_in_full(folder):
    both(folder)
    serve(folder, version="1", begin=START, site="oslo")
    serve(folder, site="oslo")
    (row,) = listed(folder).rows

    with Monitor(folder) as monitor:
        detail = monitor.issue(row.id[:6], **SPAN)
        with pytest.raises(QueryError, match="no such issue"):
            monitor.issue("nothing", **SPAN)

    assert row.title == "a predicted as b, site=porto"
    assert [(version.version, version.share.k, version.share.n) for version in detail.versions] == [
        ("2", 75, 300), ("1", 6, 300),
    ]  # fmt: skip
    assert detail.rising_since == LIVE
    assert len(detail.examples) == 3
    assert {event["ml"]["truth"]["label"] for event in detail.examples} == {"a"}


@pytest.mark.parametrize(
    ("name", "site"), [("a=b", "new york "), ("<my site> ", "="), ('a "!"', '"a=b"')]
)
def test_segments_may_be_called_anything(folder, name, site):
    for version, begin, share in (("1", START, 0.02), ("2", LIVE, 0.25)):
        serve(folder, version=version, begin=begin, wrong=share, name=name, site=site)
        serve(folder, version=version, begin=begin, name=name, site="other")

    with Monitor(folder) as monitor:
        (row,) = monitor.issues(**SPAN).rows
        detail = monitor.issue(row.id, **SPAN)
        where = monitor.issues(**SPAN).to_dicts()[0]["where"]
        behind = list(monitor.events(row.dataset, where=where, limit=1000, **SPAN))

    assert row.segments == (f"{name}={site}",)
    assert (row.count, len(behind)) == (75, 75)
    assert [(version.version, version.share.k) for version in detail.versions] == [
        ("2", 75),
        ("1", 6),
    ]
    assert {event["ml"]["segment"][name] for event in detail.examples} == {site}


def test_conditions_that_allow_several_segments_leave_an_issue_its_own(folder):
    for site, share in (("porto", 0.25), ("oslo", 0.02), ("graz", 0.02)):
        serve(folder, version="1", begin=START, site=site)
        serve(folder, site=site, wrong=share)
    either = ["segment.site=porto", "segment.site=oslo"]

    (row,) = listed(folder, where=either).rows

    assert (row.title, row.count) == ("a predicted as b, site=porto", 75)


def test_the_onset_of_a_rise_within_a_version_is_found(folder):
    serve(folder, version="1", begin=START)
    serve(folder, begin=LIVE)
    onset = LIVE + timedelta(minutes=10 * 300)
    serve(folder, begin=onset, wrong=0.33)
    (row,) = listed(folder).rows

    with Monitor(folder) as monitor:
        since = monitor.issue(row.id, **SPAN).rising_since

    assert abs(since - onset) <= timedelta(hours=1)


def test_an_empty_store_has_no_issue(tmp_path):
    with Monitor(tmp_path) as monitor:
        assert monitor.issues().to_dicts() == []
        assert list(monitor.issues().to_pandas().columns)[:3] == ["id", "kind", "state"]
        assert monitor.compare().rows == ()
        assert monitor.metrics("x").rows == ()


def test_rows_become_a_frame(folder):
    both(folder)

    frame = listed(folder).to_pandas()
    with Monitor(folder) as monitor:
        compared = monitor.compare(**SPAN).to_pandas()

    assert frame.loc[0, "versions"] == "2"
    assert compared.loc[0, "error_rate_current_k"] == 75
    assert compared.loc[0, "baseline_name"] == "1"
    assert not compared.isna().all().loc["words"]
