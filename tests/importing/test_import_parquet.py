"""Parquet: typed columns, streamed."""

import duckdb
import pytest

from elkmon import StoreError
from elkmon.importing import ImportOptions, import_table


def write(path, query):
    duckdb.sql(query).write_parquet(str(path))
    return path


def test_typed_columns_are_read(tmp_path, store, events):
    table = write(
        tmp_path / "t.parquet",
        "SELECT 5 AS id, TIMESTAMPTZ '2026-11-01 12:00:00+02' AS at, 1.0 AS pred,"
        " 0.25::FLOAT AS p, true AS truth, 1.5::DECIMAL(4, 2) AS x, 'de' AS c,"
        " TIMETZ '10:00:00+01' AS odd",
    )
    options = ImportOptions(
        model="m", timestamp="at", id="id", label="pred", score="p", truth="truth",
        features=("x", "odd"), segments=("c",),
    )  # fmt: skip

    report = import_table(table, store, options)

    assert report.balance() == "read 1 = written 1 + rejected 0"
    (prediction,) = events("prediction")
    assert prediction["@timestamp"] == "2026-11-01T10:00:00.000Z"
    assert prediction["ml"]["prediction"] == {"id": "5", "label": "1", "score": 0.25}
    assert prediction["ml"]["features"]["number"] == {"x": 1.5}
    assert prediction["ml"]["segment"] == {"c": "de"}
    assert events("label")[0]["ml"]["truth"]["label"] == "true"


def test_nan_is_no_value(tmp_path, store, events):
    table = write(
        tmp_path / "t.parquet", "SELECT 'a' AS pred, 'NaN'::DOUBLE AS p, 'NaN'::DOUBLE AS truth"
    )

    report = import_table(
        table, store, ImportOptions(model="m", label="pred", score="p", truth="truth")
    )

    assert (report.written, report.labels) == (1, 0)
    assert "score" not in events("prediction")[0]["ml"]["prediction"]


def test_a_bad_row_is_named_by_its_number_and_shown_with_all_values(tmp_path, store, rejected):
    table = write(
        tmp_path / "t.parquet",
        "SELECT range AS id, CASE WHEN range <> 3000 THEN 'a' END AS pred, DATE '2026-11-01' AS d,"
        " 1.5::DECIMAL(38, 1) AS n, 'x'::BLOB AS b, MAP {1: 2} AS m FROM range(5000)",
    )

    report = import_table(table, store, ImportOptions(model="m", id="id", label="pred"))

    ((line, reason, row),) = rejected(report)
    assert (line, reason) == (3001, "no prediction in column 'pred'")
    assert (row["id"], row["pred"], row["d"]) == (3000, None, "2026-11-01")
    assert (row["n"], row["m"]) == ("1.5", {"1": 2})
    assert report.balance() == "read 5,000 = written 4,999 + rejected 1"


def test_signs_of_patterns_in_a_name_stand_for_themselves(tmp_path, store):
    write(tmp_path / "t1.parquet", "SELECT 'b' AS pred FROM range(7)")
    table = write(tmp_path / "t[1]*?.parquet", "SELECT 'a' AS pred")

    assert import_table(table, store, ImportOptions(model="m", label="pred")).read == 1


def test_columns_with_quotes_in_their_names_are_read(tmp_path, store):
    table = write(tmp_path / "t.parquet", """SELECT 'a' AS "my ""pred"" col" """)

    assert import_table(table, store, ImportOptions(model="m", label='my "pred" col')).read == 1


def test_a_file_that_is_no_parquet_is_refused(tmp_path, store):
    table = tmp_path / "t.parquet"
    table.write_text("id,pred\n")

    with pytest.raises(StoreError, match=r"cannot read .*t\.parquet as Parquet"):
        import_table(table, store, ImportOptions(model="m", label="pred"))


def test_a_page_that_is_damaged_says_how_far_it_was_read(tmp_path, store):
    table = tmp_path / "t.parquet"
    duckdb.sql("SELECT 'a' || hash(range) AS pred FROM range(200000)").write_parquet(
        str(table), row_group_size=20_000
    )
    data = bytearray(table.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 50_000] = b"\xff" * 50_000
    table.write_bytes(data)

    with pytest.raises(StoreError, match="beyond row"):
        import_table(table, store, ImportOptions(model="m", label="pred"))
