"""Logstash's pipelines are consistent, also with ship and emit; no Logstash is needed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from elkmon.cli import main
from elkmon.emit.redaction.patterns import PATTERNS
from elkmon.events.cluster_settings import ACCESS, Access
from elkmon.events.datasets import DATASETS
from elkmon.events.limits import LINE
from elkmon.logstash.health import PIPELINES
from elkmon.logstash.pipelines import bundled_folder, files
from elkmon.logstash.rules import rules
from elkmon.stores.elastic.indices import index_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "logstash"
CONFS = sorted((FOLDER / "pipeline").glob("*.conf"))
REFERENCE = re.compile(r"\$\{([A-Z_]+)(?::([^}]*))?\}")
URL = "https://es:9200"
ACCESS_VARIABLES = [setting.variable for setting in ACCESS]
"""Cleared, so that the machine's own settings have no effect."""


def parsed(text):
    """Return a pipeline as nested lists; the library of the grammar needs Python 3.11."""
    from logstash_pipeline_parser import Pipeline  # noqa: PLC0415 - as above

    return Pipeline(text).parse()


def plugins(tree, section, name):
    """Return the options of each plugin with a name in a section, including conditional ones."""

    def walk(content):
        for node in content:
            if isinstance(node, list) and len(node) == 2 and node[0] == name:
                yield {option: value[0] for option, value in node[1]}
            elif isinstance(node, list):
                yield from walk(node)

    return [options for part in tree if part[0] == section for options in walk(part[1])]


needs_grammar = pytest.mark.skipif(
    not (3, 11) <= sys.version_info < (3, 14),
    reason="logstash-pipeline-parser: Python 3.11 to 3.13",
)


@needs_grammar
def test_every_pipeline_is_listed_and_valid():
    pipelines = yaml.safe_load((FOLDER / "config/pipelines.yml").read_text())

    assert [pipeline["pipeline.id"] for pipeline in pipelines] == list(PIPELINES)
    for pipeline in pipelines:
        path = Path(REFERENCE.sub(str(FOLDER / "pipeline"), pipeline["path.config"]))
        assert parsed(path.read_text())


@needs_grammar
def test_inputs_lead_to_the_pipeline_events_and_rejected_lines_to_deadletter():
    trees = {path.stem: parsed(path.read_text()) for path in CONFS}
    targets = {name: plugins(tree, "output", "pipeline") for name, tree in trees.items()}
    sources = {name: plugins(tree, "input", "pipeline") for name, tree in trees.items()}

    for name in ("files", "http", "beats"):
        assert targets[name] == [{"send_to": ["events"]}]
    assert targets["events"] == [{"send_to": ["deadletter"]}]
    assert targets["deadletter"] == []
    assert [sources[name] for name in ("events", "deadletter")] == [
        [{"address": "events"}], [{"address": "deadletter"}],
    ]  # fmt: skip
    (refused,) = plugins(trees["deadletter"], "input", "dead_letter_queue")
    assert refused["pipeline_id"] == "events"


@needs_grammar
@pytest.mark.parametrize("dataset", DATASETS)
def test_an_event_is_stored_where_ship_stores_it(dataset):
    (stored,) = plugins(parsed((FOLDER / "pipeline/events.conf").read_text()),
                        "output", "elasticsearch")  # fmt: skip
    kind = dataset.removeprefix("elkmon.")  # as in read.rb
    name = REFERENCE.sub(r"\2", stored["index"])
    name = name.replace("%{[@metadata][kind]}", kind).replace("%{+YYYY.MM}", "2026.11")

    assert name == index_of("elkmon", dataset, "2026-11-24T10:00:00.000Z")
    assert stored["document_id"] == "%{[@metadata][id]}"
    assert stored["action"] == "create"
    assert stored["data_stream"] is stored["manage_template"] is stored["ilm_enabled"] is False


@needs_grammar
@pytest.mark.parametrize("path", CONFS, ids=lambda path: path.name)
def test_options_have_the_names_of_8_and_9(path):
    removed = {"ssl", "cacert", "keystore", "truststore", "ssl_verify_mode", "verify_mode",
            "ssl_certificate_verification", "ssl_peer_metadata", "cipher_suites"}  # fmt: skip
    options = set(re.findall(r"^ +(\w+) =>", path.read_text(), re.MULTILINE))

    assert not options & removed


def test_the_rules_are_those_of_ship_and_emit():
    assert (FOLDER / "pipeline/rules.json").read_bytes() == rules(), "run python -m elkmon.logstash"
    assert b"(?P" not in rules()  # Ruby has no such group


def test_each_check_of_a_pattern_exists_in_ruby():
    ruby = (FOLDER / "pipeline/redact.rb").read_text()

    for pattern in PATTERNS:
        if pattern.check is not None:
            assert f"def {pattern.check.__name__.removeprefix('_')}(" in ruby


def test_every_variable_is_in_the_table():
    text = (FOLDER / "README.md").read_text()
    table = "\n".join(line for line in text.splitlines() if line.startswith("| `"))
    for path in [*CONFS, *(FOLDER / "config").glob("*.yml"), FOLDER / "filebeat.yml"]:
        for name, default in REFERENCE.findall(path.read_text()):
            assert f"`{name}`" in table, (path.name, name)
            assert not default or f"`{default}`" in table, (path.name, name, default)


