"""The whole way on real servers: the demo's week through Logstash, the join, the dashboards.

One half of the week's files is tailed by the file input, the other half posted to the http input.
What stands on the panels is held to the command line, and that to the folder that all came from.
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
from tests.support.kibana_dashboards import BOARDS, Dashboards
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
def place():
    """Elasticsearch set up for a prefix of the test's own, and a space; all goes afterwards."""
    name = f"t{uuid.uuid4().hex[:12]}"
    cluster, kibana = os.environ["ELKMON_TEST_ES_URL"], os.environ["ELKMON_TEST_KIBANA_URL"]

    def run(*arguments):
        done = CliRunner().invoke(main, [*map(str, arguments)], env={"ELKMON_INDEX_PREFIX": name})
        assert done.exit_code == 0, done.output
        return done.stdout

    run("setup", "--store", cluster, "--replicas", "0")
    with closing(connect(cluster, access())) as client:
        yield SimpleNamespace(name=name, cluster=cluster, kibana=kibana, client=client, run=run)
        with closing(Kibana(kibana, access(), "default")) as asked:
            if asked.get(f"/api/spaces/space/{name}", "look") is not None:
                asked.ask("DELETE", f"/api/spaces/space/{name}", None, "clear up")
        names = list(client.indices.get(index=f"{name}-*", expand_wildcards="all"))
        if names:
            client.indices.delete(index=names)
        run("setup", "--store", cluster, "--remove")


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    """Give the folder of the demo's week."""
    folder = tmp_path_factory.mktemp("demo") / "store"
    return run_demo(DemoOptions(folder, END, requests=3_000, workers=2)).store


def sent(week):
    """Give the events of a folder by identity; a prediction that was sent again is the same."""
    lines = [line for path in week.glob("*.ndjson") for line in path.read_bytes().splitlines()]
    events = map(orjson.loads, lines)
    return {(each["event"]["dataset"], each["event"]["id"]): timed(each) for each in events}


def documents(place):
    place.client.indices.refresh(index=f"{place.name}-*")
    hits = helpers.scan(place.client, index=f"{place.name}-*", size=5000)
    return [(hit["_id"], timed(hit["_source"])) for hit in hits]


@pytest.fixture(scope="module")
def stored(place, week, tmp_path_factory):
    """Take the week through both inputs of Logstash; give what is stored then, and its health."""
    one = Logstash(tmp_path_factory.mktemp("logstash"), place.cluster, place.name, 365)
    files = sorted(week.glob("*.ndjson"), key=lambda path: path.stat().st_size)
    posted = tmp_path_factory.mktemp("posted")
    for number, path in enumerate(files):
        shutil.copy(path, posted if number % 2 else one.spool)
    known = len(sent(week))
    with one.running():
        place.run("ship", "--store", posted, "--via", "logstash", "--to", one.url)
        wait(lambda: len(documents(place)) >= known, one.told)
        health = place.run("doctor", "--logstash", f"http://127.0.0.1:{one.api}")
    return SimpleNamespace(documents=documents(place), health=health)


@pytest.fixture(scope="module")
def answers(place, week, stored):
    """Join, and ask the command line: of the cluster, and of the folder that all came from."""
    place.run("join", "--store", place.cluster)
    place.client.indices.refresh(index=f"{place.name}-*")

    def asked(store):
        return {
            name: json.loads(place.run(*asked, "--store", store, *SPAN, "--format", "json"))
            for name, asked in QUESTIONS.items()
        }

    return SimpleNamespace(cluster=asked(place.cluster), folder=asked(week))


@pytest.fixture(scope="module")
def boards(place, answers):
    """Put the dashboards into a space, and open them; give what is on them."""
    for _ in range(2):  # from the second time on, each numeric feature has a panel
        place.run("kibana", "provision", "--kibana", place.kibana, "--space", place.name)
    with closing(Dashboards(place.kibana, access(), place.name, place.name)) as shown:
        return {board: shown.shown(board, SINCE, UNTIL) for board in BOARDS}


def by_version(rows):
    return {(row["by"]["model"], row["by"]["version"]): row for row in rows}


def of_versions(board, table):
    return {(row["model"], row["version"]): row for row in board["tables"][table]}


