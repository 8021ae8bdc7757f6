"""Goal: nothing that was acknowledged is lost by what befalls an owner, and meanwhile no more is missing than may be.

The whole campaign is a command, tests/cluster/run; here a short one. PLAYHEAD_SEED replays its choices.
"""

import os
import random
import time

import pytest

from cluster.campaign import Campaign
from cluster.check import stale_ones
from cluster.faults import FAULTS
from cluster.ledger import brisk, now_ms
from harness import eventually, fresh, report
from harness.cluster import slots_by_owner
from harness.cut import WAYS, Cut
from oracle.fold import text_of

KILLS = 2
UNSTORED = "Playhead-Unstored"
GIVEN_S = 2.5  # parts are given to their owners each second
CUT_ACCOUNTS = 24  # so many that each node owns some


@pytest.fixture(scope="module")
def campaign(cluster):
    seed = int(os.environ.get("PLAYHEAD_SEED", random.SystemRandom().randrange(1_000_000)))
    print(f"seed {seed}")
    return Campaign(cluster, seed, brisk(), say=print)


def run(campaign, name):
    outcome = campaign.run(FAULTS[name])
    print(outcome.line())
    assert not outcome.faults, "\n".join(outcome.faults[:40])
    return outcome


def test_nothing_acknowledged_is_lost_by_kill_9_of_an_owner(campaign):
    outcomes = [run(campaign, "kill") for _ in range(KILLS)]
    # The faults must really have happened, or this shows nothing.
    assert all(outcome.failed_tries and outcome.reports and outcome.away.views for outcome in outcomes)
    assert sum(outcome.away.stale for outcome in outcomes) > 0, "a killed owner's accounts were in doubt"
    assert sum(outcome.away.behind for outcome in outcomes) > 0, "some heartbeats were in its journal alone"
    owned = slots_by_owner(campaign.cluster.nodes[0].look())
    assert len(owned) > 1, "who came back gets slots again, or the others keep them"


def told_of(accounts):
    return {account: report(account, view="v", playhead_ms=1_000 + number) for number, account in enumerate(accounts)}


def wait_answered(cluster, told, perhaps_stale=False):
    """Until all nodes answer what was told, and say that it is not stale."""
    def is_with_all(account, said):
        answers = [one.request("GET", f"/v1/accounts/{account}/views/v") for one in cluster.nodes]
        return all(answer.status == 200 and (perhaps_stale or not answer.json()["stale"])
                   and answer.json()["playhead_ms"] == said["playhead_ms"] for answer in answers)

    for account, said in told.items():
        eventually(lambda: is_with_all(account, said), f"all nodes answer what was told of {account}")


@pytest.fixture
def told():
    return told_of([fresh("cut") for _ in range(CUT_ACCOUNTS)])


@pytest.mark.parametrize("way", WAYS)
def test_what_a_node_takes_while_it_is_cut_off_from_its_peers_gets_to_the_owners(cluster, told, way):
    node = cluster.nodes[1]
    with Cut(cluster, node, way, ("peers",)) as cut:
        answer = node.post_reports(list(told.values()))
        assert answer.status == 204, answer
    assert cut.dropped > 0, "some of them are others'"
    wait_answered(cluster, told)


@pytest.mark.parametrize("way", WAYS)
def test_a_node_that_is_cut_off_from_cassandra_gives_what_it_takes_to_the_others(cluster, told, way):
    node, *others = cluster.nodes
    with Cut(cluster, node, way, ("cassandra",)):
        eventually(lambda: all(node.name not in slots_by_owner(other.look()) for other in others),
                   "the others own its slots, and know it")
        # Who does not route by that yet would ask it, and it says stale.
        eventually(lambda: not any(stale_ones([other], list(told)) for other in others), "the others answer for them")
        answer = node.post_reports(list(told.values()))
        assert answer.status == 204 and answer.header(UNSTORED) is None, answer
        for account, said in told.items():
            read = node.request("GET", f"/v1/accounts/{account}/views/v")
            assert read.status == 200 and read.json()["playhead_ms"] == said["playhead_ms"], read
    wait_answered(cluster, told)


def test_what_one_journal_alone_has_is_acknowledged_so(cluster, told):
    numbers = range(1, cluster.ring.count + 1)
    for number in numbers:
        cluster.ring.pause(number)
    try:
        answer = cluster.nodes[0].post_reports(list(told.values()))
    finally:
        for number in numbers:
            cluster.ring.resume(number)
    assert answer.status == 204 and answer.header(UNSTORED) == "true", answer
    wait_answered(cluster, told)
    said = next(iter(told.values())) | {"state": "paused", "at": text_of(now_ms())}
    eventually(lambda: cluster.nodes[0].post_reports([said]).header(UNSTORED) is None, "the store is back")


def test_a_node_that_stopped_in_order_does_not_read_its_journal_again(cluster, told):
    node = cluster.nodes[2]
    assert all(one.post_reports(list(told.values())).status == 204 for one in cluster.nodes)
    assert node.stop() == 0
    node.launch()
    node.wait_ready()
    assert node.metric("playhead_journal_bytes") > 0, "the store has not settled"
    wait_answered(cluster, told, perhaps_stale=True)  # until their players report
    time.sleep(GIVEN_S)
    assert node.metric("playhead_inbox_rows_total") == 0, "what it read it would have given to their owners"
