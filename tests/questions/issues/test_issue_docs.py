"""The shapes of issues, comparisons and metrics are what their page says."""

import json
import re

import pytest

from tests.cli.test_cli_docs import JSON, assert_shaped, section, shape
from tests.support.worse_version import SPAN, serve


def examples(title):
    return [
        json.loads(block)
        for block in re.findall(r"```json\n(.*?)```", section(JSON, title), re.DOTALL)
    ]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return serve(tmp_path_factory.mktemp("docs") / "store")


@pytest.fixture
def document(run, served):
    def ask(*arguments, span=SPAN):
        result = run(*arguments, "--format", "json", "--store", served, *span)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return ask


def assert_issue(row, documented):
    """Hold an issue to its shape; an exception has no rates."""
    rates = {"baseline", "current"}
    if row["kind"] == "exception":
        assert {row[name] for name in rates} == {None}
        row, documented = (
            {name: value for name, value in row.items() if name not in rates}
            for row in (row, documented)
        )
    assert_shaped(row, documented)


def test_a_list_of_issues_has_the_documented_shape(document):
    answer = document("issues", "list", "--no-note")

    documented = shape(examples("elkmon issues")[0])
    rows = answer.pop("issues")
    (one,) = documented.pop("issues")
    assert len(rows) == 3
    for row in rows:
        assert_issue(row, one)
    assert_shaped(answer, documented)


def test_an_issue_has_the_documented_shape(document):
    listed = document("issues", "list", "--no-note")["issues"]
    documented = shape(examples("elkmon issues")[1])
    documented["examples"] = []  # whole events, each of its own kind

    one = documented.pop("issue")
    for row in listed:
        answer = document("issues", "show", row["id"], "--every", "1d")
        assert_issue(answer.pop("issue"), one)
        assert_shaped(answer, documented)


def test_a_comparison_has_the_documented_shape(document):
    answer = document("compare")

    assert answer["comparisons"][0]["worse"]
    assert_shaped(answer, shape(examples("elkmon compare")[0]))


def test_metrics_have_the_documented_shape(document):
    answer = document("metrics", span=("--since", "1h"))

    assert len(answer["metrics"]) == 2
    assert_shaped(
        {**answer, "metrics": [{**row, "by": {"model": None}} for row in answer["metrics"]]},
        shape(examples("elkmon metrics")[0]),
    )
