"""The stack's files hold together, which can be told without a Docker engine."""

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
ENDING = {"setup", "setup-cluster", "setup-kibana"}
LASTING = sorted(set(SERVICES) - ENDING)
STAGE = re.compile(r"^FROM (\S+) AS (\w+)\n(.*?)(?=^FROM |\Z)", re.MULTILINE | re.DOTALL)
STAGES = {name: (base, text) for base, name, text in STAGE.findall(DOCKERFILE)}
IGNORED = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()


def test_it_is_a_compose_file():
    done = subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec",
         DOCKER / "compose.yml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_variable_has_its_line_and_every_line_its_use():
    assert set(VARIABLE.findall(TEXT)) == set(ENVIRONMENT)
    assert all(ENVIRONMENT.values())
    assert "$" not in VARIABLE.sub("", TEXT).replace("$$", "")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shell_is_checked(script):
    done = subprocess.run([BIN / "shellcheck", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
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
def test_a_service_is_limited_and_keeps_to_this_host(service):
    made = SERVICES[service]

    assert made["mem_limit"]
    assert made["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in made
    assert "network_mode" not in made
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in made.get("ports", ()))
    assert made["logging"]["options"]["max-size"]


@pytest.mark.parametrize("service", LASTING)
def test_what_lasts_is_started_again_and_says_how_it_is(service):
    made = SERVICES[service]

    assert made["restart"] == "unless-stopped"
    assert "healthcheck" in made or made.get("profiles") == ["example"]


def test_every_wait_is_for_what_comes_to_pass():
    for made in SERVICES.values():
        for other, wait in made.get("depends_on", {}).items():
            if other in ENDING:
                assert wait == {"condition": "service_completed_successfully"}
            else:
                assert wait == {"condition": "service_healthy"}
                assert "healthcheck" in SERVICES[other]
    for one in ENDING:
        assert "restart" not in SERVICES[one]
    assert {name for name, made in SERVICES.items() if not made.get("depends_on")} == {"setup"}


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_is_pinned_or_ours(service):
    made = SERVICES[service]
    version = ENVIRONMENT["STACK_VERSION"]

    if made["image"] in OWN_IMAGES:
        assert made["read_only"] is True
        assert made["cap_drop"] == ["ALL"]
        assert (DOCKER / made["build"]["context"]).resolve() == ROOT
        assert (ROOT / made["build"]["dockerfile"]).is_file()
        assert made["image"] == f"elkmon-{made['build']['target']}"
        assert made["build"]["target"] in STAGES
        assert made["build"]["args"] == {"PYTHON_VERSION": ENVIRONMENT["PYTHON_VERSION"]}
    else:
        assert made["image"] == f"docker.elastic.co/{service}/{service}:{version}"


def test_the_version_is_one_that_is_tested():
    assert re.fullmatch(r"\d+\.\d+\.\d+", ENVIRONMENT["STACK_VERSION"])
    assert ENVIRONMENT["STACK_VERSION"].rsplit(".", 1)[0] in servers.VERSIONS


def test_no_image_runs_as_root_and_secrets_are_in_none():
    for name, (_, text) in STAGES.items():
        if name != "wheel":
            assert re.findall(r"^USER (\w+)", text, re.MULTILINE)[-1] == "elkmon"
    assert "--uid 1000 " in STAGES["worker"][1]
    assert not re.search(r"(?i)password|secret=|api_?key|token", DOCKERFILE)


def test_an_image_gets_all_that_it_is_built_from_and_nothing_else():
    allowed = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}
    copied = set(re.findall(r"^COPY (?!\.)(\S+) ", DOCKERFILE, re.MULTILINE))

    assert IGNORED[1] == "*"
    assert copied <= allowed
    assert {"elkmon", "pyproject.toml", "README.md", "LICENSE"} <= allowed
    for path in allowed:
        assert (ROOT / path).exists(), path


def test_no_secret_stands_in_what_everybody_can_read():
    for name, made in SERVICES.items():
        for variable, value in made.get("environment", {}).items():
            if re.search("PASSWORD|KEY|SECRET|TOKEN", variable):
                assert value.startswith("/"), f"{name} {variable} names no file"
    assert not re.search(r"(?i)password|secret|key", "".join(ENVIRONMENT))


def test_a_service_sees_its_own_secrets_alone_and_cannot_change_them():
    for name in SERVICES:
        held = [(s, mode) for s, _, mode in mounts(name) if s == "setup" or "secrets" in s]
        if name in ENDING:
            assert len(held) == 5
        else:
            assert held in ([], [(f"{name}-secrets", "ro")])
