"""The key of each job on secured servers: what it can do, and what it cannot."""

import json
import stat

import pytest
from click.testing import CliRunner
from elasticsearch import AuthorizationException, Elasticsearch, NotFoundError

from elkmon.cli import main
from elkmon.cluster.keys import JOBS, make_keys, revoke
from tests.support import elasticsearch_servers as servers

EVENT = {"@timestamp": "2026-11-24T10:00:00.000Z", "ml": {"features": {"number": {"a.b": 1.5}}}}


@pytest.fixture
def setup(server_secured, prefix, looking):
    """A function that runs the command as an administrator, and removes everything at the end."""
    environ = {
        "ELKMON_USERNAME": "elastic",
        "ELKMON_PASSWORD": servers.PASSWORD,
        "ELKMON_CA_FILE": server_secured.ca,
    }

    def run(*arguments, env=environ):
        return CliRunner().invoke(
            main,
            ["setup", "--store", server_secured.url, *map(str, arguments)],
            env={"ELKMON_CA_FILE": server_secured.ca, **env},
        )

    looking(server_secured)
    yield run
    assert run("--remove").exit_code == 0


@pytest.fixture
def admin(server_secured, prefix, installed):
    """A client that may do everything; the templates and one event are there."""
    client = installed(server_secured)
    client.index(index=f"{prefix}-prediction-2026.11.01", id="p1", document=EVENT, refresh=True)
    return client


@pytest.fixture
def keyed(server_secured, prefix, admin):
    """A function that returns a client with the key of a job."""
    keys = make_keys(admin, prefix)
    clients = {
        job: Elasticsearch(server_secured.url, ca_certs=server_secured.ca, api_key=key)
        for job, key in keys.items()
    }
    yield clients.__getitem__
    for client in clients.values():
        client.close()
    revoke(admin, prefix, dry_run=False)


def refused(function, **arguments):
    with pytest.raises(AuthorizationException, match="is unauthorized for"):
        function(**arguments)


def test_the_writer_makes_indices_by_their_templates_and_adds_events(keyed, admin, prefix):
    writer = keyed("writer")
    name = f"{prefix}-prediction-2026.10.01"

    answer = writer.bulk(operations=[{"create": {"_index": name, "_id": "p2"}}, EVENT])

    assert answer["items"][0]["create"]["status"] == 201
    mapping = admin.indices.get_mapping(index=name)[name]["mappings"]
    assert mapping["_meta"]["managed_by"] == "elkmon"
    number = mapping["properties"]["ml"]["properties"]["features"]["properties"]["number"]
    assert number["properties"] == {"a.b": {"type": "double"}}


def test_the_writer_cannot_read_change_or_delete(keyed, prefix):
    writer, name = keyed("writer"), f"{prefix}-prediction-2026.11.01"

    refused(writer.search, index=name)
    refused(writer.get, index=name, id="p1")
    refused(writer.index, index=name, id="p1", document=EVENT)
    refused(writer.update, index=name, id="p1", doc={"message": "changed"})
    refused(writer.delete, index=name, id="p1")
    refused(writer.indices.delete, index=name)
    refused(writer.index, index="elsewhere", document=EVENT, op_type="create")
    refused(writer.indices.delete_index_template, name=f"{prefix}-prediction")


def test_the_reader_reads_and_sees_what_is_there(keyed, prefix):
    reader, name = keyed("reader"), f"{prefix}-prediction-2026.11.01"

    opened = reader.open_point_in_time(index=f"{prefix}-prediction-*", keep_alive="1m")
    result = reader.search(pit={"id": opened["id"]}, query={"ids": {"values": ["p1"]}})
    reader.close_point_in_time(id=opened["id"])

    assert result["hits"]["total"]["value"] == 1
    assert name in reader.indices.get_mapping(index=f"{prefix}-*")
    assert name in reader.indices.stats(index=f"{prefix}-prediction-*")["indices"]


def test_doctor_names_the_privileges_that_it_lacks(server_secured, admin, prefix):
    roles = {"bare": {"index": [{"names": [f"{prefix}-*"], "privileges": ["read"]}]}}
    key = admin.security.create_api_key(name=f"{prefix}-bare", role_descriptors=roles)["encoded"]

    done = CliRunner().invoke(
        main,
        ["doctor", "--store", server_secured.url, "--format", "json"],
        env={"ELKMON_API_KEY": key, "ELKMON_CA_FILE": server_secured.ca},
    )

    findings = [
        finding for finding in json.loads(done.stdout) if "not looked at" in finding["what"]
    ]
    assert [finding["level"] for finding in findings] == ["note", "note"]
    assert any(
        "index templates" in finding["what"] and "cluster" in finding["advice"]
        for finding in findings
    )
    assert any(
        "mappings" in finding["what"] and "view_index" in finding["advice"] for finding in findings
    )


def test_the_reader_cannot_write_delete_or_look_elsewhere(keyed, prefix, admin):
    reader, name = keyed("reader"), f"{prefix}-prediction-2026.11.01"

    refused(reader.index, index=name, document=EVENT, op_type="create")
    refused(reader.update, index=name, id="p1", doc={"message": "changed"})
    refused(reader.delete, index=name, id="p1")
    refused(reader.indices.delete, index=name)
    refused(reader.indices.create, index=f"{prefix}-label-2026.11.01")
    refused(reader.search, index="elsewhere")


