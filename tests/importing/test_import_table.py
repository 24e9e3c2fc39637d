"""What holds for every kind of table: options, columns, rejects, settings, repeats."""

import json
import os
import subprocess
import sys

import duckdb
import pytest

import elkmon
from elkmon import ConfigError, StoreError
from elkmon.importing import ImportOptions, import_table


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"task": "clustering", "label": "x"}, "no such task: 'clustering'"),
        ({}, "name the column with the prediction"),
        ({"label": "x", "value": "y"}, "name the column with the prediction"),
        ({"task": "binary", "value": "y"}, "give label, not value"),
        ({"task": "regression", "label": "y"}, "give value, not label"),
        ({"task": "binary", "label": "y", "score": "p"}, "name that with positive"),
        ({"label": "y", "truth_time": "t"}, "name the column of the truth with truth"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        ImportOptions(model="m", **options)


def test_a_missing_column_is_answered_with_close_names_and_the_list(tmp_path, store):
    table = tmp_path / "t.csv"
    table.write_text("id,Predicted,amount\n1,a,2\n")
    options = ImportOptions(model="m", label="predicted", features=("amuont", "zzz"))

    with pytest.raises(ConfigError) as caught:
        import_table(table, store, options)

    message = str(caught.value)
    assert "no column 'predicted' (label), did you mean 'Predicted'?" in message
    assert "no column 'amuont' (feature), did you mean 'amount'?" in message
    assert "no column 'zzz' (feature)." in message
    assert message.endswith("The table has: id, Predicted, amount")
    assert not store.exists()


def test_a_wide_table_is_not_listed_whole(tmp_path, store):
    table = tmp_path / "t.csv"
    table.write_text(",".join(f"c{number}" for number in range(50)) + "\n")

    with pytest.raises(ConfigError, match=r"c39 and 10 more$"):
        import_table(table, store, ImportOptions(model="m", label="zzz"))


@pytest.mark.parametrize("name", ["t.xlsx", "t", "t.gz", "t.parquet.gz"])
def test_a_kind_of_file_that_is_not_known_is_refused(tmp_path, store, name):
    (tmp_path / name).write_text("x")

    with pytest.raises(ConfigError, match=r"one that ends in \.csv"):
        import_table(tmp_path / name, store, ImportOptions(model="m", label="x"))


@pytest.mark.parametrize("name", ["absent.csv", "absent.ndjson", "absent.parquet"])
def test_a_file_that_is_not_there_is_named(tmp_path, store, name):
    with pytest.raises(StoreError, match=rf"cannot .*{name}"):
        import_table(tmp_path / name, store, ImportOptions(model="m", label="x"))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"id": null, "p": "a"}', "no id in column 'id'"),
        ('{"id": " ", "p": "a"}', "no id in column 'id'"),
        ('{"id": 1}', "no prediction in column 'p'"),
        ('{"id": 1, "p": "a", "s": "high"}', "no number in column 's'"),
        ('{"id": 1, "p": "a", "s": {}}', "no number in column 's'"),
        ('{"id": 1, "p": "a", "s": 1.01}', "the score in column 's' is not between 0 and 1"),
        ('{"id": 1, "p": "a", "s": -0.1}', "the score in column 's' is not between 0 and 1"),
        ('{"id": 1, "p": "a", "s": "inf"}', "no finite number in column 's'"),
    ],
)
def test_a_row_that_cannot_be_used_has_its_reason(tmp_path, store, rejected, row, reason):
    table = tmp_path / "t.ndjson"
    table.write_text('{"id": 0, "p": "a", "s": 0.5}\n' + row)

    report = import_table(table, store, ImportOptions(model="m", id="id", label="p", score="s"))

    assert rejected(report) == [(2, reason, row)]
    assert report.reasons == {reason: 1}


@pytest.mark.parametrize(
    "time", ['"01.11.2026"', "true", '"nan"', "1e300", f'"1{"0" * 400}"', "-6e13", "null", "[]"]
)
def test_a_time_that_cannot_be_read_rejects_the_row(tmp_path, store, time):
    table = tmp_path / "t.ndjson"
    table.write_text(f'{{"p": "a", "t": {time}}}\n')

    report = import_table(table, store, ImportOptions(model="m", label="p", timestamp="t"))

    (reason,) = report.reasons
    assert reason.startswith("no time in column 't'")
    assert report.written == 0


def test_a_truth_of_a_regression_that_is_no_number_rejects_the_row(tmp_path, store):
    table = tmp_path / "t.csv"
    table.write_text("p,t\n1,much\n2,2\n")

    report = import_table(table, store, ImportOptions(model="m", value="p", truth="t"))

    assert report.reasons == {"no number in column 't'": 1}
    assert (report.written, report.labels) == (1, 1)


def test_a_clean_table_makes_no_file_of_rejects(tmp_path, store):
    table = tmp_path / "t.csv"
    table.write_text("p\na\n")

    report = import_table(table, store, ImportOptions(model="m", label="p"))

    assert report.rejected_file is None
    assert not (store / "rejected").exists()


def test_rejects_are_for_the_owner_only_and_every_import_has_its_own(tmp_path, store):
    table = tmp_path / "t.csv"
    table.write_text("p,q\na\n")
    options = ImportOptions(model="m", label="p")

    first, second = (import_table(table, store, options).rejected_file for _ in range(2))

    assert first != second
    assert first.stat().st_mode & 0o777 == 0o600
    assert first.parent.stat().st_mode & 0o777 == 0o700


