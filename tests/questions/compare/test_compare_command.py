"""``elkmon compare`` and ``elkmon metrics``: figures known by hand, in every form."""

import csv
import json
import re
import shlex
from io import StringIO

import pytest

from tests.support.worse_version import SPAN, serve


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return serve(tmp_path_factory.mktemp("compare") / "store")


@pytest.fixture
def say(run, served):
    def ask(command, *arguments, span=SPAN):
        result = run(command, "--store", served, *span, *arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    return ask


@pytest.fixture
def compared(say):
    def ask(*arguments):
        document = json.loads(say("compare", "--format", "json", *arguments))
        (row,) = document["comparisons"]
        return row

    return ask


def test_the_last_version_is_compared_with_the_one_before(compared):
    row = compared()

    assert (row["baseline"]["name"], row["current"]["name"]) == ("1.0", "2.0")
    assert row["verdict"] == "worse"
    failures, errors = row["failure_rate"], row["error_rate"]
    assert (failures["baseline"]["k"], failures["current"]["k"]) == (4, 14)
    assert (failures["baseline"]["n"], failures["current"]["n"]) == (400, 400)
    assert errors["verdict"] == "worse"
    assert errors["current"]["k"] > errors["baseline"]["k"]


def test_what_got_worse_is_named_with_its_class(compared):
    worse = {row["name"]: row for row in compared()["worse"]}

    assert "site=porto" in worse
    assert worse["site=porto"]["difference"] == pytest.approx(0.5, abs=0.01)
    assert {"site=oslo", "site=lyon", "site=graz"}.isdisjoint(worse)


def test_latency_is_compared_and_plays_no_part_in_the_verdict(compared):
    forth, back = compared(), compared("--baseline", "2.0", "--current", "1.0")

    assert (forth["p50"]["words"], back["p95"]["words"]) == ("slower", "faster")
    assert forth["p50"]["value"] == pytest.approx(2.0, rel=0.02)
    assert back["verdict"] == "better"


def test_versions_can_be_turned_around(compared):
    row = compared("--baseline", "2.0", "--current", "1.0")

    assert row["error_rate"]["verdict"] == "better"
    assert row["worse"] == []


def test_windows_are_compared(compared):
    row = compared("--baseline", "2026-11-10..2026-11-12", "--current", "2026-11-15..2026-11-17")

    assert row["baseline"]["version"] is None
    assert row["error_rate"]["verdict"] == "worse"
    assert row["failure_rate"]["baseline"]["n"] == 192


@pytest.mark.parametrize(
    ("side", "message"),
    [("3.0", "no such version: 3.0; there are: 1.0, 2.0"), ("7d..14d", "is empty")],
)
def test_a_side_that_is_none_is_wrong_usage(run, served, side, message):
    result = run("compare", "--store", served, *SPAN, "--baseline", side)

    assert result.exit_code == 2
    assert message in result.stderr


def test_the_table_says_the_verdict_and_ends_with_the_events(say, run):
    text = say("compare")
    lines = text.splitlines()

    assert "fraud: 2.0 compared with 1.0: worse" in text
    assert "The error rate rose: " in text
    assert re.search(r"failure rate +1\.0 % .* 4 / 400 +3\.5 % .* 14 / 400 +\+2\.5", text)
    assert "errors at equal label age: labels that came within 10 min" in text
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("elkmon events")]
    line_counts = [
        len(run(*command, "--limit", "999", "--format", "json").stdout.splitlines())
        for command in commands
    ]
    assert line_counts == [14, 50]
    assert lines[-1].startswith("elkmon events")


def test_a_csv_has_one_row_a_figure_and_slice(say):
    rows = list(csv.DictReader(StringIO(say("compare", "--format", "csv"))))

    assert [row["figure"] for row in rows[:4]] == ["failure rate", "error rate", "p50 ms", "p95 ms"]
    porto = next(row for row in rows if row["group"] == "site=porto")
    assert (porto["before_k"], porto["now_k"], porto["verdict"]) == ("0", "50", "worse")


def test_nothing_before_is_said(say):
    text = say("compare", "--where", "version=1.0")

    assert "fraud is not compared: there is nothing before 1.0" in text


def test_an_empty_store_says_so(run, tmp_path):
    assert "holds no events" in run("compare", "--store", tmp_path).stdout
    assert "holds no events" in run("metrics", "--store", tmp_path).stdout


WHILE = ("--since", "1h")


def test_metrics_give_count_mean_and_bounds_by_name(say):
    document = json.loads(say("metrics", "--format", "json", span=WHILE))

    basket, queue = document["metrics"]
    assert (basket["name"], basket["unit"], basket["by"]) == (
        "basket_value", "eur", {"model": "fraud"},
    )  # fmt: skip
    assert (basket["count"], basket["mean"], basket["min"], basket["max"]) == (3, 6.0, 3.0, 10.0)
    assert (queue["name"], queue["by"], queue["mean"]) == ("queue_length", {"model": None}, 7.0)


def test_metrics_can_be_chosen_grouped_and_stepped(say):
    text = say(
        "metrics", "--name", "basket_value", "--by", "version", "--every", "1d",
        "--format", "csv", span=WHILE,
    )  # fmt: skip

    (row,) = csv.DictReader(StringIO(text))
    assert (row["name"], row["version"], row["count"]) == ("basket_value", "2.0", "3")
    assert row["time"].endswith("T00:00:00Z")


def test_the_table_of_metrics_has_their_course_and_their_events(say, run):
    text = say("metrics", span=WHILE)

    assert re.search(r"basket_value eur +fraud +3 +6 +3 +10 +·*▁", text)
    command = shlex.split(text.splitlines()[-1])[1:]
    assert len(run(*command, "--format", "json").stdout.splitlines()) == 4


def test_steps_of_metrics_have_a_column(say):
    assert "time (UTC)" in say("metrics", "--every", "1h", span=WHILE)


def test_a_condition_that_metrics_never_meet_is_wrong_usage(run, served):
    result = run("metrics", "--store", served, "--where", "segment.site=porto")

    assert result.exit_code == 2
    assert "metrics have no ml.segment.site: leave it out" in result.stderr
