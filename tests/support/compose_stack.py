"""The stack's files, as docker compose and Docker read them; where its set-up keeps secrets."""

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
COMPOSE = yaml.safe_load(VARIABLE.sub(lambda found: ENVIRONMENT[found[1]], TEXT))
SERVICES = COMPOSE["services"]
OWN_IMAGES = {"elkmon-setup", "elkmon-worker", "elkmon-example"}
FOLDERS = ("setup", "elasticsearch", "kibana", "logstash", "worker")


def mounts(service):
    """Give (source, target, mode) of each of a service's mounts."""
    made = [f"{each}:rw".split(":")[:3] for each in SERVICES[service].get("volumes", ())]
    return [(source, target, mode) for source, target, mode in made]


def run_setup(step, secrets, check=True, **more):
    """Run a step of the set-up, as its container does, on folders of a test's own."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [DOCKER / "setup.sh", step],
        env={"PATH": path, "SECRETS": str(secrets), "HOME": str(secrets), **more},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def make_folders(where):
    """Make what the volumes of secrets are to the set-up."""
    for name in FOLDERS:
        (where / name).mkdir(parents=True, mode=0o700)
    return where


def contents(folder):
    """Give what files hold, by path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
