"""Who watches what in a campaign, and a ledger of what of it was sent and acknowledged.

A view's reports are sent in order, the next one only when the last was acknowledged, each with a time of its own. So
its `at` says which of them an answer holds. Lives are plain: no view begins again, none finishes but by `completed`,
and the players say themselves what was played. Then nothing depends on which node took which report, and the fold of
all of them is what the cluster must answer in the end.

Thousands of reports a second are made and kept here, by the machine that runs the cluster: a report is seven values
and the bytes of what all reports of its view say, until it is asked for as a whole.
"""

import dataclasses
import functools
import itertools
import json
import time

from oracle.fold import Rules, text_of

RULES = Rules(qualify_ms=1_000, finish_span_ms=600_000, resume_min_ms=5_000, expiry_ms=1_800_000,
              paused_expiry_ms=3_600_000)

PROFILES = ("p1", "p2")
SERIES = {"alpha": 4, "beta": 3}
FILMS = ("film-1", "film-2", "film-3")
TITLES = tuple(f"{name}-{n}" for name, count in SERIES.items() for n in range(1, count + 1)) + FILMS
DURATION_MS = 3_600_000
ENDS = ("stopped", "completed", "failed")
DEVICES = 2  # of one account
FIRST_REPORTS = 2  # of a device's first view, at least


@dataclasses.dataclass(frozen=True)
class Scale:
    """How much is watched, and how. rate: reports a second of all together, in bodies of `batch`."""

    rate: int
    batch: int
    heartbeat_s: float  # of one view; with the rate it says how many views there are
    reports: int  # of one view, at most; at least half of them, but of those that begin at first any number
    changes: float  # of all reports between a view's start and its end, those that pause or seek
    silent_part: int  # one account of so many says nothing while an owner is away
    starts_a_second: int  # at first, until all views are there
    checkpoint_interval_ms: int
    workers: int = 8

    @property
    def step_ms(self):
        """Played between two reports, whatever the clock says."""
        return int(self.heartbeat_s * 1000)

    @property
    def accounts(self):
        return max(int(self.rate * self.heartbeat_s / DEVICES), self.workers * self.batch)

    def config(self):
        """Of all nodes. No view expires; checkpoints come so often that there are some between two faults."""
        return f"""
threads = 2
[auth]
stream_limit = 2
[viewing]
qualify_ms = {RULES.qualify_ms}
finish_span_ms = {RULES.finish_span_ms}
resume_min_ms = {RULES.resume_min_ms}
[shard]
checkpoint_interval_ms = {self.checkpoint_interval_ms}
report_interval_ms = 600000
report_interval_max_ms = 600000
paused_expiry_ms = {RULES.paused_expiry_ms}
"""


