"""What elkmon says when Kibana refuses or fails; the faults are those of a real Kibana."""

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
from elkmon.kibana.provisioning import apply, plan, remove
from tests.support.fake_kibana import FakeKibana, recorded
from tests.support.kibana_target import KibanaTarget

NOT_READY = "Kibana server is not ready yet"


@pytest.fixture
def target(fake_kibana):
    """The default space and prefix on the fake Kibana."""
    return KibanaTarget(fake_kibana.url, Access(), "default", "elkmon")


@pytest.fixture
def kibana(target):
    with target.kibana() as client:
        yield client


@pytest.fixture
def wait(kibana):
    """A function that waits for Kibana and returns its version and the reasons for waiting."""

    def run(patience=10.0, stop=None):
        reasons = []
        version = kibana.wait(lambda why, _: reasons.append(why), stop or Event(), patience)
        return version, reasons

    return run


@pytest.fixture
def planned(kibana, objects):
    return plan(kibana, "8.12.2", "elkmon", objects, overwrite=False)


def responding(*responses, only=None):
    """Return a fault that sends these responses in order, then lets requests through."""
    remaining = list(responses)

    def fault(_method, path):
        return remaining.pop(0) if remaining and (only is None or path == only) else None

    return fault


def test_a_kibana_that_is_ready_tells_its_version(wait):
    assert wait() == ("8.12.2", [])


def test_a_kibana_that_starts_is_waited_for(fake_kibana, wait):
    starting = (503, recorded("status_starting"))
    proxy = (502, "<html><b>Bad Gateway</b></html>", {"kbn-name": None})
    fake_kibana.fault = responding((503, NOT_READY), starting, proxy)

    version, reasons = wait()

    assert version == "8.12.2"
    assert [reason.split("is not ready: ")[1] for reason in reasons] == [
        NOT_READY,
        "it is starting, or waits for Elasticsearch",
        "Bad Gateway",
    ]


def test_waiting_ends_when_patience_does(fake_kibana, wait):
    fake_kibana.fault = lambda *_: (503, NOT_READY)

    with pytest.raises(ProvisionError, match=rf"is not ready: {NOT_READY}; waited for 0 seconds"):
        wait(patience=0.1)


def test_waiting_can_be_stopped(fake_kibana, wait):
    fake_kibana.fault = lambda *_: (503, NOT_READY)
    stop = Event()
    stop.set()

    assert wait(stop=stop)[0] is None


def test_a_kibana_that_is_not_there_is_waited_for_too():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        kibana = Kibana(f"http://127.0.0.1:{closed.getsockname()[1]}", Access())
        reasons = []

        with pytest.raises(ProvisionError, match=r"cannot be reached .*waited for") as caught:
            kibana.wait(lambda why, _: reasons.append(why), Event(), 0.4)

    assert len(reasons) == 1
    assert "is it running, is the port right?" in str(caught.value)


@pytest.mark.parametrize(
    ("response", "message"),
    [
        ((200, recorded("status_unknown_user")), "it asks for credentials"),
        ((401, {"message": "Unauthorized"}), "it asks for credentials"),
        (
            (404, {"error": {}}, {"kbn-name": None, "x-elastic-product": "Elasticsearch"}),
            "is not Kibana: it is Elasticsearch",
        ),
        ((302, "", {"location": "/ops/api/status"}), "it redirects to /ops/api/status"),
        (
            (200, "<html>Hello</html>", {"kbn-name": None}),
            "is not Kibana: it answers 200; is it a p",
        ),
    ],
)
def test_an_error_that_waiting_does_not_solve_ends_it(fake_kibana, wait, response, message):
    fake_kibana.fault = lambda *_: response

    with pytest.raises(ProvisionError, match=message):
        wait()
    assert len(fake_kibana.requests) == 1


def test_every_request_has_credentials_and_no_message_has(fake_kibana):
    fake_kibana.fault = lambda *_: (401, {"message": "no"})
    for access in (Access(api_key="abc=="), Access(username="me", password="my-word")):  # noqa: S106
        with pytest.raises(ProvisionError) as caught:
            Kibana(fake_kibana.url, access).wait(lambda *_: None, Event(), 1.0)
        assert "abc" not in str(caught.value)
        assert "my-word" not in str(caught.value)

    sent = [headers.get("authorization") for *_, headers in fake_kibana.requests]
    assert sent == ["ApiKey abc==", "Basic bWU6bXktd29yZA=="]


def test_an_address_with_a_password_is_refused():
    with pytest.raises(ConfigError, match="must not hold a password"):
        Kibana("https://me:secret@kibana:5601", Access())


