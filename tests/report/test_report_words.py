"""What the page says: what changed first, by name and with the evidence; nothing that did not."""

import re
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from elkmon.query.question import Question
from elkmon.report.answers import RateTests, ask
from elkmon.report.findings import findings
from elkmon.report.model_sections import sections
from elkmon.stores.registry import open_store
from tests.support.report_scenes import END, START, serve


def text_of(html):
    """Give the text of a page, its scripts and styles left out."""
    body = html[html.index("<body>") :]
    bare = re.sub(r"<script.*?</script>", "", body, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", bare)
    return " ".join(unescape(text).split())


def first_screen(html):
    text = text_of(html)
    return text[: text.index("Overview model")]


def answers_of(folder, **more):
    with closing(open_store(folder)) as store:
        return ask(store, Question.of(since=START, until=END, **more), lambda _done, _of: None)


def sections_of(folder, **more):
    return sections(answers_of(folder, **more), folder)


def test_what_got_worse_comes_first_with_its_evidence(store):
    (section,) = sections_of(store)

    kinds = [finding.kind for finding in section.findings]
    titles = " | ".join(finding.title for finding in section.alarms)
    assert kinds == sorted(kinds, key=["worse", "regressed", "new"].index)
    assert "2.0 has a higher failure rate than 1.0: 5.0 % instead of 0 %" in titles
    assert "fraud predicted as legit, site=porto" in titles
    assert "KeyError: 'no amount', 20 times in 2.0" in titles
    evidence = " ".join(part for finding in section.alarms for part in finding.evidence)
    assert "20 / 400 against 0 / 400" in evidence
    assert "p = " in evidence


def test_every_finding_has_the_commands_that_show_it(store):
    (section,) = sections_of(store)

    for finding in section.findings:
        assert finding.commands
        assert all(command.line.startswith("elkmon ") for command in finding.commands)


def test_one_rate_of_many_that_differs_by_chance_is_no_alarm(store):
    answers = answers_of(store)
    (compared,) = answers.comparisons
    rate = replace(compared.error_rate, verdict="worse", p_value=0.04)
    calm = replace(compared.failure_rate, verdict="no evidence", p_value=0.5)
    one = replace(compared, error_rate=rate, failure_rate=calm)

    alone = findings(replace(answers, comparisons=(one,), rate_tests=RateTests(1, 0.04)), store)
    among = findings(replace(answers, comparisons=(one,), rate_tests=RateTests(2, -1.0)), store)

    assert [finding.kind for finding in alone].count("worse") == 1
    assert [finding.kind for finding in among].count("worse") == 0
    (held,) = (finding for finding in among if "perhaps by chance" in finding.title)
    assert held.title.startswith("2.0 has a higher error rate than 1.0, perhaps by chance: ")
    assert held.kind == "unclear"
    assert "Among 2 tested rates" in held.evidence[-1]


def test_the_tests_of_all_models_are_one_family(store):
    answers = answers_of(store)
    (compared,) = answers.comparisons

    assert answers.rate_tests.number == 2
    assert answers.rate_tests.cut == max(compared.failure_rate.p_value, compared.error_rate.p_value)


def test_without_a_change_nothing_is_blamed(build, tmp_path):
    report = build(serve(tmp_path / "store", worse=False))

    assert report.alarms == 0
    assert "No sign that anything got worse." in first_screen(report.html)
    assert "No evidence that the failure rate of 2.0 differs from that of 1.0" in text_of(
        report.html
    )


def test_a_figure_that_cannot_be_computed_says_why(build, tmp_path):
    report = build(serve(tmp_path / "store", labels=False))

    text = text_of(report.html)
    assert "Error rate Not available: no label yet." in text
    assert "Confusion Not available: no label yet." in text
    assert "NaN" not in text
    assert "None" not in text


def test_what_is_sampled_is_marked(others):
    text = text_of(others.html)

    assert "* sampled: rates are weighted by the sampling rate" in text
    assert re.search(r"many 1 0 %\* \[", text)


def test_a_regression_has_its_metrics_and_no_confusion(others):
    text = text_of(others.html)

    assert "MAE" in text
    assert "RMSE" in text
    assert text.count("Confusion") == 1  # of the other model


def test_an_empty_store_says_so(build, tmp_path):
    report = build(tmp_path / "nothing")

    assert not report.served
    assert "There are no predictions in this span." in text_of(report.html)


def test_models_are_sorted_by_how_bad_they_are(build, tmp_path):
    folder = tmp_path / "store"
    serve(folder, worse=False, name="fraud")
    serve(folder, name="triage")

    names = [section.name for section in sections_of(folder)]

    assert names == ["triage", "fraud"]


def test_one_model_can_be_asked_for(build, tmp_path):
    folder = serve(tmp_path / "store", worse=False)
    serve(folder, name="triage")

    assert [section.name for section in sections_of(folder, model="fraud")] == ["fraud"]


def test_events_that_are_missing_are_said_on_the_first_screen(build, tmp_path):
    folder = serve(tmp_path / "store", worse=False)
    (path,) = folder.glob("*.ndjson")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:100], *lines[107:]]))

    text = first_screen(build(folder).html)

    assert "7 are missing" in text


def test_conditions_hold_for_all_figures_and_are_named(build, store):
    text = text_of(build(store, where=["version=1.0"]).html)

    assert "ml.model.version=1.0" in text
    assert "2.0 fails" not in text


def test_a_report_over_a_short_span_has_hours_on_its_axis(build, store):
    report = build(store, since=START, until=START + timedelta(hours=30))

    assert "%d %b %H:%M" in report.html


@pytest.mark.parametrize("place", ["changed", "overview", "complete"])
def test_the_parts_can_be_linked_to(report, place):
    assert f'id="{place}"' in report.html
