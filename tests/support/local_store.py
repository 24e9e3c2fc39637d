"""What the tests of the local store share."""

import pytest

import elkmon
from elkmon.stores.local.store import LocalStore
from tests.support.event_folders import KINDS, variants


@pytest.fixture(params=KINDS)
def kind(request):
    """Keep events in each of the ways that a folder has."""
    return request.param


@pytest.fixture
def kept(tmp_path, kind):
    """Give a function that keeps events in a folder; the question must not see in which way."""
    return lambda *made: variants(tmp_path / "store", kind, *made)


@pytest.fixture
def opened(tmp_path):
    """Open the store of this test."""
    store = LocalStore(tmp_path / "store")
    yield store
    store.close()


@pytest.fixture
def folder(tmp_path):
    """Give a folder that does not exist yet."""
    return tmp_path / "store"


@pytest.fixture
def spool(folder):
    """Log to the store of this test, through the public API."""
    elkmon.configure(spool=folder, service="shop", environment="test", strict=True)
    return folder
