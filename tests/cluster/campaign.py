"""A cluster under load, and one fault after the other on it.

After each fault everything that was acknowledged is asked for, through every node: the place of each view, and all
answers about some accounts, which an independent fold must give as well. While an owner is away a part of the players
is silent, so that what they have told can only come from what the owner left behind.
"""

import gc
import random
import statistics
import time

from cluster.check import Folds, lost, places_missing, stale_ones, while_away
from cluster.ledger import Ledger, now_ms
from cluster.load import SLOW_S, Load
from cluster.look import Readers
from cluster.outcome import Outcome
from cluster.usage import Usage
from harness.server import eventually

FIRST_WARM_INTERVALS = (1.2, 1.8)  # of checkpoints, that the load goes on before the first fault
WARM_INTERVALS = (0.1, 0.6)  # before another: what is asked then must hold at any moment
OWNED_TRIES = 1_200  # a minute
BEGUN_TRIES = 12_000  # ten minutes: until all players have begun
DRAINED_S_MAX = 30.0  # after a fault is over
WAIT_S_MAX = 60.0  # for the cluster to drain and to settle
SAMPLED = 30  # accounts that are compared whole
SETTLING_MAX = 2_000  # accounts that are asked whether they are stale
INBOX_LOOKED_MAX = 20_000  # rows; any at all are too many
LOOK_PAUSE_S = 0.5  # between two looks at all accounts, which cost the nodes something