def test_queues_are_on_disk():
    settings = yaml.safe_load((FOLDER / "config/logstash.yml").read_text())

    assert settings["queue.type"] == "persisted"
    assert settings["dead_letter_queue.enable"] is True


def test_filebeat_reads_lines_as_the_file_input_does():
    spool, logs = yaml.safe_load((FOLDER / "filebeat.yml").read_text())["filebeat.inputs"]
    # by their first bytes, files of two processes that start at the same time would be one
    assert "file_identity.path" in spool
    assert spool["message_max_bytes"] == LINE + 1  # a longer line is cut there, and still too long
    (multiline,) = (each["multiline"] for each in logs["parsers"])
    assert f"pattern => '{multiline['pattern']}'" in (FOLDER / "pipeline/files.conf").read_text()


def setup(folder, *arguments, **environ):
    return CliRunner().invoke(
        main,
        ["setup", "--store", URL, "--logstash", folder, *arguments],
        env={**dict.fromkeys(("LOGSTASH_CERTIFICATE", *ACCESS_VARIABLES), ""), **environ},
    )


def test_setup_writes_the_files_with_the_users_settings_once(tmp_path):
    first = setup(tmp_path / "ls", "--retention", "90", ELKMON_INDEX_PREFIX="shop")
    second = setup(tmp_path / "ls", "--retention", "90", ELKMON_INDEX_PREFIX="shop")

    assert first.exit_code == second.exit_code == 0, first.output
    events = (tmp_path / "ls/pipeline/events.conf").read_text()
    assert "${ELKMON_INDEX_PREFIX:shop}-%{" in events
    assert "${ELKMON_RETENTION:90}" in events
    assert f"${{ELASTICSEARCH_HOSTS:{URL}}}" in events
    assert f"{tmp_path}/ls/pipeline}}/read.rb" in events
    assert "0 changed" in second.stdout


def test_setup_shows_what_changes_and_a_dry_run_changes_nothing(tmp_path):
    first = setup(tmp_path / "ls", "--dry-run")
    assert first.stdout.count("new: ") == len(list(tmp_path.rglob("*"))) + 14
    setup(tmp_path / "ls")
    before = (tmp_path / "ls/pipeline/events.conf").read_text()

    result = setup(tmp_path / "ls", "--dry-run", ELKMON_INDEX_PREFIX="shop")

    assert '+      index => "${ELKMON_INDEX_PREFIX:shop}-%{[@metadata][kind]}' in result.stdout
    assert (tmp_path / "ls/pipeline/events.conf").read_text() == before


def test_a_password_is_never_written(tmp_path):
    password = "of-the-user"  # noqa: S105 - nobody's
    secrets = {"ELKMON_PASSWORD": password, "LOGSTASH_HTTP_PASSWORD": password,
               "LOGSTASH_API_KEY": password}  # fmt: skip
    setup(tmp_path, ELKMON_USERNAME="shipper", LOGSTASH_CERTIFICATE="ls.crt", **{
        **secrets, "LOGSTASH_KEY": "ls.key"})  # fmt: skip

    texts = [path.read_text() for path in tmp_path.rglob("*.*") if path.is_file()]
    assert not any(password in text for text in texts)
    events = (tmp_path / "pipeline/events.conf").read_text()
    assert 'user => "${ELKMON_USERNAME:shipper}"' in events
    assert "api_key" not in events


def test_without_a_certificate_it_listens_on_this_host_only(tmp_path):
    result = setup(tmp_path)

    http = (tmp_path / "pipeline/http.conf").read_text()
    assert "${LOGSTASH_HOST:127.0.0.1}" in http
    assert "ssl_" not in http
    assert "LOGSTASH_CERTIFICATE" in result.stderr
    output = yaml.safe_load((tmp_path / "filebeat.yml").read_text())["output.logstash"]
    assert list(output) == ["hosts"]


@needs_grammar
@pytest.mark.parametrize("url", [URL, "http://es:9200"])
@pytest.mark.parametrize(
    "secured", [{}, {"LOGSTASH_CERTIFICATE": "a.crt", "LOGSTASH_KEY": "a.key"}]
)
@pytest.mark.parametrize("access", [Access(), Access(username="u", password="p")])  # noqa: S106
def test_every_combination_of_settings_gives_valid_pipelines(tmp_path, url, secured, access):
    configured = files(tmp_path, url, access, secured, retention=365)

    for file in configured:
        if file.path.suffix == ".conf":
            assert parsed(file.text)
    events = next(file.text for file in configured if file.path.name == "events.conf")
    assert ("ssl_enabled" in events) is url.startswith("https")


def test_the_files_come_with_the_wheel(tmp_path):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([*pip, "install", "-q", "--no-deps", "-t", tmp_path / "site", wheel], check=True)

    result = subprocess.run(
        [sys.executable, "-c", "from elkmon.cli import main; main()",
         "setup", "--store", URL, "--logstash", tmp_path / "ls"],
        cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    for path in bundled_folder().glob("pipeline/*.rb"):
        assert (tmp_path / "ls/pipeline" / path.name).read_bytes() == path.read_bytes()
