"""Index templates of others that apply to elkmon's indices."""

from __future__ import annotations

from functools import cache

from elasticsearch import Elasticsearch

from elkmon.events.datasets import DATASETS, short_name
from elkmon.stores.elastic.indices import PRIORITY, pattern

__all__ = ["ADVICE", "rivals"]

ADVICE = (
    f"give them a priority below {PRIORITY}, or patterns that leave elkmon's indices out; or "
    "choose another ELKMON_INDEX_PREFIX"
)
"""What to do about such templates."""


def rivals(client: Elasticsearch, prefix: str) -> list[str]:
    """Return the templates whose priority is at least that of elkmon's own.

    Raises:
        ApiError, TransportError: the cluster does not answer, or refuses.
    """
    own = {f"{prefix}-{short_name(dataset)}" for dataset in DATASETS}
    patterns = pattern(prefix).split(",")
    return [
        f"{template['name']} (priority {priority}, {', '.join(theirs)})"
        for template in client.indices.get_index_template()["index_templates"]
        for theirs in [template["index_template"]["index_patterns"]]
        for priority in [template["index_template"].get("priority") or 0]
        if template["name"] not in own
        and priority >= PRIORITY
        and any(_overlap(one, other) for one in theirs for other in patterns)
    ]


@cache
def _overlap(one: str, other: str) -> bool:
    """Return whether a name can match both patterns."""
    if one[:1] == "*":
        return _overlap(one[1:], other) or (other != "" and _overlap(one, other[1:]))
    if other[:1] == "*":
        return _overlap(other, one)
    return one[:1] == other[:1] and (one == "" or _overlap(one[1:], other[1:]))
