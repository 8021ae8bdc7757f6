"""One cluster for all tests of this folder that do not start their own: three nodes before three of Cassandra."""

import pytest

from cluster.ledger import brisk
from harness.cluster import Cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    running = Cluster(tmp_path_factory.mktemp("cluster"), config=brisk().config(), say=print)
    running.start()
    yield running
    running.close()
