"""The second step of the set-up on a real Elasticsearch that has the stack's own settings."""

import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from time import monotonic, sleep

import pytest
from elasticsearch import AuthenticationException, Elasticsearch

from elkmon.cluster.keys import revoke
from elkmon.events.datasets import DATASETS
from tests.support import elasticsearch_servers as servers
from tests.support.cluster_loading import clear
from tests.support.compose_stack import DOCKER, contents, make_folders, run_setup

pytestmark = pytest.mark.elasticsearch

ELKMON = Path(sys.executable).parent / "elkmon"
KIND = "8.19"


class Cluster:
    """A set-up on the shared server: a copy of the secrets, and a prefix of its own."""

    def __init__(self, server, folder):
        self.server = server
        self.prefix = f"t{uuid.uuid4().hex[:12]}"
        self.secrets = Path(shutil.copytree(_secrets(), folder / "secrets"))
        self._clients = []

    def set_up(self, **options):
        environ = {"ELASTICSEARCH_URL": self.server.url, "ELKMON_INDEX_PREFIX": self.prefix}
        return run_setup("cluster", self.secrets, **environ, **options)

    def secret(self, path):
        return (self.secrets / path).read_text().strip()

    def client(self, **credentials):
        """Return a client that trusts the stack's authority."""
        credentials = credentials or {"basic_auth": ("elastic", servers.PASSWORD)}
        authority = self.secrets / "setup" / "ca.crt"
        self._clients.append(Elasticsearch(self.server.url, ca_certs=authority, **credentials))
        return self._clients[-1]

    def close(self):
        clear(self.client(), self.prefix)
        revoke(self.client(), self.prefix, dry_run=False)
        for client in self._clients:
            client.close()


def _secrets():
    """Return the secrets of the first step, with the password of the tests' servers."""
    folder = Path(os.environ[servers.RUN]) / "stack-secrets"
    if not folder.exists():
        make_folders(folder)
        password = folder / "setup" / "elastic.password"
        password.touch(0o600)
        password.write_text(servers.PASSWORD)
        run_setup("secrets", folder)
    return folder


@pytest.fixture(scope="session")
def server():
    """The test run's server with elasticsearch.yml, its certificate and folder of secrets."""
    run = Path(os.environ[servers.RUN])
    description, folder = run / "stack.json", run / "stack"
    with servers._locked(run / "stack.lock"):
        if description.exists():
            return servers.Server(**json.loads(description.read_text()))
        port, transport = servers._free_port(), servers._free_port()
        shutil.copytree(servers._installed(KIND, secured=True) / "config", folder / "config")
        shutil.copytree(_secrets() / "elasticsearch", folder / "config" / "secrets")
        (folder / "config" / "elasticsearch.yml").write_text(
            (DOCKER / "elasticsearch.yml").read_text()
            + f"http.port: {port}\ntransport.port: {transport}\n"
            + f"path.data: {folder / 'data'}\npath.logs: {folder / 'logs'}\n"
            + "cluster.routing.allocation.disk.threshold_enabled: false\n"
        )
        options = (
            folder / "config" / "jvm.options"
        )  # its garbage collector would log to another folder
        lines = options.read_text().splitlines(keepends=True)
        options.write_text("".join(line for line in lines if "Xlog" not in line))
        server = servers.launch(KIND, folder, secured=True, port=port)
        authority = _secrets() / "setup" / "ca.crt"
        elastic = {"ca_certs": authority, "basic_auth": ("elastic", servers.PASSWORD)}
        with Elasticsearch(server.url, **elastic) as client:
            # the first call creates an index: several at once may be refused
            client.security.change_password(username="kibana_system", password=servers.PASSWORD)
        description.write_text(json.dumps(asdict(server)))
        return server


@pytest.fixture
def cluster(server, tmp_path):
    cluster = Cluster(server, tmp_path)
    yield cluster
    cluster.close()


@pytest.fixture
def recording_programs(tmp_path):
    """A folder of programs that record their arguments before they run."""
    folder = tmp_path / "recording"
    folder.mkdir()
    for name in ("curl", "openssl", "elkmon", "base64", "cp"):
        real = shutil.which(name, path=f"{ELKMON.parent}:{os.environ['PATH']}")
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> {folder}/calls\nexec {real} "$@"\n')
        program.chmod(0o755)
    return folder


