"""Fixtures of the tests of shipping: a cluster that is set up, and a proxy before it."""

import pytest

from tests.support.bulk_proxy import Proxy


@pytest.fixture
def cluster(server_new, installed):
    return installed(server_new)


@pytest.fixture
def proxy(server_new):
    with Proxy(server_new.url) as proxy:
        yield proxy
