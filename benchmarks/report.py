"""What ``elkmon report`` costs over compacted events: whole processes, their time and peak memory.

A tenth of a million events, and a million; ten million where ``BENCH_LARGE`` is set, for which some
minutes and five gigabytes of disk are needed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.generated import END, START, make
from benchmarks.rounds import Row, show
from elkmon.stores.local.compact import compact

_MILLION = 1_000_000
_ALLOWED = 15.0
_LABELLED = 0.7
_OF_EVENTS = 0.583
"""Predictions among the events; the others are labels, and exceptions."""

_REPORT = """
import re, sys, time
from pathlib import Path
from elkmon.cli import main

main(sys.argv[1:], standalone_mode=False)
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
print(time.process_time(), peak[1], file=sys.stderr)
"""
"""What wait4 tells of a child's peak is no less than what its parent held when it was started."""


@dataclass(frozen=True)
class Cost:
    """What one process took."""

    seconds: float
    computing: float
    """Seconds of processors: what is left of it on a machine that others use, too."""
    megabytes: float


def main(rounds: int = 3) -> None:
    """Measure, and print the table."""
    sizes = [_MILLION // 10, _MILLION]
    if os.environ.get("BENCH_LARGE"):
        sizes.append(10 * _MILLION)
    costs: dict[int, Cost] = {}
    events: dict[int, int] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
            store = Path(folder) / "store"
            events[size] = make(store, round(size * _OF_EVENTS), _LABELLED)
            compact(store)
            runs = [_run(store, Path(folder)) for _ in range(rounds if size <= _MILLION else 1)]
            costs[size] = Cost(
                statistics.median(each.seconds for each in runs),
                statistics.median(each.computing for each in runs),
                statistics.median(each.megabytes for each in runs),
            )
    small, million = costs[sizes[0]], costs[_MILLION]
    rows = [
        Row(
            f"`elkmon report`, {events[_MILLION]:,} events / {_ALLOWED:.0f} s",
            million.seconds / _ALLOWED,
            "< 1",
            f"{million.seconds:.1f} s, of processors {million.computing:.1f} s, "
            f"{million.megabytes:.0f} MB at its peak",
        ),
        *_beside("1 M events / 0.1 M", million, small),
    ]
    if sizes[-1] > _MILLION:
        rows += _beside("10 M events / 1 M", costs[sizes[-1]], million)
    show("Reporting", rows)


def _beside(name: str, large: Cost, small: Cost) -> list[Row]:
    times = f"{large.seconds:.1f} against {small.seconds:.1f} s"
    peaks = f"{large.megabytes:.0f} against {small.megabytes:.0f} MB"
    work = f"{large.computing:.1f} against {small.computing:.1f} s"
    return [
        Row(f"{name}: time of processors", large.computing / small.computing, "stated", work),
        Row(f"{name}: time", large.seconds / small.seconds, "stated", times),
        Row(f"{name}: peak memory", large.megabytes / small.megabytes, "flat", peaks),
    ]


def _run(store: Path, folder: Path) -> Cost:
    span = ("--since", START.isoformat(), "--until", END.isoformat())
    command = ["report", "--no-note", "--store", str(store), *span, "-o", str(folder / "r.html")]
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", _REPORT, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, told = process.communicate()
    seconds = time.perf_counter() - begin
    if process.returncode:
        raise SystemExit(f"elkmon report ended with {process.returncode}: {told.decode()}")
    computing, kilobytes = told.split()[-2:]
    return Cost(seconds, float(computing), float(kilobytes) / 1024)
