"""The whole pipeline on real servers: the demo's week through Logstash, the join, the dashboards.

One half of the week's files is tailed by the file input, the other half posted to the http input.
The panels have to show the command line's figures, and those have to equal the folder's.
"""

import json
import os
import shutil
import uuid
from contextlib import closing
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import orjson
import pytest
from click.testing import CliRunner
from elasticsearch import helpers

from elkmon.cli import main
from elkmon.demo import DemoOptions, run_demo
from elkmon.events.cluster_settings import access
from elkmon.kibana.client import Kibana
from elkmon.stores.elastic.connect import connect
from tests.support.kibana_dashboards import DASHBOARDS, DashboardBrowser
from tests.support.nearly_equal import assert_near
from tests.support.real_logstash import Logstash, timed, wait

pytestmark = [
    pytest.mark.kibana,
    pytest.mark.logstash,
    pytest.mark.stack,
    pytest.mark.browser,
]
END = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)
SINCE, UNTIL = (f"{END + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}" for hours in (-7 * 24, 2))
SPAN = ("--since", SINCE, "--until", UNTIL)
QUESTIONS = {
    "errors": ("errors", "--by", "version", "--top", "50"),
    "quality": ("quality", "--by", "version"),
    "latency": ("latency", "--by", "version"),
}


@pytest.fixture(scope="module")
def target():
    """Elasticsearch with a prefix of the test's own, and a space; all is removed afterwards."""
    name = f"t{uuid.uuid4().hex[:12]}"
    cluster, kibana = os.environ["ELKMON_TEST_ES_URL"], os.environ["ELKMON_TEST_KIBANA_URL"]

    def run(*arguments):
        arguments = [*map(str, arguments)]
        result = CliRunner().invoke(main, arguments, env={"ELKMON_INDEX_PREFIX": name})
        assert result.exit_code == 0, result.output
        return result.stdout

    run("setup", "--store", cluster, "--replicas", "0")
    with closing(connect(cluster, access())) as client:
        yield SimpleNamespace(name=name, cluster=cluster, kibana=kibana, client=client, run=run)
        with closing(Kibana(kibana, access(), "default")) as client_of_kibana:
            if client_of_kibana.get(f"/api/spaces/space/{name}", "look") is not None:
                client_of_kibana.request("DELETE", f"/api/spaces/space/{name}", None, "clear up")
        names = list(client.indices.get(index=f"{name}-*", expand_wildcards="all"))
        if names:
            client.indices.delete(index=names)
        run("setup", "--store", cluster, "--remove")


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    """Return the folder of the demo's week."""
    folder = tmp_path_factory.mktemp("demo") / "store"
    return run_demo(DemoOptions(folder, END, requests=3_000, workers=2)).store


def events_of(week):
    """Return the events of a folder by identity; a prediction that was sent twice is one."""
    lines = [line for path in week.glob("*.ndjson") for line in path.read_bytes().splitlines()]
    events = map(orjson.loads, lines)
    return {(event["event"]["dataset"], event["event"]["id"]): timed(event) for event in events}


def documents(target):
    target.client.indices.refresh(index=f"{target.name}-*")
    hits = helpers.scan(target.client, index=f"{target.name}-*", size=5000)
    return [(hit["_id"], timed(hit["_source"])) for hit in hits]


@pytest.fixture(scope="module")
def stored(target, week, tmp_path_factory):
    """Send the week through both inputs of Logstash; return the documents, and its health."""
    logstash = Logstash(tmp_path_factory.mktemp("logstash"), target.cluster, target.name, 365)
    files = sorted(week.glob("*.ndjson"), key=lambda path: path.stat().st_size)
    posted = tmp_path_factory.mktemp("posted")
    for number, path in enumerate(files):
        shutil.copy(path, posted if number % 2 else logstash.spool)
    expected = len(events_of(week))
    with logstash.running():
        target.run("ship", "--store", posted, "--via", "logstash", "--to", logstash.url)
        wait(lambda: len(documents(target)) >= expected, logstash.log_text)
        health = target.run("doctor", "--logstash", f"http://127.0.0.1:{logstash.api}")
    return SimpleNamespace(documents=documents(target), health=health)


@pytest.fixture(scope="module")
def answers(target, week, stored):
    """Join; return the command line's answers from the cluster, and from the folder."""
    target.run("join", "--store", target.cluster)
    target.client.indices.refresh(index=f"{target.name}-*")

    def ask(store):
        return {
            name: json.loads(target.run(*arguments, "--store", store, *SPAN, "--format", "json"))
            for name, arguments in QUESTIONS.items()
        }

    return SimpleNamespace(cluster=ask(target.cluster), folder=ask(week))


