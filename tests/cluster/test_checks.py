"""Goal: what a campaign says of a cluster can be trusted, for its checks find what is wrong.

Method: the same load, readers and checks over one server by itself, with which nothing is wrong; then over ledgers
that say a little more than was told to it.
"""

import copy
import random

import pytest

from cluster.campaign import Campaign
from cluster.check import lost, stale_ones, while_away
from cluster.ledger import Sent, brisk, now_ms
from harness import Server, eventually
from harness.cluster import cluster_binary, slots_by_owner
from oracle.fold import text_of

SCALE = brisk(rate=1_000)
INTERVAL_MS = SCALE.checkpoint_interval_ms


class Alone:
    """A server by itself, as campaigns see a cluster."""

    def __init__(self, server):
        server.name, server.is_up = "local", True
        server.look = lambda: server.get("/v1/cluster")
        self.nodes = self.up = [server]

    def is_owned(self):
        return slots_by_owner(self.nodes[0].look()) == {"local": 4096}

    def wait_owned(self):
        assert self.is_owned()


def nothing_happens(campaign, outcome):
    """nothing: really."""
    eventually(lambda: campaign.load.figures.reports > 500, "a load")
    campaign.wait_owned(outcome)


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("alone"), SCALE.config(), program=cluster_binary())
    yield Campaign(Alone(server), random.SystemRandom().randrange(1_000_000), SCALE)
    server.close()


@pytest.fixture
def view(campaign):
    """One that goes on, of an account that is compared as little as can be."""
    return copy.copy(next(view for view in campaign.ledger.views.values()
                          if not view.is_over and view.sent[-1].sequence > 2 and view.account not in campaign.folds.folds))


def follow(view, state, ago_ms):
    """Adds a report that was acknowledged, as the ledger says, and never sent."""
    last = view.sent[-1]
    said = Sent(view, last.at + 1, state, last.playhead_ms, last.watched_ms, 99, now_ms() - ago_ms)
    view.sent = [*view.sent, said]


def test_nothing_is_wrong_with_a_server_by_itself(campaign):
    outcome = campaign.run(nothing_happens)
    assert outcome.faults == []
    assert outcome.reports > 500 and outcome.checked > 100 and outcome.read > 20 and outcome.too_old == 0
    assert stale_ones(campaign.cluster.nodes, campaign.load.accounts) == []
    again = campaign.run(nothing_happens)
    assert again.faults == [], "what was forgotten between two faults is not missed"


def test_a_lost_report_is_found(campaign, view):
    assert lost(campaign.cluster.nodes, [view]) == []
    follow(view, "playing", ago_ms=0)
    [fault] = lost(campaign.cluster.nodes, [view])
    assert fault.startswith("LOST") and view.name in fault


def test_a_lost_view_is_found(campaign, view, monkeypatch):
    view.name = "nobody-told"
    monkeypatch.setattr("cluster.check.AWAY_PAUSE_S", 0.01)
    [fault] = lost(campaign.cluster.nodes, [view])
    assert fault.startswith("LOST") and "404" in fault
    assert while_away(campaign.cluster.nodes, [view], now_ms(), INTERVAL_MS).faults != []


def test_a_fresh_answer_that_lacks_something_is_found(campaign, view):
    follow(view, "playing", ago_ms=10)
    found = while_away(campaign.cluster.nodes, [view], now_ms(), INTERVAL_MS)
    assert len(found.faults) == found.false_words == 1 and "stale False" in found.faults[0], found.faults


@pytest.mark.parametrize("state, ago_ms, wrong", [
    ("playing", 10, False),  # a heartbeat since the checkpoint
    ("playing", 3 * INTERVAL_MS, True),
    ("paused", 10, True),
    ("stopped", 10, True),
])
def test_only_young_heartbeats_may_be_missing_while_an_owner_is_away(campaign, view, monkeypatch, state, ago_ms, wrong):
    def stale(node, paths):
        from cluster.look import ask_all
        return ((status, body | {"stale": True}) for status, body in ask_all(node, paths))

    monkeypatch.setattr("cluster.check.ask_all", stale)
    monkeypatch.setattr("cluster.check.AWAY_PAUSE_S", 0.01)
    follow(view, state, ago_ms)
    found = while_away(campaign.cluster.nodes, [view], now_ms(), INTERVAL_MS)
    assert (found.behind == 0) == wrong and bool(found.faults) == wrong, found.faults


def test_an_answer_that_differs_from_the_fold_is_found(campaign):
    account, fold = next(iter(campaign.folds.folds.items()))
    name, view = next((name, view) for name, view in fold.views.items() if view.told)
    first = campaign.ledger.views[account, name].sent[0].report
    stranger = first | {"state": "paused", "sequence": 98, "at": text_of(view.told[-1].at + 1)}
    assert fold.report(stranger, now_ms()) is None
    faults = campaign.folds.differences(campaign.cluster.nodes[0], now_ms())
    assert any(name in line for line in faults), faults


def test_readers_find_a_fresh_answer_that_is_too_old(campaign, view):
    readers = campaign.readers  # of the run before; not asking any more
    count = len(readers.faults)
    follow(view, "paused", ago_ms=1_000)
    readers._look(view)
    assert readers.too_old == 1 and len(readers.faults) == count + 1
