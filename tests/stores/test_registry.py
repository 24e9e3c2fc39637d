"""Stores by the scheme of their address: those that are built in, and those of other packages."""

import json
import subprocess
import sys

import pytest

from elkmon.events.cluster_settings import Access
from elkmon.events.errors import ConfigError
from elkmon.stores import registry
from elkmon.stores.elastic.store import ElasticStore
from elkmon.stores.local.store import LocalStore
from elkmon.stores.location import FOLDER, is_cluster, is_missing, scheme_of
from elkmon.stores.protocol import Erasable, Examinable, Prunable, Store, Writable
from elkmon.stores.registry import open_store
from tests.support.plugin_package import install, run_elkmon

SPAN = ("--since", "2026-11-10", "--until", "2026-11-11")
MEMORY = ("--store", "memory://demo")


@pytest.fixture
def plugin(tmp_path):
    """Give a function that runs the command line where the memory store is installed."""
    environment = install(tmp_path / "site")
    return lambda *arguments: run_elkmon(environment, *arguments)


@pytest.fixture
def broken(tmp_path):
    """Give a function that runs the command line where a package with such a module is."""

    def run(source, *arguments):
        environment = install(tmp_path / "site", sources={"store.py": source})
        return run_elkmon(environment, *arguments)

    return run


@pytest.mark.parametrize(
    ("location", "scheme"),
    [
        ("elkmon-data", FOLDER),
        ("/var/log/a:b", FOLDER),
        ("http:/es", FOLDER),
        ("http://es:9200", "http"),
        ("HTTPS://es", "https"),
        ("memory://demo", "memory"),
        ("s3+parquet://bucket", "s3+parquet"),
    ],
)
def test_an_address_has_a_scheme_and_a_folder_has_none(location, scheme):
    assert scheme_of(location) == scheme


def test_only_elasticsearch_is_a_cluster_and_only_a_folder_can_be_missing(tmp_path):
    assert is_cluster("https://es")
    assert not is_cluster("memory://demo")
    assert is_missing(tmp_path / "none")
    assert is_missing(str(tmp_path / "none"))
    assert not is_missing(tmp_path)
    assert not is_missing("memory://demo")


def test_the_built_in_stores_can_do_everything(tmp_path):
    local = LocalStore(tmp_path)
    elastic = ElasticStore("http://localhost:9", Access())

    for store in (local, elastic):
        for ability in (Store, Examinable, Writable, Prunable, Erasable):
            assert isinstance(store, ability), (store, ability)
        store.close()


def test_a_folder_and_a_cluster_are_opened_by_their_schemes(tmp_path):
    for location, kind in ((tmp_path, LocalStore), (str(tmp_path), LocalStore),
                           ("http://localhost:9", ElasticStore)):  # fmt: skip
        store = open_store(location)
        assert type(store) is kind
        store.close()


