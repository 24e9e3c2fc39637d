"""The examples run as they stand, and elkmon finds in what they wrote what they did."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from sklearn.datasets import load_breast_cancer

EXAMPLES = Path(__file__).parents[2] / "examples"
ELKMON = Path(sys.executable).parent / "elkmon"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [each for each in os.environ if each.startswith("ELKMON_")]:
        monkeypatch.delenv(name)


def run(example, *arguments):
    done = subprocess.run(
        [sys.executable, EXAMPLES / example, *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def ask(*arguments):
    done = subprocess.run(
        [ELKMON, *arguments, "--format", "json"], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def rates(*arguments):
    return ask("errors", *arguments)["rates"]


def test_the_service_is_tracked_over_http():
    serve = [sys.executable, "-m", "uvicorn", "fastapi_service:app", "--app-dir", EXAMPLES]
    with subprocess.Popen(
        [*serve, "--port", "0"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        try:
            lines = iter(process.stderr.readline, "")
            url = next(found[0] for line in lines if (found := re.search(r"http://[\d.:]+", line)))

            def send(method, path, **body):
                request = Request(  # noqa: S310 - http, to the process above
                    f"{url}{path}",
                    json.dumps(body).encode(),
                    {"content-type": "application/json"},
                    method=method,
                )
                with urlopen(request) as answer:  # noqa: S310 - likewise
                    return json.loads(answer.read() or b"null")

            def order(amount, device, country):
                return send("POST", "/scores", amount=amount, device=device, country=country)

            answers = [order(100 * n, "web", "fr" if n % 2 else "de") for n in range(10)]
            with pytest.raises(HTTPError, match="500"):
                order(1, "fridge", "de")
            for each in answers:
                send("PUT", f"/scores/{each['id']}/truth", label="legit")
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)

    by_country = {row["by"]["segment.country"]: row for row in rates("--by", "segment.country")}
    assert by_country["de"]["failure_rate"]["k"] == 1
    assert by_country["de"]["failure_rate"]["n"] == 6
    assert by_country["fr"]["failure_rate"]["k"] == 0
    assert {name: (row["error_rate"]["k"], row["error_rate"]["n"])
            for name, row in by_country.items()} == {"de": (2, 5), "fr": (3, 5)}  # fmt: skip
    (issue,) = [e for e in ask("issues", "list")["issues"] if e["kind"] == "exception"]
    assert "KeyError" in issue["title"]


def test_a_batch_is_scored_and_its_truth_filled_in_later(tmp_path):
    assert run("batch_scoring.py", "scores.csv") == "scored 285: 285 events written, 0 dropped\n"
    scores = list(csv.reader((tmp_path / "scores.csv").read_text().splitlines()))
    data = load_breast_cancer()
    with (tmp_path / "truth.csv").open("w") as file:
        file.write("id,diagnosis,seen_at\n")
        for number, (name, _) in enumerate(scores):
            true = data.target_names[data.target[int(name.removeprefix("patient-"))]]
            file.write(f"{name},{'' if number < 5 else true},2026-11-20T08:00:00Z\n")

    first, second = run("label_backfill.py", "truth.csv"), run("label_backfill.py", "truth.csv")

    assert first == second == "280 labels written\n"
    (row,) = rates()
    wrong = sum(
        (float(score) >= 0.5) != (data.target[int(name.removeprefix("patient-"))] == 0)
        for name, score in scores[5:]
    )
    assert (row["error_rate"]["k"], row["error_rate"]["n"]) == (wrong, 280)
    assert row["failure_rate"]["n"] == 285


def test_forked_workers_write_files_of_their_own_and_lose_nothing(tmp_path):
    run("forking_worker.py", 100)

    (row,) = rates()
    assert (row["failure_rate"]["k"], row["failure_rate"]["n"]) == (20, 100)
    found = ask("models")
    assert [each["missing"] for each in found["processes"]] == [0, 0, 0]
    assert found["datasets"]["elkmon.emitter"] == 3
    assert len(list((tmp_path / "elkmon-data").glob("*.ndjson"))) == 3


def test_every_example_is_listed():
    page = (EXAMPLES / "README.md").read_text()

    for each in EXAMPLES.glob("*.py"):
        assert f"]({each.name})" in page
        assert subprocess.run(
            [sys.executable, "-m", "compileall", "-q", each], check=False
        ).returncode == 0  # fmt: skip
