"""Run jobs in threads of one process, and serve a page with their health."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import orjson

from elkmon.events.errors import ConfigError

__all__ = ["Job", "Worker", "health_page"]

_LOOK = 0.2
"""Seconds until a job that failed ends the others."""


@dataclass
class Job:
    """Something that runs until it is told to stop.

    Attributes:
        name: name of the job.
        run: runs it until the worker's stop event is set.
        figures: returns its counts.
        failed: the exception that ended it.
    """

    name: str
    run: Callable[[], None]
    figures: Callable[[], Mapping[str, object]]
    failed: BaseException | None = None
    _thread: Thread | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start the job in its own thread."""
        thread = Thread(target=self._run, name=f"elkmon-{self.name}")
        thread.start()
        self._thread = thread

    @property
    def alive(self) -> bool:
        """Whether it runs, or is about to start."""
        return self._thread is None or self._thread.is_alive()

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        try:
            self.run()
        except BaseException as error:  # noqa: BLE001 - raised again where the worker runs
            self.failed = error


class Worker:
    """Run jobs until one fails, or the process is to stop.

    Args:
        jobs: the jobs.
        stop: set when the process is to stop.
    """

    def __init__(self, jobs: list[Job], stop: Event) -> None:
        self._jobs = jobs
        self._stop = stop

    def run(self) -> None:
        """Run all jobs until one ends; then end the others, so that the process can be restarted.

        Raises:
            ElkmonError: the error of the first job that failed.
        """
        for job in self._jobs:
            job.start()
        while not self._stop.wait(_LOOK) and all(job.alive for job in self._jobs):
            pass
        self._stop.set()
        for job in self._jobs:
            job.join()
        for job in self._jobs:
            if job.failed is not None:
                raise job.failed

    def health(self) -> tuple[bool, dict[str, Any]]:
        """Return whether all jobs run, and the counts of each.

        A destination that is away is no reason to restart: the jobs wait for it.
        """
        well = not self._stop.is_set() and all(job.alive for job in self._jobs)
        return well, {
            "status": "ok" if well else "stopping",
            **{job.name: dict(job.figures()) for job in self._jobs},
        }


@contextmanager
def health_page(listen: str, health: Callable[[], tuple[bool, dict[str, Any]]]) -> Iterator[int]:
    """Serve ``/healthz``.

    Args:
        listen: ``host:port``; port 0 takes a free one.
        health: returns whether all is well, and what to show.

    Yields:
        The port.

    Raises:
        ConfigError: it cannot listen there.
    """
    host, _, port = listen.rpartition(":")

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.split("?")[0] != "/healthz":
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            well, content = health()
            body = orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)
            self.send_response(HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing: health checks come every few seconds."""

    try:
        server = ThreadingHTTPServer((host.strip("[]"), int(port)), Page)
    except (OSError, ValueError, OverflowError) as error:
        raise ConfigError(
            f"cannot listen on {listen}: {error}; give HOST:PORT with a free port"
        ) from error
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, name="elkmon-health", daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
