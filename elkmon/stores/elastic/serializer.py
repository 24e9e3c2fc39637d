"""Answers as the client reads them: those that hold no events are read quickly."""

from __future__ import annotations

from typing import Any

import orjson
from elasticsearch.serializer import CompatibilityModeJsonSerializer

__all__ = ["Serializer"]

_HITS, _NONE = b'"hits":[', b"]"


class Serializer(CompatibilityModeJsonSerializer):
    """Read what only has aggregations by orjson, which takes half the time of json.

    An event may hold integers of more than 64 bits, which orjson would round.
    """

    def json_loads(self, data: bytes) -> Any:  # noqa: ANN401 - any JSON
        """Read JSON."""
        place = data.find(_HITS)  # the first stands before all events
        if place >= 0 and data.startswith(_NONE, place + len(_HITS)):
            return orjson.loads(data)
        return super().json_loads(data)
