"""A cluster under load, and one fault after the other on it.

After each fault everything that was acknowledged is asked for, through every node: the place of each view, and all
answers about some accounts, which an independent fold must give as well. While an owner is away a part of the players
is silent, so that what they have told can only come from what the owner left behind.
"""

import dataclasses
import random
import statistics
import time

from cluster.check import Away, Folds, lost, places_missing, stale_ones, while_away
from cluster.ledger import CONFIG, Ledger, now_ms
from cluster.load import Load
from cluster.look import Readers
from harness.cluster import SLOTS, slots_by_owner
from harness.server import PAUSE_S, eventually

SILENT_PART = 3  # one account of so many says nothing while an owner is away
WARM_S = (6.0, 9.0)  # of load before a fault: more than a checkpoint's interval
AWAY_S = 3.0  # of load once the slots are owned again, before an owner comes back
OWNED_TRIES = 1_200  # a minute
DRAINED_S_MAX = 30.0  # after a fault is over
CALM_S_MAX = 5.0  # of a body, while the store is away and all nodes are there
WAIT_S_MAX = 60.0  # for the cluster to drain and to settle; each look asks for all that is waited for
SAMPLED = 30  # accounts that are compared whole


def _time_until(look):
    """Seconds until it is true; None if that takes more than WAIT_S_MAX."""
    began = time.monotonic()
    while not look():
        if time.monotonic() - began > WAIT_S_MAX:
            return None
        time.sleep(PAUSE_S)
    return time.monotonic() - began


@dataclasses.dataclass
class Outcome:
    """Of one fault."""

    fault: str
    detail: str = ""
    # From the fault until nodes that run own all slots, and until no reader was refused any more either. Of a ring's
    # faults and a rolling restart: from their end.
    owned_s: float | None = None
    answering_s: float | None = None
    stale_s: float = 0.0  # until no answer said stale, for the longest of the accounts that were looked at
    stale_median_s: float = 0.0
    drained_s: float | None = None  # from the fault's end until nothing that was acknowledged is missing
    settled_s: float | None = None  # from then, and all report again, until nothing is stale at any node
    reports: int = 0
    failed_tries: dict = dataclasses.field(default_factory=dict)
    refusals: dict = dataclasses.field(default_factory=dict)  # what answers to failed tries said
    tries_most: int = 0
    acknowledged_s: float = 0.0  # the longest that a body took, with all its tries
    tries_max: int | None = None  # what the fault may cost a body; else any number
    seconds_max: float | None = None
    gap_s: float = 0.0  # the longest in which nothing was acknowledged
    away: Away = dataclasses.field(default_factory=Away)
    read: int = 0
    too_old: int = 0
    checked: int = 0  # views, in the end
    stale_left: int = 0  # accounts then: their slots moved after their players fell silent, for the check
    faults: list = dataclasses.field(default_factory=list)

    def line(self):
        def seconds(value):
            return "-" if value is None else f"{value:.1f} s"
        failed = ", ".join(f"{count} {met}" for met, count in sorted(self.failed_tries.items())) or "none"
        return (f"{self.fault} {self.detail}: owned {seconds(self.owned_s)}, answering {seconds(self.answering_s)}, "
                f"stale until {seconds(self.stale_s)}, drained {seconds(self.drained_s)}, settled "
                f"{seconds(self.settled_s)}; {self.reports} reports, failed tries: {failed}; {self.away.views} views "
                f"looked at while away, {self.away.behind} behind, by at most {self.away.behind_longest_ms} ms; "
                f"{self.checked} views checked, {self.stale_left} accounts stale then: "
                f"{f'{len(self.faults)} FAULTS' if self.faults else 'ok'}")


