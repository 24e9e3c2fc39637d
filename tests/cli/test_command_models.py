"""``elkmon models``: what is in a store, and whether its figures can be trusted."""

import csv
import json
from datetime import datetime, timedelta, timezone
from io import StringIO

import pytest

from elkmon.cli import models
from elkmon.stores.protocol import Catalog, ModelEntry, ProcessEntry, Span, VersionEntry

FIRST = datetime(2026, 11, 10, tzinfo=timezone.utc)
SPAN = Span(FIRST, FIRST + timedelta(days=3))


def catalog(**more):
    """Return a catalog in which something is wrong everywhere."""
    versions = (
        VersionEntry("2.9", SPAN, 1000, 7, deployed_at=FIRST),
        VersionEntry("2.10", SPAN, 200, 0),
    )
    model = ModelEntry(
        "fraud", ("binary",), versions, SPAN, predictions=1200, failures=7, labelled=600,
        labels=700, orphans=5, sampled_out=11, repeats=3, differing=2, segments=("country", "site"),
        lowest_rate=0.25,
    )  # fmt: skip
    processes = (
        ProcessEntry("aa11", "shop", "host-1", SPAN, events=500, missing=20, dropped=5),
        ProcessEntry("bb22", None, None, SPAN, events=700, missing=0, dropped=0),
    )
    parts = {"models": (model,), "processes": processes, **more}
    return Catalog(SPAN, {"elkmon.prediction": 1200, "elkmon.label": 700}, **parts)


class CatalogStore:
    """A store that has nothing but its catalog."""

    def __init__(self, catalog):
        self._catalog = catalog

    def catalog(self):
        return self._catalog

    def close(self):
        pass


@pytest.fixture
def show(run, monkeypatch):
    """A function that runs the command on a catalog, and returns the output."""

    def show_catalog(catalog, *arguments):
        monkeypatch.setattr(models, "open_store", lambda _folder: CatalogStore(catalog))
        result = run("models", *arguments)
        assert result.exit_code == 0
        return result.stdout

    return show_catalog


def test_versions_stand_in_the_order_of_the_catalog(show):
    text = show(catalog())

    assert text.index("2.9 ") < text.index("2.10 ")
    assert "1,000" in text


def test_labels_orphans_sampling_and_repeats_are_told(show):
    text = show(catalog())

    assert "labelled: 600 of 1,193 successful predictions, by 700 labels" in text
    assert "5 labels have no prediction, 11 belong to predictions that were sampled out" in text
    assert "down to 0.25 of the predictions are kept" in text
    assert (
        "repeated ids: 3 predictions were written again with the same id, and count once; 2 of them"
        in text
    )
    assert "segments: country, site" in text


def test_what_is_missing_and_what_of_it_was_dropped_is_told_by_process(show):
    line = next(line for line in show(catalog()).splitlines() if line.startswith("aa11"))

    assert line.split()[-3:] == ["500", "20", "5"]


def test_bad_lines_waiting_labels_and_notes_are_told(show):
    text = show(catalog(bad_lines=4, labels_waiting=9, notes=("all is \x1b[31mred",)))

    assert "4 torn or corrupt lines are not counted: elkmon doctor says where" in text
    assert "9 labels wait to be joined" in text
    assert "all is \\x1b[31mred" in text


def test_a_model_without_anything_special_has_no_words_about_it(show):
    plain = ModelEntry("m", (), (), SPAN, 1, 0, 0, 0, 0, 0, 0, 0)

    text = show(catalog(models=(plain,), processes=()))

    for word in ("segments", "sampled: ", "repeated ids", "complete"):
        assert word not in text


def test_csv_has_one_row_a_version(show):
    rows = list(csv.DictReader(StringIO(show(catalog(), "--format", "csv"))))

    assert [(row["version"], row["failures"]) for row in rows] == [("2.9", "7"), ("2.10", "0")]
    assert rows[0]["deployed_at"] == "2026-11-10T00:00:00Z"


def test_json_is_the_whole_catalog(show):
    document = json.loads(show(catalog(), "--format", "json"))

    assert document["models"][0]["versions"][0]["version"] == "2.9"
    assert document["span"]["first"] == "2026-11-10T00:00:00Z"


def test_a_real_store_is_told_truly(run, store):
    document = json.loads(run("models", "--store", store, "--format", "json").stdout)

    fraud = next(model for model in document["models"] if model["name"] == "fraud")
    assert [version["version"] for version in fraud["versions"]] == ["1.0", "2.0"]
    assert (fraud["predictions"], fraud["failures"], fraud["labelled"]) == (160, 4, 100)
    (process,) = document["processes"]
    assert (process["service"], process["missing"], process["dropped"]) == ("shop", 0, 0)


def test_an_empty_store_says_so(run, tmp_path):
    result = run("models", "--store", tmp_path)

    assert (result.exit_code, result.stdout) == (0, f"{tmp_path} holds no events yet\n")
