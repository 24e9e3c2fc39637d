"""Turn an unexpected response, from Kibana or something in its place, into an error message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson
from elastic_transport._node import NodeApiResponse

from elkmon.events.errors import ProvisionError
from elkmon.stores.elastic.connect import UNKNOWN

__all__ = ["RefusedError", "not_kibana", "not_ready", "refusal"]

_OTHER_STATUS = "it answers {status}: {message}"
_ADVICE: Mapping[int, str] = MappingProxyType(
    {
        401: UNKNOWN,
        403: "these credentials may not ({message}): they need all privileges for Dashboard, "
        "Discover, Saved Objects and Tag Management, Stack Rules, Logs, Actions and Connectors in "
        "this space",
        409: "someone else is changing it at the same time ({message}): try again",
        413: "the request is too large ({message}): raise "
        "savedObjects.maxImportPayloadBytes in kibana.yml, or the limit of the proxy in between",
        429: "it is too busy ({message}): try again later",
        503: "it is not ready ({message}): try again later",
    }
)


class RefusedError(ProvisionError):
    """Kibana refused a request; the error has the HTTP status and Kibana's own message."""

    def __init__(self, text: str, status: int, message: str) -> None:
        super().__init__(text)
        self.status = status
        self.message = message


def refusal(response: NodeApiResponse, failed: str) -> RefusedError:
    """Return the error for a response.

    Args:
        response: a response without success.
        failed: what could not be done, and where.
    """
    status, message = response.meta.status, _message(response)
    advice = _ADVICE.get(status, _OTHER_STATUS).format(status=status, message=message)
    return RefusedError(f"{failed}: {advice}", status, message)


def not_ready(response: NodeApiResponse) -> str:
    """Return the reason why Kibana is not ready."""
    status = _json(response).get("status")
    if not isinstance(status, Mapping):
        return _message(response)
    return str(status["overall"].get("summary") or "it is starting, or waits for Elasticsearch")


def not_kibana(response: NodeApiResponse) -> str:
    """Return the end of a message about something that answers in Kibana's place."""
    headers = response.meta.headers
    if headers.get("x-elastic-product") == "Elasticsearch":
        return ": it is Elasticsearch; the port of Kibana is usually 5601"
    if "location" in headers:
        return f": it redirects to {headers['location']}; give the address with its whole path"
    return f": it answers {response.meta.status}; is it a proxy, or is a base path missing?"


def _json(response: NodeApiResponse) -> Mapping[str, Any]:
    try:
        body = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, Mapping) else {}


def _message(response: NodeApiResponse) -> str:
    """Return the message of a response; of an HTML page its visible text."""
    body, text = _json(response), response.body[:200].decode("utf-8", "replace")
    return str(body.get("message") or body.get("error") or re.sub(r"<.*?>|\s+", " ", text).strip())
