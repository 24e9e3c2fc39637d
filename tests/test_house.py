"""What is shipped: light for an application that emits, whole for the one who asks."""

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_importing_elkmon_loads_nothing_heavy():
    code = "import sys, elkmon; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    heavy = {"duckdb", "click", "rich", "numpy", "pandas", "pyarrow", "elasticsearch", "sklearn"}
    assert not heavy & set(loaded.stdout.split())


def test_importing_elkmon_touches_nothing(tmp_path):
    subprocess.run([sys.executable, "-c", "import elkmon"], cwd=tmp_path, check=True)

    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, ROOT],
        check=True,
    )
    (built,) = folder.glob("elkmon-*.whl")
    return built


def test_the_wheel_brings_the_dashboards(wheel):
    brought = zipfile.ZipFile(wheel).read("elkmon/assets/kibana/elkmon.ndjson")

    assert brought == (ROOT / "kibana" / "elkmon.ndjson").read_bytes()


def test_the_wheel_emits_with_its_three_dependencies_alone(wheel, tmp_path):
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True)
    code = (
        "import elkmon; log = elkmon.get_logger('fraud', '1', task='binary', positive='fraud');"
        "log.prediction(label='fraud', score=0.9); print(elkmon.stats().written)"
    )

    result = subprocess.run(
        [python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout == "1\n"
    (file,) = (tmp_path / "elkmon-data").glob("*.ndjson")
    assert json.loads(file.read_text().splitlines()[0])["ml"]["prediction"]["label"] == "fraud"
    names = {row["name"] for row in json.loads(listed.stdout)} - {
        "pip",
        "setuptools",
        "wheel",
    }
    assert names <= {"elkmon", "orjson", "python-json-logger", "structlog", "typing_extensions"}
