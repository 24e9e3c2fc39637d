"""Provide a small store with known figures, and functions that run commands on it."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import elkmon
from elkmon.cli import main

START = datetime(2026, 11, 10, tzinfo=timezone.utc)
SPAN = ("--since", "2026-11-10", "--until", "2026-11-20")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Serve ten days of three models.

    ``fraud`` 1.0: 100 attempts, 4 failed, 80 labelled, 8 of them wrong; ``fraud`` 2.0: 60 attempts,
    none failed, 20 labelled, 10 wrong, all of them in fr; ``price``, a regression: 10 attempts, 5
    labelled; ``digits``: a quarter of its predictions kept, no label.
    """
    folder = tmp_path_factory.mktemp("cli") / "store"
    elkmon.configure(service="shop", environment="test", node="host-1", spool=folder)
    _serve_fraud("1.0", START, attempts=100, failed=4, labelled=80, wrong=8)
    _serve_fraud("2.0", START + timedelta(days=5), attempts=60, failed=0, labelled=20, wrong=10)
    price = elkmon.get_logger("price", "1", task="regression")
    for number in range(10):
        price.prediction(value=number, id=f"p{number}", at=START + timedelta(days=number))
    price.labels([f"p{number}" for number in range(5)], value=[1.0] * 5)
    digits = elkmon.get_logger("digits", "1", task="multiclass", sample_rate=0.25)
    for number in range(100):
        digits.prediction(label="7", id=f"d{number}", at=START + timedelta(hours=number))
    elkmon.reset()
    return folder


def _serve_fraud(
    version: str, begin: datetime, *, attempts: int, failed: int, labelled: int, wrong: int
) -> None:
    log = elkmon.get_logger("fraud", version, task="binary", positive="fraud")
    log.deployment(version, at=begin)
    for number in range(attempts):
        at = begin + timedelta(hours=number)
        pid = f"{version}-{number}"
        if number >= attempts - failed:
            with pytest.raises(ValueError, match="no amount"), log.predict(id=pid, at=at):
                raise ValueError("no amount")
            continue
        country = "fr" if number < wrong or number % 2 else "de"
        log.prediction(label="legit", score=0.2, segment={"country": country}, id=pid, at=at)
        if number < labelled:
            truth = "fraud" if number < wrong else "legit"
            log.label(pid, truth, observed_at=at + timedelta(hours=3))


@pytest.fixture
def run() -> Callable[..., Result]:
    """Return a function that runs a command line in this process."""
    return lambda *arguments: CliRunner().invoke(main, [*map(str, arguments)])


@pytest.fixture
def ask(run: Callable[..., Result], store: Path) -> Callable[..., str]:
    """Return a function that runs a question over the store's whole span and returns the output."""

    def ask_store(command: str, *arguments: str, span: tuple[str, ...] = SPAN) -> str:
        result = run(command, "--store", store, *span, *arguments)
        assert (result.exit_code, result.stderr) == (0, "")
        return result.stdout

    return ask_store


@pytest.fixture
def ask_json(ask: Callable[..., str]) -> Callable[..., Any]:
    """Return a function that runs a question over the whole span and returns its JSON."""
    return lambda command, *arguments: json.loads(ask(command, *arguments, "--format", "json"))
