"""CSV: what becomes of its cells, its delimiters, and its broken lines."""

import gzip

import pytest

from elkmon import ConfigError, StoreError
from elkmon.events.limits import LINE
from elkmon.importing import ImportOptions, import_table

LABELLED = ImportOptions(model="fraud", id="id", label="pred", truth="truth")


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_row_becomes_a_prediction_and_its_label(tmp_path, store, events):
    table = write(
        tmp_path / "t.csv",
        "id,when,pred,p,truth,known,amount,country\n"
        "a1,2026-11-01T10:00:00Z,fraud,0.9,legit,2026-11-03T08:30:00+02:00,12.5,de\n",
    )
    options = ImportOptions(
        model="fraud",
        version="2.0",
        task="binary",
        positive="fraud",
        timestamp="when",
        id="id",
        label="pred",
        score="p",
        truth="truth",
        truth_time="known",
        features=("amount",),
        segments=("country",),
    )

    report = import_table(table, store, options)

    assert (report.read, report.written, report.rejected, report.labels) == (1, 1, 0, 1)
    (prediction,) = events("prediction")
    assert prediction["@timestamp"] == "2026-11-01T10:00:00.000Z"
    assert prediction["ml"]["model"] == {"name": "fraud", "version": "2.0"}
    assert prediction["ml"]["task"] == "binary"
    assert prediction["ml"]["prediction"] == {
        "id": "a1",
        "positive": "fraud",
        "label": "fraud",
        "score": 0.9,
    }
    assert prediction["ml"]["features"] == {"number": {"amount": 12.5}}
    assert prediction["ml"]["segment"] == {"country": "de"}
    (label,) = events("label")
    assert label["ml"]["prediction"]["id"] == "a1"
    assert label["ml"]["truth"] == {"label": "legit", "observed_at": "2026-11-03T06:30:00.000Z"}


def test_a_regression_has_values_instead_of_classes(tmp_path, store, events):
    table = write(tmp_path / "t.csv", "id,pred,truth\n1,12.5,13\n")
    options = ImportOptions(model="price", task="regression", id="id", value="pred", truth="truth")

    import_table(table, store, options)

    assert events("prediction")[0]["ml"]["prediction"]["value"] == 12.5
    assert events("label")[0]["ml"]["truth"]["value"] == 13.0


def test_without_a_truth_time_the_truth_is_known_at_the_time_of_the_row(tmp_path, store, events):
    table = write(tmp_path / "t.csv", "at,id,pred,truth\n2026-11-01,1,a,b\n")

    import_table(
        table,
        store,
        ImportOptions(model="m", timestamp="at", id="id", label="pred", truth="truth"),
    )

    assert events("label")[0]["ml"]["truth"]["observed_at"] == "2026-11-01T00:00:00.000Z"


def test_an_empty_truth_time_is_the_time_of_the_row(tmp_path, store, events):
    table = write(tmp_path / "t.csv", "at,id,pred,truth,known\n2026-11-01,1,a,b,\n")

    import_table(
        table,
        store,
        ImportOptions(
            model="m", timestamp="at", id="id", label="pred", truth="truth", truth_time="known"
        ),
    )

    assert events("label")[0]["ml"]["truth"]["observed_at"] == "2026-11-01T00:00:00.000Z"


@pytest.mark.parametrize("empty", ["", "NaN", "nan", "NULL", "<NA>", " "])
def test_an_empty_truth_is_no_label(tmp_path, store, events, empty):
    table = write(tmp_path / "t.csv", f"id,pred,truth\n1,a,{empty}\n")

    report = import_table(table, store, LABELLED)

    assert (report.written, report.labels) == (1, 0)
    assert events("label") == []


@pytest.mark.parametrize(
    ("cell", "stored"),
    [("1.0", "1"), ("-2.00", "-2"), ("1", "1"), ("1.5", "1.5"), ("007", "007"),
     ("True", "true"), ("false", "false"), ("NA", "NA"), (" a ", "a")],
)  # fmt: skip
def test_a_class_is_the_same_whoever_wrote_the_table(tmp_path, store, events, cell, stored):
    table = write(tmp_path / "t.csv", f"id,pred,truth\n1,{cell},\n")

    import_table(table, store, LABELLED)

    assert events("prediction")[0]["ml"]["prediction"]["label"] == stored


def test_a_long_id_of_digits_keeps_every_digit(tmp_path, store, events):
    table = write(tmp_path / "t.csv", "id,pred,truth\n12345678901234567890,a,a\n")

    import_table(table, store, LABELLED)

    assert events("prediction")[0]["ml"]["prediction"]["id"] == "12345678901234567890"


def test_a_column_of_numbers_is_a_number_and_zip_codes_are_not(tmp_path, store, events):
    table = write(
        tmp_path / "t.csv",
        "pred,amount,zip,mixed,code\na,1e3,01234,1,1_0\na,,99999,x,2_0\na,nan,12345,2,3_0\n",
    )
    options = ImportOptions(model="m", label="pred", features=("amount", "zip", "mixed", "code"))

    import_table(table, store, options)

    first, second, _ = [event["ml"]["features"] for event in events("prediction")]
    assert first["number"] == {"amount": 1000.0}
    assert first["category"] == {"zip": "01234", "mixed": "1", "code": "1_0"}
    assert not second.get("number")
    assert second["category"] == {"zip": "99999", "mixed": "x", "code": "2_0"}


def test_text_that_turns_up_late_in_a_column_of_numbers_is_kept(tmp_path, store, events):
    rows = "".join(f"a,{number}\n" for number in range(1000))
    table = write(tmp_path / "t.csv", f"pred,amount\n{rows}a,unknown\n")

    import_table(table, store, ImportOptions(model="m", label="pred", features=("amount",)))

    last = events("prediction")[-1]
    assert last["ml"]["features"]["category"] == {"amount": "unknown"}


