"""Who watches what in a campaign, and a ledger of what of it was sent and acknowledged.

A view's reports are sent in order, the next one only when the last was acknowledged, each with a time of its own. So
its `at` says which of them an answer holds. Lives are plain: no view begins again, none finishes but by `completed`,
and the players say themselves what was played. Then nothing depends on which node took which report, and the fold of
all of them is what the cluster must answer in the end.
"""

import dataclasses
import itertools
import time

from oracle.fold import Rules, text_of

# Checkpoints every few seconds, so that there are some between two faults; and no view expires.
CHECKPOINT_INTERVAL_MS = 5_000
CONFIG = f"""
threads = 2
[auth]
stream_limit = 2
[viewing]
qualify_ms = 1000
finish_span_ms = 600000
resume_min_ms = 5000
[shard]
checkpoint_interval_ms = {CHECKPOINT_INTERVAL_MS}
report_interval_ms = 600000
report_interval_max_ms = 600000
paused_expiry_ms = 3600000
"""
RULES = Rules(qualify_ms=1_000, finish_span_ms=600_000, resume_min_ms=5_000, expiry_ms=1_800_000,
              paused_expiry_ms=3_600_000)

PROFILES = ("p1", "p2")
SERIES = {"alpha": 4, "beta": 3}
FILMS = ("film-1", "film-2", "film-3")
TITLES = tuple(f"{name}-{n}" for name, count in SERIES.items() for n in range(1, count + 1)) + FILMS
DURATION_MS = 900_000
STEP_MS = 2_500  # played between two reports, whatever the clock says
ENDS = ("stopped", "completed", "failed")


def now_ms():
    return time.time_ns() // 1_000_000


@dataclasses.dataclass(slots=True)
class Sent:
    """A report. acknowledged_ms: when its answer was there; None: it may have been taken."""

    at: int
    report: dict
    acknowledged_ms: int | None = None

    @property
    def is_heartbeat(self):
        """Whether it may wait for a checkpoint; all others are in the store before they are acknowledged."""
        return self.report["state"] == "playing"


class View:
    __slots__ = ("account", "name", "sent", "folded")

    def __init__(self, account, name):
        self.account, self.name = account, name
        self.sent = []
        self.folded = 0  # how many of `sent` the fold has been told

    def last_acknowledged(self, before_ms=None):
        """The last report whose answer was there, before that moment if one is given; None if there is none."""
        return next((one for one in reversed(self.sent) if one.acknowledged_ms is not None
                     and (before_ms is None or one.acknowledged_ms < before_ms)), None)

    @property
    def is_over(self):
        return bool(self.sent) and self.sent[-1].report["state"] in ENDS


class Life:
    """One view after the other on one device."""

    _numbers = itertools.count(1)

    def __init__(self, draw, ledger, account, device, reports_max):
        self.draw, self.ledger, self.account, self.device = draw, ledger, account, device
        self.reports_max = reports_max
        self.view = None
        self.last_at = 0

    def _begin(self):
        draw = self.draw
        self.view = self.ledger.view(self.account, f"v{next(self._numbers)}")
        title = draw.choice(TITLES)
        self.base = {"account": self.account, "profile": draw.choice(PROFILES), "title": title,
                     "view": self.view.name, "device": self.device, "device_type": "tv", "duration_ms": DURATION_MS}
        if title not in FILMS:
            series, _, episode = title.rpartition("-")
            self.base["series"] = series
            if int(episode) < SERIES[series]:
                self.base["next_title"] = f"{series}-{int(episode) + 1}"
        self.left = draw.randrange(self.reports_max // 2, self.reports_max)
        self.playhead = draw.randrange(DURATION_MS // 2)
        self.watched = 0
        self.state = "starting"

    def _next_state(self):
        if not self.view.sent:
            return "starting"
        if self.left <= 0:
            return self.draw.choices(ENDS, (6, 3, 1))[0]
        if self.state != "playing":
            return "playing"
        return self.draw.choices(("playing", "paused", "seeking"), (90, 6, 4))[0]

    def next(self):
        """The next report, as it is in the ledger. All before it must have been acknowledged."""
        if self.view is None or self.view.is_over:
            self._begin()
        if self.state == "playing":
            self.playhead = min(self.playhead + STEP_MS, DURATION_MS)
            self.watched += STEP_MS
        self.state = self._next_state()
        if self.state == "seeking":
            self.playhead = self.draw.randrange(DURATION_MS // 2)
        self.left -= 1
        self.last_at = max(now_ms(), self.last_at + 1)
        sent = Sent(self.last_at, self.base | {
            "state": self.state, "playhead_ms": self.playhead, "watched_ms": self.watched,
            "sequence": len(self.view.sent) + 1, "at": text_of(self.last_at)})
        self.view.sent.append(sent)
        return sent


class Ledger:
    def __init__(self):
        self.views = {}  # (account, name) -> View

    def view(self, account, name):
        view = self.views[account, name] = View(account, name)
        return view

    def forget_what_is_over(self, kept_accounts):
        """Of accounts that are not looked at any closer: views that have ended, and all but the last reports."""
        for key, view in list(self.views.items()):
            if view.account in kept_accounts:
                continue
            if view.is_over:
                del self.views[key]
            else:
                # What a life has sent counts on as its sequence: only the reports' own text goes.
                for one in view.sent[:-1]:
                    one.report = {"state": one.report["state"]}
