"""Comparisons of a store's models: what can be said, also where something is missing."""

from datetime import datetime, timedelta, timezone

import pytest

import elkmon
from elkmon import Monitor

START = datetime(2026, 11, 10, tzinfo=timezone.utc)
SPAN = {"since": START, "until": START + timedelta(days=10)}


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "store"
    elkmon.reset()


def serve(folder, version, day, *, number=200, labelled=True, failed=0, duration=None, model="m"):
    """Serve predictions every 5 minutes from a day on; each tenth answer is wrong."""
    elkmon.configure(spool=folder)
    log = elkmon.get_logger(model, version, task="multiclass")
    begin = START + timedelta(days=day)
    times = [begin + timedelta(minutes=5 * n) for n in range(number)]
    ids = [f"{version}-{n}" for n in range(number)]
    log.predictions(id=ids, at=times, label="b", segment={"site": "x"}, duration=duration)
    for n in range(failed):
        with pytest.raises(OSError, match="gone"), log.predict(id=f"{version}-f{n}", at=times[n]):
            raise OSError("gone")
    if labelled:
        truths = ["a" if n % 10 == 0 else "b" for n in range(number)]
        log.labels(ids, truths, observed_at=times)
    elkmon.reset()


def compared(folder, *sides, **more):
    with Monitor(folder) as monitor:
        return monitor.compare(*sides, **{**SPAN, **more})


def test_without_labels_errors_are_not_judged_and_failures_are(folder):
    serve(folder, "1", 0, labelled=False)
    serve(folder, "2", 5, labelled=False, failed=40)

    (row,) = compared(folder).rows

    assert (row.verdict, row.failure_rate.verdict, row.error_rate.verdict) == (
        "worse", "worse", "not enough",
    )  # fmt: skip
    assert (row.horizon, row.late_right, row.tried, row.worse) == (None, None, 0, ())
    assert (
        row.words[1]
        == "Not enough data to judge the error rate: the baseline has no labels to compare."
    )


def test_better_and_worse_together_are_mixed(folder):
    serve(folder, "1", 0, number=2000)
    serve(folder, "2", 5, number=2000, failed=100)
    elkmon.configure(spool=folder)
    log = elkmon.get_logger("m")
    log.labels(
        [f"2-{n}" for n in range(0, 2000, 20)],
        ["b"] * 100,
        observed_at=[
            START + timedelta(days=5, minutes=5 * n, seconds=9) for n in range(0, 2000, 20)
        ],
    )
    elkmon.reset()

    (row,) = compared(folder).rows

    assert (row.verdict, row.error_rate.verdict) == ("mixed", "better")
    assert row.words[0].startswith("The failure rate rose: ")
    assert row.words[1].startswith("The error rate fell: ")


def test_nothing_that_changed_is_no_evidence(folder):
    serve(folder, "1", 0, number=2800)
    serve(folder, "2", 10 - 2800 / 288, number=2700)

    (row,) = compared(folder).rows

    assert row.verdict == "no evidence"
    assert all(sentence.startswith("No evidence that ") for sentence in row.words)


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [(0.01, 0.02, "slower"), (0.02, 0.01, "faster"), (0.01, 0.0102, "no evidence")],
)
def test_latency_shifts_where_it_is_a_tenth_and_sure(folder, before, now, words):
    serve(folder, "1", 0, duration=before)
    serve(folder, "2", 5, duration=now)

    (row,) = compared(folder).rows

    assert (row.p50.words, row.p95.words) == (words, words)
    assert row.p50.value == pytest.approx(now / before, rel=0.02)
    assert row.verdict in {"no evidence", "not enough"}


def test_attempts_without_a_duration_have_no_shift(folder):
    serve(folder, "1", 0)
    serve(folder, "2", 5)

    (row,) = compared(folder).rows

    assert (row.p50.value, row.p50.words) == (None, "no evidence")
    assert row.p50.baseline.reason == "no attempt has a duration"


def test_a_version_of_one_model_leaves_the_others_out_and_says_so(folder):
    serve(folder, "1", 0)
    serve(folder, "2", 5)
    serve(folder, "9", 0, model="other")

    result = compared(folder, "1", "2")

    assert [row.model for row in result.rows] == ["m"]
    assert result.notes[0].startswith("other is not compared: no such version: 2; there are: 9")


def test_a_baseline_alone_is_compared_with_what_is_current(folder):
    for day, version in enumerate("123"):
        serve(folder, version, day)

    (row,) = compared(folder, "1").rows

    assert (row.baseline.name, row.current.name) == ("1", "3")


def test_a_current_one_alone_is_compared_with_the_one_before(folder):
    for day, version in enumerate("123"):
        serve(folder, version, day)

    (row,) = compared(folder, None, "2").rows

    assert (row.baseline.name, row.current.name) == ("1", "2")
