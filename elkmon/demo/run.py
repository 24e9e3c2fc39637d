"""Run the demo: several processes serve the week into one store; then write the ground truth."""

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
"""Called several times a second with the requests and labels that are done, and their total."""

_FEWEST = 200
_LOOK_SECONDS = 0.1
_STOP = -1
"""Value of the counter that tells the processes to stop."""
_done: Synchronized[int] | None = None
"""In a process of the demo: the counter that all processes share."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The size of the week, and where it is written.

    Attributes:
        store: a folder that is empty or does not exist.
        end: the end of the week, as an aware time.
        requests: number of requests, of both models together.
        seed: the same seed and end give the same week.
        workers: processes that serve at the same time.
        truth: file for the ground truth; None for ``ground-truth/demo.json`` in the store.
        faults: whether anything goes wrong; if not, version 2 answers as version 1 does.
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
    """The folders and files of a demo, and its ground truth."""

    store: Path
    truth_file: Path
    truth: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Job:
    """What a process needs to know to draw the same week and to serve its part."""

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
    """Train the models, serve the week, log the labels, and write the ground truth.

    Call it below ``if __name__ == "__main__"``: the processes are spawned, and import the file
    that calls this.

    Args:
        options: the size of the week, and where it is written.
        progress: called with how much is done.

    Raises:
        ConfigError: the folder is not empty, or there are too few requests.
        StoreError: the events or the ground truth cannot be written.
    """
    if options.requests < _FEWEST:
        raise ConfigError(f"the demo needs at least {_FEWEST} requests, not {options.requests}")
    _claim(options.store)
    plan = make_plan(options.requests, options.seed, options.end, faults=options.faults)
    total = len(plan.requests) + sum(len(request.labels) for request in plan.requests)
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
        with _interrupts_blocked():
            serving = [pool.submit(_serve, job) for job in jobs]
            feeding = pool.submit(_feed, jobs[0])
        running: set[Future[Any]] = {*serving, feeding}
        try:
            while running:
                finished, running = wait(running, timeout=_LOOK_SECONDS)
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
    """Make sure that the folder exists and is empty: other events would spoil the figures.

    Raises:
        ConfigError: it is not empty, or is not a folder.
        StoreError: it cannot be created.
    """
    try:
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
        entry = next(store.iterdir(), None)
    except (FileExistsError, NotADirectoryError) as error:
        raise ConfigError(f"{store} is not a folder: give one for the demo") from error
    except OSError as error:
        raise StoreError(f"cannot use {store} for the demo: {error.strerror}") from error
    if entry is not None:
        raise ConfigError(
            f"{store} is not empty ({entry.name} is in it): give a folder for the demo that is "
            "empty or does not exist yet"
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
def _interrupts_blocked() -> Iterator[None]:
    """Start processes that ignore Ctrl-C, so that this process can stop them in order."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _StoppedError(Exception):
    """The demo was stopped before the end of the week."""


def _share(counter: Synchronized[int]) -> None:
    global _done  # noqa: PLW0603 - set once in each process of the pool
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
