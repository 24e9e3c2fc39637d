"""The settings of all services agree on hosts, ports, users and files."""

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
    """The secrets that the first step of the set-up creates."""
    folder = make_folders(tmp_path_factory.mktemp("secrets"))
    run_setup("secrets", folder)
    return folder


@pytest.fixture
def secret_file(secrets):
    """A function that returns the file of secrets that a service sees at a path."""

    def find(service, path):
        for source, target, _ in mounts(service):
            if path.startswith(f"{target}/") and source.endswith("-secrets"):
                return secrets / source.removesuffix("-secrets") / path[len(target) + 1 :]
        raise AssertionError(f"{service} sees no {path}")

    return find


def ports_of(service):
    """Return the ports of a service among the containers."""
    return {int(ports.split(":")[2]) for ports in SERVICES[service].get("ports", ())}


def public_key(path):
    """Return the public key of a certificate or of a private key."""
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
        assert public_key(certificate) == public_key(secrets / name / f"{name}.key")
    authority = (secrets / "setup/ca.crt").read_bytes()
    for name in (*NAMES, "worker"):
        assert (secrets / name / "ca.crt").read_bytes() == authority
    assert [path for path in contents(secrets) if path.endswith("ca.key")] == ["setup/ca.key"]


def test_elasticsearch_finds_its_files(secret_file):
    for name in ("key", "certificate"):
        path = ELASTICSEARCH[f"xpack.security.http.ssl.{name}"]
        assert secret_file("elasticsearch", f"{HOME}/{path}").is_file()
    password = SERVICES["elasticsearch"]["environment"]["ELASTIC_PASSWORD_FILE"]
    assert (
        secret_file("elasticsearch", password).stat().st_mode & 0o777 == 0o600
    )  # else it is refused


def test_elasticsearch_is_secured_has_one_node_and_the_basic_licence():
    assert ELASTICSEARCH["xpack.security.enabled"] is True
    assert ELASTICSEARCH["xpack.security.http.ssl.enabled"] is True
    assert ELASTICSEARCH["discovery.type"] == "single-node"
    assert ELASTICSEARCH["xpack.license.self_generated.type"] == "basic"
    assert "http.port" not in ELASTICSEARCH
    assert ports_of("elasticsearch") == {9200}


def test_kibana_uses_this_elasticsearch(secret_file, secrets):
    assert KIBANA["elasticsearch.hosts"] == ["https://elasticsearch:9200"]
    assert KIBANA["elasticsearch.username"] == "kibana_system"
    for path in (
        *KIBANA["elasticsearch.ssl.certificateAuthorities"],
        *(KIBANA["server.ssl.key"], KIBANA["server.ssl.certificate"]),
    ):
        assert secret_file("kibana", path).is_file()
    committed, generated = (
        option.removeprefix("--config=")
        for option in SERVICES["kibana"]["command"]
        if "=" in option
    )
    assert committed in [target for _, target, _ in mounts("kibana")]
    settings = yaml.safe_load(secret_file("kibana", generated).read_text())
    password = (secrets / "setup/kibana.password").read_text().strip()
    assert settings.pop("elasticsearch.password") == password
    assert len(settings) == len(set(settings.values())) == 3
    assert min(map(len, settings.values())) >= 32
    assert not set(settings) & set(KIBANA)
    assert ports_of("kibana") == {5601}
    url = SERVICES["kibana"]["environment"]["SERVER_PUBLICBASEURL"]
    assert urlsplit(url).port == int(ENVIRONMENT["KIBANA_PORT"])


def test_logstash_has_every_setting_that_it_needs(secret_file):
    files = [path for path in LOGSTASH.rglob("*") if path.suffix in {".conf", ".yml"}]
    texts = [path.read_text() for path in files if path.name != "filebeat.yml"]
    needed = {name for text in texts for name in re.findall(r"\$\{(\w+)\}", text)}
    with_default = {pair for text in texts for pair in re.findall(r"\$\{(\w+):([^}]*)\}", text)}
    environment = SERVICES["logstash"]["environment"]
    script = (DOCKER / "logstash.sh").read_text()
    from_files = dict(re.findall(r"^(\w+)=\$\(< (\S+)\)$", script, re.MULTILINE))

    assert needed
    assert needed <= {*environment, *from_files}
    used = needed | {name for name, _ in with_default}
    assert {*environment, *from_files} <= {*used, "LS_JAVA_OPTS"}
    assert f"export {' '.join(sorted(from_files))}\n" in script
    assert from_files["LOGSTASH_API_KEY"] == "/secrets/writer.key"  # from the second step
    assert secret_file("logstash", from_files["LOGSTASH_HTTP_PASSWORD"]).is_file()
    for name in ("ELKMON_CA_FILE", "LOGSTASH_CERTIFICATE", "LOGSTASH_KEY"):
        assert secret_file("logstash", environment[name]).is_file()
    assert (
        "BEGIN PRIVATE KEY" in secret_file("logstash", environment["LOGSTASH_KEY"]).read_text()
    )  # PKCS#8
    assert environment["ELASTICSEARCH_HOSTS"] == "https://elasticsearch:9200"
    assert str(environment["ELKMON_RETENTION"]) == ENVIRONMENT["RETENTION_DAYS"]

    targets = {target for _, target, _ in mounts("logstash")}
    defaults = dict(with_default)
    assert defaults["LOGSTASH_PIPELINES"] in targets
    assert defaults["LOGSTASH_DATA"] in targets
    assert str(Path(defaults["ELKMON_LOGS"]).parent) in targets
    assert defaults["ELKMON_SPOOL"] not in targets  # the worker ships it
    ports = {int(defaults["LOGSTASH_HTTP_PORT"]), int(defaults["LOGSTASH_BEATS_PORT"])}
    assert ports_of("logstash") == ports
    assert (
        SERVICES["logstash"]["healthcheck"]["test"].count(
            f"localhost:{defaults['LOGSTASH_API_PORT']}"
        )
        == 1
    )


def test_the_set_up_and_the_worker_use_the_same_addresses(secret_file):
    script = (DOCKER / "setup.sh").read_text()
    worker = SERVICES["worker"]

    assert "ELASTICSEARCH_URL:-https://elasticsearch:9200}" in script
    assert "KIBANA_URL:-https://kibana:5601}" in script
    assert "--to=https://elasticsearch:9200" in worker["command"]
    assert secret_file("worker", worker["environment"]["ELKMON_CA_FILE"]).is_file()
    assert secret_file("worker", worker["environment"]["ELKMON_API_KEY_FILE"]).name == "worker.key"
    assert f"--retention={ENVIRONMENT['RETENTION_DAYS']}" in worker["command"]
    retention = SERVICES["setup-cluster"]["environment"]["RETENTION_DAYS"]
    assert str(retention) == ENVIRONMENT["RETENTION_DAYS"]


def test_a_health_check_is_of_its_own_service():
    for name in ("elasticsearch", "kibana"):
        (url,) = re.findall(r"https?://localhost:\d+", SERVICES[name]["healthcheck"]["test"])
        assert {urlsplit(url).port} == ports_of(name)
    assert "127.0.0.1:8089/healthz" in SERVICES["worker"]["healthcheck"]["test"]


def test_applications_and_the_worker_share_a_folder():
    for name in ("setup", "worker", "example"):
        assert ("events", "/events", "rw") in mounts(name)
    assert "--store=/events" in SERVICES["worker"]["command"]
