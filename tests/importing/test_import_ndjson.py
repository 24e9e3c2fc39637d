"""NDJSON: one object a line, with types of its own."""

import gzip

import pytest

from elkmon import ConfigError, StoreError
from elkmon.events.limits import LINE
from elkmon.importing import ImportOptions, import_table

LABELLED = ImportOptions(model="m", id="id", label="pred", truth="truth", features=("x", "y"))


def test_values_keep_their_types(tmp_path, store, events):
    table = tmp_path / "t.ndjson"
    table.write_text('{"id": 7, "pred": 1.0, "truth": true, "x": 1, "y": "1"}\n')

    import_table(table, store, LABELLED)

    (prediction,) = events("prediction")
    assert prediction["ml"]["prediction"] == {"id": "7", "label": "1"}
    assert prediction["ml"]["features"] == {"number": {"x": 1}, "category": {"y": "1"}}
    assert events("label")[0]["ml"]["truth"]["label"] == "true"


def test_bad_lines_are_set_apart_with_line_and_reason(tmp_path, store, rejected):
    table = tmp_path / "t.jsonl"
    table.write_bytes(
        b'{"id": 1, "pred": "a", "truth": "a", "x": 1, "y": 2}\n'
        b"\n"
        b'{"id": 2, "pred": \n'
        b"[1]\n"
        b'{"id": 3, "pred": "\xff"}\n'
        b'{"id": 4}\n'
        b'{"id": 5, "pred": "a"}'
    )

    report = import_table(table, store, LABELLED)

    assert report.balance() == "read 6 = written 2 + rejected 4"
    rows = rejected(report)
    assert [row[0] for row in rows] == [3, 4, 5, 6]
    assert rows[0][1].startswith("not JSON: ")
    assert [row[1] for row in rows[1:]] == [
        "not a JSON object",
        "not UTF-8",
        "no prediction in column 'pred'",
    ]
    assert rows[0][2] == '{"id": 2, "pred": '


def test_a_line_beyond_the_limit_is_set_apart(tmp_path, store):
    table = tmp_path / "t.ndjson"
    table.write_text('{"pred": "a"}\n{"pred": "' + "x" * LINE + '"}\n{"pred": "b"}\n')

    report = import_table(table, store, ImportOptions(model="m", label="pred"))

    assert report.reasons == {"16.1 MiB long; the limit is 16 MiB": 1}
    assert report.written == 2


def test_gzip_is_unpacked(tmp_path, store):
    table = tmp_path / "t.json.gz"
    table.write_bytes(gzip.compress(b'{"pred": "a"}\n'))

    assert import_table(table, store, ImportOptions(model="m", label="pred")).written == 1


def test_an_array_is_refused_with_the_way_out(tmp_path, store):
    table = tmp_path / "t.json"
    table.write_text('[{"pred": "a"}]')

    with pytest.raises(StoreError, match=r"jq -c '\.\[\]' t\.json"):
        import_table(table, store, ImportOptions(model="m", label="pred"))


def test_an_empty_file_has_no_columns(tmp_path, store):
    table = tmp_path / "t.ndjson"
    table.write_text("")

    with pytest.raises(ConfigError, match="no column 'pred'"):
        import_table(table, store, ImportOptions(model="m", label="pred"))
