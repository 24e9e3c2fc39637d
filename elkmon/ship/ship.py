"""Put a shipper together: where to, under which name, and how far it was."""

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

__all__ = ["Route", "Via", "admission_of", "destination_of", "shipper"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")

Via = Literal["elasticsearch", "logstash"]


@dataclass(frozen=True, slots=True)
class Route:
    """Which way events take.

    Attributes:
        folder: of the events.
        to: the destination's address.
        via: what stands there.
        name: of the shipper; each destination of a folder needs one of its own.
        retention: days; what is older is a dead letter.
        allow_old: it is not.
        moved: the destination is the same as before, under another address.
    """

    folder: Path
    to: str
    via: Via = "elasticsearch"
    name: str = "ship"
    retention: int = RETENTION.days
    allow_old: bool = False
    moved: bool = False


def destination_of(to: str, via: str, access: Access) -> Destination:
    """Reach a destination; nothing is sent yet.

    Raises:
        ConfigError: the address cannot be used.
    """
    if via == "logstash":
        return Logstash(to, access)
    return Bulk(connect(to, access), to, access.prefix)


def admission_of(route: Route, access: Access) -> Admission:
    """Give what may be sent."""
    return Admission(
        access.prefix,
        retention=route.retention,
        allow_old=route.allow_old,
        now=lambda: datetime.now(timezone.utc),
    )


def shipper(
    route: Route,
    access: Access,
    *,
    patience: Patience,
    progress: Callable[[Tally], None] = lambda _tally: None,
    parallel: int = 4,
) -> Shipper:
    """Make the shipper of a route.

    Args:
        route: the way.
        access: credentials, certificates, index prefix.
        patience: waits where nothing is taken, tells people, and knows when to stop.
        progress: is shown the figures now and then.
        parallel: requests at a time.

    Raises:
        ConfigError: the route cannot be used.
        StoreError: how far it was cannot be read.
    """
    if not _NAME.fullmatch(route.name):
        raise ConfigError(f"a shipper's name is of small letters, digits, - and _: {route.name!r}")
    destination = destination_of(route.to, route.via, access)
    registration = _registration(route)
    reader = SpoolReader(
        route.folder, registration.files, admission_of(route, access), tell=patience.tell
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
    """Read how far it was, and see that it was on the way to the same destination."""
    to = route.to.rstrip("/")
    known = load(route.folder, route.name)
    if known is None:
        return Registration(to, route.via)
    if (known.to, known.via) != (to, route.via) and not route.moved:
        raise ConfigError(
            f"{route.folder} was shipped to {known.to} ({known.via}) so far: if that has moved to "
            f"{to}, say --moved; if this is a second destination, give it a --name of its own"
        )
    known.to, known.via = to, route.via
    return known
