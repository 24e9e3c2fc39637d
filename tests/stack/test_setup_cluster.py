"""The set-up's other steps on a real Elasticsearch, which runs by the stack's own settings."""

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
    """A set-up of its own on the shared server: a copy of the secrets, and a prefix."""

    def __init__(self, server, folder):
        self.server = server
        self.prefix = f"t{uuid.uuid4().hex[:12]}"
        self.secrets = Path(shutil.copytree(_secrets(), folder / "secrets"))
        self._clients = []

    def set_up(self, **more):
        environ = {"ELASTICSEARCH_URL": self.server.url, "ELKMON_INDEX_PREFIX": self.prefix}
        return run_setup("cluster", self.secrets, **environ, **more)

    def held(self, path):
        return (self.secrets / path).read_text().strip()

    def client(self, **credentials):
        """Give a client that trusts the stack's authority."""
        credentials = credentials or {"basic_auth": ("elastic", servers.PASSWORD)}
        authority = self.secrets / "setup" / "ca.crt"
        self._clients.append(Elasticsearch(self.server.url, ca_certs=authority, **credentials))
        return self._clients[-1]

    def close(self):
        clear(self.client(), self.prefix)
        revoke(self.client(), self.prefix, dry_run=False)
        for each in self._clients:
            each.close()


def _secrets():
    """Give what the first step makes; the tests' servers have a password of their own."""
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
    """The run's server that goes by elasticsearch.yml, its certificate and folder of secrets."""
    run = Path(os.environ[servers.RUN])
    known, folder = run / "stack.json", run / "stack"
    with servers._locked(run / "stack.lock"):
        if known.exists():
            return servers.Server(**json.loads(known.read_text()))
        port, transport = servers._free_port(), servers._free_port()
        shutil.copytree(servers._installed(KIND, secured=True) / "config", folder / "config")
        shutil.copytree(_secrets() / "elasticsearch", folder / "config" / "secrets")
        (folder / "config" / "elasticsearch.yml").write_text(
            (DOCKER / "elasticsearch.yml").read_text()
            + f"http.port: {port}\ntransport.port: {transport}\n"
            + f"path.data: {folder / 'data'}\npath.logs: {folder / 'logs'}\n"
            + "cluster.routing.allocation.disk.threshold_enabled: false\n"
        )
        options = folder / "config" / "jvm.options"  # garbage's log would go to another folder
        lines = options.read_text().splitlines(keepends=True)
        options.write_text("".join(line for line in lines if "Xlog" not in line))
        made = servers.launch(KIND, folder, secured=True, port=port)
        authority = _secrets() / "setup" / "ca.crt"
        elastic = {"ca_certs": authority, "basic_auth": ("elastic", servers.PASSWORD)}
        with Elasticsearch(made.url, **elastic) as client:
            # its index comes into being by whoever is first: several at once may be refused
            client.security.change_password(username="kibana_system", password=servers.PASSWORD)
        known.write_text(json.dumps(asdict(made)))
        return made


@pytest.fixture
def cluster(server, tmp_path):
    made = Cluster(server, tmp_path)
    yield made
    made.close()


@pytest.fixture
def watched(tmp_path):
    """A folder of programs that note their arguments, and then do what they are called for."""
    folder = tmp_path / "watched"
    folder.mkdir()
    for name in ("curl", "openssl", "elkmon", "base64", "cp"):
        real = shutil.which(name, path=f"{ELKMON.parent}:{os.environ['PATH']}")
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> {folder}/said\nexec {real} "$@"\n')
        program.chmod(0o755)
    return folder


def test_users_templates_roles_and_keys_are_there_and_no_secret_was_an_argument(cluster, watched):
    done = cluster.set_up(PATH=f"{watched}:{os.environ['PATH']}")

    kibana = cluster.client(basic_auth=("kibana_system", cluster.held("setup/kibana.password")))
    assert kibana.security.authenticate()["roles"] == ["kibana_system"]
    for job, key in (
        ("writer", tuple(cluster.held("logstash/writer.key").split(":"))),
        ("worker", cluster.held("worker/worker.key")),
        ("reader", cluster.held("setup/keys/reader.key")),
    ):
        told = cluster.client(api_key=key).security.authenticate()
        assert told["api_key"]["name"] == f"{cluster.prefix}-{job}"
    elastic = cluster.client()
    templates = elastic.indices.get_index_template(name=f"{cluster.prefix}-*")
    names = {each["name"] for each in templates["index_templates"]}
    assert names >= {each.replace("elkmon", cluster.prefix).replace(".", "-") for each in DATASETS}
    settings = elastic.cluster.get_component_template(name=f"{cluster.prefix}-settings")
    (found,) = settings["component_templates"]
    index = found["component_template"]["template"]["settings"]["index"]
    assert index["number_of_replicas"] == "0"

    said = (watched / "said").read_text() + done.stdout + done.stderr
    assert "curl " in said
    assert "elkmon setup " in said
    own = cluster.secrets / "setup"
    for file in (*own.glob("*.password"), *(own / "keys").iterdir()):
        assert file.read_text().strip() not in said, file
    assert cluster.held("logstash/writer.key") not in said


def test_a_second_run_changes_nothing_until_a_key_does_not_hold_any_more(cluster):
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
    assert cluster.held("worker/worker.key") == cluster.held("setup/keys/worker.key")
    cluster.client(api_key=cluster.held("worker/worker.key")).security.authenticate()
    with pytest.raises(AuthenticationException):
        cluster.client(api_key=before["worker/worker.key"].decode().strip()).info()


def test_a_password_that_is_wrong_ends_it_with_what_elasticsearch_says(cluster):
    (cluster.secrets / "setup/elastic.password").write_text("wrong")

    done = cluster.set_up(check=False, PATIENCE="1")

    assert done.returncode != 0
    assert "unable to authenticate user [elastic]" in done.stderr
    assert "done" not in done.stdout


def test_the_example_is_shipped_by_the_workers_key_and_says_the_same(cluster, tmp_path):
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
    asked = ("errors", "--by", "version", "--until", until, "--format", "json")
    here = json.loads(elkmon(path, *asked, "--store", str(events)))["rates"]
    there = json.loads(elkmon(reader, *asked, "--store", cluster.server.url))["rates"]
    assert here
    assert here == there


def serve(events, environ):
    """Run the example until it reads the host, then stop it; a second run has nothing to serve."""
    counts = []
    for least in (1, 2):
        with subprocess.Popen(
            [DOCKER / "example.sh"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            give_up = monotonic() + 120
            while len(of_hosts(events)) < least:
                assert process.poll() is None, process.stderr.read()
                assert monotonic() < give_up
                sleep(0.1)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        assert process.returncode == 0
        counts.append(
            sum(file.read_bytes().count(b'"elkmon.prediction"') for file in events.glob("*.ndjson"))
        )
    assert 0 < counts[0] == counts[1]


def of_hosts(events):
    """Give the files of processes that read the host."""
    return [each for each in events.glob("*.ndjson") if b'"service":{"name":"host"' in
            each.read_bytes()]  # fmt: skip


def elkmon(environ, *arguments):
    done = subprocess.run(
        [ELKMON, *arguments], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
