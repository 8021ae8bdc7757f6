"""Goal: nothing that was acknowledged is lost by kill -9 of an owner, and meanwhile no more is missing than may be.

The whole campaign is a command, tests/cluster/run; here a short one. PLAYHEAD_SEED replays its choices.
"""

import os
import random

from cluster.campaign import FAULTS, Campaign
from harness.cluster import slots_by_owner

KILLS = 2
RATE, BATCH = 300, 6


def test_nothing_acknowledged_is_lost_by_kill_9_of_an_owner(cluster):
    seed = int(os.environ.get("PLAYHEAD_SEED", random.SystemRandom().randrange(1_000_000)))
    print(f"seed {seed}")
    campaign = Campaign(cluster, seed, RATE, BATCH)
    outcomes = []
    for _ in range(KILLS):
        outcomes.append(campaign.run(FAULTS["kill"]))
        print(outcomes[-1].line())
        assert not outcomes[-1].faults, "\n".join(outcomes[-1].faults[:40])
    # The faults must really have happened, or this shows nothing.
    assert all(outcome.failed_tries and outcome.reports and outcome.away.views for outcome in outcomes)
    assert sum(outcome.away.stale for outcome in outcomes) > 0, "a killed owner's accounts were in doubt"
    assert sum(outcome.away.behind for outcome in outcomes) > 0, "some heartbeats were in its journal alone"
    assert len(slots_by_owner(cluster.nodes[0].look())) > 1, "who came back gets slots again, or the others keep them"
