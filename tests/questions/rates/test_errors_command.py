"""``elkmon errors``: figures that were counted by hand, in every form."""

import csv
import json
import re
import shlex
from datetime import datetime, timezone
from io import StringIO

import pytest
from statsmodels.stats.proportion import proportion_confint


def by_group(document, *names):
    return {tuple(row["by"][name] for name in names): row for row in document["rates"]}


def test_both_rates_are_given_by_model(ask_json):
    rows = by_group(ask_json("errors"), "model")

    fraud = rows["fraud",]
    assert (fraud["failure_rate"]["k"], fraud["failure_rate"]["n"]) == (4, 160)
    assert (fraud["error_rate"]["k"], fraud["error_rate"]["n"]) == (18, 100)
    assert (fraud["coverage"]["k"], fraud["coverage"]["n"]) == (100, 156)
    assert [fraud["error_rate"]["low"], fraud["error_rate"]["high"]] == pytest.approx(
        proportion_confint(18, 100, method="wilson")
    )


def test_a_regression_has_no_error_rate_but_a_reason(ask_json):
    price = by_group(ask_json("errors"), "model")["price",]

    assert price["error_rate"]["value"] is None
    assert price["error_rate"]["reason"] == "labels do not say right or wrong"
    assert price["coverage"]["value"] == 0.5


def test_it_groups_by_any_field(ask_json):
    rows = by_group(
        ask_json("errors", "--by", "version", "--by", "segment.country", "--model", "fraud"),
        *("version", "segment.country"),
    )

    assert rows["2.0", "fr"]["error_rate"]["k"] == 10
    assert rows["2.0", "de"]["error_rate"]["k"] == 0
    assert rows["1.0", None]["failure_rate"]["value"] == 1.0, "failed attempts have no segment here"


def test_conditions_hold_together(ask_json):
    (row,) = ask_json("errors", "--where", "version=2.0", "--where", "segment.country=de")["rates"]

    assert row["failure_rate"]["n"] == 25


def test_steps_in_time_are_rows(ask_json):
    rows = ask_json("errors", "--model", "fraud", "--every", "1d")["rates"]

    assert rows[0]["time"] == "2026-11-10T00:00:00Z"
    assert sum(row["failure_rate"]["n"] for row in rows) == 160
    assert len(rows) == 8


def test_the_exceptions_stand_below(ask_json):
    (raised,) = ask_json("errors")["exceptions"]

    assert (raised["type"], raised["count"], raised["versions"]) == ("ValueError", 4, ["1.0"])


def test_a_table_shows_shares_intervals_counts_and_course(ask):
    text = ask("errors", "--by", "version")

    line = next(line for line in text.splitlines() if line.startswith("fraud  1.0"))
    assert re.search(r"4\.0 % \[1\.6, 9\.8\] +4 / 100 ", line)
    assert re.search(r"10\.0 % \[5\.2, 18\.5\] +8 / 80 ", line)
    assert "▁" in line
    assert line.endswith("83.3 %")
    assert "ValueError" in text


def test_an_absent_figure_is_a_dash_with_its_reason(ask):
    text = ask("errors", "--model", "price")

    assert re.search(r"0 % .* – +labels do not say right or wrong", text)


def test_sampled_figures_are_marked_and_explained(ask):
    assert "%*" in ask("errors", "--model", "digits")
    assert "* sampled: " in ask("errors", "--model", "digits")
    assert "* sampled" not in ask("errors", "--model", "fraud")


def test_steps_in_time_have_their_column_instead_of_a_course(ask):
    text = ask("errors", "--model", "fraud", "--every", "1d")

    assert "time (UTC)" in text
    assert "2026-11-11 00:00" in text
    assert "over time" not in text


def test_every_figure_can_be_followed_to_its_events(ask, run):
    lines = ask("errors", "--model", "fraud", "--where", "version=1.0").splitlines()
    commands = [shlex.split(line) for line in lines if line.startswith("elkmon events")]

    counted = []
    for _, *arguments in commands:
        listed = run(*arguments, "--limit", "1000", "--format", "json")
        counted.append(len(listed.stdout.splitlines()))

    assert counted == [4, 8, 4]
    assert lines[-1].startswith("elkmon events")


