"""Read the stack's files as Docker does, and run the steps of its set-up."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
ENVIRONMENT = dict(
    line.split("=", 1)
    for line in (DOCKER / ".env.example").read_text().splitlines()
    if line and not line.startswith("#")
)
VARIABLE = re.compile(r"\$\{(\w+)(?::\?[^}]*)?\}")
TEXT = (DOCKER / "compose.yml").read_text()
COMPOSE = yaml.safe_load(VARIABLE.sub(lambda match: ENVIRONMENT[match[1]], TEXT))
SERVICES = COMPOSE["services"]
OWN_IMAGES = {"elkmon-setup", "elkmon-worker", "elkmon-example"}
FOLDERS = ("setup", "elasticsearch", "kibana", "logstash", "worker")


def mounts(service):
    """Return (source, target, mode) of each of a service's mounts."""
    volumes = SERVICES[service].get("volumes", ())
    return [tuple(f"{volume}:rw".split(":")[:3]) for volume in volumes]


def run_setup(step, secrets, check=True, **environ):
    """Run a step of the set-up, as its container does, on a test's own folders."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    result = subprocess.run(
        [DOCKER / "setup.sh", step],
        env={"PATH": path, "SECRETS": str(secrets), "HOME": str(secrets), **environ},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not check or result.returncode == 0, result.stdout + result.stderr
    return result


def make_folders(folder):
    """Create the folders that stand for the volumes of secrets."""
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, mode=0o700)
    return folder


def contents(folder):
    """Return the content of each file by path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
