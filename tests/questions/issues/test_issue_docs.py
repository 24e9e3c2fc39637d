"""The shapes of issues, comparisons and metrics are what their page says."""

import json
import re

import pytest

from tests.cli.test_cli_docs import JSON, assert_shaped, section, shape
from tests.support.worse_version import SPAN, serve


def examples(title):
    return [
        json.loads(each)
        for each in re.findall(r"```json\n(.*?)```", section(JSON, title), re.DOTALL)
    ]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return serve(tmp_path_factory.mktemp("docs") / "store")


@pytest.fixture
def document(run, served):
    def asked(*arguments, span=SPAN):
        result = run(*arguments, "--format", "json", "--store", served, *span)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return asked


def assert_issue(given, documented):
    """Hold an issue to its shape; an exception has no rates."""
    rates = {"baseline", "current"}
    if given["kind"] == "exception":
        assert {given[name] for name in rates} == {None}
        given, documented = (
            {name: each for name, each in row.items() if name not in rates}
            for row in (given, documented)
        )
    assert_shaped(given, documented)


def test_a_list_of_issues_has_the_documented_shape(document):
    found = document("issues", "list", "--no-note")

    documented = shape(examples("elkmon issues")[0])
    rows = found.pop("issues")
    (one,) = documented.pop("issues")
    assert len(rows) == 3
    for row in rows:
        assert_issue(row, one)
    assert_shaped(found, documented)


def test_an_issue_has_the_documented_shape(document):
    listed = document("issues", "list", "--no-note")["issues"]
    documented = shape(examples("elkmon issues")[1])
    documented["examples"] = []  # whole events, each of its own kind

    one = documented.pop("issue")
    for row in listed:
        found = document("issues", "show", row["id"], "--every", "1d")
        assert_issue(found.pop("issue"), one)
        assert_shaped(found, documented)


def test_a_comparison_has_the_documented_shape(document):
    found = document("compare")

    assert found["comparisons"][0]["worse"]
    assert_shaped(found, shape(examples("elkmon compare")[0]))


def test_metrics_have_the_documented_shape(document):
    found = document("metrics", span=("--since", "1h"))

    assert len(found["metrics"]) == 2
    assert_shaped(
        {**found, "metrics": [{**row, "by": {"model": None}} for row in found["metrics"]]},
        shape(examples("elkmon metrics")[0]),
    )