def test_an_import_that_is_repeated_gives_predictions_the_same_identity(tmp_path, store, events):
    table = tmp_path / "t.csv"
    table.write_text("id,at,p,t\n1,2026-11-01,a,b\n2,2026-11-02,b,b\n")
    options = ImportOptions(model="m", id="id", timestamp="at", label="p", truth="t")

    import_table(table, store, options)
    import_table(table, store, options)

    assert len(events("prediction")) == 4
    assert len({event["event"]["id"] for event in events("prediction")}) == 2


def test_the_settings_of_the_process_are_put_back(tmp_path, store):
    table = tmp_path / "t.csv"
    table.write_text("p\na\n")
    spool = tmp_path / "own"
    elkmon.configure(service="mine", spool=spool, sample_rate=0.5)

    import_table(table, store, ImportOptions(model="m", label="p"))
    elkmon.get_logger(model="other").info("afterwards")
    elkmon.reset()

    assert "afterwards" in next(spool.glob("*.ndjson")).read_text()
    assert "afterwards" not in next(store.glob("*.ndjson")).read_text()


def test_sampling_and_a_switched_off_emitter_do_not_touch_an_import(tmp_path, store, events):
    table = tmp_path / "t.csv"
    table.write_text("p\n" + "a\n" * 50)
    elkmon.configure(sample_rate=0.01, enabled=False, sink="stdout")

    import_table(table, store, ImportOptions(model="m", label="p"))

    assert len(events("prediction")) == 50


def test_progress_ends_at_the_whole(tmp_path, store):
    table = tmp_path / "t.csv"
    table.write_text("p\n" + "a\n" * 2500)
    seen = []

    import_table(
        table, store, ImportOptions(model="m", label="p"), lambda *counts: seen.append(counts)
    )

    size = table.stat().st_size
    assert seen[-1] == (size, size)
    assert len(seen) == 3


def test_progress_of_parquet_counts_rows(tmp_path, store):
    table = tmp_path / "t.parquet"
    duckdb.sql("SELECT 'a' AS p FROM range(1500)").write_parquet(str(table))
    seen = []

    import_table(
        table, store, ImportOptions(model="m", label="p"), lambda *counts: seen.append(counts)
    )

    assert seen == [(1000, 1500), (1500, 1500)]


def test_a_store_that_cannot_be_written_ends_the_import(tmp_path, store):
    table = tmp_path / "t.csv"
    table.write_text("p\na\n")
    store.write_text("a file stands where the folder should be")

    with pytest.raises(StoreError, match="could not be written"):
        import_table(table, store, ImportOptions(model="m", label="p"))


def test_rejects_that_cannot_be_written_end_the_import(tmp_path, store):
    table = tmp_path / "t.csv"
    table.write_text("p,q\na\n")
    store.mkdir()
    (store / "rejected").write_text("a file stands where the folder should be")

    with pytest.raises(StoreError, match="cannot write the rejected rows"):
        import_table(table, store, ImportOptions(model="m", label="p"))


_GROWTH = """
import resource, sys
from pathlib import Path
from elkmon.importing import ImportOptions, import_table
folder = Path(sys.argv[1])
options = ImportOptions(model="m", label="p", features=("x",))
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
import_table(folder / f"small.{sys.argv[2]}", folder / "store", options)
before = peak()
import_table(folder / f"large.{sys.argv[2]}", folder / "store", options)
print(peak() - before)
"""


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_memory_does_not_grow_with_the_table(tmp_path, kind):
    row = {"csv": f"a,{'x' * 500}\n", "ndjson": json.dumps({"p": "a", "x": "x" * 500}) + "\n"}[kind]
    head = {"csv": "p,x\n", "ndjson": ""}[kind]
    (tmp_path / f"small.{kind}").write_text(head + row * 2_000)
    (tmp_path / f"large.{kind}").write_text(head + row * 60_000)

    done = subprocess.run(
        [sys.executable, "-c", _GROWTH, str(tmp_path), kind],
        capture_output=True, text=True, check=True, env=os.environ,
    )  # fmt: skip

    in_kib = 1 if sys.platform != "darwin" else 1024
    assert int(done.stdout) / in_kib < 10_000  # the table itself has 30 MB


def test_what_is_imported_is_redacted_like_everything_else(tmp_path, store, events):
    table = tmp_path / "t.csv"
    table.write_text("p,note,password\na,write to bob@example.com,hunter2\n")
    options = ImportOptions(model="m", label="p", features=("note", "password"))

    import_table(table, store, options)

    (event,) = events("prediction")
    text = json.dumps(event)
    assert "bob@example.com" not in text
    assert "hunter2" not in text
    assert event["ml"]["redacted"]


def test_the_store_that_an_import_makes_is_its_owner_s_alone(tmp_path, store):
    table = tmp_path / "t.csv"
    table.write_text("id,guess\n,a\n1,a\n")  # the first row is rejected before any is written

    report = import_table(table, store, ImportOptions(model="m", id="id", label="guess"))

    assert report.rejected == 1
    assert store.stat().st_mode & 0o777 == 0o700
