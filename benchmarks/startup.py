"""Measure how long a process takes to import elkmon and to start its command line."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.rounds import Row, interleaved, show


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def main(rounds: int = 15) -> None:
    """Time whole processes, in turn."""
    medians = interleaved(
        {
            "pass": lambda: _run("-c", "pass"),
            "base": lambda: _run("-c", "import structlog, orjson"),
            "elkmon": lambda: _run("-c", "import structlog, orjson, elkmon"),
            "help": lambda: _run("-m", "elkmon.cli", "--help"),
        },
        rounds,
    )
    ms = {name: seconds * 1000 for name, seconds in medians.items()}
    import_time = ms["elkmon"] - ms["base"]
    help_time = ms["help"] - ms["pass"]
    show(
        "Start-up",
        [
            Row(
                "`import elkmon` / `import structlog, orjson`",
                ms["elkmon"] / ms["base"],
                "≤ 60 ms more",
                f"{import_time:.0f} ms more: {ms['elkmon']:.0f} against {ms['base']:.0f} ms",
            ),
            Row(
                "`elkmon --help` / `python -c pass`",
                ms["help"] / ms["pass"],
                "stated",
                f"{help_time:.0f} ms more: {ms['help']:.0f} against {ms['pass']:.0f} ms",
            ),
        ],
    )
