"""What Kibana does not do, and what elkmon says of it: each fault is one that Kibana has."""

import hashlib
import http.server
import socket
import ssl
import subprocess
import threading
from contextlib import closing
from threading import Event

import pytest

from elkmon.events.cluster_settings import Access
from elkmon.events.errors import ConfigError, ProvisionError
from elkmon.kibana.client import Kibana
from elkmon.kibana.provisioning import apply, plan, take_out
from tests.support.kibana_places import Place
from tests.support.kibana_standin import StandIn, golden

NOT_READY = "Kibana server is not ready yet"


@pytest.fixture
def place(standin):
    """The space and the prefix of these tests, on what stands in for Kibana."""
    return Place(standin.url, Access(), "default", "elkmon")


@pytest.fixture
def kibana(place):
    with place.kibana() as one:
        yield one


@pytest.fixture
def wait(kibana):
    """A function that waits for Kibana, and gives its version and what was said meanwhile."""

    def run(patience=10.0, stop=None):
        said = []
        version = kibana.wait(lambda why, _: said.append(why), stop or Event(), patience)
        return version, said

    return run


@pytest.fixture
def planned(kibana, objects):
    return plan(kibana, "8.12.2", "elkmon", objects, overwrite=False)


def answering(*answers, only=None):
    """Give a fault that answers one after the other, then lets all through."""
    left = list(answers)

    def fault(_method, path):
        return left.pop(0) if left and (only is None or path == only) else None

    return fault


def test_a_kibana_that_is_ready_tells_its_version(wait):
    assert wait() == ("8.12.2", [])


def test_a_kibana_that_starts_is_waited_for(standin, wait):
    starting = (503, golden("status_starting"))
    proxy = (502, "<html><b>Bad Gateway</b></html>", {"kbn-name": None})
    standin.fault = answering((503, NOT_READY), starting, proxy)

    version, said = wait()

    assert version == "8.12.2"
    assert [each.split("is not ready: ")[1] for each in said] == [
        NOT_READY,
        "it starts, or waits for its Elasticsearch",
        "Bad Gateway",
    ]


def test_waiting_ends_when_patience_does(standin, wait):
    standin.fault = lambda *_: (503, NOT_READY)

    with pytest.raises(ProvisionError, match=rf"is not ready: {NOT_READY}; waited for 0 seconds"):
        wait(patience=0.1)


def test_waiting_can_be_stopped(standin, wait):
    standin.fault = lambda *_: (503, NOT_READY)
    stop = Event()
    stop.set()

    assert wait(stop=stop)[0] is None


def test_a_kibana_that_is_not_there_is_waited_for_too():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        kibana = Kibana(f"http://127.0.0.1:{taken.getsockname()[1]}", Access())
        said = []

        with pytest.raises(ProvisionError, match=r"cannot be reached .*waited for") as caught:
            kibana.wait(lambda why, _: said.append(why), Event(), 0.4)

    assert len(said) == 1
    assert "is it running, is the port right?" in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, golden("status_unknown_user")), "it asks for credentials"),
        ((401, {"message": "Unauthorized"}), "it asks for credentials"),
        (
            (404, {"error": {}}, {"kbn-name": None, "x-elastic-product": "Elasticsearch"}),
            "is no Kibana: it is Elasticsearch",
        ),
        ((302, "", {"location": "/ops/api/status"}), "it sends to /ops/api/status"),
        (
            (200, "<html>Hello</html>", {"kbn-name": None}),
            "is no Kibana: it answers 200; is it a p",
        ),
    ],
)
def test_what_waiting_does_not_help_ends_it(standin, wait, answer, words):
    standin.fault = lambda *_: answer

    with pytest.raises(ProvisionError, match=words):
        wait()
    assert len(standin.requests) == 1


def test_credentials_go_with_every_request_and_into_no_message(standin):
    standin.fault = lambda *_: (401, {"message": "no"})
    for access in (Access(api_key="abc=="), Access(username="me", password="of-me")):  # noqa: S106
        with pytest.raises(ProvisionError) as caught:
            Kibana(standin.url, access).wait(lambda *_: None, Event(), 1.0)
        assert "abc" not in str(caught.value)
        assert "of-me" not in str(caught.value)

    sent = [headers.get("authorization") for *_, headers in standin.requests]
    assert sent == ["ApiKey abc==", "Basic bWU6b2YtbWU="]


def test_an_address_with_a_password_is_refused():
    with pytest.raises(ConfigError, match="must not hold a password"):
        Kibana("https://me:secret@kibana:5601", Access())


