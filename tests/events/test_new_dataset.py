"""A new dataset takes one record, its fields and its event builder: the recipe, followed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

RECORD = """
    DatasetRecord(
        "elkmon.llm",
        "A call of a language model.",
        "`llm`",
        colour="green",
        view="calls of language models",
        words={"system": "gen_ai.system", "tokens": "gen_ai.usage.output_tokens"},
    ),
"""
FIELDS = """
    Field("gen_ai.system", _K, "Who serves the model.", ("elkmon.llm",)),
    Field("gen_ai.usage.output_tokens", _N, "Tokens of the answer.", ("elkmon.llm",)),
"""
BUILDER = '''

def llm(model: Model, system: str, tokens: int) -> None:
    """Write a call of a language model."""
    fields = {"gen_ai": {"system": system, "usage": {"output_tokens": tokens}}}
    model.ready().submit("elkmon.llm", fields, Notes())
'''
CHANGES = {
    "events/datasets.py": ("\n_RECORDS = (", RECORD),
    "events/fields.py": ("    # metrics\n", FIELDS),
    "emit/event_builders.py": (None, BUILDER),
}

USE = """
from datetime import datetime, timezone
from pathlib import Path

from click.testing import CliRunner

import elkmon
from elkmon.cli import main
from elkmon.cluster.templates import Layout, assets
from elkmon.emit.event_builders import llm
from elkmon.emit.model import Model
from elkmon.events.__main__ import fields_page
from elkmon.kibana.saved_objects import saved_objects
from elkmon.logstash.rules import rules
from elkmon.stores.local.compact import compact
from elkmon.ship.admission import Admission
from elkmon.stores.local.store import LocalStore
from elkmon.stores.protocol import FieldValue, Filter, Measure
from elkmon.testing import capture

def ask(*arguments):
    result = CliRunner().invoke(main, [*arguments, "--store", "store"])
    assert result.exit_code == 0, result.output
    return result.output

elkmon.configure(spool="store")
llm(Model("chat", "1"), "own", 42)
llm(Model("chat", "1"), "own", 58)
elkmon.reset()

# questions
assert "system own, tokens 42" in ask("events", "--dataset", "llm")
assert "2 llm events" in ask("models")
ask("doctor")
(line, *_) = next(Path("store").glob("*.ndjson")).read_bytes().splitlines()
compact(Path("store"))
store = LocalStore("store")
by, measures = [FieldValue("gen_ai.system")], [Measure("sum", "gen_ai.usage.output_tokens")]
table = store.aggregate("elkmon.llm", by=by, measures=measures, where=Filter())
assert table.rows == (("own", 100.0),)
store.close()
with capture() as events:
    llm(Model("chat"), "own", 1)
    events.one("llm")

# a cluster, Kibana, Logstash, the docs page
(template,) = [each for each in assets("elkmon", Layout()) if each.name == "elkmon-llm"]
properties = template.body["template"]["mappings"]["properties"]
assert properties["gen_ai"]["properties"]["system"]["type"] == "keyword"
admission = Admission(
    "elkmon", retention=365, allow_old=False, now=lambda: datetime.now(timezone.utc)
)
assert admission(line)[1].startswith("elkmon-llm-")
assert b'"elkmon.llm"' in rules()
titles = [each["attributes"].get("name") for each in saved_objects("elkmon")]
assert "elkmon: calls of language models" in titles
assert "| `elkmon.llm` | A call of a language model. | `llm` |" in fields_page()
"""


def test_it_touches_three_files_and_every_door_knows_it(tmp_path):
    package = tmp_path / "elkmon"
    shutil.copytree(ROOT / "elkmon", package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, (place, text) in CHANGES.items():
        before = (package / name).read_text()
        after = before + text if place is None else before.replace(place, place + text)
        assert after != before
        (package / name).write_text(after)

    done = subprocess.run(
        [sys.executable, "-c", USE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