def test_users_templates_roles_and_keys_exist_and_no_secret_was_an_argument(
    cluster, recording_programs
):
    result = cluster.set_up(PATH=f"{recording_programs}:{os.environ['PATH']}")

    kibana = cluster.client(basic_auth=("kibana_system", cluster.secret("setup/kibana.password")))
    assert kibana.security.authenticate()["roles"] == ["kibana_system"]
    for job, key in (
        ("writer", tuple(cluster.secret("logstash/writer.key").split(":"))),
        ("worker", cluster.secret("worker/worker.key")),
        ("reader", cluster.secret("setup/keys/reader.key")),
    ):
        identity = cluster.client(api_key=key).security.authenticate()
        assert identity["api_key"]["name"] == f"{cluster.prefix}-{job}"
    elastic = cluster.client()
    templates = elastic.indices.get_index_template(name=f"{cluster.prefix}-*")
    names = {template["name"] for template in templates["index_templates"]}
    assert names >= {
        dataset.replace("elkmon", cluster.prefix).replace(".", "-") for dataset in DATASETS
    }
    settings = elastic.cluster.get_component_template(name=f"{cluster.prefix}-settings")
    (component,) = settings["component_templates"]
    index = component["component_template"]["template"]["settings"]["index"]
    assert index["number_of_replicas"] == "0"

    output = (recording_programs / "calls").read_text() + result.stdout + result.stderr
    assert "curl " in output
    assert "elkmon setup " in output
    originals = cluster.secrets / "setup"
    for file in (*originals.glob("*.password"), *(originals / "keys").iterdir()):
        assert file.read_text().strip() not in output, file
    assert cluster.secret("logstash/writer.key") not in output


def test_a_second_run_changes_nothing_unless_a_key_is_invalid(cluster):
    cluster.set_up()
    before = contents(cluster.secrets)

    second = cluster.set_up()
    after = contents(cluster.secrets)
    name = f"{cluster.prefix}-worker"
    cluster.client().security.invalidate_api_key(name=name)
    third = cluster.set_up()

    assert after == before
    assert "0 to change" in second.stdout
    assert "0 to change" in third.stdout
    assert cluster.secret("worker/worker.key") == cluster.secret("setup/keys/worker.key")
    cluster.client(api_key=cluster.secret("worker/worker.key")).security.authenticate()
    with pytest.raises(AuthenticationException):
        cluster.client(api_key=before["worker/worker.key"].decode().strip()).info()


def test_a_wrong_password_ends_it_with_the_message_of_elasticsearch(cluster):
    (cluster.secrets / "setup/elastic.password").write_text("wrong")

    result = cluster.set_up(check=False, PATIENCE="1")

    assert result.returncode != 0
    assert "unable to authenticate user [elastic]" in result.stderr
    assert "done" not in result.stdout


def test_the_example_is_shipped_with_the_workers_key_and_gives_the_same_figures(cluster, tmp_path):
    cluster.set_up()
    events = tmp_path / "events"
    events.mkdir()
    path = {"PATH": f"{ELKMON.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    serve(events, {**path, "EVENTS": str(events), "REQUESTS": "400", "EVERY": "0.1s"})
    trusted = {
        **path,
        "ELKMON_CA_FILE": str(cluster.secrets / "worker/ca.crt"),
        "ELKMON_INDEX_PREFIX": cluster.prefix,
    }
    worker = {**trusted, "ELKMON_API_KEY_FILE": str(cluster.secrets / "worker/worker.key")}
    reader = {**trusted, "ELKMON_API_KEY_FILE": str(cluster.secrets / "setup/keys/reader.key")}

    elkmon(worker, "ship", "--store", str(events), "--to", cluster.server.url)
    cluster.client().indices.refresh(index=f"{cluster.prefix}-*")
    elkmon(worker, "join", "--store", cluster.server.url)

    until = datetime.now(timezone.utc).isoformat()
    question = ("errors", "--by", "version", "--until", until, "--format", "json")
    local = json.loads(elkmon(path, *question, "--store", str(events)))["rates"]
    remote = json.loads(elkmon(reader, *question, "--store", cluster.server.url))["rates"]
    assert local
    assert local == remote


def serve(events, environ):
    """Run the example until it reads the host, then stop it; a second run serves nothing."""
    counts = []
    for least in (1, 2):
        with subprocess.Popen(
            [DOCKER / "example.sh"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            deadline = monotonic() + 120
            while len(host_files(events)) < least:
                assert process.poll() is None, process.stderr.read()
                assert monotonic() < deadline
                sleep(0.1)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        assert process.returncode == 0
        counts.append(
            sum(file.read_bytes().count(b'"elkmon.prediction"') for file in events.glob("*.ndjson"))
        )
    assert 0 < counts[0] == counts[1]


def host_files(events):
    """Return the files of processes that read the host."""
    return [
        path for path in events.glob("*.ndjson") if b'"service":{"name":"host"' in path.read_bytes()
    ]


def elkmon(environ, *arguments):
    result = subprocess.run(
        [ELKMON, *arguments], env=environ, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
