"""Goal: nodes read the newest history through the cache, and what it does costs time only.

Method: an account's history through every node, with the cache as it should be, emptied, killed and back. Each answer
is the same list of views, whatever it came from; counters say what it came from.
"""

import pytest

from harness import eventually, watch


def hits(cluster):
    return sum(node.metric("playhead_cache_hits_total") for node in cluster.nodes)


class History:
    """What has been watched of an account, each time through the next node."""

    def __init__(self, cluster, account):
        self.cluster, self.account = cluster, account
        self.views = []  # the newest first

    def watch(self):
        number = len(self.views)
        node = self.cluster.nodes[number % len(self.cluster.nodes)]
        self.views.insert(0, watch(node, self.account, f"film-{number}", since_s=3_000 - 100 * number, for_s=60))

    def check(self, limit=100):
        """All nodes tell of all of it."""
        for node in self.cluster.nodes:
            items = node.history(self.account, query=f"?limit={limit}")["items"]
            assert [item["id"] for item in items] == self.views[:limit], node.name

    def is_read_from_cache(self):
        before = hits(self.cluster)
        self.check()
        return hits(self.cluster) > before


@pytest.fixture
def history(cluster, account):
    yield History(cluster, account)
    if cluster.cache.process is None:
        cluster.cache.start()


def test_history_is_read_through_the_cache_and_kept_up_to_date_there(history):
    history.check()
    for _ in range(6):
        history.watch()
        history.check()
    eventually(history.is_read_from_cache, "a hit")
    history.check(limit=2)
    for _ in range(3):
        history.watch()
        history.check()
    eventually(history.is_read_from_cache, "a hit of what has changed since")


def test_a_cache_that_is_emptied_or_killed_costs_no_answer(history):
    cluster = history.cluster
    history.watch()
    eventually(history.is_read_from_cache, "a hit")
    cluster.cache.flush()
    history.check()
    history.watch()
    history.check()
    eventually(history.is_read_from_cache, "a hit after all was emptied")

    cluster.cache.kill()
    for _ in range(3):
        history.check()
        history.watch()
    before = hits(cluster)
    history.check()
    assert hits(cluster) == before, "nobody was there to be hit"
    cluster.cache.start()
    history.check()
    eventually(history.is_read_from_cache, "a hit after the cache came back")
    history.watch()
    history.check()


def test_a_frozen_cache_costs_time_only(history):
    history.watch()
    eventually(history.is_read_from_cache, "a hit")
    history.cluster.cache.pause()
    try:
        for _ in range(3):
            history.check()
            history.watch()
        history.check()
    finally:
        history.cluster.cache.resume()
    eventually(history.is_read_from_cache, "a hit after it went on")
    history.watch()
    history.check()


def test_what_was_erased_is_in_no_answer_from_the_cache(history):
    history.watch()
    eventually(history.is_read_from_cache, "a hit")
    answer = history.cluster.nodes[1].request("DELETE", f"/v1/accounts/{history.account}")
    assert answer.status == 200, answer
    history.views = []
    history.check()
    eventually(history.is_read_from_cache, "a hit that says that there is nothing")
