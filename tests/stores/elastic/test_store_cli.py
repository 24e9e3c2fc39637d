"""The commands, on a cluster's address: the same output as for a folder, or a clear refusal."""

import sys
from contextlib import closing

import orjson
import pytest
from click.testing import CliRunner

import elkmon
from elkmon.cli import main
from elkmon.events.errors import ConfigError
from elkmon.monitor import Monitor
from elkmon.stores.elastic.store import ElasticStore
from elkmon.stores.registry import open_store
from tests.support.cluster_loading import load
from tests.support.nearly_equal import assert_near

URL = "http://localhost:9"


def run(*words, code=0):
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.fixture
def folder(tmp_path):
    """One model's predictions, some labels, and a failure."""
    store = tmp_path / "store"
    elkmon.configure(spool=store, service="shop")
    log = elkmon.get_logger("fraud", "2.0.0", task="binary", positive="fraud")
    for number in range(20):
        log.prediction(label="fraud", score=0.75, id=str(number), segment={"country": "de"})
    for number in range(10):
        log.label(str(number), "legit" if number % 5 else "fraud")
    log.error("no such country")
    elkmon.reset()
    return store


@pytest.mark.parametrize(
    "words",
    [
        ("errors", "--by", "segment.country"),
        ("latency",),
        ("quality",),
        ("confusion",),
        ("labels",),
        ("issues", "--no-note"),
        ("events", "--dataset", "prediction"),
    ],
    ids=lambda words: words[0],
)
def test_a_command_says_the_same_of_a_cluster(folder, server_new, prefix, installed, words):
    load(folder, installed(server_new), prefix)
    until = ("--since", "2026-01-01", "--until", "2099-01-01", "--format", "json")

    expected = run(*words, *until, "--store", folder)
    found = run(*words, *until, "--store", server_new.url)

    lines = zip(found.splitlines(), expected.splitlines(), strict=True)
    for mine, theirs in lines if words[0] == "events" else [(found, expected)]:
        assert_near(orjson.loads(mine), orjson.loads(theirs))


def test_what_is_decided_of_an_issue_is_kept_on_the_cluster(folder, server_new, prefix, installed):
    load(folder, installed(server_new), prefix)
    store = ("--store", server_new.url)

    first = run("issues", *store)
    (issue,) = orjson.loads(run("issues", *store, "--format", "json"))["issues"]
    run("issues", "resolve", issue["id"], *store)

    assert "now noted in the store" in first
    assert "no issue" in run("issues", *store)
    with closing(ElasticStore(server_new.url)) as cluster:
        assert cluster.catalog().datasets["elkmon.issue"] == 2


def test_doctor_and_models_speak_of_a_cluster(folder, server_new, prefix, installed):
    assert "elkmon setup" in run("models", "--store", server_new.url)

    load(folder, installed(server_new), prefix)

    assert "nothing is wrong" in run("doctor", "--store", server_new.url)
    assert "fraud" in run("models", "--store", server_new.url)
    with Monitor(server_new.url) as monitor:
        assert monitor.error_rate(since="1d").rows


@pytest.mark.parametrize(
    "words", [("compact",), ("tail",), ("demo",), ("import", "x.csv", "--model", "m")]
)
def test_what_is_about_files_refuses_a_cluster(words):
    done = CliRunner().invoke(main, [*words, "--store", URL])

    assert done.exit_code == 2
    assert "is a cluster; give the folder" in done.stderr


def test_a_cluster_that_cannot_be_reached_is_told_with_exit_code_3():
    done = CliRunner().invoke(main, ["errors", "--store", URL])

    assert done.exit_code == 3
    assert "cannot be reached" in done.stderr


def test_without_the_client_it_says_how_it_is_installed(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("elkmon.stores.elastic")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "elasticsearch", None)

    with pytest.raises(ConfigError, match=r"pip install 'elkmon\[elastic\]'"):
        open_store(URL)
