"""Measure things side by side: interleaved rounds, medians, ratios."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One ratio of a table: what was measured against what, and what is asked for."""

    name: str
    ratio: float
    bound: str
    detail: str


def interleaved(
    things: Mapping[str, Callable[[], object]],
    rounds: int,
    per: int = 1,
    prepare: Callable[[], object] = lambda: None,
) -> dict[str, float]:
    """Run each thing once a round, in turn; return the median seconds of each, a thing of ``per``.

    ``prepare`` is called before each, and takes none of its time.
    """
    seconds: dict[str, list[float]] = {name: [] for name in things}
    for thing in things.values():
        prepare()
        thing()
    for _ in range(rounds):
        for name, thing in things.items():
            prepare()
            gc.collect()
            start = time.perf_counter()
            thing()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(each) / per for name, each in seconds.items()}


def show(title: str, rows: list[Row]) -> None:
    """Print a table of ratios, as ``benchmarks/README.md`` holds it."""
    print(f"\n### {title}\n")
    print("| what | ratio | asked | medians |")
    print("|---|---|---|---|")
    for row in rows:
        print(f"| {row.name} | {row.ratio:.2f} | {row.bound} | {row.detail} |")
