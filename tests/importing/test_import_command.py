"""``elkmon import``: what it prints, and what it writes."""

import pytest
from click.testing import CliRunner

from elkmon.cli.import_ import command


@pytest.fixture
def run(tmp_path, store):
    """Import a CSV by the command."""

    def call(text, *options):
        table = tmp_path / "scored.csv"
        table.write_text(text)
        arguments = [str(table), "--store", str(store), "--model", "fraud", *options]
        return CliRunner().invoke(command, arguments, catch_exceptions=False)

    return call


def test_the_last_line_balances(run):
    rows = "".join(f"{number},a,a\n" for number in range(1, 2000))

    result = run(f"id,p,t\n{rows},a,a\n", "--id", "id", "--label", "p", "--truth", "t")

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[-1] == "read 2,000 = written 1,999 + rejected 1"
    assert "1,999 of the rows have a label" in lines
    assert "rejected 1: no id in column 'id'" in lines


def test_it_says_where_the_rejected_rows_are_and_what_to_type_next(run, store):
    result = run("p,q\na\nb,c\n", "--label", "p")

    (path,) = (store / "rejected").iterdir()
    assert f"the rejected rows are in {path}" in result.stdout
    assert f"next: elkmon errors --store {store}" in result.stdout


def test_nothing_but_rejects_is_a_failure(run):
    result = run("p,q\na\n", "--label", "p")

    assert result.exit_code == 1
    assert "next:" not in result.stdout
    assert result.stdout.splitlines()[-1] == "read 1 = written 0 + rejected 1"


def test_an_empty_table_is_no_failure(run):
    result = run("p,q\n", "--label", "p")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "read 0 = written 0 + rejected 0"


def test_features_and_segments_can_be_given_several_times(run, events):
    run("p,a,b,c,d\nx,1,2,e,f\n", "--label", "p", "--feature", "a", "--feature", "b",
        "--segment", "c", "--segment", "d")  # fmt: skip

    (event,) = events("prediction")
    assert event["ml"]["features"]["number"] == {"a": 1.0, "b": 2.0}
    assert event["ml"]["segment"] == {"c": "e", "d": "f"}


def test_the_store_comes_from_the_environment(tmp_path, store, events, monkeypatch):
    table = tmp_path / "t.csv"
    table.write_text("p\nx\n")
    monkeypatch.setenv("ELKMON_STORE", str(store))

    result = CliRunner().invoke(command, [str(table), "--model", "m", "--label", "p"])

    assert result.exit_code == 0
    assert len(events("prediction")) == 1


def test_no_progress_bar_off_a_terminal(run):
    assert run("p\nx\n", "--label", "p").stderr == ""
