"""The stack's files are consistent; no Docker engine is needed."""

import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import elasticsearch_servers as servers
from tests.support.compose_stack import (
    COMPOSE,
    DOCKER,
    ENVIRONMENT,
    OWN_IMAGES,
    ROOT,
    SERVICES,
    TEXT,
    VARIABLE,
    mounts,
)

BIN = Path(sys.executable).parent
SCRIPTS = sorted(DOCKER.glob("*.sh"))
DOCKERFILE = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")
SETUP_STEPS = {"setup", "setup-cluster", "setup-kibana"}
LONG_RUNNING = sorted(set(SERVICES) - SETUP_STEPS)
STAGE = re.compile(r"^FROM (\S+) AS (\w+)\n(.*?)(?=^FROM |\Z)", re.MULTILINE | re.DOTALL)
STAGES = {name: (base, text) for base, name, text in STAGE.findall(DOCKERFILE)}
IGNORED = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()


def test_it_is_a_compose_file():
    result = subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec",
         DOCKER / "compose.yml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.returncode == 0, result.stdout + result.stderr


def test_every_variable_is_declared_and_used():
    assert set(VARIABLE.findall(TEXT)) == set(ENVIRONMENT)
    assert all(ENVIRONMENT.values())
    assert "$" not in VARIABLE.sub("", TEXT).replace("$$", "")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shell_scripts_pass_shellcheck(script):
    result = subprocess.run(
        [BIN / "shellcheck", script], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout
    assert script.stat().st_mode & stat.S_IXUSR


def test_every_path_that_is_mounted_exists_and_every_volume_is_declared_and_used():
    used = set()
    for service in SERVICES:
        for source, _, mode in mounts(service):
            if source.startswith("."):
                assert (DOCKER / source).exists(), source
                assert mode == "ro", source
            else:
                used.add(source)

    assert used == set(COMPOSE["volumes"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_limited_and_listens_on_this_host_only(service):
    settings = SERVICES[service]

    assert settings["mem_limit"]
    assert settings["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in settings
    assert "network_mode" not in settings
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in settings.get("ports", ()))
    assert settings["logging"]["options"]["max-size"]


@pytest.mark.parametrize("service", LONG_RUNNING)
def test_a_long_running_service_restarts_and_has_a_health_check(service):
    settings = SERVICES[service]

    assert settings["restart"] == "unless-stopped"
    assert "healthcheck" in settings or settings.get("profiles") == ["example"]


def test_every_service_waits_for_a_condition_that_can_come_true():
    for settings in SERVICES.values():
        for other, condition in settings.get("depends_on", {}).items():
            if other in SETUP_STEPS:
                assert condition == {"condition": "service_completed_successfully"}
            else:
                assert condition == {"condition": "service_healthy"}
                assert "healthcheck" in SERVICES[other]
    for name in SETUP_STEPS:
        assert "restart" not in SERVICES[name]
    assert {name for name, settings in SERVICES.items() if not settings.get("depends_on")} == {
        "setup"
    }


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_is_pinned_or_built_here(service):
    settings = SERVICES[service]
    version = ENVIRONMENT["STACK_VERSION"]

    if settings["image"] in OWN_IMAGES:
        assert settings["read_only"] is True
        assert settings["cap_drop"] == ["ALL"]
        assert (DOCKER / settings["build"]["context"]).resolve() == ROOT
        assert (ROOT / settings["build"]["dockerfile"]).is_file()
        assert settings["image"] == f"elkmon-{settings['build']['target']}"
        assert settings["build"]["target"] in STAGES
        assert settings["build"]["args"] == {"PYTHON_VERSION": ENVIRONMENT["PYTHON_VERSION"]}
    else:
        assert settings["image"] == f"docker.elastic.co/{service}/{service}:{version}"


def test_the_version_of_the_stack_is_a_tested_one():
    assert re.fullmatch(r"\d+\.\d+\.\d+", ENVIRONMENT["STACK_VERSION"])
    assert ENVIRONMENT["STACK_VERSION"].rsplit(".", 1)[0] in servers.VERSIONS


def test_no_image_runs_as_root_or_has_secrets():
    for name, (_, text) in STAGES.items():
        if name != "wheel":
            assert re.findall(r"^USER (\w+)", text, re.MULTILINE)[-1] == "elkmon"
    assert "--uid 1000 " in STAGES["worker"][1]
    assert not re.search(r"(?i)password|secret=|api_?key|token", DOCKERFILE)


def test_the_build_context_has_what_images_need_and_nothing_else():
    allowed = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}
    copied = set(re.findall(r"^COPY (?!\.)(\S+) ", DOCKERFILE, re.MULTILINE))

    assert IGNORED[1] == "*"
    assert copied <= allowed
    assert {"elkmon", "pyproject.toml", "README.md", "LICENSE"} <= allowed
    for path in allowed:
        assert (ROOT / path).exists(), path


def test_no_environment_has_a_secret():
    for name, settings in SERVICES.items():
        for variable, value in settings.get("environment", {}).items():
            if re.search("PASSWORD|KEY|SECRET|TOKEN", variable):
                assert value.startswith("/"), f"{name} {variable} names no file"
    assert not re.search(r"(?i)password|secret|key", "".join(ENVIRONMENT))


def test_a_service_sees_only_its_own_secrets_and_cannot_change_them():
    for name in SERVICES:
        secrets = [(s, mode) for s, _, mode in mounts(name) if s == "setup" or "secrets" in s]
        if name in SETUP_STEPS:
            assert len(secrets) == 5
        else:
            assert secrets in ([], [(f"{name}-secrets", "ro")])
