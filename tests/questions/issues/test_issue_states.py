"""The state of an issue: what was noted of it, and whether it came back."""

from datetime import datetime, timedelta, timezone

import pytest

from elkmon.questions.issues.row import pair_in_words, wrong_fingerprint
from elkmon.questions.issues.states import Note, notes_of, state_of, still_resolved

NOW = datetime(2026, 11, 20, tzinfo=timezone.utc)
DAY = timedelta(days=1)


def resolved(version="2"):
    return Note(None, {"resolved": (NOW, version)})


def test_notes_are_read_by_fingerprint_the_latest_of_each_action(laid):
    store = laid(
        ("a", "first_seen", "1", NOW - 9 * DAY, NOW - 5 * DAY),
        ("a", "resolved", "1", NOW - 4 * DAY, NOW - 4 * DAY),
        ("a", "resolved", "2", NOW - 2 * DAY, NOW - DAY),
        ("a", "reopened", None, NOW - 3 * DAY, NOW - 3 * DAY),
        ("b", "ignored", None, NOW, NOW.replace(tzinfo=None)),
        ("b", "something_newer", None, NOW, NOW),
    )

    notes = notes_of(store)

    assert notes["a"].first_seen == NOW - 9 * DAY
    assert notes["a"].last == ("resolved", NOW - DAY, "2")
    assert notes["b"].last == ("ignored", NOW, None)
    assert notes["b"].first_seen is None


@pytest.mark.parametrize(
    ("note", "came_back", "state"),
    [
        (None, False, "ongoing"),
        (Note(), False, "ongoing"),
        (resolved(), False, "resolved"),
        (resolved(), True, "regressed"),
        (Note(None, {"ignored": (NOW, None)}), True, "ignored"),
        (Note(None, {"resolved": (NOW, "1"), "reopened": (NOW + DAY, "1")}), True, "ongoing"),
        (Note(None, {"reopened": (NOW, "1"), "ignored": (NOW + DAY, "1")}), False, "ignored"),
    ],
)
def test_what_was_said_last_decides(note, came_back, state):
    assert state_of(note, NOW - DAY, NOW, came_back=came_back) == state


def test_what_was_first_seen_since_the_version_began_is_new():
    assert state_of(None, NOW, NOW, came_back=False) == "new"
    assert state_of(None, NOW - DAY, NOW, came_back=False) == "ongoing"


@pytest.mark.parametrize(
    ("seen", "still"),
    [
        ({"2": NOW - DAY}, True),
        ({"2": NOW + DAY}, False),
        ({"3": NOW + DAY}, False),
        ({"1": NOW + DAY}, True),
        ({"1": NOW + DAY, "3": NOW + DAY}, False),
        ({None: NOW + DAY}, False),
        ({"unheard of": NOW + DAY}, False),
    ],
)
def test_it_comes_back_in_the_same_or_a_later_version(seen, still):
    assert still_resolved(resolved(), seen, ["1", "2", "3"]) is still


def test_where_the_version_is_not_known_any_sight_counts():
    assert not still_resolved(resolved(None), {"1": NOW + DAY}, ["1", "2"])
    assert not still_resolved(resolved(), {"1": NOW + DAY}, [])


def test_what_nobody_resolved_is_not_resolved():
    assert not still_resolved(Note(), {}, [])


def test_fingerprints_of_wrong_answers_differ_where_they_do():
    fingerprints = {
        wrong_fingerprint("m", ("a", "b"), None),
        wrong_fingerprint("n", ("a", "b"), None),
        wrong_fingerprint("m", ("b", "a"), None),
        wrong_fingerprint("m", ("a", "b"), ("site", "porto")),
        wrong_fingerprint("m", ("a", "b"), ("sitep", "orto")),
        wrong_fingerprint("m", (None, "b"), None),
    }

    assert len(fingerprints) == 6
    assert {len(fingerprint) for fingerprint in fingerprints} == {16}


def test_a_fingerprint_is_the_same_for_ever():
    fingerprint = wrong_fingerprint("tumour-triage", ("malignant", "benign"), ("site", "porto"))

    assert fingerprint == "bd48b9d8425f6be9"


@pytest.mark.parametrize(
    ("pair", "where", "words"),
    [
        (("a", "b"), None, "a predicted as b"),
        (("a", "b"), ("site", "porto"), "a predicted as b, site=porto"),
        (("a", None), None, "a predicted as no class"),
        ((None, "b"), None, "b, which is wrong"),
        ((None, None), None, "wrong answers"),
    ],
)
def test_wrong_answers_are_named(pair, where, words):
    assert pair_in_words(pair, where) == words