def test_an_invalid_address_is_refused():
    with pytest.raises(ConfigError, match="no address such as https://kibana:5601"):
        Kibana("kibana", Access())


@pytest.fixture
def tls_kibana(tmp_path):
    """A fake Kibana with TLS; the folder has its certificate as kibana.crt."""
    names = ["-keyout", tmp_path / "kibana.key", "-out", tmp_path / "kibana.crt"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names,
         "-subj", "/CN=kibana", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    with FakeKibana(tmp_path / "kibana.crt", tmp_path / "kibana.key") as server:
        yield server


def test_a_certificate_has_to_be_trusted_by_its_authority_or_its_fingerprint(tls_kibana, tmp_path):
    file = tmp_path / "kibana.crt"
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read_text())).hexdigest()

    def version(**access):
        with closing(Kibana(tls_kibana.url, Access(**access))) as kibana:
            return kibana.wait(lambda *_: None, Event(), 1.0)

    assert version(ca_file=file) == version(fingerprint=fingerprint) == "8.12.2"
    for untrusted in ({}, {"fingerprint": "0" * 64}):
        with pytest.raises(
            ProvisionError, match=r"its certificate is not trusted .*ELKMON_CA_FILE"
        ):
            version(**untrusted)


def test_a_base_path_begins_every_path(fake_kibana):
    fake_kibana.fault = lambda *_: (200, recorded("status"))

    with closing(Kibana(f"{fake_kibana.url}/ops/", Access(), "models")) as kibana:
        kibana.wait(lambda *_: None, Event(), 1.0)
        kibana.get("/api/alerting/_health", "look")

    assert [path for _, path, *_ in fake_kibana.requests] == [
        "/ops/api/status",
        "/ops/s/models/api/alerting/_health",
    ]


def test_an_older_kibana_is_refused_without_a_request(fake_kibana, kibana, objects):
    with pytest.raises(ProvisionError, match=r"this is Kibana 8\.5\.3: elkmon needs 8\.6 or later"):
        plan(kibana, "8.5.3", "elkmon", objects, overwrite=False)
    assert fake_kibana.requests == []


@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [
        (403, "Unable to bulk_create dashboard", "may not .Unable to bulk_create dashboard"),
        (413, "Payload content length greater", "savedObjects.maxImportPayloadBytes"),
        (429, "too many", "it is too busy"),
        (503, "License is not available.", "it is not ready"),
        (500, "An internal server error", "it answers 500: An internal server error"),
        (422, 'Document "x" belongs to a more recent version of Kibana', "more recent version"),
    ],
)
def test_a_refused_request_has_advice(fake_kibana, kibana, planned, status, reason, message):
    fake_kibana.fault = responding(
        (status, {"statusCode": status, "message": reason}), only="/api/saved_objects/_import"
    )

    with pytest.raises(ProvisionError, match=rf"cannot import saved objects: .*{message}"):
        apply(kibana, planned, lambda *_: None)


@pytest.mark.parametrize(
    ("response", "message"),
    [
        ("import_missing_reference", "dashboard Overview: it refers to index-pattern nowhere, whi"),
        (
            "import_unsupported_type",
            "nothing Overview: this Kibana does not know this type of object",
        ),
        ("import_unknown", r"dashboard Overview: \[attributes.nonsense\]: definition for this key"),
        ("import_taken_in_another_space", "dashboard Overview: its identifier is taken in another"),
    ],
)
def test_a_failure_within_a_response_of_200_is_reported(
    fake_kibana, kibana, planned, response, message
):
    fake_kibana.fault = responding((200, recorded(response)), only="/api/saved_objects/_import")

    with pytest.raises(ProvisionError, match=message) as caught:
        apply(kibana, planned, lambda *_: None)
    assert f"Kibana took {recorded(response)['successCount']} of 3 saved objects" in str(
        caught.value
    )


@pytest.mark.parametrize("kind", ["conflict", "ambiguous_conflict"])
def test_a_conflict_is_named(fake_kibana, kibana, planned, kind):
    error = {"type": "dashboard", "id": "elkmon-overview", "error": {"type": kind}}
    result = {"successCount": 2, "success": False, "errors": [error]}
    fake_kibana.fault = responding((200, result), only="/api/saved_objects/_import")

    with pytest.raises(ProvisionError, match="dashboard Overview: another object is in its place"):
        apply(kibana, planned, lambda *_: None)


def test_a_success_of_fewer_objects_than_sent_is_a_failure(fake_kibana, kibana, planned):
    result = {"successCount": 2, "success": True, "successResults": []}
    fake_kibana.fault = responding((200, result), only="/api/saved_objects/_import")

    with pytest.raises(ProvisionError, match="does not say which"):
        apply(kibana, planned, lambda *_: None)


