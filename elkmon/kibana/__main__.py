"""Write the saved objects of the usual prefix: ``python -m elkmon.kibana``."""

from __future__ import annotations

from pathlib import Path

import orjson

from elkmon.events.cluster_settings import Access
from elkmon.kibana.objects import saved_objects

FILE = Path(__file__).parents[2] / "kibana" / "elkmon.ndjson"


def written() -> bytes:
    """Give the file that Kibana imports: a line an object."""
    return b"".join(orjson.dumps(each) + b"\n" for each in saved_objects(Access().prefix))


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_bytes(written())