def test_the_worker_adds_reads_and_writes_onto_what_is_there(keyed, prefix):
    worker, name = keyed("worker"), f"{prefix}-prediction-2026.11.01"

    created = worker.index(
        index=f"{prefix}-label-2026.11.01", id="l1", document=EVENT, op_type="create"
    )
    seen = worker.get(index=name, id="p1")
    worker.update(
        index=name,
        id="p1",
        doc={"ml": {"eval": {"outcome": "wrong"}}},
        if_seq_no=seen["_seq_no"],
        if_primary_term=seen["_primary_term"],
    )
    worker.indices.refresh(index=f"{prefix}-prediction-*")

    assert created["result"] == "created"
    assert worker.search(index=name, query={"term": {"ml.eval.outcome": "wrong"}})["hits"]["hits"]


def test_the_worker_keeps_its_lock_in_an_index_of_its_own(keyed, prefix):
    worker, name = keyed("worker"), f"{prefix}-join"

    worker.indices.create(index=name, mappings={"dynamic": False})
    worker.index(index=name, id="lock", document={"owner": "me"})

    assert worker.delete(index=name, id="lock")["result"] == "deleted"


def test_the_worker_cannot_delete_events_or_touch_templates_and_keys(keyed, prefix):
    worker, name = keyed("worker"), f"{prefix}-prediction-2026.11.01"

    refused(worker.delete, index=name, id="p1")
    refused(worker.indices.delete, index=name)
    refused(
        worker.indices.put_index_template,
        name=f"{prefix}-prediction",
        index_patterns=[f"{prefix}-prediction-*"],
    )
    refused(
        worker.cluster.put_component_template,
        name=f"{prefix}-settings",
        template={"settings": {"index.number_of_shards": 9}},
    )
    refused(worker.security.put_role, name=f"{prefix}-worker", cluster=["all"])
    refused(worker.search, index="elsewhere")


def test_keys_are_shown_once(setup, server_secured, prefix):
    result = setup("--api-keys", "--replicas", 0)

    assert result.exit_code == 0, result.stderr
    keys = dict(line.split("\t") for line in result.stdout.splitlines() if "\t" in line)
    assert set(keys) == set(JOBS)
    with Elasticsearch(
        server_secured.url, ca_certs=server_secured.ca, api_key=keys["reader"]
    ) as reader:
        assert reader.security.authenticate()["api_key"]["name"] == f"{prefix}-reader"


def test_keys_go_to_files_that_their_owner_alone_can_read(setup, tmp_path):
    folder = tmp_path / "keys"

    result = setup("--api-keys", "--replicas", 0, "-o", folder)

    assert result.exit_code == 0, result.stderr
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = {path.name: path for path in folder.iterdir()}
    assert set(files) == {f"{job}.key" for job in JOBS}
    for file in files.values():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_text().strip() not in result.output


def test_a_key_in_a_file_opens_the_cluster_and_may_not_set_it_up(setup, tmp_path):
    setup("--api-keys", "--replicas", 0, "-o", tmp_path)

    result = setup("--shards", 2, env={"ELKMON_API_KEY_FILE": str(tmp_path / "worker.key")})

    assert result.exit_code == 3
    assert "these credentials may not" in result.stderr


def test_an_api_key_cannot_make_keys(setup, admin, server_secured):
    whole = admin.security.create_api_key(name="whole")["encoded"]

    result = setup("--api-keys", "--replicas", 0, env={"ELKMON_API_KEY": whole})

    assert result.exit_code == 3
    assert "an API key cannot create other keys: set ELKMON_USERNAME" in result.stderr


def test_roles_are_there_for_people_and_go_with_the_keys_when_all_is_removed(
    setup, looking, server_secured, prefix
):
    client = looking(server_secured)
    setup("--api-keys", "--replicas", 0)
    role = client.security.get_role(name=f"{prefix}-reader")[f"{prefix}-reader"]

    result = setup("--remove")

    assert "read" in role["indices"][0]["privileges"]
    assert result.stdout.count("removed: role ") == 3
    assert result.stdout.count("removed: API key ") == 3
    with pytest.raises(NotFoundError):
        client.security.get_role(name=f"{prefix}-reader")
    keys = client.security.get_api_key(name=f"{prefix}-reader")["api_keys"]
    assert all(key["invalidated"] for key in keys)


def test_a_role_that_others_made_is_left_alone(setup, looking, server_secured, prefix):
    client = looking(server_secured)
    client.security.put_role(name=f"{prefix}-reader", cluster=["monitor"])

    result = setup("--api-keys", "--replicas", 0)
    removed = setup("--remove")

    assert result.exit_code == 3
    assert f"there is already a role {prefix}-reader that elkmon did not create" in result.stderr
    assert "role" not in removed.stdout
    client.security.delete_role(name=f"{prefix}-reader")


def test_a_wrong_password_is_said_and_never_shown(setup):
    wrong = {"ELKMON_USERNAME": "elastic", "ELKMON_PASSWORD": "s3cret-and-wrong"}

    result = setup(env=wrong)

    assert result.exit_code == 3
    assert "does not take these: set ELKMON_API_KEY" in result.stderr
    assert "s3cret-and-wrong" not in result.output


def test_keys_are_not_made_where_they_cannot_be_written(setup, tmp_path, looking, server_secured):
    (tmp_path / "file").write_text("")

    result = setup("--api-keys", "--replicas", 0, "-o", tmp_path / "file" / "keys")

    assert result.exit_code == 2
    assert "cannot write keys to" in result.stderr
