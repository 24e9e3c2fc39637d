"""``elkmon issues``: what was injected is listed, once each, and what is decided of it holds."""

import csv
import json
import re
import shlex
import shutil
from datetime import datetime, timedelta, timezone
from io import StringIO
from types import SimpleNamespace

import pytest

from elkmon import StoreError
from elkmon.events.datasets import ISSUE
from elkmon.monitor import Monitor
from elkmon.questions.issues.row import Step
from elkmon.questions.issues.table import trend_of
from tests.support.worse_version import SPAN, serve


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return serve(tmp_path_factory.mktemp("issues") / "store")


@pytest.fixture
def folder(served, tmp_path):
    """Give a copy that a test may write to."""
    return shutil.copytree(served, tmp_path / "store")


@pytest.fixture
def issues(run, folder):
    """Run one of the commands on the copy; give what it printed."""

    def ask(*arguments, span=SPAN):
        result = run("issues", *arguments, "--store", folder, *span)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result.stdout

    return ask


@pytest.fixture
def listed(issues):
    """List issues as JSON, by title."""

    def ask(*arguments):
        document = json.loads(issues("list", "--format", "json", *arguments))
        return {row["title"]: row for row in document["issues"]}

    return ask


RISEN = "fraud predicted as legit, site=porto"


def notes(folder):
    with Monitor(folder) as monitor:
        events = monitor.events(ISSUE, since="2000-01-01", until="2100-01-01", limit=100)
        return [(event["event"]["action"], event["error"]["fingerprint"]) for event in events]


def test_it_lists_what_was_injected_and_nothing_else(listed):
    rows = listed()

    assert set(rows) == {RISEN, "KeyError", "ValueError"}
    assert {title: row["state"] for title, row in rows.items()} == {
        RISEN: "new", "KeyError": "new", "ValueError": "ongoing",
    }  # fmt: skip


def test_wrong_answers_have_their_evidence_at_equal_label_age(listed):
    row = listed()[RISEN]

    assert row["count"] == 50
    assert row["segments"] == ["site=porto"]
    assert (row["baseline"]["k"], row["current"]["k"]) == (0, 50)
    assert "50.0 % of 100 labelled, 0.0 % of 100 in 1.0" in row["evidence"]
    assert "labels within 10 min" in row["evidence"]
    assert row["p_value"] < 1e-9


def test_exceptions_are_counted_by_occurrence(listed):
    row = listed()["KeyError"]

    assert (row["count"], row["versions"], row["kind"]) == (10, ["2.0"], "exception")
    assert sum(step["count"] for step in row["trend"]) == 10


def test_alone_it_is_the_list(issues):
    assert issues("--no-note") == issues("list", "--no-note")


def test_options_may_stand_before_the_command(run, folder, listed):
    row = listed()["KeyError"]
    arguments = ("--store", folder, *SPAN, "--model=fraud", "--where", "version=2.0")

    result = run("issues", *arguments, "ignore", row["id"])
    rows = json.loads(run("issues", *arguments, "--all", "list", "--format", "json").stdout)[
        "issues"
    ]

    assert result.stdout.startswith("ignored ")
    assert {row["title"]: row["state"] for row in rows}["KeyError"] == "ignored"


def test_a_value_that_is_called_as_a_command_is_none(run, folder):
    result = run("issues", "--store", folder, "--model", "resolve", *SPAN)

    assert "has no model resolve" in result.stdout


def test_what_is_no_command_is_wrong_usage(run, folder):
    result = run("issues", "--store", folder, "solve", "x")

    assert result.exit_code == 2
    assert "solve" in result.stderr


def test_the_events_behind_are_as_many_as_are_counted(issues, run):
    text = issues("list")

    command = shlex.split(text.splitlines()[-1])
    lines = run(*command[1:], "--limit", "1000", "--format", "json").stdout.splitlines()
    assert command[:2] == ["elkmon", "events"]
    assert len(lines) == 50


def test_first_sight_is_noted_once_and_only_by_the_list(issues, folder):
    issues("show", "--format", "json", listed_id(issues, "KeyError"))
    assert notes(folder) == []

    assert "first seen is now noted" in issues("list")
    assert len(notes(folder)) == 3
    assert {action for action, _ in notes(folder)} == {"first_seen"}
    assert "is now noted" not in issues("list")
    assert len(notes(folder)) == 3


def listed_id(issues, title):
    rows = json.loads(issues("list", "--format", "json", "--no-note"))["issues"]
    return next(row["id"] for row in rows if row["title"] == title)


def test_what_was_noted_keeps_an_old_issue_from_being_new(issues, folder, listed):
    listed()
    for path in folder.glob("*.ndjson"):
        lines = path.read_text().splitlines(keepends=True)
        gone = [line for line in lines if "elkmon.error" in line and '"1.0"' in line]
        kept = [line for line in lines if line not in gone]
        path.write_text("".join(kept))

    row = listed()["ValueError"]

    assert row["versions"] == ["2.0"]
    assert row["state"] == "ongoing"


def test_a_store_that_cannot_be_written_is_still_listed(run, folder, monkeypatch):
    def refuse(*_given):
        raise StoreError("read only")

    monkeypatch.setattr("elkmon.stores.local.store.write_lines", refuse)
    result = run("issues", "list", "--store", folder, *SPAN)

    assert result.exit_code == 0
    assert "is not noted: read only" in result.stdout


