"""Provide Elasticsearch servers, a prefix of indices for each test, and clients."""

import uuid
from contextlib import suppress

import pytest
from elasticsearch import Elasticsearch, NotFoundError

from elkmon.cluster.asset_requests import put, remove
from elkmon.cluster.templates import Layout, assets
from tests.support import elasticsearch_servers as servers

KINDS = tuple(servers.VERSIONS)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if "server" in _needs(item):
            item.add_marker(pytest.mark.elasticsearch)


def _needs(item):
    return {name.split("_")[0] for name in getattr(item, "fixturenames", ())}


@pytest.fixture(scope="session", params=KINDS)
def server(request):
    """A server of each version, without security."""
    return servers.start(request.param)


@pytest.fixture(scope="session")
def server_new():
    """A server of the newest version, without security."""
    return servers.start(KINDS[-1])


@pytest.fixture(scope="session", params=KINDS)
def server_secured(request):
    """A server of each version, with security and TLS."""
    return servers.start(request.param, secured=True)


@pytest.fixture
def prefix(monkeypatch):
    """A prefix of indices for this test, so that tests can share a server."""
    name = f"t{uuid.uuid4().hex[:12]}"
    monkeypatch.setenv("ELKMON_INDEX_PREFIX", name)
    return name


@pytest.fixture
def looking(prefix):
    """A function that returns a client of a server; the test's indices are removed afterwards."""
    clients = []

    def connect(server):
        clients.append(client_of(server))
        return clients[-1]

    yield connect
    for client in clients:
        clear(client, prefix)
        client.close()


@pytest.fixture
def installed(prefix, looking):
    """A function that installs this test's templates on a server and returns a client."""

    def install(server, **layout):
        client = looking(server)
        for asset in assets(prefix, Layout(**{"replicas": 0, **layout}), lifecycle=False):
            put(client, asset)
        return client

    return install


def clear(client, prefix):
    """Remove a test's indices and templates from a server."""
    names = list(client.indices.get(index=f"{prefix}-*", expand_wildcards="all"))
    if names:
        client.indices.delete(index=names)
    for asset in reversed(assets(prefix, Layout(), lifecycle=False)):
        with suppress(NotFoundError):
            remove(client, asset.kind, asset.name)


def client_of(server, **options):
    """Return a plain client of a server."""
    if server.ca is not None:
        options = {
            "ca_certs": server.ca,
            "basic_auth": ("elastic", servers.PASSWORD),
            **options,
        }
    return Elasticsearch(server.url, **{"request_timeout": 60, **options})
