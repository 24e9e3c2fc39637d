"""Elasticsearch, Logstash, Kibana and the worker are told the same: hosts, ports, users, files."""

import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.support.compose_stack import (
    DOCKER,
    ENVIRONMENT,
    SERVICES,
    contents,
    make_folders,
    mounts,
    run_setup,
)

ELASTICSEARCH = yaml.safe_load((DOCKER / "elasticsearch.yml").read_text())
KIBANA = yaml.safe_load((DOCKER / "kibana.yml").read_text())
LOGSTASH = DOCKER.parent / "logstash"
HOME = "/usr/share/elasticsearch/config"
NAMES = ("elasticsearch", "kibana", "logstash")


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    """What the set-up makes first."""
    folder = make_folders(tmp_path_factory.mktemp("secrets"))
    run_setup("secrets", folder)
    return folder


@pytest.fixture
def found(secrets):
    """A function that gives the file which a service sees at a path."""

    def find(service, path):
        for source, target, _ in mounts(service):
            if path.startswith(f"{target}/") and source.endswith("-secrets"):
                return secrets / source.removesuffix("-secrets") / path[len(target) + 1 :]
        raise AssertionError(f"{service} sees no {path}")

    return find


def port_of(service):
    """Give the port that a service answers on, among the containers."""
    return {int(each.split(":")[2]) for each in SERVICES[service].get("ports", ())}


