"""Goal: nothing that was acknowledged is lost by what befalls an owner, and meanwhile no more is missing than may be.

The whole campaign is a command, tests/cluster/run; here a short one. PLAYHEAD_SEED replays its choices.
"""

import os
import random

import pytest

from cluster.campaign import Campaign
from cluster.faults import FAULTS
from cluster.ledger import brisk
from harness.cluster import slots_by_owner

KILLS = 2


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


def test_nothing_is_lost_by_a_node_that_its_peers_hear_no_more(campaign):
    outcome = run(campaign, "cut")
    assert "mute towards peers" in outcome.detail and outcome.read > 0
