"""The documentation is true: its examples run, its generated pages are current, its links lead."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from elkmon.events import __main__ as pages
from elkmon.events.settings import SETTINGS, Settings

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [
        ROOT / "README.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / name / "README.md" for name in ("benchmarks", "docker", "examples")),
    ]
)
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_examples_of_a_page_run_from_top_to_bottom(page, tmp_path):
    code = "\n".join(BLOCK.findall(page.read_text(encoding="utf-8")))

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_links_of_a_page_lead_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_the_generated_pages_are_current():
    assert (ROOT / "docs/fields.md").read_text(encoding="utf-8") == pages.fields_page()
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == pages.settings_page()


def test_every_setting_has_its_row():
    assert [setting.name for setting in SETTINGS] == list(Settings.__dataclass_fields__)


def test_every_name_that_is_exported_exists_and_is_sorted():
    import elkmon  # noqa: PLC0415 - what it exports is the point
    import elkmon.emit  # noqa: PLC0415

    for module in (elkmon, elkmon.emit):
        assert module.__all__ == sorted(module.__all__)
        for name in module.__all__:
            assert getattr(module, name) is not None