def assert_shown(text, value, decimals):
    """Hold what is on a panel to a value, as exactly as the panel says it."""
    if value is None:
        assert text == "-"
        return
    shown = float(text.rstrip("%").replace(",", ""))
    wanted = value * 100 if text.endswith("%") else value
    assert abs(shown - wanted) <= 0.5 * 10**-decimals + 1e-9, f"{text} is not {wanted}"


def together(rows, rate):
    """Give a rate of all models and versions."""
    return sum(row[rate]["weighted_k"] for row in rows) / sum(
        row[rate]["weighted_n"] for row in rows
    )


def test_each_event_is_stored_once_as_it_was_written(stored, week):
    found = {
        (source["event"]["dataset"], event_id): source for event_id, source in stored.documents
    }

    assert len(found) == len(stored.documents)
    assert found == sent(week)
    assert "not stored" not in stored.health


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_cluster_answers_as_the_folder_does(answers, name):
    assert answers.folder[name]
    assert_near(answers.cluster[name], answers.folder[name])


def test_no_panel_has_an_error(boards, week):
    features = {
        name
        for each in sent(week).values()
        for name in each["ml"].get("features", {}).get("number", ())
    }
    one_each = 1 + len(features)  # and one for those that are missing

    assert {board: each["errors"] for board, each in boards.items()} == {b: [] for b in BOARDS}
    assert {board: each["panels"] for board, each in boards.items()} == {
        "overview": 13,
        "quality": 19,
        "errors": 15,
        "service": 17,
        "data": 13 + one_each,
    }


def test_rates_of_each_version_are_those_of_the_command_line(boards, answers):
    rates = by_version(answers.cluster["errors"]["rates"])
    shown = of_versions(boards["overview"], "Models")

    assert len(shown) == 3
    assert shown.keys() == rates.keys()
    for version, row in shown.items():
        assert_shown(row["attempts"], rates[version]["failure_rate"]["weighted_n"], 0)
        assert_shown(row["failure"], rates[version]["failure_rate"]["value"], 1)
        assert_shown(row["error"], rates[version]["error_rate"]["value"], 1)
        assert_shown(row["labelled"], rates[version]["coverage"]["value"], 1)


def test_rates_of_all_are_those_of_the_command_line(boards, answers):
    rates = answers.cluster["errors"]["rates"]
    overview, errors = boards["overview"]["numbers"], boards["errors"]["numbers"]

    assert_shown(overview["Failurerate"], together(rates, "failure_rate"), 1)
    assert_shown(overview["Errorrate"], together(rates, "error_rate"), 1)
    assert_shown(overview["Labelled"], together(rates, "coverage"), 1)
    for name, rate in (("Failedattempts", "failure_rate"), ("Wronganswers", "error_rate")):
        assert_shown(errors[name], sum(row[rate]["weighted_k"] for row in rates), 0)


def test_quality_of_each_version_is_that_of_the_command_line(boards, answers):
    quality = by_version(answers.cluster["quality"]["quality"])
    shown = of_versions(boards["quality"], "Versions")

    assert shown.keys() == quality.keys()
    for version, row in shown.items():
        figures = {name: each["value"] for name, each in quality[version]["figures"].items()}
        binary = quality[version]["task"] == "binary"  # of others a panel says it by class
        assert_shown(row["accuracy"], figures["accuracy"], 3)
        for name in ("precision", "recall", "f1"):
            assert_shown(row[name], figures[name] if binary else None, 3)
        assert_shown(row["loss"], figures["log_loss"], 3)
        assert_shown(row["brier"], figures["brier"], 4)


def test_failures_are_those_of_the_command_line(boards, answers):
    raised = {
        row["id"]: row["count"]
        for row in answers.cluster["errors"]["issues"]
        if row["kind"] == "exception"
    }
    errors = boards["errors"]

    assert raised
    assert {
        row["fingerprint"]: int(row["count"]) for row in errors["tables"]["Topfailures"]
    } == raised
    assert_shown(errors["numbers"]["Errorevents"], sum(raised.values()), 0)
    assert_shown(errors["numbers"]["Differentfailures"], len(raised), 0)