@pytest.mark.parametrize(
    ("package", "location", "extra"),
    [("duckdb", "folder", "query"), ("elasticsearch", "http://localhost:9", "elastic")],
)
def test_without_the_package_of_a_built_in_store_it_says_what_to_install(
    monkeypatch, tmp_path, package, location, extra
):
    for name in [name for name in sys.modules if name.startswith("elkmon.stores.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError, match=rf"needs .* pip install 'elkmon\[{extra}\]'"):
        registry.open_store(location)


def test_no_store_is_imported_before_it_is_opened():
    code = (
        "import sys, elkmon.stores.registry; "
        "sys.exit(any(name.split('.')[0] in {'duckdb', 'elasticsearch'} for name in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_store_of_another_package_answers_the_command_line(plugin):
    models = plugin("models", *MEMORY)
    errors = plugin("errors", *MEMORY, *SPAN, "--format", "json")

    assert (models.returncode, models.stderr) == (0, "")
    assert "memory://demo: 2026-11-10" in models.stdout
    assert "labelled: 6 of 9 successful predictions" in models.stdout
    assert (errors.returncode, errors.stderr) == (0, "")
    answer = json.loads(errors.stdout)
    (rates,) = answer["rates"]
    assert rates["by"] == {"model": "demo"}
    assert (rates["failure_rate"]["k"], rates["failure_rate"]["n"]) == (1, 10)
    assert (rates["error_rate"]["k"], rates["error_rate"]["n"]) == (2, 6)


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (("doctor",), "memory://demo cannot be examined: "),
        (("prune", "--older-than", "90d", "--yes"), "memory://demo cannot be pruned: "),
        (("forget", "--user", "u", "--yes"), "memory://demo cannot forget: "),
    ],
    ids=lambda value: value[0],
)
def test_what_a_store_cannot_do_is_said_in_words(plugin, words, refusal):
    result = plugin(*words, *MEMORY)

    assert result.returncode == 3
    assert f"Error: {refusal}" in result.stderr
    assert "Traceback" not in result.stderr


def test_issues_of_a_store_that_takes_no_notes_are_listed_and_not_decided(plugin):
    listed = plugin("issues", *MEMORY, *SPAN)
    decided = plugin("issues", "resolve", "f00d", *MEMORY, *SPAN)

    assert listed.returncode == 0
    assert "ValueError" in listed.stdout
    assert "is not noted: memory://demo cannot be written to" in listed.stdout
    assert decided.returncode == 3
    assert decided.stderr.startswith("Error: memory://demo cannot be written to: ")


def test_commands_about_files_and_clusters_refuse_another_store(plugin):
    for words, refusal in (
        (("compact",), "is not a folder"),
        (("tail",), "is not a folder"),
        (("setup",), "is not a cluster"),
        (("join",), "is not a cluster"),
    ):
        result = plugin(*words, *MEMORY)

        assert result.returncode == 2
        assert f"memory://demo {refusal}" in result.stderr


def test_an_unknown_scheme_names_those_that_there_are(plugin):
    result = plugin("models", "--store", "memroy://demo")

    assert result.returncode == 2
    assert "there is no store for memroy://" in result.stderr
    assert "http://, https://, memory://" in result.stderr
    assert "if another package brings it, install that package" in result.stderr


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_package", "No module named 'no_such_package'"),
        ("1 / 0", "ZeroDivisionError"),
        ("MemoryStor = dict", "has no attribute 'MemoryStore'"),
        ("def MemoryStore(address): raise ValueError('no such memory')", "no such memory"),
        ("MemoryStore = str", "as str, which lacks methods"),
    ],
)
def test_a_broken_plugin_is_named_without_a_traceback(broken, source, reason):
    result = broken(source, "models", *MEMORY)

    assert result.returncode == 2
    assert "plug-in elkmon_memory.store:MemoryStore of elkmon-memory 1.0" in result.stderr
    assert reason in result.stderr
    assert "Traceback" not in result.stderr


def test_a_plugin_may_refuse_in_elkmons_own_words(broken):
    source = "import elkmon\ndef MemoryStore(_): raise elkmon.StoreError('the memory is full')"

    result = broken(source, "models", *MEMORY)

    assert (result.returncode, result.stderr) == (3, "Error: the memory is full\n")


def test_a_plugin_is_not_imported_where_another_store_is_asked(broken, tmp_path):
    result = broken("raise SystemExit(7)", "models", "--store", tmp_path / "none")

    assert result.returncode == 0
    assert "there is no folder" in result.stdout


def test_two_packages_for_one_scheme_are_both_named(tmp_path):
    install(tmp_path, name="other-memory")
    environment = install(tmp_path)

    result = run_elkmon(environment, "models", *MEMORY)

    assert result.returncode == 2
    assert "other-memory 1.0" in result.stderr
    assert "elkmon-memory 1.0" in result.stderr
    assert "uninstall one of them" in result.stderr