def test_what_is_resolved_leaves_the_list_and_regresses_when_it_comes_again(issues, listed, folder):
    before = listed()["KeyError"]

    message = issues("resolve", before["id"][:9])

    assert message == f"resolved {before['id'][:7]}: KeyError (in 2.0)\n"
    # its events are older than the resolve, whatever the clock says
    serve_again(folder)
    assert listed("--all")["KeyError"]["state"] == "regressed"


def serve_again(folder):
    """Move what was decided before everything that happened."""
    for path in folder.glob("*.ndjson"):
        text = path.read_text()
        if '"resolved"' in text:
            lines = [json.loads(line) for line in text.splitlines()]
            for line in lines:
                if line["event"].get("action") == "resolved":
                    line["@timestamp"] = "2026-11-16T00:00:00.000Z"
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize("title", [RISEN, "KeyError"])
def test_what_is_ignored_stays_ignored_until_it_is_reopened(issues, listed, title):
    row = listed()[title]

    issues("ignore", row["id"])
    assert title not in listed()
    assert listed("--state", "ignored")[title]["state"] == "ignored"

    issues("reopen", row["id"])
    assert listed()[title]["state"] == "new"


def test_several_are_decided_at_once(issues, listed):
    ids = [row["id"] for row in listed().values()]

    assert len(issues("ignore", *ids).splitlines()) == 3
    assert listed() == {}
    assert "no issue" in issues("list")


def test_what_was_noted_can_be_decided_after_its_events_are_gone(issues, listed, folder):
    row = listed()["KeyError"]

    message = issues("ignore", row["id"], span=("--since", "2026-11-10", "--until", "2026-11-11"))

    assert "KeyError" in message
    assert ("ignored", row["id"]) in notes(folder)


@pytest.mark.parametrize("command", ["show", "resolve"])
def test_an_id_that_is_none_is_wrong_usage(run, folder, command):
    result = run("issues", command, "zzz", "--store", folder, *SPAN)

    assert result.exit_code == 2
    assert "no such issue: zzz; elkmon issues list --all" in result.stderr


def test_a_beginning_of_several_ids_names_them(run, folder, issues, listed):
    ids = [row["id"] for row in listed().values()]

    result = run("issues", "show", "", "--store", folder, *SPAN)

    assert result.exit_code == 2
    assert all(id_ in result.stderr for id_ in ids)


def test_one_exception_is_shown_with_versions_and_its_stack(issues):
    text = issues("show", listed_id(issues, "KeyError"))

    assert re.search(r"2\.0 +2\.5 % \[.*\] +10 / 400", text)
    assert re.search(r"1\.0 +0 % \[.*\] +0 / 400", text)
    assert text.count("Example ") == 3
    assert 'raise fault("no amount")' in text
    assert text.count("the same stack") == 2
    assert text.splitlines()[-1].startswith("elkmon events --store ")


def test_one_sort_of_wrong_answer_is_shown_with_since_when_and_features(issues):
    text = issues("show", listed_id(issues, RISEN))

    assert "rising since about 2026-11-15 00:00 UTC" in text
    assert re.search(r"2\.0 +50\.0 % \[.*\] +50 / 100", text)
    assert "amount=" in text


def test_segments_that_are_over_represented_are_told(issues):
    text = issues("show", listed_id(issues, "KeyError"))

    assert "over-represented in" in text
    assert re.search(r"site=graz +5\.0 % \[.*\] +10 / 200 +0 % ", text)


def test_a_csv_has_one_row_an_issue(run, folder):
    result = run("issues", "list", "--no-note", "--format", "csv", "--store", folder, *SPAN)

    rows = list(csv.DictReader(StringIO(result.stdout)))
    assert [row["title"] for row in rows] == [RISEN, "KeyError", "ValueError"]
    assert "were compared at equal label age" in result.stderr


def test_a_long_trend_is_drawn_in_a_row_of_a_table_and_loses_nothing():
    start = datetime(2026, 11, 1, tzinfo=timezone.utc)
    steps = [Step(start + hour * timedelta(hours=1), int(hour in {0, 167})) for hour in range(168)]
    row = SimpleNamespace(trend=steps)

    trend = trend_of(row)

    assert (len(trend), trend[0], trend[-1], set(trend[1:-1])) == (42, "█", "█", {"▁"})


def test_a_csv_of_one_is_its_trend(issues):
    identity = listed_id(issues, "KeyError")
    text = issues("show", identity, "--every", "1d", "--format", "csv")

    rows = list(csv.DictReader(StringIO(text)))
    assert len(rows) == 10
    assert sum(int(row["count"]) for row in rows) == 10


def test_an_empty_span_says_which_there_is(run, folder):
    result = run("issues", "--store", folder, "--until", "2026-01-01")

    assert "run from 2026-11-10 00:00" in result.stdout
    assert result.stdout.splitlines()[1].startswith("elkmon issues --store ")


def test_conditions_choose(listed):
    assert set(listed("--where", "segment.site=oslo")) == set()
    assert set(listed("--where", "version=1.0")) == {"ValueError"}
    assert set(listed("--where", "error=KeyError")) == {"KeyError"}


def test_an_old_exception_is_not_new_in_the_version_that_is_asked_for(run, folder):
    result = run("errors", "--where", "version=2.0", "--format", "json", "--store", folder, *SPAN)

    states = {row["title"]: row["state"] for row in json.loads(result.stdout)["issues"]}
    assert states == {RISEN: "new", "KeyError": "new", "ValueError": "ongoing"}


def test_errors_end_with_the_top_issues(run, folder):
    text = run("errors", "--store", folder, *SPAN).stdout

    assert text.index("The top issues") > text.index("failure rate")
    assert RISEN in text
    assert notes(folder) == []
