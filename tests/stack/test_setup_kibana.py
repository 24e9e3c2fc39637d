"""The last step of the set-up, dashboards and rules, on a fake Kibana."""

from base64 import b64encode

import pytest

from tests.support.compose_stack import make_folders, run_setup
from tests.support.fake_kibana import FakeKibana


@pytest.fixture
def secrets(tmp_path):
    """The secrets that this step needs from the first one."""
    folder = make_folders(tmp_path)
    (folder / "setup" / "elastic.password").write_text("for-kibana\n")
    (folder / "setup" / "ca.crt").touch()
    return folder


def test_dashboards_and_rules_are_provisioned_once_by_the_administrator(secrets):
    with FakeKibana() as kibana:
        first = run_setup("kibana", secrets, KIBANA_URL=kibana.url)
        objects = dict(kibana.saved)
        second = run_setup("kibana", secrets, KIBANA_URL=kibana.url)

    assert {kind for kind, _ in objects} >= {"dashboard", "index-pattern", "search"}
    assert "new: " in first.stdout
    assert "new: " not in second.stdout
    assert "0 changed" in second.stdout
    assert kibana.saved == objects
    credentials = {headers["authorization"] for *_, headers in kibana.requests}
    assert credentials == {"Basic " + b64encode(b"elastic:for-kibana").decode()}


def test_a_refusal_of_kibana_ends_it_with_the_message(secrets):
    with FakeKibana() as kibana:
        kibana.fault = lambda _method, _path: (403, {"message": "not for you"})
        result = run_setup("kibana", secrets, check=False, KIBANA_URL=kibana.url)

    assert result.returncode == 3
    assert "not for you" in result.stderr
    assert "result" not in result.stdout
