"""Run the demo: several processes serve the week into one store; the truth is written apart."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import orjson

from elkmon.demo.plan import Plan, make_plan
from elkmon.demo.serve import Outcome, feed_labels, serve
from elkmon.demo.truth import ground_truth
from elkmon.events.errors import ConfigError, StoreError

__all__ = ["DemoOptions", "DemoResult", "Progress", "run_demo"]

Progress = Callable[[int, int], None]
"""Called several times a second with how many requests and labels are done, of how many."""

_FEWEST = 200
_LOOK_SECONDS = 0.1
_STOP = -1
"""What the counter says when the processes are to stop."""
_done: Synchronized[int] | None = None
"""In a process of the demo: the counter that all of them share."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How large the week is, and where it goes.

    Attributes:
        store: a folder that is empty or does not exist.
        end: the end of the week, aware.
        requests: how many, of both models together.
        seed: the same seed and end give the same week.
        workers: processes that serve at the same time.
        truth: file for the ground truth; below the store where not given.
        faults: whether anything goes wrong; else version 2 answers as version 1 does.
    """

    store: Path
    end: datetime
    requests: int = 24_000
    seed: int = 1
    workers: int = 3
    truth: Path | None = None
    faults: bool = True


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo made."""

    store: Path
    truth_file: Path
    truth: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Job:
    """What a process needs to know; it draws the same week by itself."""

    store: Path
    requests: int
    seed: int
    end: datetime
    faults: bool
    part: int
    parts: int

    @property
    def plan(self) -> Plan:
        """Draw the week."""
        return make_plan(self.requests, self.seed, self.end, faults=self.faults)


def run_demo(options: DemoOptions, progress: Progress | None = None) -> DemoResult:
    """Train the models, serve the week, feed the labels, and write down what was injected.

    Call it from a file whose own work stands under ``if __name__ == "__main__"``: the processes
    are started afresh, and import that file.

    Args:
        options: how large, and where.
        progress: is told how far it is.

    Raises:
        ConfigError: the folder holds something, or there are too few requests to tell a story.
        StoreError: events or the truth cannot be written.
    """
    if options.requests < _FEWEST:
        raise ConfigError(f"the demo needs at least {_FEWEST} requests, not {options.requests}")
    _claim(options.store)
    plan = make_plan(options.requests, options.seed, options.end, faults=options.faults)
    labels = sum(len(request.labels) for request in plan.requests)
    total = len(plan.requests) + labels
    context = get_context("spawn")
    counter = context.Value("q", 0)
    jobs = [
        _Job(
            *(options.store, options.requests, options.seed, options.end, options.faults),
            *(part, options.workers),
        )
        for part in range(options.workers)
    ]
    with ProcessPoolExecutor(
        options.workers, context, initializer=_share, initargs=(counter,)
    ) as pool:
        with _deaf_children():
            serving = [pool.submit(_serve, job) for job in jobs]
            feeding = pool.submit(_feed, jobs[0])
        under_way: set[Future[Any]] = {*serving, feeding}
        try:
            while under_way:
                finished, under_way = wait(under_way, timeout=_LOOK_SECONDS)
                for future in finished:
                    future.result()  # an error of a process ends the demo at once
                if progress is not None:
                    progress(counter.value, total)
        except BaseException:
            counter.value = _STOP
            raise
        outcomes = [outcome for future in serving for outcome in future.result()]
    truth = ground_truth(plan, outcomes)
    return DemoResult(options.store, _write(truth, options), truth)


def _claim(store: Path) -> None:
    """Make sure that the folder is there and empty: foreign events would spoil the figures.

    Raises:
        ConfigError: it is not empty, or no folder.
        StoreError: it cannot be made.
    """
    try:
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = next(store.iterdir(), None)
    except (FileExistsError, NotADirectoryError) as error:
        raise ConfigError(f"{store} is no folder: give another one for the demo") from error
    except OSError as error:
        raise StoreError(f"cannot use {store} for the demo: {error.strerror}") from error
    if found is not None:
        raise ConfigError(
            f"{store} is not empty ({found.name} is in it): the demo takes a folder of its own, "
            "one that is empty or does not exist yet"
        )


def _write(truth: dict[str, Any], options: DemoOptions) -> Path:
    path = options.truth or options.store / "ground-truth" / "demo.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(orjson.dumps(truth, option=orjson.OPT_INDENT_2))
    except OSError as error:
        raise StoreError(f"cannot write the ground truth to {path}: {error.strerror}") from error
    return path


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Let processes that are started meanwhile not hear Ctrl-C: this one stops them, in order."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _StoppedError(Exception):
    """The demo ends before the week does."""


def _share(counter: Synchronized[int]) -> None:
    global _done  # noqa: PLW0603 - a process of the pool is told once
    _done = counter


def _tick(more: int) -> None:
    if _done is not None:
        with _done.get_lock():
            if _done.value < 0:
                raise _StoppedError
            _done.value += more


def _serve(job: _Job) -> list[Outcome]:
    plan = job.plan
    return serve(
        job.store, plan, plan.requests[job.part :: job.parts], f"worker-{job.part + 1}", _tick
    )


def _feed(job: _Job) -> int:
    return feed_labels(job.store, job.plan, _tick)
