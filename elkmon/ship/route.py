"""The route that events take, and the shipper for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from elkmon.events.cluster_settings import Access
from elkmon.events.errors import ConfigError
from elkmon.ship.admission import Admission
from elkmon.ship.bulk import Bulk
from elkmon.ship.deadletters import DeadLetters
from elkmon.ship.destination import Destination
from elkmon.ship.logstash import Logstash
from elkmon.ship.pace import Patience
from elkmon.ship.shipper import Shipper
from elkmon.ship.spool_reader import SpoolReader
from elkmon.ship.tally import Tally
from elkmon.stores.elastic.connect import connect
from elkmon.stores.elastic.indices import RETENTION
from elkmon.stores.local.reader_registration import Registration, load

__all__ = ["Route", "Via", "make_admission", "make_destination", "make_shipper"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")

Via = Literal["elasticsearch", "logstash"]


@dataclass(frozen=True, slots=True)
class Route:
    """The route that events take.

    Attributes:
        folder: folder of the events.
        to: address of the destination.
        via: kind of the destination.
        name: name of the shipper; each destination of a folder needs its own.
        retention: days; older events become dead letters.
        allow_old: whether to send older events all the same.
        moved: whether the destination is the same as before, at another address.
    """

    folder: Path
    to: str
    via: Via = "elasticsearch"
    name: str = "ship"
    retention: int = RETENTION.days
    allow_old: bool = False
    moved: bool = False


def make_destination(to: str, via: str, access: Access) -> Destination:
    """Return a destination; nothing is sent yet.

    Raises:
        ConfigError: the address cannot be used.
    """
    if via == "logstash":
        return Logstash(to, access)
    return Bulk(connect(to, access), to, access.prefix)


def make_admission(route: Route, access: Access) -> Admission:
    """Return what checks which lines of a route may be sent."""
    return Admission(
        access.prefix,
        retention=route.retention,
        allow_old=route.allow_old,
        now=lambda: datetime.now(timezone.utc),
    )


def make_shipper(
    route: Route,
    access: Access,
    *,
    patience: Patience,
    progress: Callable[[Tally], None] = lambda _tally: None,
    parallel: int = 4,
) -> Shipper:
    """Return the shipper of a route.

    Args:
        route: the route.
        access: credentials, certificates, index prefix.
        patience: waits while the destination takes nothing, and knows when to stop.
        progress: called with the counts now and then.
        parallel: requests at a time.

    Raises:
        ConfigError: the route cannot be used.
        StoreError: the shipper's registration cannot be read.
    """
    if not _NAME.fullmatch(route.name):
        raise ConfigError(
            f"{route.name!r} is not a name for a shipper: use lowercase letters, digits, - and _"
        )
    destination = make_destination(route.to, route.via, access)
    registration = _registration(route)
    reader = SpoolReader(
        route.folder, registration.files, make_admission(route, access), tell=patience.tell
    )
    return Shipper(
        route.folder,
        route.name,
        registration,
        reader,
        destination,
        DeadLetters(route.folder),
        patience=patience,
        progress=progress,
        parallel=parallel,
    )


def _registration(route: Route) -> Registration:
    """Read how far the shipper has read, and check that its destination is the same."""
    to = route.to.rstrip("/")
    existing = load(route.folder, route.name)
    if existing is None:
        return Registration(to, route.via)
    if (existing.to, existing.via) != (to, route.via) and not route.moved:
        raise ConfigError(
            f"so far, {route.folder} was shipped to {existing.to} ({existing.via}): if that has "
            f"moved to {to}, use --moved; if this is a second destination, give it its own --name"
        )
    existing.to, existing.via = to, route.via
    return existing
