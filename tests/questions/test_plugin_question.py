"""A question of somebody else's package: Cohen's kappa, asked of a store of the same package."""

import json
import subprocess
import sys

import pytest
from sklearn.metrics import cohen_kappa_score

from tests.support.plugin_package import STORE, install, run_elkmon

RECORD = '''
from elkmon.query.question import Grouped, Question, Unpack
from elkmon.questions.record import Option, QuestionRecord


def kappa(store, model=None, **arguments):
    """Return Cohen's kappa of each group."""
    from elkmon_memory import figures

    return figures.kappa(store, Question.of(model=model, **arguments))


KAPPA = QuestionRecord(
    package=__name__,
    ask=kappa,
    command="kappa",
    summary="Show how far predictions agree with labels beyond chance.",
    options=(Option("least", "--least", "Predictions that a group needs.", 1, least=1),),
)
'''
FIGURES = """
from collections.abc import Mapping
from dataclasses import dataclass

from elkmon.present.result import Result
from elkmon.questions.record import Answer
from elkmon.questions.confusion.figures import confusion


@dataclass(frozen=True)
class KappaRow:
    by: Mapping
    kappa: float
    n: int


def kappa(store, question, least=1):
    groups = {}
    for row in confusion(store, question):
        groups.setdefault(tuple(row.by.items()), []).append(row)
    rows = [KappaRow(dict(by), *_kappa(cells)) for by, cells in groups.items()]
    rows = tuple(row for row in rows if row.n >= least)
    return Result(question, rows, (*question.by, "kappa", "n"))


def answer(store, question, least):
    return Answer(kappa(store, question, least))


def _kappa(cells):
    n = sum(cell.share.k for cell in cells)
    truth, predicted = {}, {}
    for cell in cells:
        truth[cell.truth] = truth.get(cell.truth, 0) + cell.share.k
        predicted[cell.predicted] = predicted.get(cell.predicted, 0) + cell.share.k
    agreed = sum(cell.share.k for cell in cells if cell.truth == cell.predicted) / n
    chance = sum(truth.get(name, 0) * count for name, count in predicted.items()) / n**2
    return (agreed - chance) / (1 - chance) if chance < 1 else 1.0, n
"""
TABLE = """
from rich.text import Text


def show(output, store, answer):
    for row in answer.result:
        output.show(Text(f"{row.by['model']}: kappa {row.kappa:.3f} of {row.n}"))
"""
SPAN = ("--since", "2026-11-10", "--until", "2026-11-11")


@pytest.fixture
def environment(tmp_path):
    return install(
        tmp_path / "site",
        sources={
            "__init__.py": RECORD,
            "store.py": STORE,
            "figures.py": FIGURES,
            "table.py": TABLE,
        },
        entry_points={
            "elkmon.stores": ["memory = elkmon_memory.store:MemoryStore"],
            "elkmon.questions": ["kappa = elkmon_memory:KAPPA"],
        },
    )


def test_a_plug_in_brings_a_question_and_a_store(environment):
    done = run_elkmon(environment, "kappa", "--store", "memory://demo", *SPAN, "--format", "json")

    expected = cohen_kappa_score(["no"] * 2 + ["yes"] * 4, ["yes"] * 6)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["kappa"] == [{"by": {"model": "demo"}, "kappa": expected, "n": 6}]
    assert document["question"]["model"] is None


def test_its_table_options_and_help_are_those_of_any_question(environment):
    table = run_elkmon(environment, "kappa", "--store", "memory://demo", *SPAN)
    fewer = run_elkmon(environment, "kappa", "--store", "memory://demo", *SPAN, "--least", "7")
    listed = run_elkmon(environment, "--help")
    close = run_elkmon(environment, "kapa")

    assert table.stdout == "demo: kappa 0.000 of 6\n"
    assert "elkmon models" in fewer.stdout
    assert "kappa" in listed.stdout
    assert "Show how far predictions agree" in listed.stdout
    assert (close.returncode, "did you mean kappa?" in close.stderr) == (2, True)


def test_the_client_has_its_method(environment):
    code = (
        "from elkmon import Monitor\n"
        "with Monitor('memory://demo') as monitor:\n"
        "    (row,) = monitor.kappa('demo', since='2026-11-10', until='2026-11-11')\n"
        "    print(row.n, 'kappa' in dir(monitor))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout == "6 True\n"


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("raise RuntimeError('no')", "cannot be loaded: RuntimeError('no')"),
        ("KAPPA = 1", "is not a QuestionRecord of elkmon.questions.record"),
        (RECORD.replace('command="kappa"', 'command="errors"'), "a question that already exists"),
    ],
)
def test_a_broken_plug_in_is_named_and_stops_nothing_else(tmp_path, record, message):
    environment = install(
        tmp_path / "site",
        sources={"__init__.py": record},
        entry_points={"elkmon.questions": ["kappa = elkmon_memory:KAPPA"]},
    )

    other = run_elkmon(environment, "errors", "--store", tmp_path / "empty")
    listed = run_elkmon(environment, "--help")
    asked = run_elkmon(environment, "kappa")

    assert (other.returncode, other.stderr) == (0, "")
    assert listed.returncode == 0
    assert message in " ".join(listed.stdout.split())
    assert asked.returncode == 2
    assert message in " ".join(asked.stderr.split())
    assert "Traceback" not in asked.stderr