@pytest.mark.parametrize(
    "stamp",
    ["2026-11-01 10:00:00", "2026-11-01T11:00:00+01:00", "2026-11-01 10:00:00 UTC", "1793527200",
     "1793527200.0", "1793527200000", "1793527200000000", "1793527200000000000"],
)  # fmt: skip
def test_a_time_is_iso_or_a_number_since_1970_in_whatever_unit(tmp_path, store, events, stamp):
    table = write(tmp_path / "t.csv", f"at,pred\n{stamp},a\n")

    import_table(table, store, ImportOptions(model="m", timestamp="at", label="pred"))

    assert events("prediction")[0]["@timestamp"] == "2026-11-01T10:00:00.000Z"


def test_a_number_of_milliseconds_keeps_every_one(tmp_path, store, events):
    rows = "".join(f"{1793527200000 + ms},a\n" for ms in range(1000))
    table = write(tmp_path / "t.csv", f"at,pred\n{rows}")

    import_table(table, store, ImportOptions(model="m", timestamp="at", label="pred"))

    times = [event["@timestamp"] for event in events("prediction")]
    assert times == [f"2026-11-01T10:00:00.{ms:03d}Z" for ms in range(1000)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path, store, events, delimiter):
    rows = [("id", "pred", "truth"), ("1", "a", "b")]
    table = write(tmp_path / "t.csv", "".join(delimiter.join(row) + "\r\n" for row in rows))

    import_table(table, store, LABELLED)

    assert events("prediction")[0]["ml"]["prediction"] == {"id": "1", "label": "a"}


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path, store):
    table = write(tmp_path / "t.csv", b"\xef\xbb\xbfid,pred,truth\n1,a,b\n")

    assert import_table(table, store, LABELLED).written == 1


def test_gzip_is_unpacked(tmp_path, store):
    table = write(tmp_path / "t.csv.gz", gzip.compress(b"id,pred,truth\n1,a,b\n2,a,b\n"))

    assert import_table(table, store, LABELLED).written == 2


def test_line_numbers_are_true_with_line_ends_in_quotes_and_blank_lines(tmp_path, store, rejected):
    table = write(
        tmp_path / "t.csv",
        'id,pred,truth\n1,"a\n\nb",c\n\n,x,y\n2,"a\nb",c\n3,d\n',
    )

    report = import_table(table, store, LABELLED)

    assert [row[0] for row in rejected(report)] == [6, 9]
    assert report.balance() == "read 4 = written 2 + rejected 2"


def test_a_quote_that_is_never_closed_costs_its_own_row_only(tmp_path, store, events, rejected):
    table = write(tmp_path / "t.csv", 'id,pred,truth\n1,"a,b\n2,a,b\n3,a,b\n')

    report = import_table(table, store, LABELLED)

    assert rejected(report) == [(2, "not CSV: a quote is not closed", '1,"a,b')]
    assert [event["ml"]["prediction"]["id"] for event in events("prediction")] == ["2", "3"]


def test_a_line_that_is_not_utf8_is_set_apart_with_its_bytes_shown(tmp_path, store, rejected):
    table = write(tmp_path / "t.csv", b"id,pred,truth\n1,a\xff,b\n2,a,b\n")

    report = import_table(table, store, LABELLED)

    assert rejected(report) == [(2, "not UTF-8", "1,a\\xff,b")]
    assert report.written == 1


@pytest.mark.parametrize(("row", "cells"), [("1,a", 2), ("1,a,b,c", 4)])
def test_a_ragged_line_is_set_apart(tmp_path, store, rejected, row, cells):
    table = write(tmp_path / "t.csv", f"id,pred,truth\n{row}\n")

    report = import_table(table, store, LABELLED)

    assert rejected(report) == [(2, f"{cells} cells, where the header has 3", row)]


def test_a_line_beyond_the_limit_is_set_apart(tmp_path, store):
    table = write(tmp_path / "t.csv", f"id,pred,truth\n1,{'x' * LINE},b\n2,a,b\n")

    report = import_table(table, store, LABELLED)

    assert report.reasons == {"16.1 MiB long; the limit is 16 MiB": 1}
    assert report.written == 1


@pytest.mark.parametrize("text", [b"", b'"id,pred\n', b"\xff,pred\n1,a\n"])
def test_a_file_without_a_header_is_refused(tmp_path, store, text):
    table = write(tmp_path / "t.csv", text)

    with pytest.raises(StoreError, match="has no header"):
        import_table(table, store, LABELLED)


def test_utf16_is_named(tmp_path, store):
    table = write(tmp_path / "t.csv", "id,pred,truth\n1,a,b\n".encode("utf-16"))

    with pytest.raises(StoreError, match="UTF-16"):
        import_table(table, store, LABELLED)


def test_a_file_cut_within_its_compression_says_how_far_it_was_read(tmp_path, store, events):
    rows = "".join(f"{number},a,b\n" for number in range(50_000))
    packed = gzip.compress(f"id,pred,truth\n{rows}".encode())
    table = write(tmp_path / "t.csv.gz", packed[: len(packed) // 2])

    with pytest.raises(StoreError, match=r"beyond line .* is it complete"):
        import_table(table, store, LABELLED)

    assert len(events("prediction")) > 1000


def test_a_column_that_is_there_twice_is_unclear(tmp_path, store):
    table = write(tmp_path / "t.csv", "id,pred,truth,pred\n1,a,b,c\n")

    with pytest.raises(ConfigError, match=r"two columns 'pred' \(label\): rename one"):
        import_table(table, store, LABELLED)
