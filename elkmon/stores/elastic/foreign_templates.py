"""Other people's index templates that take elkmon's indices for themselves."""

from __future__ import annotations

from functools import cache

from elasticsearch import Elasticsearch

from elkmon.events.fields import DATASETS
from elkmon.stores.elastic.indices import PRIORITY, pattern, short

__all__ = ["ADVICE", "rivals"]

ADVICE = (
    f"give them a priority below {PRIORITY}, or patterns that leave elkmon's indices out; or "
    "choose another ELKMON_INDEX_PREFIX"
)
"""What is to be done about them."""


def rivals(client: Elasticsearch, prefix: str) -> list[str]:
    """Name the templates that win over elkmon's, or draw with them; lower ones are harmless.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    own = {f"{prefix}-{short(dataset)}" for dataset in DATASETS}
    patterns = pattern(prefix).split(",")
    return [
        f"{each['name']} (priority {priority}, {', '.join(theirs)})"
        for each in client.indices.get_index_template()["index_templates"]
        for theirs in [each["index_template"]["index_patterns"]]
        for priority in [each["index_template"].get("priority") or 0]
        if each["name"] not in own
        and priority >= PRIORITY
        and any(_meet(one, other) for one in theirs for other in patterns)
    ]


@cache
def _meet(one: str, other: str) -> bool:
    """Say whether some name fits both patterns."""
    if one[:1] == "*":
        return _meet(one[1:], other) or (other != "" and _meet(one, other[1:]))
    if other[:1] == "*":
        return _meet(other, one)
    return one[:1] == other[:1] and (one == "" or _meet(one[1:], other[1:]))
