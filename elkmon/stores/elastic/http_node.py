"""The client's connection to one server, with faster compression of requests."""

from __future__ import annotations

import gzip

from elastic_transport import HttpHeaders, NodeConfig, Urllib3HttpNode
from elastic_transport._node import NodeApiResponse
from elastic_transport.client_utils import DEFAULT, DefaultType

__all__ = ["Node"]

_QUICKEST = 1
"""The client uses 9: events shrink to 15 % instead of 19 % of their size, in six times the time."""


class Node(Urllib3HttpNode):
    """Compress the bodies of requests at zlib's quickest level."""

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self._compresses = bool(config.http_compress)
        self._http_compress = False  # else the base class would compress again

    def perform_request(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: HttpHeaders | None = None,
        request_timeout: DefaultType | float | None = DEFAULT,
    ) -> NodeApiResponse:
        """Send a request and return its answer."""
        if body and self._compresses:
            body = gzip.compress(body, _QUICKEST)
            headers = HttpHeaders(headers or {})
            headers["content-encoding"] = "gzip"
        return super().perform_request(method, target, body, headers, request_timeout)