def test_an_identifier_that_is_taken_in_another_space_is_named(kibana, target, objects, planned):
    with target.kibana("another") as another:
        another.upload(objects)

    with pytest.raises(ProvisionError, match="dashboard Overview: its identifier is taken in an"):
        apply(kibana, planned, lambda *_: None)


def test_objects_that_cannot_be_read_are_named(fake_kibana, kibana, objects):
    response = {"saved_objects": [recorded("unsupported_object")]}
    fake_kibana.fault = responding((200, response), only="/api/saved_objects/_bulk_get")

    with pytest.raises(ProvisionError, match="nothing x: Unsupported saved object type"):
        plan(kibana, "8.12.2", "elkmon", objects, overwrite=False)


def test_rules_are_left_out_if_kibana_has_no_encryption_key(fake_kibana, kibana, objects):
    health = {**recorded("health"), "has_permanent_encryption_key": False}
    fake_kibana.fault = responding((200, health), only="/api/alerting/_health")

    planned = plan(kibana, "8.12.2", "elkmon", objects, overwrite=False)

    assert planned.rules == []
    (warning,) = planned.warnings
    assert "xpack.encryptedSavedObjects.encryptionKey" in warning


@pytest.mark.parametrize(
    ("version", "left_out"),
    [("8.6.2", 2), ("8.11.4", 2), ("8.12.0", 0), ("9.2.4", 0)],
)
def test_rules_that_need_a_newer_kibana_are_left_out_and_named(kibana, objects, version, left_out):
    planned = plan(kibana, version, "elkmon", objects, overwrite=False)

    assert len(planned.warnings) == left_out
    assert len(planned.rules) == 7 - left_out
    assert all("or later" in warning for warning in planned.warnings)


def test_rules_of_missing_or_forbidden_types_are_left_out(fake_kibana, kibana, objects):
    query, equation = fake_kibana.types
    fake_kibana.types = [
        {**query, "authorized_consumers": {}},
        {**equation, "enabled_in_license": False},
    ]

    planned = plan(kibana, "8.12.2", "elkmon", objects, overwrite=False)

    assert "these credentials may not create rules of type .es-query" in planned.warnings[-1]
    assert "has no rule type observability.rules.custom_threshold" in planned.warnings[0]


def test_rules_are_left_out_if_they_are_forbidden_and_dashboards_are_not(
    fake_kibana, kibana, objects
):
    fake_kibana.fault = lambda _, path: (
        (403, {"message": "no alerting"}) if path.startswith(("/api/al", "/api/act")) else None
    )

    planned = plan(kibana, "8.12.2", "elkmon", objects, overwrite=False)
    apply(kibana, planned, lambda *_: None)
    removed, remaining = remove(kibana, "elkmon", objects, dry_run=False)

    assert planned.rules == []
    assert "rules and connectors are left out: " in planned.warnings[0]
    assert "may not (no alerting)" in planned.warnings[0]
    assert removed == ["data view elkmon-prediction-*", "dashboard Overview", "tag elkmon"]
    assert remaining[0] == "rule elkmon: failure rate, if it exists: no alerting"


def test_what_cannot_be_removed_stays_with_the_reason(fake_kibana, kibana, objects, planned):
    apply(kibana, planned, lambda *_: None)
    body = {"message": "Unable to delete saved object that exists in multiple namespaces"}
    fake_kibana.fault = lambda method, path: (
        (400, body) if method == "DELETE" and path.endswith("overview") else None
    )

    removed, remaining = remove(kibana, "elkmon", objects, dry_run=False)

    assert len(removed) == 9
    assert remaining == [f"dashboard Overview: {body['message']}"]


def test_a_forbidden_removal_ends_it(fake_kibana, kibana, objects, planned):
    apply(kibana, planned, lambda *_: None)
    fake_kibana.fault = lambda method, _: (403, {"message": "no"}) if method == "DELETE" else None

    with pytest.raises(ProvisionError, match=r"cannot remove the rule .*these credentials may not"):
        remove(kibana, "elkmon", objects, dry_run=False)


def test_an_html_page_instead_of_json_is_reported(fake_kibana, kibana, planned):
    fake_kibana.fault = responding((200, "<html>"), only="/api/saved_objects/_import")

    with pytest.raises(ProvisionError, match="the response is not JSON; is a proxy in between"):
        apply(kibana, planned, lambda *_: None)


def test_a_dropped_connection_is_reported(kibana, planned):
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