def public(path):
    """Give the public key of a certificate, or of a private key."""
    kind = ["x509", "-noout"] if path.suffix == ".crt" else ["pkey"]
    return subprocess.run(
        ["openssl", *kind, "-in", path, "-pubkey" if "x509" in kind else "-pubout"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip


def test_the_certificate_of_each_service_is_its_own_and_trusted(secrets):
    for name in NAMES:
        certificate = secrets / name / f"{name}.crt"
        for host in (name, "localhost"):
            subprocess.run(
                ["openssl", "verify", "-CAfile", secrets / "setup/ca.crt", "-purpose", "sslserver",
                 "-verify_hostname", host, certificate],
                capture_output=True, check=True,
            )  # fmt: skip
        assert public(certificate) == public(secrets / name / f"{name}.key")
    authority = (secrets / "setup/ca.crt").read_bytes()
    for name in (*NAMES, "worker"):
        assert (secrets / name / "ca.crt").read_bytes() == authority
    assert [path for path in contents(secrets) if path.endswith("ca.key")] == ["setup/ca.key"]


def test_elasticsearch_finds_its_files(found):
    for name in ("key", "certificate"):
        path = ELASTICSEARCH[f"xpack.security.http.ssl.{name}"]
        assert found("elasticsearch", f"{HOME}/{path}").is_file()
    password = SERVICES["elasticsearch"]["environment"]["ELASTIC_PASSWORD_FILE"]
    assert found("elasticsearch", password).stat().st_mode & 0o777 == 0o600  # else it is refused


def test_elasticsearch_is_secured_of_one_node_and_free():
    assert ELASTICSEARCH["xpack.security.enabled"] is True
    assert ELASTICSEARCH["xpack.security.http.ssl.enabled"] is True
    assert ELASTICSEARCH["discovery.type"] == "single-node"
    assert ELASTICSEARCH["xpack.license.self_generated.type"] == "basic"
    assert "http.port" not in ELASTICSEARCH
    assert port_of("elasticsearch") == {9200}


def test_kibana_asks_the_elasticsearch_that_there_is(found, secrets):
    assert KIBANA["elasticsearch.hosts"] == ["https://elasticsearch:9200"]
    assert KIBANA["elasticsearch.username"] == "kibana_system"
    for path in (
        *KIBANA["elasticsearch.ssl.certificateAuthorities"],
        *(KIBANA["server.ssl.key"], KIBANA["server.ssl.certificate"]),
    ):
        assert found("kibana", path).is_file()
    own, made = (
        each.removeprefix("--config=") for each in SERVICES["kibana"]["command"] if "=" in each
    )
    assert own in [target for _, target, _ in mounts("kibana")]
    settings = yaml.safe_load(found("kibana", made).read_text())
    password = (secrets / "setup/kibana.password").read_text().strip()
    assert settings.pop("elasticsearch.password") == password
    assert len(settings) == len(set(settings.values())) == 3
    assert min(map(len, settings.values())) >= 32
    assert not set(settings) & set(KIBANA)
    assert port_of("kibana") == {5601}
    url = SERVICES["kibana"]["environment"]["SERVER_PUBLICBASEURL"]
    assert urlsplit(url).port == int(ENVIRONMENT["KIBANA_PORT"])


def test_logstash_gets_every_setting_that_it_needs(found):
    files = [path for path in LOGSTASH.rglob("*") if path.suffix in {".conf", ".yml"}]
    texts = [path.read_text() for path in files if path.name != "filebeat.yml"]
    needed = {name for text in texts for name in re.findall(r"\$\{(\w+)\}", text)}
    usual = {pair for text in texts for pair in re.findall(r"\$\{(\w+):([^}]*)\}", text)}
    own = SERVICES["logstash"]
    given = own["environment"]
    script = (DOCKER / "logstash.sh").read_text()
    from_files = dict(re.findall(r"^(\w+)=\$\(< (\S+)\)$", script, re.MULTILINE))

    assert needed
    assert needed <= {*given, *from_files}
    known = needed | {name for name, _ in usual}
    assert {*given, *from_files} <= {*known, "LS_JAVA_OPTS"}
    assert f"export {' '.join(sorted(from_files))}\n" in script
    assert from_files["LOGSTASH_API_KEY"] == "/secrets/writer.key"  # of the second step
    assert found("logstash", from_files["LOGSTASH_HTTP_PASSWORD"]).is_file()
    for name in ("ELKMON_CA_FILE", "LOGSTASH_CERTIFICATE", "LOGSTASH_KEY"):
        assert found("logstash", given[name]).is_file()
    assert "BEGIN PRIVATE KEY" in found("logstash", given["LOGSTASH_KEY"]).read_text()  # PKCS#8
    assert given["ELASTICSEARCH_HOSTS"] == "https://elasticsearch:9200"
    assert str(given["ELKMON_RETENTION"]) == ENVIRONMENT["RETENTION_DAYS"]

    targets = {target for _, target, _ in mounts("logstash")}
    defaults = dict(usual)
    assert defaults["LOGSTASH_PIPELINES"] in targets
    assert defaults["LOGSTASH_DATA"] in targets
    assert str(Path(defaults["ELKMON_LOGS"]).parent) in targets
    assert defaults["ELKMON_SPOOL"] not in targets  # the worker ships what is there
    ports = {int(defaults["LOGSTASH_HTTP_PORT"]), int(defaults["LOGSTASH_BEATS_PORT"])}
    assert port_of("logstash") == ports
    assert own["healthcheck"]["test"].count(f"localhost:{defaults['LOGSTASH_API_PORT']}") == 1


def test_the_set_up_and_the_worker_ask_them_too(found):
    script = (DOCKER / "setup.sh").read_text()
    worker = SERVICES["worker"]

    assert "ELASTICSEARCH_URL:-https://elasticsearch:9200}" in script
    assert "KIBANA_URL:-https://kibana:5601}" in script
    assert "--to=https://elasticsearch:9200" in worker["command"]
    assert found("worker", worker["environment"]["ELKMON_CA_FILE"]).is_file()
    assert found("worker", worker["environment"]["ELKMON_API_KEY_FILE"]).name == "worker.key"
    assert f"--retention={ENVIRONMENT['RETENTION_DAYS']}" in worker["command"]
    kept = SERVICES["setup-cluster"]["environment"]["RETENTION_DAYS"]
    assert str(kept) == ENVIRONMENT["RETENTION_DAYS"]


def test_a_health_check_asks_its_own_service():
    for name in ("elasticsearch", "kibana"):
        (url,) = re.findall(r"https?://localhost:\d+", SERVICES[name]["healthcheck"]["test"])
        assert {urlsplit(url).port} == port_of(name)
    assert "127.0.0.1:8089/healthz" in SERVICES["worker"]["healthcheck"]["test"]


def test_applications_and_the_worker_share_a_folder():
    for name in ("setup", "worker", "example"):
        assert ("events", "/events", "rw") in mounts(name)
    assert "--store=/events" in SERVICES["worker"]["command"]
