"""The pictures of README and site, taken from runs of the demo and of the tutorial.

``make pictures`` runs this; see them all before you commit them.
"""

import os
import re
import shlex
import shutil
import sys
import tempfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

import elkmon
from elkmon.demo import DemoOptions, run_demo
from tests.support.browser import Browser, Page
from tests.support.demo_weeks import END
from tests.support.terminals import styled_on_terminal

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = DOCS / "assets/pictures"
TUTORIAL = DOCS / "tutorial/index.md"
PROGRAM = Path(sys.executable).parent / "elkmon"
COLUMNS = 112
WEEK = ["--since", f"{END - timedelta(days=7):%Y-%m-%dT%H:%M}", "--until", f"{END:%Y-%m-%dT%H:%M}"]
OF_DEMO = {
    "errors": ["errors", "--by", "version"],
    "compare": ["compare", "--model", "tumour-triage"],
    "issues": ["issues", "list", "--no-note"],
}
"""Screens of the demo's week, by the name of their picture."""
BLOCK = re.compile(
    r"```(python|console)\n(.*?)```(?:\s*!\[[^\]]*\]\(\.\./assets/pictures/([\w-]+)-light\.(svg|png))?",
    re.DOTALL,
)
BEHIND = re.compile(r"\n(?:\x1b\[[\d;]*m)*The events behind")
"""What ends a screen: the commands below it are longer than a picture is wide."""
SVG = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g></svg>
"""
"""A screen, as rich draws it, in the reader's own fonts and without the font that it loads."""
_HUES = ("cc3333", "2f7d32", "9a6700", "2257c5", "8a3ffc", "0f7b83")
_BRIGHT = ("ff7b72", "7ee787", "e3b341", "79c0ff", "d2a8ff", "56d4dd")


@contextmanager
def inside(folder):
    """Work in a folder, and come back; Python 3.10 has no ``contextlib.chdir``."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _rgb(text):
    return tuple(bytes.fromhex(text))


def _theme(back, fore, grey, hues):
    shades = [_rgb(grey), *map(_rgb, hues), _rgb(fore)]
    return TerminalTheme(_rgb(back), _rgb(fore), shades, shades)


THEMES = {
    "light": _theme("ffffff", "1f2328", "6e7781", _HUES),
    "dark": _theme("161b22", "e6edf3", "8b949e", _BRIGHT),
}


def screen(name, arguments, hidden=(), cwd=None):
    """Draw what a command shows on a terminal, in both themes."""
    shown = styled_on_terminal(COLUMNS, PROGRAM, *arguments, *hidden, cwd=cwd)
    shown = BEHIND.split(shown.replace("\r\n", "\n"))[0].rstrip()
    for theme, colours in THEMES.items():
        with Path(os.devnull).open("w") as nowhere:
            console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
            console.print(Text(f"$ {shlex.join(['elkmon', *arguments])}", style="bold"))
            console.print(Text.from_ansi(shown), end="\n\n")  # so that no underscore is cut off
        drawn = console.export_svg(
            title="", theme=colours, code_format=SVG, unique_id=f"{name}-{theme}"
        )
        drawn = drawn.replace("rgba(255,255,255,0.35)", "rgba(128,128,128,0.5)")  # the frame
        lines = (line.rstrip() for line in drawn.splitlines())
        (PICTURES / f"{name}-{theme}.svg").write_text("\n".join(lines) + "\n", encoding="utf-8")


def first_screen(browser, name, page):
    """Take the first screen of a report, in both themes."""
    for theme in THEMES:
        opened = Page(browser, page, dark=theme == "dark", width=1200)
        opened.screenshot(PICTURES / f"{name}-{theme}.png", whole=False, height=860)
        opened.close()


def demo(browser, folder):
    """Serve the demo's week, and take its screens and its report."""
    run_demo(DemoOptions(folder / "elkmon-data", END, seed=1, workers=2))
    for name, arguments in OF_DEMO.items():
        screen(name, arguments, WEEK, folder)
    styled_on_terminal(COLUMNS, PROGRAM, "report", "--no-note", *WEEK, cwd=folder)
    first_screen(browser, "report", folder / "report.html")


def tutorial(browser, folder):
    """Do what the tutorial says, step by step, and take each of its screens."""
    names = {"__name__": "__main__"}
    with inside(folder):
        for kind, text, name, form in BLOCK.findall(TUTORIAL.read_text(encoding="utf-8")):
            if kind == "python":
                exec(text, names)  # noqa: S102 - the page's own code
                continue
            arguments = shlex.split(text.removeprefix("$ elkmon"))
            if form == "png":
                styled_on_terminal(COLUMNS, PROGRAM, *arguments)
                first_screen(browser, name, folder / arguments[-1])
            else:
                screen(name, arguments)
    elkmon.reset()


def main():
    """Take all pictures anew."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    browser = Browser(shutil.which("chromium"))
    with tempfile.TemporaryDirectory() as folder:
        for take in (tutorial, demo):
            own = Path(folder) / take.__name__
            own.mkdir()
            take(browser, own)
    browser.close()


if __name__ == "__main__":
    main()
