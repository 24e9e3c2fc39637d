"""The fixture of the tests of the join: a cluster without events, and its clock."""

import pytest

from tests.support.label_joins import Cluster


@pytest.fixture
def cluster(installed, prefix, server):
    return Cluster(installed(server), prefix)
