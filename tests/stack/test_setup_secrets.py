"""The first step of the set-up: certificates and passwords, made once."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.compose_stack import contents, make_folders, run_setup


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = make_folders(tmp_path_factory.mktemp("secrets"))
    run_setup("secrets", folder)
    return folder


@pytest.fixture
def secrets(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "secrets"))


def verifies(secrets, name):
    done = subprocess.run(
        ["openssl", "verify", "-CAfile", secrets / name / "ca.crt", secrets / name / f"{name}.crt"],
        capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode == 0


def shorten(secrets, name):
    """Put a certificate in place that ends within the month."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "20", "-subj",
         "/CN=old", "-keyout", secrets / f"{name}.key", "-out", secrets / f"{name}.crt"],
        capture_output=True, check=True,
    )  # fmt: skip


def test_only_their_owner_can_read_them(secrets):
    assert len(contents(secrets)) > 15
    for path in secrets.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_passwords_are_long_and_differ(secrets):
    passwords = [
        path.read_text().strip() for path in sorted((secrets / "setup").glob("*.password"))
    ]

    assert len(set(passwords)) == len(passwords) == 3
    assert all(re.fullmatch("[0-9a-f]{48}", each) for each in passwords)


def test_a_second_run_changes_nothing(secrets):
    before = contents(secrets)

    done = run_setup("secrets", secrets)

    assert contents(secrets) == before
    assert done.stdout == "setup.sh secrets: done\n"


def test_a_certificate_that_ends_within_the_month_is_renewed(secrets):
    before = contents(secrets)
    shorten(secrets, "kibana/kibana")

    done = run_setup("secrets", secrets)

    assert "new: certificate of kibana" in done.stdout
    assert verifies(secrets, "kibana")
    changed = {path for path, held in contents(secrets).items() if held != before[path]}
    assert changed == {"kibana/kibana.crt", "kibana/kibana.key", "setup/ca.srl"}


def test_a_new_authority_makes_all_certificates_anew(secrets):
    shorten(secrets, "setup/ca")

    done = run_setup("secrets", secrets)

    assert done.stdout.count("new: certificate of ") == 3
    assert all(verifies(secrets, name) for name in ("elasticsearch", "kibana", "logstash"))


def test_a_volume_that_was_lost_is_filled_again(secrets):
    before = contents(secrets)
    for path in (secrets / "worker").iterdir():
        path.unlink()
    (secrets / "elasticsearch" / "elastic.password").unlink()

    run_setup("secrets", secrets)

    assert contents(secrets) == before


def test_a_step_that_there_is_not_is_refused(tmp_path):
    done = run_setup("everything", tmp_path, check=False)

    assert done.returncode == 2
    assert "usage: setup.sh secrets|cluster|kibana" in done.stderr
