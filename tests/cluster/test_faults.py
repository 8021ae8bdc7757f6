"""Goal: nothing that was acknowledged is lost by what befalls an owner, and meanwhile no more is missing than may be.

The whole campaign is a command, tests/cluster/run; here a short one. PLAYHEAD_SEED replays its choices.
"""

import os
import random

import pytest

from cluster.campaign import Campaign
from cluster.faults import FAULTS
from cluster.ledger import brisk
from harness import eventually, fresh, report
from harness.cluster import slots_by_owner
from harness.cut import WAYS, Cut

KILLS = 2
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


@pytest.mark.parametrize("way", WAYS)
def test_what_a_node_takes_while_it_is_cut_off_from_its_peers_gets_to_the_owners(cluster, way):
    accounts = [fresh("cut") for _ in range(CUT_ACCOUNTS)]
    node = cluster.nodes[1]

    def is_with_all(account, said):
        answers = [one.request("GET", f"/v1/accounts/{account}/views/v") for one in cluster.nodes]
        return all(answer.status == 200 and not answer.json()["stale"]
                   and answer.json()["playhead_ms"] == said["playhead_ms"] for answer in answers)

    with Cut(cluster, node, way, ("peers",)) as cut:
        told = {account: report(account, view="v", playhead_ms=1_000 + number)
                for number, account in enumerate(accounts)}
        answer = node.post_reports(list(told.values()))
        assert answer.status == 204, answer
    assert cut.dropped > 0, "some of them are others'"
    for account, said in told.items():
        eventually(lambda: is_with_all(account, said), f"all nodes answer what was told of {account}")