class Campaign:
    """cluster: runs, and has CONFIG. Only one campaign a cluster; its accounts are its own."""

    config = CONFIG

    def __init__(self, cluster, seed, rate=500, batch=10):
        self.cluster, self.seed = cluster, seed
        self.draw = random.Random(seed)
        self.ledger = Ledger()
        self.load = Load(cluster.nodes, self.ledger, seed, f"c{seed}", rate, batch)
        sampled = self.draw.sample(self.load.accounts, min(SAMPLED, len(self.load.accounts)))
        self.folds = Folds(sampled)
        self.readers = None
        self.silent = frozenset()

    # ---- one fault, from the load before it to the check behind it ----

    def run(self, fault):
        """fault(campaign, outcome): does it and undoes it, and leaves the cluster whole again."""
        outcome = Outcome(fault.__name__.replace("_", " "))
        self.load.start()
        self.readers = Readers(self.cluster.nodes, self.ledger, self.load.accounts, self.seed)
        self.readers.start()
        try:
            self.keep_on(self.draw.uniform(*WARM_S))
            self.load.take_figures()
            self.began = time.monotonic()
            self.silent = frozenset()
            self.counted_from_s = 0.0
            self.readers.begin()
            fault(self, outcome)
            self._drain(outcome)
        finally:
            self.load.thaw()
            self.load.stop()
            self.readers.stop()
        self._take_figures(outcome)
        self._check(outcome)
        return outcome

    def keep_on(self, seconds):
        """Lets the load go on for that long: this is no wait for anything to happen."""
        time.sleep(seconds)

    def since_fault(self):
        return time.monotonic() - self.began

    def is_over(self):
        """What is waited for is counted from now, not from when the fault began."""
        self.counted_from_s = self.since_fault()

    def silence_some(self):
        """From now on a part of the accounts tells nothing."""
        offset = self.draw.randrange(SILENT_PART)
        silent = self.load.accounts[offset::SILENT_PART]
        self.load.freeze(silent)
        self.silent = frozenset(silent)

    def silent_views(self):
        """Those of them, once nothing is on its way any more."""
        def views():
            return [view for view in list(self.ledger.views.values()) if view.account in self.silent and view.sent]

        eventually(lambda: all(view.sent[-1].acknowledged_ms is not None for view in views()),
                   "the silent have nothing on its way", OWNED_TRIES)
        return views()

    def wait_owned(self, outcome):
        """Until nodes that run own all slots, as each of them says."""
        eventually(self.cluster.is_owned, "all slots owned again", OWNED_TRIES)
        outcome.owned_s = self.since_fault() - self.counted_from_s

    def look_while_away(self, outcome, gone_ms):
        """What the others answer of those who say nothing, while the owner is away."""
        outcome.away = while_away(self.cluster.up, self.silent_views(), gone_ms)
        outcome.faults += outcome.away.faults

    def _drain(self, outcome):
        """Until nothing is missing of those who were silent, and then, when they tell more, nothing is stale."""
        self.cluster.wait_owned()
        views = self.silent_views()
        outcome.drained_s = _time_until(lambda: not places_missing(self.cluster.nodes, views))
        if outcome.drained_s is None or outcome.drained_s > DRAINED_S_MAX:
            missing = places_missing(self.cluster.nodes, views)
            outcome.faults.append(f"not drained in {DRAINED_S_MAX:.0f} s; {missing} of {len(views)} views are behind")
        self.load.thaw()
        outcome.settled_s = _time_until(lambda: not stale_ones(self.cluster.nodes, self.load.accounts))
        if outcome.settled_s is None:
            stale = stale_ones(self.cluster.nodes, self.load.accounts)
            outcome.faults.append(f"{len(stale)} of {len(self.load.accounts)} accounts stay stale: {stale[:5]}")

    def _take_figures(self, outcome):
        figures, readers = self.load.take_figures(), self.readers
        outcome.reports, outcome.failed_tries = figures.reports, dict(figures.failed)
        outcome.refusals = dict(figures.refusals)
        outcome.tries_most, outcome.acknowledged_s = figures.tries_most, figures.seconds_longest
        outcome.gap_s = figures.gap_longest_s
        if (figures.seconds_longest > (outcome.seconds_max or figures.seconds_longest)
                or figures.tries_most > (outcome.tries_max or figures.tries_most)):
            outcome.faults.append(f"a body took {figures.seconds_longest:.1f} s, one {figures.tries_most} tries: more "
                                  "than this fault may cost")
        outcome.read, outcome.too_old = readers.answers, readers.too_old
        if readers.stale_until:
            outcome.stale_s = max(readers.stale_until.values())
            outcome.stale_median_s = statistics.median(readers.stale_until.values())
        if outcome.owned_s is not None:
            outcome.answering_s = max(outcome.owned_s, readers.failed_until - self.counted_from_s)
        outcome.faults += self.load.faults + readers.faults
        if not readers.fresh:
            outcome.faults.append("no reader got an answer that is not stale")
        self.load.faults = []

    def _check(self, outcome):
        """All is acknowledged and has come together: every answer against the ledger."""
        views = [view for view in self.ledger.views.values() if view.sent]
        outcome.checked = len(views)
        outcome.stale_left = len(stale_ones(self.cluster.nodes, self.load.accounts))
        outcome.faults += lost(self.cluster.nodes, views)
        self.folds.tell(views)
        outcome.faults += self.folds.differences(self.draw.choice(self.cluster.nodes), now_ms())
        self.ledger.forget_what_is_over(self.folds.folds.keys())


