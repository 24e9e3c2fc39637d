"""Write ``kibana/elkmon.ndjson`` for the default prefix: ``python -m elkmon.kibana``."""

from __future__ import annotations

from pathlib import Path

import orjson

from elkmon.events.cluster_settings import Access
from elkmon.kibana.saved_objects import saved_objects

FILE = Path(__file__).parents[2] / "kibana" / "elkmon.ndjson"


def ndjson() -> bytes:
    """Return the content of the file that Kibana imports: one line per saved object."""
    return b"".join(orjson.dumps(item) + b"\n" for item in saved_objects(Access().prefix))


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_bytes(ndjson())
