"""What Kibana, or something in its place, answers instead of what was asked for: in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson
from elastic_transport._node import NodeApiResponse

from elkmon.events.errors import ProvisionError
from elkmon.stores.elastic.connect import UNKNOWN

__all__ = ["RefusedError", "another", "refusal", "unready"]

_ANSWERS = "it answers {status}: {told}"
_ADVICE: Mapping[int, str] = MappingProxyType(
    {
        401: UNKNOWN,
        403: "these credentials may not ({told}): they need all privileges for Dashboard, "
        "Discover, Saved Objects and Tag Management, Stack Rules, Logs, Actions and Connectors in "
        "this space",
        409: "someone else is changing it at the same time ({told}): try again",
        413: "it takes no request of this size ({told}): raise "
        "savedObjects.maxImportPayloadBytes in kibana.yml, or the limit of the proxy in between",
        429: "it is too busy ({told}): try again later",
        503: "it is not ready ({told}): try again later",
    }
)


class RefusedError(ProvisionError):
    """Say what Kibana refused, with its HTTP status and its own words."""

    def __init__(self, said: str, status: int, told: str) -> None:
        super().__init__(said)
        self.status = status
        self.told = told


def refusal(answer: NodeApiResponse, failed: str) -> RefusedError:
    """Give the error for an answer.

    Args:
        answer: of a status that is no success.
        failed: what could not be done, and where.
    """
    status, told = answer.meta.status, _told(answer)
    advice = _ADVICE.get(status, _ANSWERS).format(status=status, told=told)
    return RefusedError(f"{failed}: {advice}", status, told)


def unready(answer: NodeApiResponse) -> str:
    """Say why Kibana is not ready."""
    status = _json(answer).get("status")
    if not isinstance(status, Mapping):
        return _told(answer)
    return str(status["overall"].get("summary") or "it starts, or waits for its Elasticsearch")


def another(answer: NodeApiResponse) -> str:
    """Say what answers in Kibana's place."""
    headers = answer.meta.headers
    if headers.get("x-elastic-product") == "Elasticsearch":
        return ": it is Elasticsearch; Kibana's own port is mostly 5601"
    if "location" in headers:
        return f": it sends to {headers['location']}; give the address with its whole path"
    return f": it answers {answer.meta.status}; is it a proxy, or does a base path lack?"


def _json(answer: NodeApiResponse) -> Mapping[str, Any]:
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, Mapping) else {}


def _told(answer: NodeApiResponse) -> str:
    """Give its own words, of a page those that are shown."""
    body, text = _json(answer), answer.body[:200].decode("utf-8", "replace")
    return str(body.get("message") or body.get("error") or re.sub(r"<.*?>|\s+", " ", text).strip())
