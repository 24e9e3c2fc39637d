"""What compaction knows of repeats makes questions faster, and never other."""

import pytest

from elkmon.stores.local.compact import compact
from elkmon.stores.local.repeats import NAME as REPEATS
from elkmon.stores.local.store import LocalStore
from elkmon.stores.protocol import FieldValue
from tests.support.event_folders import ask, count, label, prediction, write

PREDICTED, TRUTH = FieldValue("ml.prediction.label"), FieldValue("ml.truth.label")


def at(hour):
    return f"2026-11-24T{hour:02d}:00:00.000Z"


def said(label, hour):
    return {"ml.prediction.label": label, "event.created": at(hour)}


def told(event_id, truth, hour):
    return label(event_id, "k", {"ml.truth.label": truth}, at=at(hour))


def test_the_first_prediction_counts_where_only_its_labels_were_repeats(folder):
    first = prediction("k", said("first", 1))
    write(folder / "a.ndjson", first, told("l1", "x", 2), told("l2", "x", 3))
    compact(folder)

    write(folder / "b.ndjson", prediction("k", said("second", 4)))

    assert ask(folder, PREDICTED) == [("first", 1)]


def test_all_labels_count_where_only_their_prediction_was_a_repeat(folder):
    write(folder / "a.ndjson", *[prediction("k", said("x", 1))] * 2, told("l1", "late", 9))
    compact(folder)

    write(folder / "b.ndjson", told("l2", "early", 2))

    assert ask(folder, TRUTH) == [("late", 1)]


def test_a_file_that_was_removed_counts_no_more(folder):
    write(folder / "a.ndjson", prediction("k", said("x", 1)), told("l1", "early", 2))
    compact(folder)
    write(folder / "b.ndjson", prediction("k", said("y", 0)), told("l2", "late", 9))
    compact(folder)
    assert (ask(folder, PREDICTED), ask(folder, TRUTH)) == ([("y", 1)], [("late", 1)])

    (folder / "b.parquet").unlink()

    assert (ask(folder, PREDICTED), ask(folder, TRUTH)) == ([("x", 1)], [("early", 1)])
    write(folder / "c.ndjson", prediction("other", said("z", 1)))
    compact(folder)
    assert ask(folder, PREDICTED) == [("x", 1), ("z", 1)]


def test_what_is_replaced_during_a_question_is_not_relied_upon(folder, monkeypatch):
    write(folder / "a.ndjson", *[prediction("k", said("x", 1))] * 2)
    compact(folder)
    (folder / REPEATS).rename(folder / "without")
    write(folder / "b.ndjson", prediction("n"), prediction("n"), *[told("l1", "x", 2)] * 2)
    compact(folder)
    (folder / REPEATS).rename(folder / "with")
    (folder / "without").rename(folder / REPEATS)
    (folder / "b.parquet").rename(folder / "b")
    store = LocalStore(folder)
    rows = store._rows

    def replacing(query, values=()):
        found = rows(query, values)
        if (folder / "with").exists():
            (folder / "with").rename(folder / REPEATS)
            return [("wrong",)]
        return found

    monkeypatch.setattr(store, "_rows", replacing)

    assert ask(store, PREDICTED) == [("x", 1)]
    store.close()


@pytest.mark.parametrize("broken", [b"", b"not parquet"])
def test_without_what_is_known_of_repeats_answers_are_the_same(folder, broken):
    for number in range(3):
        write(folder / f"{number}.ndjson", prediction("a"), prediction(f"b{number}"))
    compact(folder)
    assert count(folder) == 4

    (folder / REPEATS).write_bytes(broken)

    assert count(folder) == 4
    write(folder / "new.ndjson", prediction("a"), prediction("b0"))
    assert count(folder) == 4
    compact(folder)
    assert count(folder) == 4


@pytest.mark.parametrize("live", [False, True])
def test_what_is_not_kept_of_repeats_is_read_from_all_files(folder, live):
    def amount(number, hour):
        return prediction("k", said("x", hour) | {"ml.features.number": {"amount": number}})

    write(folder / "a.ndjson", amount(1.0, 1), amount(2.0, 2), told("l1", "x", 3))
    write(folder / "b.ndjson", told("l2", "y", 4))
    compact(folder)
    if live:
        write(folder / "c.ndjson", amount(0.0, 0), told("l3", "z", 5))

    found = ask(folder, FieldValue("ml.features.number.amount"), TRUTH)

    assert found == ([(0.0, "z", 1)] if live else [(1.0, "y", 1)])


def test_repeats_are_found_among_files_of_different_compactions(folder):
    for number in range(3):
        write(folder / f"{number}.ndjson", prediction("a"), prediction(f"b{number}"))
        compact(folder)
    write(folder / "live.ndjson", prediction("b1"), prediction("c"))

    assert count(folder) == 5


def test_a_file_that_was_copied_in_is_looked_at_for_repeats(folder, tmp_path):
    write(folder / "a.ndjson", prediction("a"), prediction("b"))
    compact(folder)
    write(tmp_path / "other" / "b.ndjson", prediction("a"), prediction("c"))
    compact(tmp_path / "other")

    (tmp_path / "other" / "b.parquet").rename(folder / "b.parquet")

    assert count(folder) == 3