def brisk(rate=300, batch=None):
    """Few views of which much is told: a bounded campaign, with many starts, pauses and ends."""
    return Scale(rate, batch or max(1, rate // 50), heartbeat_s=1.2, reports=30, changes=0.10, silent_part=3,
                 starts_a_second=rate, checkpoint_interval_ms=5_000, workers=24)


def steady(rate=5_000, batch=None, checkpoint_interval_ms=30_000, heartbeat_s=10.0):
    """As many views as report so often by that heartbeat; of 10 s, they last for 25 to 50 minutes, with a pause or two."""
    return Scale(rate, batch or 100, heartbeat_s=heartbeat_s, reports=300, changes=0.01, silent_part=10,
                 starts_a_second=500, checkpoint_interval_ms=checkpoint_interval_ms, workers=64)


def now_ms():
    return time.time_ns() // 1_000_000


@functools.lru_cache(64)
def at_bytes(ms):
    return text_of(ms).encode()


class Sent:
    """A report. acknowledged_ms: when its answer was there, by node `by`; None: it may have been taken.

    unstored: the answer said so of some of its body; others may not know of it before that node reaches the store.
    """

    __slots__ = ("view", "at", "state", "playhead_ms", "watched_ms", "sequence", "acknowledged_ms", "by", "unstored")

    def __init__(self, view, at, state, playhead_ms, watched_ms, sequence, acknowledged_ms=None):
        self.view, self.at, self.state = view, at, state
        self.playhead_ms, self.watched_ms, self.sequence = playhead_ms, watched_ms, sequence
        self.acknowledged_ms, self.by, self.unstored = acknowledged_ms, None, False

    @property
    def is_heartbeat(self):
        """Whether it may wait for a checkpoint; all others are in the store before they are acknowledged."""
        return self.state == "playing"

    @property
    def report(self):
        return self.view.base | {"state": self.state, "playhead_ms": self.playhead_ms, "watched_ms": self.watched_ms,
                                 "sequence": self.sequence, "at": text_of(self.at)}

    def text(self):
        """The report as JSON."""
        return b'%b, "state": "%b", "playhead_ms": %d, "watched_ms": %d, "sequence": %d, "at": "%b"}' % (
            self.view.head, self.state.encode(), self.playhead_ms, self.watched_ms, self.sequence, at_bytes(self.at))

    def __repr__(self):
        when = "" if self.acknowledged_ms is None else f" at {text_of(self.acknowledged_ms)[11:]}"
        how = ", unstored" if self.unstored else ""
        return f"<{self.state} {self.sequence} of {text_of(self.at)[11:]}, acknowledged by {self.by}{when}{how}>"


class View:
    """base: what all of its reports say. began_ms: when its first one was acknowledged."""

    __slots__ = ("account", "name", "base", "head", "sent", "folded", "began_ms")

    def __init__(self, account, name, base):
        self.account, self.name = account, name
        self.base = base
        self.head = json.dumps(base).encode()[:-1]
        self.sent = []
        self.folded = 0  # how many of `sent` the fold has been told
        self.began_ms = None

    def last_told_to_all(self, before_ms):
        """The last report that whoever answers as of that moment must know; None if there is none."""
        return next((one for one in reversed(self.sent) if one.acknowledged_ms is not None and not one.unstored
                     and one.acknowledged_ms < before_ms), None)

    @property
    def is_over(self):
        return bool(self.sent) and self.sent[-1].state in ENDS


class Life:
    """One view after the other on one device."""

    __slots__ = ("draw", "ledger", "account", "device", "scale", "view", "last_at", "due", "left", "playhead",
                 "watched", "state", "sequence", "begun")
    _numbers = itertools.count(1)

    def __init__(self, draw, ledger, account, device, scale):
        self.draw, self.ledger, self.account, self.device, self.scale = draw, ledger, account, device, scale
        self.view = None
        self.last_at = 0
        self.due = 0.0  # the load's: when it has something to say next
        self.begun = False

    def _begin(self):
        draw = self.draw
        name = f"v{next(self._numbers)}"
        title = draw.choice(TITLES)
        base = {"account": self.account, "profile": draw.choice(PROFILES), "title": title, "view": name,
                "device": self.device, "device_type": "tv", "duration_ms": DURATION_MS}
        if title not in FILMS:
            series, _, episode = title.rpartition("-")
            base["series"] = series
            if int(episode) < SERIES[series]:
                base["next_title"] = f"{series}-{int(episode) + 1}"
        self.view = self.ledger.view(self.account, name, base)
        # Those of the beginning begin at once, and must not end at once.
        least = self.scale.reports // 2 if self.begun else FIRST_REPORTS
        self.left = draw.randrange(least, self.scale.reports)
        self.begun = True
        self.playhead = draw.randrange(DURATION_MS // 2)
        self.watched = self.sequence = 0
        self.state = "starting"

    def _next_state(self):
        if self.sequence == 0:
            return "starting"
        if self.left <= 0:
            return self.draw.choices(ENDS, (6, 3, 1))[0]
        if self.state != "playing" or self.draw.random() >= self.scale.changes:
            return "playing"
        return self.draw.choice(("paused", "paused", "seeking"))

    def next(self):
        """The next report, as it is in the ledger. All before it must have been acknowledged."""
        if self.view is None or self.view.is_over:
            self._begin()
        if self.state == "playing":
            self.playhead = min(self.playhead + self.scale.step_ms, DURATION_MS)
            self.watched += self.scale.step_ms
        self.state = self._next_state()
        if self.state == "seeking":
            self.playhead = self.draw.randrange(DURATION_MS // 2)
        self.left -= 1
        self.sequence += 1
        self.last_at = max(now_ms(), self.last_at + 1)
        sent = Sent(self.view, self.last_at, self.state, self.playhead, self.watched, self.sequence)
        self.view.sent.append(sent)
        return sent


class Ledger:
    def __init__(self):
        self.views = {}  # (account, name) -> View

    def view(self, account, name, base):
        view = self.views[account, name] = View(account, name, base)
        return view

    def forget_what_is_over(self, kept_accounts):
        """Of accounts that are not looked at any closer: views that have ended, and all but the last reports."""
        for key, view in list(self.views.items()):
            if view.account in kept_accounts:
                continue
            if view.is_over:
                del self.views[key]
            else:
                del view.sent[:-1]
