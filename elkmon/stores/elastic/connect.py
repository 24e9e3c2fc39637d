"""Reach a cluster, and say in words why it cannot be reached or does not answer."""

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
"""What a cluster, or Kibana before it, means by 401."""

_SECURITY = "security_exception"
_QUIET = logging.NullHandler()
"""What fails is raised, and said by us: the client need not print it, too."""


def connect(url: str, access: Access) -> Elasticsearch:
    """Make a client; nothing is asked yet.

    No request is tried again by the client itself: each caller knows what it may repeat.

    Args:
        url: such as ``https://es:9200``, a path included where a proxy wants one.
        access: credentials, certificates and patience.

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
    """Turn what the client raises into a StoreError that says what to do.

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
    """Say what went wrong, where, and what to do about it."""
    place = f"{url}: cannot {doing}"
    if isinstance(error, UnsupportedProductError):
        return f"{url} is not Elasticsearch 8.10 or later: is it another product, or a proxy?"
    if isinstance(error, TlsError) and "WRONG_VERSION" in _short(error):
        return f"{place}: it does not speak TLS: is it http://, is the port right?"
    if isinstance(error, TlsError):
        return (
            f"{place}: its certificate is not trusted ({_short(error)}): name its authority in "
            "ELKMON_CA_FILE, or its fingerprint in ELKMON_CA_FINGERPRINT"
        )
    if isinstance(error, ConnectionTimeout):
        return f"{place}: no answer in time; is it busy? ELKMON_TIMEOUT gives it longer"
    if isinstance(error, TransportError):
        told = _short(error)
        https = ", is it https://" if url.startswith("http:") and "closed" in told else ""
        return f"{place}: it cannot be reached ({told}); is it running, is the port right{https}?"
    assert isinstance(error, ApiError)  # noqa: S101 - the three kinds that a client raises
    return f"{place}: {_refused(error)}"


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
    """Give the kind of error and its text, of the cause that says most."""
    body = error.body if isinstance(error.body, dict) else {}
    told = body.get("error")
    if not body:
        return "in another way than Elasticsearch", "is it another product, or a proxy?"
    if not isinstance(told, dict):
        return "error", str(told or error.message or error)
    causes = told.get("root_cause") or [told]
    cause = causes[0] if isinstance(causes[0], dict) else told
    return str(cause.get("type", "error")), str(cause.get("reason", cause))


def _short(error: TransportError) -> str:
    """Give the innermost of the causes that urllib3 nests in one another."""
    text = str(error.errors[0] if error.errors else error.message)
    text = re.sub(r" \(_ssl\.c:\d+\)", "", text)
    told = re.split(r": |\('", text)[-1]
    while told.endswith(("'", '"')) or told.count(")") > told.count("("):
        told = told[:-1]
    return told or type(error).__name__