def test_what_is_no_address_is_refused():
    with pytest.raises(ConfigError, match="no address such as https://kibana:5601"):
        Kibana("kibana", Access())


@pytest.fixture
def secured(tmp_path):
    """What stands in for Kibana, with TLS; its certificate is in the folder, as kibana.crt."""
    names = ["-keyout", tmp_path / "kibana.key", "-out", tmp_path / "kibana.crt"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names,
         "-subj", "/CN=kibana", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    with StandIn(tmp_path / "kibana.crt", tmp_path / "kibana.key") as one:
        yield one


def test_a_certificate_has_to_be_trusted_by_its_authority_or_its_fingerprint(secured, tmp_path):
    file = tmp_path / "kibana.crt"
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read_text())).hexdigest()

    def version(**access):
        with closing(Kibana(secured.url, Access(**access))) as kibana:
            return kibana.wait(lambda *_: None, Event(), 1.0)

    assert version(ca_file=file) == version(fingerprint=fingerprint) == "8.12.2"
    for untrusted in ({}, {"fingerprint": "0" * 64}):
        with pytest.raises(
            ProvisionError, match=r"its certificate is not trusted .*ELKMON_CA_FILE"
        ):
            version(**untrusted)


def test_a_base_path_stands_before_all_others(standin):
    standin.fault = lambda *_: (200, golden("status"))

    with closing(Kibana(f"{standin.url}/ops/", Access(), "models")) as kibana:
        kibana.wait(lambda *_: None, Event(), 1.0)
        kibana.get("/api/alerting/_health", "look")

    assert [path for _, path, *_ in standin.requests] == [
        "/ops/api/status",
        "/ops/s/models/api/alerting/_health",
    ]


def test_an_older_kibana_is_refused_before_it_is_asked_anything(standin, kibana, objects):
    with pytest.raises(ProvisionError, match=r"this is Kibana 8\.5\.3: elkmon needs 8\.6 or later"):
        plan(kibana, "8.5.3", "elkmon", objects, overwrite=False)
    assert standin.requests == []


@pytest.mark.parametrize(
    ("status", "told", "words"),
    [
        (403, "Unable to bulk_create dashboard", "may not .Unable to bulk_create dashboard"),
        (413, "Payload content length greater", "savedObjects.maxImportPayloadBytes"),
        (429, "too many", "it is too busy"),
        (503, "License is not available.", "it is not ready"),
        (500, "An internal server error", "it answers 500: An internal server error"),
        (422, 'Document "x" belongs to a more recent version of Kibana', "more recent version"),
    ],
)
def test_a_request_that_is_refused_says_what_to_do(standin, kibana, planned, status, told, words):
    standin.fault = answering(
        (status, {"statusCode": status, "message": told}), only="/api/saved_objects/_import"
    )

    with pytest.raises(ProvisionError, match=rf"cannot import saved objects: .*{words}"):
        apply(kibana, planned, lambda *_: None)


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ("import_missing_reference", "dashboard Overview: it refers to index-pattern nowhere, whi"),
        ("import_unsupported_type", "nothing Overview: this Kibana does not know such objects"),
        ("import_unknown", r"dashboard Overview: \[attributes.nonsense\]: definition for this key"),
        ("import_taken_in_another_space", "dashboard Overview: its identifier is taken in another"),
    ],
)
def test_a_failure_inside_an_answer_of_200_is_read(standin, kibana, planned, account, words):
    standin.fault = answering((200, golden(account)), only="/api/saved_objects/_import")

    with pytest.raises(ProvisionError, match=words) as caught:
        apply(kibana, planned, lambda *_: None)
    assert f"Kibana took {golden(account)['successCount']} of 3 saved objects" in str(caught.value)


@pytest.mark.parametrize("kind", ["conflict", "ambiguous_conflict"])
def test_a_conflict_is_named(standin, kibana, planned, kind):
    error = {"type": "dashboard", "id": "elkmon-overview", "error": {"type": kind}}
    account = {"successCount": 2, "success": False, "errors": [error]}
    standin.fault = answering((200, account), only="/api/saved_objects/_import")

    with pytest.raises(ProvisionError, match="dashboard Overview: there is something else in its"):
        apply(kibana, planned, lambda *_: None)


def test_a_success_of_fewer_than_were_sent_is_none(standin, kibana, planned):
    account = {"successCount": 2, "success": True, "successResults": []}
    standin.fault = answering((200, account), only="/api/saved_objects/_import")

    with pytest.raises(ProvisionError, match="does not say which"):
        apply(kibana, planned, lambda *_: None)


