"""The client of a cluster, and messages on why a cluster cannot be reached or refuses."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from elastic_transport import TlsError
from elasticsearch import ApiError, Elasticsearch, TransportError, UnsupportedProductError
from elasticsearch.exceptions import ConnectionTimeout

from elkmon.events.cluster_settings import Access
from elkmon.events.errors import ConfigError, StoreError
from elkmon.stores.elastic.http_node import Node
from elkmon.stores.elastic.serializer import Serializer

__all__ = ["UNKNOWN", "connect", "problem", "reason_of", "store_errors"]

UNKNOWN = (
    "it asks for credentials, or does not take these: set ELKMON_API_KEY, or ELKMON_USERNAME and "
    "ELKMON_PASSWORD"
)
"""The message for status 401, from a cluster or from Kibana in front of it."""

_SECURITY = "security_exception"
_QUIET = logging.NullHandler()
"""Errors are raised with a message; the client is not to log them as well."""


def connect(url: str, access: Access) -> Elasticsearch:
    """Return a client; it has not sent any request yet.

    The client repeats no request by itself: only the caller knows what may be repeated.

    Args:
        url: such as ``https://es:9200``, with a path if a proxy needs one.
        access: credentials, certificates and timeout.

    Raises:
        ConfigError: the address cannot be used, or holds a password.
    """
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise ConfigError(f"{url} is no address: {error}") from error
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            "an address must not hold a password, which others would see in the list of processes: "
            "use ELKMON_API_KEY, or ELKMON_USERNAME and ELKMON_PASSWORD (each also as …_FILE)"
        )
    if not parts.hostname or parts.query or parts.fragment:
        raise ConfigError(f"{url} is no address such as https://es:9200")
    logging.getLogger("elastic_transport").addHandler(_QUIET)
    secure = parts.scheme == "https"
    tls: dict[str, object] = {}
    if secure and access.fingerprint is not None:
        tls = {"ssl_assert_fingerprint": access.fingerprint, "verify_certs": access.verify}
    elif secure:
        tls = {"verify_certs": access.verify, "ssl_show_warn": False}
        if access.ca_file is not None:
            tls["ca_certs"] = str(access.ca_file)
    auth: dict[str, object] = {}
    if access.api_key is not None:
        auth["api_key"] = access.api_key
    elif access.username is not None and access.password is not None:
        auth["basic_auth"] = (access.username, access.password)
    return Elasticsearch(
        [f"{parts.scheme}://{_host(parts.hostname)}:{port}{parts.path.rstrip('/')}"],
        request_timeout=access.timeout,
        max_retries=0,
        retry_on_timeout=False,
        http_compress=True,
        node_class=Node,
        serializers={Serializer.mimetype: Serializer()},
        connections_per_node=10,
        **auth,  # type: ignore[arg-type]  # each of its own type, as the client takes it
        **tls,  # type: ignore[arg-type]  # likewise
    )


def _host(name: str) -> str:
    return f"[{name}]" if ":" in name else name


@contextmanager
def store_errors(url: str, doing: str) -> Iterator[None]:
    """Turn what the client raises within a block into a StoreError that says what to do.

    Args:
        url: of the cluster.
        doing: what was tried, such as ``ask for predictions``.

    Raises:
        StoreError: the cluster cannot be reached, or refuses.
    """
    try:
        yield
    except (ApiError, TransportError, UnsupportedProductError) as error:
        raise StoreError(problem(error, url, doing)) from error


def problem(error: Exception, url: str, doing: str) -> str:
    """Return the message of an error: what went wrong, where, and what to do."""
    failed = f"{url}: cannot {doing}"
    if isinstance(error, UnsupportedProductError):
        return f"{url} is not Elasticsearch 8.10 or later: is it another product, or a proxy?"
    if isinstance(error, TlsError) and "WRONG_VERSION" in _innermost(error):
        return f"{failed}: it does not speak TLS: is it http://, is the port right?"
    if isinstance(error, TlsError):
        return (
            f"{failed}: its certificate is not trusted ({_innermost(error)}): name its authority "
            "in ELKMON_CA_FILE, or its fingerprint in ELKMON_CA_FINGERPRINT"
        )
    if isinstance(error, ConnectionTimeout):
        return f"{failed}: no answer in time; is it busy? ELKMON_TIMEOUT gives it longer"
    if isinstance(error, TransportError):
        cause = _innermost(error)
        https = ", is it https://" if url.startswith("http:") and "closed" in cause else ""
        return f"{failed}: it cannot be reached ({cause}); is it running, is the port right{https}?"
    assert isinstance(error, ApiError)  # noqa: S101 - the three kinds that a client raises
    return f"{failed}: {_refused(error)}"


def _refused(error: ApiError) -> str:
    status = error.meta.status
    kind, reason = reason_of(error)
    if status == 401:  # noqa: PLR2004 - HTTP's
        return UNKNOWN
    if status == 403 and kind == _SECURITY:  # noqa: PLR2004
        return f"these credentials may not: {reason}; see elkmon setup --api-keys"
    if kind == "index_not_found_exception":
        return f"{reason}: run elkmon setup, then elkmon ship"
    if status == 429:  # noqa: PLR2004
        return f"it is too busy ({reason}): try again later"
    if "Fielddata is disabled" in reason:
        return f"an index was made without elkmon's templates ({reason[:80]}…): see elkmon doctor"
    return f"it answers {status} {kind}: {reason}"


def reason_of(error: ApiError) -> tuple[str, str]:
    """Return the type and the reason of a refusal, those of its root cause if there is one."""
    body = error.body if isinstance(error.body, dict) else {}
    refusal = body.get("error")
    if not body:
        return "in another way than Elasticsearch", "is it another product, or a proxy?"
    if not isinstance(refusal, dict):
        return "error", str(refusal or error.message or error)
    causes = refusal.get("root_cause") or [refusal]
    cause = causes[0] if isinstance(causes[0], dict) else refusal
    return str(cause.get("type", "error")), str(cause.get("reason", cause))


def _innermost(error: TransportError) -> str:
    """Return the innermost of the causes that urllib3 nests."""
    text = str(error.errors[0] if error.errors else error.message)
    text = re.sub(r" \(_ssl\.c:\d+\)", "", text)
    cause = re.split(r": |\('", text)[-1]
    while cause.endswith(("'", '"')) or cause.count(")") > cause.count("("):
        cause = cause[:-1]
    return cause or type(error).__name__
