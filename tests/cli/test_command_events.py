"""``elkmon events``: the events themselves, in every form."""

import csv
import json
from io import StringIO

import pytest

from elkmon.present.event_line import dataset_of, model_of, summary_of, time_of


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_the_newest_come_first(ask):
    rows = lines(ask("events", "--format", "json", "--limit", "50"))

    times = [event["@timestamp"] for event in rows]
    assert len(rows) == 50
    assert times == sorted(times, reverse=True)


def test_or_the_oldest(ask):
    rows = lines(ask("events", "--format", "json", "--oldest-first", "--dataset", "prediction"))

    times = [event["@timestamp"] for event in rows]
    assert times == sorted(times)
    assert times[0] == "2026-11-10T00:00:00.000Z"


@pytest.mark.parametrize("name", ["error", "elkmon.error"])
def test_one_kind_by_its_long_or_short_name(ask, name):
    rows = lines(ask("events", "--format", "json", "--dataset", name))

    assert {event["event"]["dataset"] for event in rows} == {"elkmon.error"}
    assert len(rows) == 4


def test_an_unknown_kind_is_wrong_usage(run):
    assert run("events", "--dataset", "errors").exit_code == 2


def test_predictions_come_with_what_their_labels_make_of_them(ask):
    rows = lines(
        ask("events", "--format", "json", "--where", "ml.eval.outcome=wrong", "--limit", "99")
    )

    assert len(rows) == 18
    assert {event["ml"]["truth"]["label"] for event in rows} == {"fraud"}


def test_a_table_says_what_happened(ask):
    text = ask("events", "--dataset", "error", "--limit", "1")

    assert "2026-11-14 03:00:00 error   fraud 1.0 ValueError: no amount (" in text


def test_csv_has_one_row_an_event(ask):
    text = ask("events", "--dataset", "error", "--format", "csv")

    rows = list(csv.DictReader(StringIO(text)))
    assert len(rows) == 4
    assert rows[0]["dataset"] == "elkmon.error"
    assert rows[0]["id"]


def test_nothing_says_which_span_there_is(ask):
    text = ask("events", "--dataset", "error", span=("--until", "2026-01-01"))

    assert text.splitlines()[-1].endswith("--dataset elkmon.error")


def test_nothing_as_json_is_no_line_and_the_reason_elsewhere(run, tmp_path):
    result = run("events", "--store", tmp_path, "--format", "json")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "holds no events yet" in result.stderr


def event(dataset, **fields):
    return {"@timestamp": "2026-11-10T08:00:00.250Z", "event": {"dataset": f"elkmon.{dataset}"}} | (
        fields
    )


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (
            event(
                "prediction",
                ml={
                    "prediction": {"label": "legit", "score": 0.25, "id": "p1"},
                    "truth": {"label": "fraud"},
                    "eval": {"outcome": "wrong"},
                    "segment": {"country": "de"},
                },
            ),
            "legit, score 0.25, truth fraud, wrong, country=de, id p1",
        ),
        (event("prediction", ml={"prediction": {"value": 12.5}}), "12.5"),
        (
            {
                "event": {
                    "dataset": "elkmon.prediction",
                    "outcome": "failure",
                    "duration": 1_500_000,
                },
                "error": {"type": "ValueError"},
            },
            "failed: ValueError, 1.5 ms",
        ),
        (
            {"event": {"dataset": "elkmon.prediction", "outcome": "failure"}},
            "failed: no reason given",
        ),
        (
            event("label", ml={"truth": {"label": "fraud", "source": "bank"}}),
            "truth fraud, source bank",
        ),
        (event("error", error={"type": "message", "message": "slow"}), "slow"),
        (event("error", error={"type": "E", "message": "m", "culprit": "a in b"}), "E: m (a in b)"),
        (event("metric", metric={"name": "a", "value": 31.5, "unit": "eur"}), "a = 31.5 eur"),
        (event("metric", metric={"name": "n", "value": 2}), "n = 2"),
        (event("deployment") | {"event": {"dataset": "elkmon.deployment", "action": "deployed"}},
         "deployed"),
        (event("issue", error={"fingerprint": "f1"}), " f1"),
        (
            event("emitter", ml={"emitter": {"accepted": 3, "written": 2, "dropped": {"disk": 1}}}),
            "accepted 3, written 2, disk 1",
        ),
        (event("emitter", ml={"emitter": {"accepted": 3, "dropped": {}}}), "accepted 3"),
        (event("log", log={"level": "info"}, message="hi", labels={"took": 2}), "info hi took=2"),
        (event("news", message="later versions may write this"), "later versions may write this"),
        ({}, ""),
    ],
)  # fmt: skip
def test_every_kind_is_said_in_a_few_words(document, words):
    assert summary_of(document) == words


def test_long_words_are_cut():
    assert len(summary_of(event("log", message="x" * 5000))) == 200


def test_what_would_steer_a_terminal_is_written_out():
    hostile = event(
        "error",
        error={"type": "\x1b]0;gotcha\x07", "message": "a\nb\u202e\x9b31m"},
        ml={"model": {"name": "[red]m[/red]\r"}},
    )

    assert summary_of(hostile) == "\\x1b]0;gotcha\\x07: a\\nb\\u202e\\x9b31m"
    assert model_of(hostile) == "[red]m[/red]\\r"


def test_an_event_without_anything_still_has_its_place():
    assert (time_of({}), dataset_of({}), model_of({})) == ("", "?", "")