def test_an_identifier_that_is_taken_in_another_space_is_named(kibana, place, objects, planned):
    with place.kibana("another") as another:
        another.upload(objects)

    with pytest.raises(ProvisionError, match="dashboard Overview: its identifier is taken in an"):
        apply(kibana, planned, lambda *_: None)


def test_objects_that_cannot_be_looked_at_are_named(standin, kibana, objects):
    found = {"saved_objects": [golden("unsupported_object")]}
    standin.fault = answering((200, found), only="/api/saved_objects/_bulk_get")

    with pytest.raises(ProvisionError, match="nothing x: Unsupported saved object type"):
        plan(kibana, "8.12.2", "elkmon", objects, overwrite=False)


def test_rules_are_left_out_where_kibana_has_no_key_to_keep_them(standin, kibana, objects):
    health = {**golden("health"), "has_permanent_encryption_key": False}
    standin.fault = answering((200, health), only="/api/alerting/_health")

    made = plan(kibana, "8.12.2", "elkmon", objects, overwrite=False)

    assert made.rules == []
    (warning,) = made.warnings
    assert "xpack.encryptedSavedObjects.encryptionKey" in warning


@pytest.mark.parametrize(
    ("version", "left_out"),
    [("8.6.2", 2), ("8.11.4", 2), ("8.12.0", 0), ("9.2.4", 0)],
)
def test_rules_that_a_kibana_is_too_old_for_are_left_out_and_named(
    kibana, objects, version, left_out
):
    made = plan(kibana, version, "elkmon", objects, overwrite=False)

    assert len(made.warnings) == left_out
    assert len(made.rules) == 7 - left_out
    assert all("or later" in warning for warning in made.warnings)


def test_rules_of_a_type_that_kibana_has_not_or_that_one_may_not_make_are_left_out(
    standin, kibana, objects
):
    query, equation = standin.types
    standin.types = [
        {**query, "authorized_consumers": {}},
        {**equation, "enabled_in_license": False},
    ]

    made = plan(kibana, "8.12.2", "elkmon", objects, overwrite=False)

    assert "these credentials may not make rules of type .es-query" in made.warnings[-1]
    assert "has no type observability.rules.custom_threshold" in made.warnings[0]


def test_rules_are_left_out_for_whom_they_are_forbidden_and_dashboards_are_not(
    standin, kibana, objects
):
    standin.fault = lambda _, path: (
        (403, {"message": "no alerting"}) if path.startswith(("/api/al", "/api/act")) else None
    )

    made = plan(kibana, "8.12.2", "elkmon", objects, overwrite=False)
    apply(kibana, made, lambda *_: None)
    gone, stays = take_out(kibana, "elkmon", objects, dry_run=False)

    assert made.rules == []
    assert "rules and connectors are left out: " in made.warnings[0]
    assert "may not (no alerting)" in made.warnings[0]
    assert gone == ["data view elkmon-prediction-*", "dashboard Overview", "tag elkmon"]
    assert stays[0] == "rule elkmon: failure rate, if it is there: no alerting"


def test_what_cannot_be_removed_stays_with_the_reason(standin, kibana, objects, planned):
    apply(kibana, planned, lambda *_: None)
    told = {"message": "Unable to delete saved object that exists in multiple namespaces"}
    standin.fault = lambda method, path: (
        (400, told) if method == "DELETE" and path.endswith("overview") else None
    )

    gone, stays = take_out(kibana, "elkmon", objects, dry_run=False)

    assert len(gone) == 9
    assert stays == [f"dashboard Overview: {told['message']}"]


def test_a_removal_that_is_forbidden_ends_it(standin, kibana, objects, planned):
    apply(kibana, planned, lambda *_: None)
    standin.fault = lambda method, _: (403, {"message": "no"}) if method == "DELETE" else None

    with pytest.raises(ProvisionError, match=r"cannot remove the rule .*these credentials may not"):
        take_out(kibana, "elkmon", objects, dry_run=False)


def test_a_page_instead_of_an_answer_is_said_to_be_one(standin, kibana, planned):
    standin.fault = answering((200, "<html>"), only="/api/saved_objects/_import")

    with pytest.raises(ProvisionError, match="what answers is no JSON; is a proxy in between"):
        apply(kibana, planned, lambda *_: None)


def test_a_connection_that_is_cut_is_said_to_be(kibana, planned):
    class Cutting(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.connection.close()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Cutting) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        cut = Kibana(f"http://127.0.0.1:{server.server_address[1]}", Access())

        with pytest.raises(ProvisionError, match="cannot import saved objects: it cannot be rea"):
            apply(cut, planned, lambda *_: None)
        thread.join()
        cut.close()
