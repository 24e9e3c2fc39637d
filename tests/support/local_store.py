"""Provide folders of events in all forms to the tests of the local store."""

import pytest

import elkmon
from elkmon.stores.local.store import LocalStore
from tests.support.event_folders import KINDS, variants


@pytest.fixture(params=KINDS)
def kind(request):
    """Each form in which a folder can hold events."""
    return request.param


@pytest.fixture
def kept(tmp_path, kind):
    """A function that writes events to a folder in one form; answers must not depend on it."""
    return lambda *events: variants(tmp_path / "store", kind, *events)


@pytest.fixture
def opened(tmp_path):
    """The store of this test, opened."""
    store = LocalStore(tmp_path / "store")
    yield store
    store.close()


@pytest.fixture
def folder(tmp_path):
    """A folder that does not exist yet."""
    return tmp_path / "store"


@pytest.fixture
def spool(folder):
    """The folder that this test's logger writes to, through the public API."""
    elkmon.configure(spool=folder, service="shop", environment="test", strict=True)
    return folder
