"""``elkmon quality``, ``confusion``, ``calibration``, ``latency``, ``labels``: known by hand."""

import csv
import json
import re
import shlex
from io import StringIO

import pytest

COMMANDS = ["quality", "confusion", "calibration", "latency", "labels"]


def rows_of(document, name):
    return {row["by"]["model"]: row for row in document[name]}


def test_quality_is_given_by_model_with_the_metrics_of_its_task(ask_json):
    rows = rows_of(ask_json("quality"), "quality")

    figures = rows["fraud"]["figures"]
    assert (figures["accuracy"]["k"], figures["accuracy"]["n"]) == (82, 100)
    assert (figures["recall"]["value"], figures["recall"]["n"]) == (0.0, 18)
    assert figures["auc"]["value"] == 0.5, "all scores are the same"
    assert set(rows["price"]["figures"]) == {"mae", "rmse", "bias", "r2"}
    assert rows["digits"]["figures"]["f1"]["reason"] == "no label yet"


def test_the_metrics_are_those_that_are_asked_for(ask_json):
    document = ask_json("quality", "--metric", "accuracy,auc", "--metric", "MCC")

    assert list(document["quality"][0]["figures"]) == ["accuracy", "auc", "mcc"]


def test_a_table_shows_value_interval_course_and_support(ask):
    text = ask("quality", "--model", "fraud")

    assert re.search(
        r"accuracy +0\.820 \[0\.733, 0\.883\] +[▁-█·]+ +[\d.]+ to [\d.]+ +82 / 100", text
    )
    assert "labelled 64.1 % [56.3, 71.2] 100 / 156" in text
    assert "precision: absent, class fraud was never predicted" in text


def test_the_reason_of_an_absent_auc_is_told(ask):
    text = ask("quality", "--model", "fraud", "--where", "truth=legit", "--metric", "auc")

    assert "AUC: absent, only class legit was seen" in text


def test_classes_have_a_table_of_their_own(ask):
    text = ask("quality", "--model", "fraud", "--classes")

    assert "each class against the others" in text
    assert re.search(r"legit +82 +100 +0\.820", text)
    assert "each class" not in ask("quality", "--model", "fraud")


def test_steps_in_time_have_a_row_each(ask):
    text = ask("quality", "--model", "fraud", "--every", "2d", "--metric", "accuracy,mcc")

    assert re.search(r"2026-11-09 00:00 +0\.67 \[0\.47, 0\.82\] +– +24 / 24", text)
    assert "MCC: absent, only class legit was predicted" in text
    assert "over time" not in text


def test_a_wrong_metric_is_wrong_usage(run, store):
    result = run("quality", "--store", store, "--metric", "acuracy")

    assert result.exit_code == 2
    assert "did you mean accuracy" in result.stderr


def test_a_matrix_has_counts_and_shares_of_the_true_class(ask):
    text = ask("confusion", "--model", "fraud")

    assert re.search(r"true \\ predicted +fraud +legit +all", text)
    assert re.search(r"fraud +· +100 %  18 +18", text)
    assert re.search(r"legit +· +100 %  82 +82", text)


def test_calibration_draws_what_came_true_beside_the_score(ask):
    text = ask("calibration", "--model", "fraud")

    assert re.search(r"\[0\.20, 0\.30\) +20\.0 % 18\.0 % \[11\.7, 26\.7\] +18 / 100 +─*●│─+", text)
    assert "fraud (binary)  ECE 0.0200; of perfect calibration about 0.0319 by chance" in text


def test_latency_keeps_failures_apart(ask_json):
    document = ask_json("latency", "--model", "fraud")

    success, failure = document["latency"]
    assert success["p50"]["reason"] == "no attempt has a duration"
    assert document["notes"] == ["fraud: 156 attempts (success) have no duration: left out"]
    assert (failure["outcome"], failure["p50"]["n"]) == ("failure", 4)
    assert failure["p50"]["value"] > 0


def test_labels_show_age_delay_and_what_became_of_them(ask, ask_json):
    (row,) = ask_json("labels", "--model", "fraud")["labels"]
    text = ask("labels", "--model", "fraud")

    assert row["median"]["value"] == pytest.approx(3 * 3600, rel=0.05)
    assert row["labels"] == {
        "labels": 100, "labelled": 100, "corrections": 0, "orphans": 0, "sampled_out": 0,
        "waiting": 0, "given_up": 0, "next_look": None,
    }  # fmt: skip
    assert "64.1 % [56.3, 71.2] 100 / 156" in text
    assert "fraud, over the whole store: 100 labels of 100 predictions; 0 beyond the first" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_the_last_line_is_the_command_that_lists_the_events_behind(ask, run, name):
    *_, last = ask(name, "--model", "fraud").splitlines()

    program, command, *arguments = shlex.split(last)
    assert (program, command) == ("elkmon", "events")
    result = run("events", *arguments, "--limit", "1000", "--format", "json")
    line_counts = {"quality": 18, "confusion": 18, "calibration": 100, "labels": 56}
    assert result.exit_code == 0
    if name in line_counts:
        assert len(result.stdout.splitlines()) == line_counts[name]
    else:
        assert result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_csv_has_a_header_and_rows(run, store, name):
    result = run(
        name, "--store", store, "--model", "fraud", "--format", "csv", "--since", "2026-11-10",
        "--until", "2026-11-20",
    )  # fmt: skip

    rows = list(csv.DictReader(StringIO(result.stdout)))
    assert rows
    assert {row["model"] for row in rows} == {"fraud"}


@pytest.mark.parametrize("name", COMMANDS)
def test_output_goes_to_a_file(run, store, tmp_path, name):
    file = tmp_path / "answer.json"

    result = run(name, "--store", store, "--format", "json", "-o", file)

    assert (result.exit_code, result.stdout) == (0, "")
    assert set(json.loads(file.read_text())) == {"question", name, "notes"}


@pytest.mark.parametrize("form", ["table", "json", "csv"])
@pytest.mark.parametrize("name", COMMANDS)
def test_an_empty_answer_says_why_in_every_form(run, tmp_path, name, form):
    result = run(name, "--store", tmp_path, "--format", form)

    assert result.exit_code == 0
    assert "holds no events yet" in (result.stderr if form == "csv" else result.stdout)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_empty_span_gives_the_command_that_shows_more(ask, run, name):
    text = ask(name, "--by", "version", "--every", "1d", span=("--until", "2026-01-01"))

    command = next(line for line in text.splitlines() if line.startswith("elkmon "))
    assert command.endswith("--by version --every 1d")
    _, *arguments = shlex.split(command)
    assert run(*arguments).exit_code == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_sampled_figures_are_marked_and_explained(ask, name):
    text = ask(name, "--model", "digits")

    if name in {"labels", "quality"}:
        assert "%*" in text
        assert "* sampled: " in text


def test_notes_are_shown_below(ask):
    text = ask("quality", "--model", "price", "--metric", "accuracy")

    assert "accuracy: absent, there is none of a regression task" in text
