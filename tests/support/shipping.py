"""Spools written by hand, a shipper that does not wait long, and what is on a server afterwards."""

import os
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from threading import Event
from urllib.request import urlopen

import orjson

from elkmon.events.cluster_settings import Access
from elkmon.ship.pace import Patience
from elkmon.ship.route import Route, make_shipper

NOW = datetime.now(timezone.utc)
AT = f"{NOW:%Y-%m-%dT%H:%M:%S.000Z}"
ELKMON = Path(__file__).parents[2] / ".venv" / "bin" / "elkmon"


def line(event_id, dataset="log", at=AT, **fields):
    """Return a line with everything that an event needs, spaced as no encoder would."""
    meta = {"id": event_id, "dataset": f"elkmon.{dataset}"}
    data = orjson.dumps({"@timestamp": at, "event": meta, **fields})
    return data.replace(b'","event"', b'" ,  "event"')


def write(folder, name, *lines, end=b"\n"):
    """Append whole lines to a file of a folder; it is as old as if nobody wrote to it any more."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    with path.open("ab") as file:
        file.write(b"\n".join(lines) + end)
    long_ago = NOW.timestamp() - 1000
    os.utime(path, (long_ago, long_ago))
    return path


def many(number, start=0, width=0):
    """Return lines with different ids."""
    return [line(f"e{n:07d}", message="x" * width) for n in range(start, start + number)]


@dataclass
class Run:
    """What one run of a shipper counted and printed."""

    tally: object
    messages: list = field(default_factory=list)

    def printed(self, part):
        return any(part in message for message in self.messages)


def ship(folder, url, prefix, *, stop=None, limit=None, draw=None, access=None, **route):
    """Ship in this process, with short waits; the balance is held."""
    messages = []
    stop = stop or Event()
    draw = draw or (lambda: 0.01)
    access = access or Access(prefix=prefix)
    shipper = make_shipper(
        Route(folder, url, **route), access, patience=Patience(stop, messages.append, limit, draw)
    )
    try:
        shipper.run(follow=False)
    finally:
        assert_balanced(shipper.tally)
    return Run(shipper.tally, messages)


def assert_balanced(tally):
    assert tally.read == tally.created + tally.already + tally.dead


def figures(run):
    tally = run.tally
    return tally.read, tally.created, tally.already, tally.dead


def dead_letters(folder, name="ship"):
    path = folder / "deadletter" / f"{name}.ndjson"
    return [orjson.loads(text) for text in path.read_bytes().splitlines()] if path.exists() else []


def ids(client, prefix):
    """Return the ids of all documents of a test, sorted."""
    client.indices.refresh(index=f"{prefix}-*")
    result, after = [], None
    while True:
        page = client.search(
            index=f"{prefix}-*",
            size=10_000,
            sort=[{"event.id": "asc"}],
            source=False,
            search_after=after,
        )["hits"]["hits"]
        if not page:
            return result
        result += [hit["_id"] for hit in page]
        after = page[-1]["sort"]


def source(server, index, event_id):
    """Return a document's bytes as they are stored."""
    with urlopen(f"{server.url}/{index}/_source/{event_id}") as answer:  # noqa: S310 - http, of a test's server
        return answer.read()
