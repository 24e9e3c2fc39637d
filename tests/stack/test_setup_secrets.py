"""The first step of the set-up: certificates and passwords, created once."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.compose_stack import contents, make_folders, run_setup


@pytest.fixture(scope="module")
def original_secrets(tmp_path_factory):
    folder = make_folders(tmp_path_factory.mktemp("secrets"))
    run_setup("secrets", folder)
    return folder


@pytest.fixture
def secrets(original_secrets, tmp_path):
    return Path(shutil.copytree(original_secrets, tmp_path / "secrets"))


def is_trusted(secrets, name):
    result = subprocess.run(
        ["openssl", "verify", "-CAfile", secrets / name / "ca.crt", secrets / name / f"{name}.crt"],
        capture_output=True, check=False,
    )  # fmt: skip
    return result.returncode == 0


def expire_soon(secrets, name):
    """Replace a certificate by one that ends within a month."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "20", "-subj",
         "/CN=old", "-keyout", secrets / f"{name}.key", "-out", secrets / f"{name}.crt"],
        capture_output=True, check=True,
    )  # fmt: skip


def test_only_the_owner_can_read_them(secrets):
    assert len(contents(secrets)) > 15
    for path in secrets.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_passwords_are_long_and_differ(secrets):
    passwords = [
        path.read_text().strip() for path in sorted((secrets / "setup").glob("*.password"))
    ]

    assert len(set(passwords)) == len(passwords) == 3
    assert all(re.fullmatch("[0-9a-f]{48}", password) for password in passwords)


def test_a_second_run_changes_nothing(secrets):
    before = contents(secrets)

    result = run_setup("secrets", secrets)

    assert contents(secrets) == before
    assert result.stdout == "setup.sh secrets: done\n"


def test_a_certificate_that_ends_within_the_month_is_renewed(secrets):
    before = contents(secrets)
    expire_soon(secrets, "kibana/kibana")

    result = run_setup("secrets", secrets)

    assert "new: certificate of kibana" in result.stdout
    assert is_trusted(secrets, "kibana")
    changed = {path for path, data in contents(secrets).items() if data != before[path]}
    assert changed == {"kibana/kibana.crt", "kibana/kibana.key", "setup/ca.srl"}


def test_a_new_authority_renews_all_certificates(secrets):
    expire_soon(secrets, "setup/ca")

    result = run_setup("secrets", secrets)

    assert result.stdout.count("new: certificate of ") == 3
    assert all(is_trusted(secrets, name) for name in ("elasticsearch", "kibana", "logstash"))


def test_a_lost_volume_is_filled_again(secrets):
    before = contents(secrets)
    for path in (secrets / "worker").iterdir():
        path.unlink()
    (secrets / "elasticsearch" / "elastic.password").unlink()

    run_setup("secrets", secrets)

    assert contents(secrets) == before


def test_an_unknown_step_is_refused(tmp_path):
    result = run_setup("everything", tmp_path, check=False)

    assert result.returncode == 2
    assert "usage: setup.sh secrets|cluster|kibana" in result.stderr