class Campaign:
    """cluster: runs, and has the scale's configuration. Only one campaign a cluster; its accounts are its own."""

    def __init__(self, cluster, seed, scale, say=lambda _: None):
        self.cluster, self.seed, self.scale, self.say = cluster, seed, scale, say
        self.draw = random.Random(seed)
        self.ledger = Ledger()
        self.load = Load(cluster.nodes, self.ledger, seed, f"c{seed}", scale)
        accounts = self.load.accounts
        self.folds = Folds(self.draw.sample(accounts, min(SAMPLED, len(accounts))))
        self.settling = self.draw.sample(accounts, min(SETTLING_MAX, len(accounts)))
        self.readers = None
        self.silent = frozenset()
        self.warm = False
        self.rounds = {}  # fault -> how many there were

    # ---- one fault, from the load before it to the check behind it ----

    def run(self, fault):
        """fault(campaign, outcome): does it and undoes it, and leaves the cluster whole again."""
        outcome = Outcome(fault.__doc__.partition(":")[0])
        self.round = self.rounds[fault] = self.rounds.get(fault, 0) + 1
        self.load.start()
        self.readers = Readers(self.cluster.nodes, self.ledger, self.load.accounts, self.seed)
        self.readers.start()
        try:
            self._warm()
            self.began = time.monotonic()
            self.ended = None
            self.silent = frozenset()
            self.counted_from_s = 0.0
            self.readers.begin()
            usage = Usage(self.cluster)
            fault(self, outcome)
            self._drain(outcome)
            outcome.cores = usage.cores()
            self._take_figures(outcome)
        finally:
            self.load.thaw()
            self.load.stop()
            self.readers.stop()
        self._check(outcome)
        return outcome

    def _warm(self):
        """Until all players have begun, and have been checkpointed since; later for a while."""
        if self.load.idle:
            self.say(f"{self.load.idle} players begin, {self.scale.starts_a_second} a second")
            began = time.monotonic()
            eventually(lambda: not self.load.idle or self.load.faults, "all players have begun", BEGUN_TRIES)
            self.say(f"they have after {time.monotonic() - began:.0f} s")
        interval_s = self.scale.checkpoint_interval_ms / 1000
        self.load.take_figures()
        usage = Usage(self.cluster)
        self.keep_on(self.draw.uniform(*(WARM_INTERVALS if self.warm else FIRST_WARM_INTERVALS)) * interval_s)
        self.warm = True
        before, cores = self.load.take_figures(), usage.cores()
        words = ", ".join(f"{group} {used:.2f}" for group, used in sorted(cores.items()))
        self.say(f"before the fault {before.rate:.0f} reports a second of {self.scale.rate}, the longest in "
                 f"{before.seconds_longest:.2f} s, {before.failures} bodies failed; processors: {words}")

    def keep_on(self, seconds):
        """Lets the load go on for that long: this is no wait for anything to happen."""
        time.sleep(seconds)

    def since_fault(self):
        return time.monotonic() - self.began

    def is_over(self):
        """What is waited for is counted from now, not from when the fault began."""
        self.counted_from_s = self.since_fault()
        self.ended = time.monotonic()

    def silence_some(self):
        """From now on a part of the accounts tells nothing."""
        offset = self.draw.randrange(self.scale.silent_part)
        silent = self.load.accounts[offset::self.scale.silent_part]
        self.load.freeze(silent)
        self.silent = frozenset(silent)

    def silent_views(self):
        """Those of them, once nothing is on its way any more."""
        views = [view for view in list(self.ledger.views.values()) if view.account in self.silent and view.sent]
        eventually(lambda: all(view.sent[-1].acknowledged_ms is not None for view in views),
                   "the silent have nothing on its way", OWNED_TRIES)
        return views

    def wait_owned(self, outcome):
        """Until nodes that run own all slots, as each of them says."""
        eventually(self.cluster.is_owned, "all slots owned again", OWNED_TRIES)
        outcome.owned_s = self.since_fault() - self.counted_from_s

    def look_while_away(self, outcome, gone_ms):
        """What the others answer of those who say nothing, while the owner is away."""
        outcome.away = while_away(self.cluster.up, self.silent_views(), gone_ms, self.scale.checkpoint_interval_ms)
        outcome.faults += outcome.away.faults

    def _drain(self, outcome):
        """Until nothing is missing of those who were silent, and then, when they tell more, nothing is stale."""
        if self.ended is None:
            self.ended = time.monotonic()
        self.cluster.wait_owned()
        if not self.silent:
            self.silence_some()
        missing = self.silent_views()
        give_up = self.ended + WAIT_S_MAX
        while (missing := places_missing(self.cluster.nodes, missing)) and time.monotonic() < give_up:
            self.say(f"{time.monotonic() - self.ended:.1f} s after the fault {len(missing)} silent views are behind")
            time.sleep(LOOK_PAUSE_S)
        while (left := self._left_in_inbox(1)) and time.monotonic() < give_up:
            time.sleep(LOOK_PAUSE_S)
        outcome.drained_s = time.monotonic() - self.ended
        left = left and self._left_in_inbox(INBOX_LOOKED_MAX)  # what came in since it was empty is another matter
        if missing or left or outcome.drained_s > DRAINED_S_MAX:
            outcome.faults.append(f"not drained in {DRAINED_S_MAX:.0f} s; after {outcome.drained_s:.1f} s "
                                  f"{len(missing)} silent views were behind, and {left} rows in the inbox")
        self.load.thaw()
        self._settle(outcome)

    def _left_in_inbox(self, rows_max):
        ring = getattr(self.cluster, "ring", None)
        return 0 if ring is None else len(ring.query(
            f"SELECT bucket FROM playhead.inbox LIMIT {rows_max}", "QUORUM"))

    def _settle(self, outcome):
        began, stale = time.monotonic(), self.settling
        while (stale := stale_ones(self.cluster.nodes, stale)) and time.monotonic() - began < WAIT_S_MAX:
            time.sleep(LOOK_PAUSE_S)
        if stale:
            outcome.faults.append(f"{len(stale)} of {len(self.settling)} accounts stay stale: {stale[:5]}")
        else:
            outcome.settled_s = time.monotonic() - began

    def _take_figures(self, outcome):
        figures, readers = self.load.take_figures(), self.readers
        outcome.reports, outcome.rate = figures.reports, figures.rate
        outcome.unstored, outcome.again = figures.unstored, figures.again
        outcome.failed_tries, outcome.refusals = dict(figures.failed), dict(figures.refusals)
        outcome.tries_most, outcome.acknowledged_s = figures.tries_most, figures.seconds_longest
        outcome.again_s = figures.again_longest_s
        outcome.slowest = f"{figures.longest_at}, until {figures.longest_ended_s:.0f} s; {figures.slow} over {SLOW_S:g} s"
        outcome.gap_s, outcome.gap_ended_s = figures.gap_longest_s, figures.gap_ended_s
        if (figures.seconds_longest > (outcome.seconds_max or figures.seconds_longest)
                or figures.tries_most > (outcome.tries_max or figures.tries_most)):
            outcome.faults.append(f"a report took {figures.seconds_longest:.1f} s, one {figures.tries_most} tries: "
                                  "more than this fault may cost")
        outcome.read, outcome.too_old = readers.answers, readers.too_old
        outcome.read_failed = dict(readers.failed)
        if readers.stale_until:
            outcome.stale_s = max(readers.stale_until.values())
            outcome.stale_median_s = statistics.median(readers.stale_until.values())
        if outcome.owned_s is not None:
            outcome.answering_s = max(outcome.owned_s, readers.failed_until - self.counted_from_s)
        if not readers.fresh:
            outcome.faults.append("no reader got an answer that is not stale")

    def _check(self, outcome):
        """All is acknowledged and has come together: every answer against the ledger."""
        outcome.faults += self.load.faults + self.readers.faults
        self.load.faults = []
        views = [view for view in self.ledger.views.values() if view.sent]
        outcome.checked = len(views)
        outcome.stale_left = len(stale_ones(self.cluster.nodes, self.settling))
        outcome.faults += lost(self.cluster.nodes, views)
        self.folds.tell(views)
        outcome.faults += self.folds.differences(self.draw.choice(self.cluster.nodes), now_ms())
        self.ledger.forget_what_is_over(self.folds.folds.keys())
        gc.collect()