@pytest.fixture(scope="module")
def dashboards(target, answers):
    """Provision the dashboards in a space, and open them; return their content."""
    for _ in range(2):  # from the second time on, each numeric feature has a panel
        target.run("kibana", "provision", "--kibana", target.kibana, "--space", target.name)
    with closing(DashboardBrowser(target.kibana, access(), target.name, target.name)) as browser:
        return {name: browser.open(name, SINCE, UNTIL) for name in DASHBOARDS}


def by_version(rows):
    return {(row["by"]["model"], row["by"]["version"]): row for row in rows}


def table_by_version(dashboard, table):
    return {(row["model"], row["version"]): row for row in dashboard["tables"][table]}


def assert_shown(text, value, decimals):
    """Assert that a panel's text is a value, to the panel's decimals."""
    if value is None:
        assert text == "-"
        return
    actual = float(text.rstrip("%").replace(",", ""))
    expected = value * 100 if text.endswith("%") else value
    assert abs(actual - expected) <= 0.5 * 10**-decimals + 1e-9, f"{text} is not {expected}"


def overall(rows, rate):
    """Return a rate of all models and versions."""
    return sum(row[rate]["weighted_k"] for row in rows) / sum(
        row[rate]["weighted_n"] for row in rows
    )


def test_each_event_is_stored_once_as_it_was_written(stored, week):
    documents = {
        (source["event"]["dataset"], event_id): source for event_id, source in stored.documents
    }

    assert len(documents) == len(stored.documents)
    assert documents == events_of(week)
    assert "not stored" not in stored.health


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_cluster_and_the_folder_have_the_same_answers(answers, name):
    assert answers.folder[name]
    assert_near(answers.cluster[name], answers.folder[name])


def test_no_panel_has_an_error(dashboards, week):
    features = {
        name
        for event in events_of(week).values()
        for name in event["ml"].get("features", {}).get("number", ())
    }
    of_features = 1 + len(features)  # one of missing features, and one for each feature

    assert {name: content["errors"] for name, content in dashboards.items()} == {
        name: [] for name in DASHBOARDS
    }
    assert {name: content["panels"] for name, content in dashboards.items()} == {
        "overview": 13,
        "quality": 19,
        "errors": 15,
        "service": 17,
        "data": 13 + of_features,
    }


def test_rates_of_each_version_are_those_of_the_command_line(dashboards, answers):
    rates = by_version(answers.cluster["errors"]["rates"])
    rows = table_by_version(dashboards["overview"], "Models")

    assert len(rows) == 3
    assert rows.keys() == rates.keys()
    for version, row in rows.items():
        assert_shown(row["attempts"], rates[version]["failure_rate"]["weighted_n"], 0)
        assert_shown(row["failure"], rates[version]["failure_rate"]["value"], 1)
        assert_shown(row["error"], rates[version]["error_rate"]["value"], 1)
        assert_shown(row["labelled"], rates[version]["coverage"]["value"], 1)


def test_rates_of_all_are_those_of_the_command_line(dashboards, answers):
    rates = answers.cluster["errors"]["rates"]
    overview, errors = dashboards["overview"]["numbers"], dashboards["errors"]["numbers"]

    assert_shown(overview["Failurerate"], overall(rates, "failure_rate"), 1)
    assert_shown(overview["Errorrate"], overall(rates, "error_rate"), 1)
    assert_shown(overview["Coverage"], overall(rates, "coverage"), 1)
    for name, rate in (("Failedattempts", "failure_rate"), ("Wronganswers", "error_rate")):
        assert_shown(errors[name], sum(row[rate]["weighted_k"] for row in rates), 0)


def test_quality_of_each_version_is_that_of_the_command_line(dashboards, answers):
    quality = by_version(answers.cluster["quality"]["quality"])
    rows = table_by_version(dashboards["quality"], "Qualitymetricsbyversion")

    assert rows.keys() == quality.keys()
    for version, row in rows.items():
        figures = {name: figure["value"] for name, figure in quality[version]["figures"].items()}
        binary = quality[version]["task"] == "binary"  # other tasks have a panel by class
        assert_shown(row["accuracy"], figures["accuracy"], 3)
        for name in ("precision", "recall", "f1"):
            assert_shown(row[name], figures[name] if binary else None, 3)
        assert_shown(row["loss"], figures["log_loss"], 3)
        assert_shown(row["brier"], figures["brier"], 4)


def test_exceptions_are_those_of_the_command_line(dashboards, answers):
    counts = {
        row["id"]: row["count"]
        for row in answers.cluster["errors"]["issues"]
        if row["kind"] == "exception"
    }
    errors = dashboards["errors"]

    assert counts
    assert {
        row["fingerprint"]: int(row["count"]) for row in errors["tables"]["Mostfrequentexceptions"]
    } == counts
    assert_shown(errors["numbers"]["Exceptions"], sum(counts.values()), 0)
    assert_shown(errors["numbers"]["Distinctexceptions"], len(counts), 0)