def test_csv_has_one_row_a_group_and_every_part(ask):
    rows = list(csv.DictReader(StringIO(ask("errors", "--by", "version", "--format", "csv"))))

    fraud = next(row for row in rows if (row["model"], row["version"]) == ("fraud", "2.0"))
    assert (fraud["error_rate"], fraud["error_rate_k"], fraud["error_rate_n"]) == (
        "0.5",
        "10",
        "20",
    )


def test_output_goes_to_a_file(run, store, tmp_path):
    file = tmp_path / "errors.json"

    result = run("errors", "--store", store, "--format", "json", "-o", file)

    assert (result.exit_code, result.stdout) == (0, "")
    assert set(json.loads(file.read_text())) == {
        *("question", "rates", "exceptions", "issues", "notes")
    }


def test_a_file_that_cannot_be_written_is_wrong_usage(run, store, tmp_path):
    result = run("errors", "--store", store, "-o", tmp_path / "no" / "file")

    assert result.exit_code == 2
    assert "cannot write to" in result.stderr


def test_the_last_7_days_are_asked_for(run, store):
    result = run("errors", "--store", store, "--format", "json")

    question = json.loads(result.stdout)["question"]
    since, until = (datetime.fromisoformat(question[name][:-1]) for name in ("since", "until"))
    assert (until - since).days == 7
    assert abs(until.replace(tzinfo=timezone.utc) - datetime.now(timezone.utc)).days == 0


def test_an_empty_span_says_which_span_there_is_and_how_to_see_it(run, ask, store):
    text = ask("errors", "--model", "fraud", "--by", "version", span=("--until", "2026-01-01"))

    message, command = text.splitlines()
    assert "no events from 2025-12-25 00:00 to 2026-01-01 00:00 UTC" in message
    assert "those of fraud run from 2026-11-10 00:00 to" in message
    _, *arguments = shlex.split(command)
    assert str(store) in arguments
    listed = run(*arguments)
    assert listed.exit_code == 0
    assert "4 / 100" in listed.stdout


def test_an_empty_span_with_steps_keeps_them_in_the_command(ask):
    text = ask("errors", "--every", "1d", span=("--until", "2026-01-01"))

    assert text.splitlines()[-1].endswith(" --every 1d")


def test_an_unknown_model_says_which_there_are(ask):
    assert "has no model froud; it has: digits, fraud, price" in ask("errors", "--model", "froud")


def test_conditions_that_nothing_meets_are_told_from_an_empty_span(ask):
    text = ask("errors", "--where", "version=7")

    assert "UTC that match ml.model.version=7: change --where" in text
    assert text.splitlines()[-1].startswith("elkmon models --store ")


def test_an_empty_store_says_so(run, tmp_path):
    assert "holds no events yet" in run("errors", "--store", tmp_path).stdout
    assert "there is no folder" in run("errors", "--store", tmp_path / "none").stdout


def test_an_empty_answer_keeps_the_shape_of_json_and_csv(run, tmp_path):
    as_json = run("errors", "--store", tmp_path, "--format", "json")
    as_csv = run("errors", "--store", tmp_path, "--format", "csv")

    document = json.loads(as_json.stdout)
    assert (document["rates"], document["exceptions"]) == ([], [])
    assert "holds no events" in document["notes"][0]
    assert as_csv.stdout.startswith("model,time,failure_rate,")
    assert "holds no events" in as_csv.stderr


def test_conditions_on_predictions_leave_the_exceptions_out_and_say_so(ask):
    text = ask("errors", "--where", "segment.country=de")

    assert "exceptions are left out: they have no ml.segment.country" in text


def test_of_very_many_groups_the_table_shows_those_with_most_attempts(ask, ask_json):
    arguments = ("errors", "--by", "ml.prediction.id", "--model", "fraud")

    lines = ask(*arguments).splitlines()

    groups = len(ask_json(*arguments)["rates"])
    assert groups == 160
    assert sum(line.startswith("fraud") for line in lines) == 100
    assert any(line.startswith("… and 60 more: the 100 groups with most") for line in lines)
    assert len(list(csv.DictReader(StringIO(ask(*arguments, "--format", "csv"))))) == groups
