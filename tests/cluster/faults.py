"""What is done to a cluster in a campaign, and undone. The first words of each say what the table calls it."""

import itertools
import time

from cluster.ledger import now_ms
from harness.cluster import SLOTS, slots_by_owner
from harness.cut import WAYS, Cut
from harness.server import PAUSE_S
from oracle.fold import text_of

AWAY_S = 3.0  # of load once the slots are owned again, before an owner comes back
CALM_S_MAX = 5.0  # of a report, while the store is away and all nodes are there
CUT_S = 10.0  # at least; the longest lease is over by then
SIDES = (("peers",), ("cassandra",), ("cassandra", "peers"))
CUTS = tuple(itertools.product(SIDES, WAYS))


def kill_of_an_owner(campaign, outcome):
    """kill -9 of an owner: back once the others own all slots and have been asked what they know."""
    victim = campaign.draw.choice(campaign.cluster.nodes)
    outcome.detail = victim.name
    gone_ms = now_ms()
    victim.kill()
    campaign.silence_some()
    campaign.wait_owned(outcome)
    campaign.keep_on(AWAY_S)
    campaign.look_while_away(outcome, gone_ms)
    victim.launch()
    victim.wait_ready()


def pause_of_an_owner(campaign, outcome):
    """an owner paused for 2 to 15 s: SIGSTOP."""
    victim = campaign.draw.choice(campaign.cluster.nodes)
    seconds = campaign.draw.uniform(2.0, 15.0)
    outcome.detail = f"{victim.name} for {seconds:.1f} s"
    gone_ms = now_ms()
    victim.pause()
    try:
        campaign.silence_some()
        while campaign.since_fault() < seconds:
            if outcome.owned_s is None and campaign.cluster.is_owned():
                outcome.owned_s = campaign.since_fault()
            time.sleep(PAUSE_S)
        if outcome.owned_s is not None and outcome.owned_s < seconds - AWAY_S:
            campaign.look_while_away(outcome, gone_ms)
    finally:
        victim.resume()
    if outcome.owned_s is None:
        campaign.wait_owned(outcome)


def cut_off_on_one_side(campaign, outcome):
    """an owner cut off on one side: from Cassandra, from its peers, or from both; it is heard no more, or hears no more.

    Players and readers go on asking it. In turns, so that six rounds do all of it.
    """
    sides, way = CUTS[(campaign.round - 1) % len(CUTS)]
    victim = campaign.draw.choice(campaign.cluster.nodes)
    gone_ms = now_ms()
    outcome.detail = f"{victim.name} {way} towards {' and '.join(sides)} at {text_of(gone_ms)[11:]}"
    loses_its_slots = "cassandra" in sides
    with Cut(campaign.cluster, victim, way, sides) as cut:
        campaign.silence_some()
        if loses_its_slots:
            campaign.wait_owned(outcome)
        campaign.keep_on(max(AWAY_S, CUT_S - campaign.since_fault()))
        if loses_its_slots:
            campaign.look_while_away(outcome, gone_ms)
    if cut.dropped == 0:
        outcome.faults.append("nothing was cut off: no packet met the rules")
    if not loses_its_slots:
        campaign.is_over()
        campaign.wait_owned(outcome)


def kill_of_a_cassandra_node(campaign, outcome):
    """a Cassandra node killed, back after 15 s: nobody notices."""
    outcome.seconds_max, outcome.tries_max = CALM_S_MAX, 1
    number = campaign.draw.randrange(campaign.cluster.ring.count) + 1
    outcome.detail = f"number {number}"
    campaign.cluster.ring.kill(number)
    campaign.keep_on(15.0)
    campaign.cluster.ring.start(number)
    campaign.is_over()
    campaign.wait_owned(outcome)


def cassandra_away(campaign, outcome):
    """all of Cassandra away for 60 s: SIGKILL, and started again. Reports are taken throughout."""
    outcome.seconds_max = CALM_S_MAX
    campaign.cluster.ring.kill()
    campaign.keep_on(60.0)
    campaign.cluster.ring.start()
    campaign.is_over()
    campaign.wait_owned(outcome)


def rolling_restart(campaign, outcome):
    """rolling restart: SIGTERM to one node after the other, each back before the next goes. It may cost one more try."""
    outcome.seconds_max, outcome.tries_max = 1.0, 2
    for node in campaign.cluster.nodes:
        code = node.stop()
        if code != 0:
            outcome.faults.append(f"{node.name} ended with {code} at SIGTERM:\n{node.log_text()[-1500:]}")
        node.launch()
        node.wait_ready()
        campaign.is_over()
        campaign.wait_owned(outcome)


def _without_cache(campaign, outcome, take, give_back):
    """Ten seconds, which may cost time, and nothing else."""
    outcome.seconds_max, outcome.tries_max = CALM_S_MAX, 1
    take()
    try:
        campaign.keep_on(10.0)
    finally:
        give_back()
    campaign.is_over()
    campaign.wait_owned(outcome)


def cache_killed(campaign, outcome):
    """the cache killed, back after 10 s: it costs time, and nothing else."""
    _without_cache(campaign, outcome, campaign.cluster.cache.kill, campaign.cluster.cache.start)


def cache_frozen(campaign, outcome):
    """the cache frozen for 10 s: SIGSTOP. It costs time, and nothing else."""
    _without_cache(campaign, outcome, campaign.cluster.cache.pause, campaign.cluster.cache.resume)


def cache_flushed(campaign, outcome):
    """the cache emptied, each second for 10 s: it costs time, and nothing else."""
    outcome.seconds_max, outcome.tries_max = CALM_S_MAX, 1
    for _ in range(10):
        campaign.cluster.cache.flush()
        campaign.keep_on(1.0)
    campaign.is_over()
    campaign.wait_owned(outcome)


FAULTS = {
    "kill": kill_of_an_owner,
    "pause": pause_of_an_owner,
    "cut": cut_off_on_one_side,
    "rolling": rolling_restart,
    "cassandra-node": kill_of_a_cassandra_node,
    "cassandra": cassandra_away,
    "cache-kill": cache_killed,
    "cache-freeze": cache_frozen,
    "cache-flush": cache_flushed,
}


def owners(cluster):
    """For a message: who owns how many, as the first node that runs says."""
    owned = slots_by_owner(cluster.up[0].look())
    return f"{', '.join(f'{name} {count}' for name, count in sorted(owned.items()))} of {SLOTS}"
