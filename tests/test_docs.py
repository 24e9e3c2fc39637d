"""The documentation is true: its examples run, its messages exist, its links lead somewhere."""

import ast
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from elkmon.cli import main
from elkmon.events import __main__ as pages
from elkmon.events.settings import SETTINGS, Settings
from elkmon.questions.registry import built_in
from tests.support.demo_weeks import shared_folder

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TUTORIAL = DOCS / "tutorial/index.md"
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *DOCS.rglob("*.md"),
        *(ROOT / name / "README.md" for name in ("benchmarks", "docker", "examples", "logstash")),
    ]
)
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
each_page = pytest.mark.parametrize("page", PAGES, ids=NAMES)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
CONSOLE = re.compile(r"^ *```console\n(.*?)```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")
PICTURE = re.compile(r"assets/pictures/([\w.-]+\.(?:svg|png))")
TABLE = """order_id,scored_at,decision,probability,chargeback,settled_at,amount,merchant,country
o-1,2026-11-02T08:00:00Z,fraud,0.91,fraud,2026-11-20T08:00:00Z,990,web,de
o-2,2026-11-02T08:01:00Z,legit,0.07,,,12.5,shop,fr
"""
"""What the pages call ``scored.csv``."""
NOT_HERE = {"demo", "host", "kibana", "tail", "worker"}
"""Commands that have no end, need a server, or take a minute; tests of their own run them."""


def python_of(page):
    return "\n".join(PYTHON.findall(page.read_text(encoding="utf-8")))


def commands_of(page):
    """List the elkmon commands of the consoles of a page, each as its arguments."""
    for block in CONSOLE.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            command = re.split(r" (?:\||>|&&) ", line.strip().removeprefix("$ "))[0]
            words = shlex.split(command, comments=True)
            while words and re.match(r"[A-Z_]+=", words[0]):
                del words[0]
            if words[:1] == ["elkmon"]:
                yield words[1:]


def runs_here(arguments):
    """Say whether a command needs nothing but a folder."""
    outside = any("://" in word or word.startswith("/") for word in arguments)
    return not outside and arguments[0] not in {*NOT_HERE, "deadletter"}


@pytest.fixture(scope="session")
def week(tmp_path_factory, testrun_uid):
    """Run the code of the tutorial: a folder with its week in ``elkmon-data``."""

    def make(folder):
        folder.mkdir()
        run_python(python_of(TUTORIAL), folder)

    return shared_folder(tmp_path_factory, testrun_uid, "tutorial", make)


@pytest.fixture
def folder(week, tmp_path, monkeypatch):
    """Work in a copy of the tutorial's week, beside a table of predictions."""
    shutil.copytree(week, tmp_path, dirs_exist_ok=True)
    (tmp_path / "scored.csv").write_text(TABLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_python(code, folder):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def run_elkmon(*arguments):
    result = CliRunner().invoke(main, arguments, input="y\n", prog_name="elkmon")
    assert result.exit_code == 0, (arguments, result.output, result.exception)
    return result.stdout


def parse(arguments):
    """Hold a command line to the options that there are, without running it."""
    command, rest = main, arguments
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), rest[0])
        assert found is not None, arguments
        command, rest = found, rest[1:]
    command.make_context(arguments[0], list(rest))


@each_page
def test_the_python_of_a_page_runs_from_top_to_bottom(page, folder):
    if page != TUTORIAL:  # the fixture ran that
        run_python(python_of(page), folder)


@each_page
def test_the_commands_of_a_page_run(page, folder):
    def real(word):
        """Put an issue of this store in place of the one that pages call 5b8d3ff."""
        if word != "5b8d3ff":
            return word
        listed = run_elkmon("issues", "list", "--all", "--no-note", "--format", "csv")
        return re.search(r"\b[0-9a-f]{16}\b", listed)[0]

    for arguments in commands_of(page):
        if runs_here(arguments):
            run_elkmon(*map(real, arguments))
        else:
            parse(arguments)


def test_pages_have_commands():
    assert sum(runs_here(each) for page in PAGES for each in commands_of(page)) > 50


@each_page
def test_the_links_of_a_page_lead_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_each_picture_is_shown_in_both_themes_and_small():
    shown = {name for page in PAGES for name in PICTURE.findall(page.read_text("utf-8"))}
    there = {path.name: path.stat().st_size for path in (DOCS / "assets/pictures").iterdir()}

    assert shown == set(there)
    assert {name.replace("-light.", "-dark.") for name in shown} <= shown
    assert sum(there.values()) < 3_000_000


def sentences():
    """List the texts of the code, with … where something is filled in."""
    for path in (ROOT / "elkmon").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = (v.value if isinstance(v, ast.Constant) else "…" for v in node.values)
                yield "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_each_message_that_is_explained_exists():
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    texts = list(sentences())

    assert len(rows) > 30
    for row in rows:
        pattern = re.compile(".*".join(map(re.escape, row.split("…"))))
        assert any(map(pattern.search, texts)), row


def test_every_question_is_on_the_page_of_python():
    page = (DOCS / "reference/python.md").read_text(encoding="utf-8")

    for record in built_in():
        assert f"::: {record.package}.{record.method}\n" in page, record.method


def test_the_generated_pages_are_current():
    assert (DOCS / "reference/fields.md").read_text(encoding="utf-8") == pages.fields_page()
    assert (DOCS / "reference/settings.md").read_text(encoding="utf-8") == pages.settings_page()


def test_every_setting_has_its_row():
    assert [setting.name for setting in SETTINGS] == list(Settings.__dataclass_fields__)


def test_every_name_that_is_exported_exists_and_is_sorted():
    import elkmon  # noqa: PLC0415 - what it exports is the point
    import elkmon.emit  # noqa: PLC0415

    for module in (elkmon, elkmon.emit):
        assert module.__all__ == sorted(module.__all__)
        for name in module.__all__:
            assert getattr(module, name) is not None
