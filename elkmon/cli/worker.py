"""``elkmon worker``: ship and join in one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import timedelta
from threading import Event
from typing import Any

import click

from elkmon.cli.output import clean
from elkmon.cli.ship_options import route_options
from elkmon.cli.stopping import stopping
from elkmon.events.access import Access, access
from elkmon.events.errors import StoreError
from elkmon.ship.join import JoinReport, join
from elkmon.ship.pace import Patience
from elkmon.ship.ship import Route, shipper
from elkmon.ship.shipper import Shipper
from elkmon.ship.worker import Job, Worker, health_page
from elkmon.store.elastic.connect import connect, speaking

__all__ = ["command"]


@click.command("worker")
@route_options
@click.option(
    "--join-at",
    metavar="URL",
    help="Where labels are joined: Elasticsearch, where events go --via logstash.",
)
@click.option(
    "--join-every",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between two passes over late labels.",
)
@click.option(
    "--listen",
    default="127.0.0.1:8089",
    show_default=True,
    metavar="HOST:PORT",
    help="Where /healthz is answered.",
)
def command(join_at: str | None, join_every: float, listen: str, **way: Any) -> None:  # noqa: ANN401
    """Ship and join in one process, for containers and systemd.

    As elkmon ship --follow and elkmon join --follow, until SIGTERM or Ctrl-C, which end it cleanly.
    /healthz answers 200 while both go on, also while the destination is away. When one of them
    cannot go on, the process ends with exit code 3.
    """
    route = Route(folder=way.pop("store"), **way)
    at = join_at or (route.to if route.via == "elasticsearch" else None)
    if at is None:
        raise click.UsageError("with --via logstash, --join-at names Elasticsearch")
    settings = access()
    with stopping() as stop:
        patience = Patience(stop, lambda sentence: click.echo(clean(sentence), err=True))
        one = shipper(route, settings, patience=patience)
        joiner = _Joiner(at, settings, route.retention, join_every, stop, patience.tell)
        jobs = [
            Job("ship", lambda: one.run(follow=True), lambda: _shipping(one, patience)),
            Job("join", joiner.run, joiner.figures),
        ]
        worker = Worker(jobs, stop)
        with health_page(listen, worker.health) as port:
            click.echo(f"shipping {route.folder} to {route.to}; /healthz is on port {port}")
            try:
                worker.run()
            finally:
                click.echo(one.tally.balance(one.taken))
                click.echo(joiner.total.balance())


def _shipping(one: Shipper, patience: Patience) -> Mapping[str, object]:
    tally = one.tally
    return {
        "read": tally.read,
        one.taken: tally.created,
        "already": tally.already,
        "dead": tally.dead,
        "behind_bytes": tally.behind,
        "waiting_for": patience.trouble,
    }


class _Joiner:
    """Join pass after pass; what fails is told once, and tried again."""

    def __init__(
        self,
        url: str,
        settings: Access,
        retention: int,
        every: float,
        stop: Event,
        tell: Callable[[str], None],
    ) -> None:
        self.total = JoinReport()
        self._url = url
        self._settings = settings
        self._retention = timedelta(days=retention)
        self._every = every
        self._stop = stop
        self._tell = tell
        self._trouble: str | None = None

    def run(self) -> None:
        """Go on until the process is to stop."""
        with closing(connect(self._url, self._settings)) as client:
            while True:
                try:
                    with speaking(self._url, "join labels"):
                        self.total += join(
                            client,
                            self._settings.prefix,
                            retention=self._retention,
                            stop=self._stop.is_set,
                        )
                    self._trouble = None
                except StoreError as error:
                    if str(error) != self._trouble:
                        self._trouble = str(error)
                        self._tell(f"{error}; it is tried again")
                if self._stop.wait(self._every):
                    return

    def figures(self) -> Mapping[str, object]:
        """Say how it is."""
        total = self.total
        return {
            "read": total.read,
            "joined": total.joined,
            "orphans": total.orphans,
            "left": total.left,
            "waiting_for": self._trouble,
        }