# ---- the faults ----


def kill_of_an_owner(campaign, outcome):
    """SIGKILL; back once the others own all slots and have been asked what they know."""
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
    """SIGSTOP for 2 to 15 s."""
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


def kill_of_a_cassandra_node(campaign, outcome):
    """SIGKILL to one of the ring; back after 15 s. Nobody notices."""
    outcome.seconds_max, outcome.tries_max = CALM_S_MAX, 1
    number = campaign.draw.randrange(campaign.cluster.ring.count) + 1
    outcome.detail = f"number {number}"
    campaign.cluster.ring.kill(number)
    campaign.keep_on(15.0)
    campaign.cluster.ring.start(number)
    campaign.is_over()
    campaign.wait_owned(outcome)


def cassandra_away(campaign, outcome):
    """SIGKILL to the whole ring, which starts again after a minute. Reports are taken throughout."""
    outcome.seconds_max = CALM_S_MAX
    campaign.cluster.ring.kill()
    campaign.keep_on(60.0)
    campaign.cluster.ring.start()
    campaign.is_over()
    campaign.wait_owned(outcome)


def rolling_restart(campaign, outcome):
    """SIGTERM to one node after the other, each back before the next one goes: it may cost one more try."""
    outcome.seconds_max, outcome.tries_max = 1.0, 2
    for node in campaign.cluster.nodes:
        code = node.stop()
        if code != 0:
            outcome.faults.append(f"{node.name} ended with {code} at SIGTERM:\n{node.log_text()[-1500:]}")
        node.launch()
        node.wait_ready()
        campaign.is_over()
        campaign.wait_owned(outcome)


FAULTS = {
    "kill": kill_of_an_owner,
    "pause": pause_of_an_owner,
    "cassandra-node": kill_of_a_cassandra_node,
    "cassandra": cassandra_away,
    "rolling": rolling_restart,
}


# ---- the table ----


def table_of(outcomes):
    """Markdown, a row for each kind of fault."""
    rows = ["| fault | times | reports acknowledged | tries that failed | most tries, longest time of a body "
            "| slots owned and answering: median, longest | stale: median account, longest "
            "| missing while away: views, oldest | drained after: median, longest | lost | `stale: false` too old |",
            "|---|---|---|---|---|---|---|---|---|---|---|"]
    for fault in dict.fromkeys(outcome.fault for outcome in outcomes):
        rows.append(_row([outcome for outcome in outcomes if outcome.fault == fault]))
    return "\n".join(rows)


def _row(some):
    def spread(values):
        known = [value for value in values if value is not None]
        return f"{statistics.median(known):.1f} s, {max(known):.1f} s" if known else "-"

    def count(word):
        return sum(line.startswith(word) for outcome in some for line in outcome.faults)

    looked_at = sum(outcome.away.views for outcome in some)
    missing = (f"{sum(outcome.away.behind for outcome in some):,} of {looked_at:,}, "
               f"{max(outcome.away.behind_longest_ms for outcome in some) / 1000:.1f} s" if looked_at else "-")
    cells = [
        some[0].fault, len(some), f"{sum(outcome.reports for outcome in some):,}",
        f"{sum(sum(outcome.failed_tries.values()) for outcome in some):,}",
        f"{max(outcome.tries_most for outcome in some)}, {max(outcome.acknowledged_s for outcome in some):.1f} s",
        spread(outcome.answering_s for outcome in some),
        f"{statistics.median(outcome.stale_median_s for outcome in some):.1f} s, "
        f"{max(outcome.stale_s for outcome in some):.1f} s",
        missing, spread(outcome.drained_s for outcome in some), count("LOST"),
        f"{sum(outcome.too_old for outcome in some)} of {sum(outcome.read for outcome in some):,}",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def owners(cluster):
    """For a message: who owns how many, as the first node that runs says."""
    owned = slots_by_owner(cluster.up[0].look())
    return f"{', '.join(f'{name} {count}' for name, count in sorted(owned.items()))} of {SLOTS}"
