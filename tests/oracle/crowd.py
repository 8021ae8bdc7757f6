"""Random lives of accounts, drawn from a seed: every state, disorder, repeats, late reports, acts,
deletions, ends from outside. Each thing is done to a live server and told to the fold.

A view's reports have times of their own, without two alike, and their disorder is small: two named
limits of the server (equal times are decided by a hash, evidence is kept of eight reports). A third:
what a view that started again tells before it has found its place is told by its latest opening
alone, so from there on its reports come in order, and so do those of a view whose duration or
credits waver, for what lies beyond them is told by what was known when it came (docs/decisions/0010).
"""

import json
import random
import time
import urllib.parse

from harness.answers import Answer
from oracle.fold import MOVING, Account, Rules, ms_of, text_of

# The server's: reports up to 30 minutes old are fresh, so that a life can be lived in seconds; and
# no limit, for what it refuses is tested elsewhere.
CONFIG = """
threads = 2
[auth]
stream_limit = 0
[shard]
report_interval_ms = 600000
report_interval_max_ms = 600000
paused_expiry_ms = 3600000
checkpoint_interval_ms = 1000
"""
RULES = Rules(expiry_ms=1_800_000, paused_expiry_ms=3_600_000)

MINUTE = 60_000
PROFILES = ("p1", "p2")
SERIES = {"alpha": 4, "beta": 3}
FILMS = ("film-1", "film-2", "film-3")
TITLES = tuple(f"{name}-{n}" for name, count in SERIES.items() for n in range(1, count + 1)) + FILMS
STATES = {"playing": 60, "paused": 9, "seeking": 7, "rebuffering": 3, "ad": 4, "starting": 4,
          "stopped": 7, "completed": 3, "failed": 2}


def now_ms():
    return time.time_ns() // 1_000_000


class Player:
    """One view, from its player's side."""

    def __init__(self, draw, account, number, clock):
        self.draw = draw
        self.clock = clock
        title = draw.choice(TITLES)
        series = title.rpartition("-")[0] if title not in FILMS else None
        self.base = {"account": account, "profile": draw.choice(PROFILES), "title": title,
                     "view": f"v{number}", "device": f"d{draw.randrange(4)}"}
        if draw.random() < 0.06:
            self.base["kind"] = "live"
        if draw.random() < 0.06:
            self.base["record"] = False
        self.meta = {}
        if series:
            episode = int(title.rpartition("-")[2])
            self.meta = {"series": series}
            if episode < SERIES[series]:
                self.meta["next_title"] = f"{series}-{episode + 1}"
        self.duration = draw.choice((None, 15_000, 600_000, 2_400_000, 2_400_000, 5_400_000))
        self.credits = self.duration and draw.choice((None, None, self.duration * 9 // 10))
        self.wavers = draw.random() < 0.2  # its facts change from report to report
        self.counts = draw.random() < 0.2  # it says itself what was played
        self.numbered = draw.random() < 0.7
        self.playhead = draw.choice((0, 0, 60_000, (self.duration or 900_000) * 94 // 100))
        self.watched = self.sequence = 0
        self.state = "starting"
        self.sent = []

    def next(self):
        """The next report, at some time after the last."""
        draw = self.draw
        gap = draw.choice((1, 400, 2_000, 5_000, 10_000, 10_000, 30_000, 120_000))
        if self.clock + gap > now_ms() - 20:
            gap = 1
        self.clock += gap
        if self.state == "playing":
            self.playhead += gap
            self.watched += gap
        if draw.random() < 0.05:
            self.playhead = max(0, self.playhead - 3_000)
        self.sequence += 1
        self.state = draw.choices(list(STATES), list(STATES.values()))[0] if self.sent else draw.choice(
            ("starting", "starting", "playing", "paused"))
        if self.state == "seeking":
            self.playhead = draw.randrange(self.duration or 3_000_000)
        report = self.base | {"state": self.state, "at": text_of(self.clock)}
        if draw.random() < 0.85:
            report["playhead_ms"] = self.playhead
        if draw.random() < 0.02:
            report["playhead_ms"] = (self.duration or 9_000_000) + 5
        facts = self._facts()
        for name, value in facts.items():
            if value is not None and (not self.wavers or draw.random() < 0.5):
                report[name] = value
        if self.counts and draw.random() < 0.5:
            report["watched_ms"] = self.watched
        if self.numbered:
            report["sequence"] = self.sequence
        if draw.random() < 0.3:
            report["started_at"] = text_of(self.clock - draw.randrange(100_000))
        if draw.random() < 0.3 or not self.sent:
            report |= self.meta
        if draw.random() < 0.2:
            report["device_type"] = "tv"
        if draw.random() < 0.2:
            report["sent_at"] = text_of(now_ms())
        self.sent.append(report)
        return report

    def started_again(self):
        moved = [one["state"] in MOVING for one in self.sent]
        return any(one["state"] == "starting" and any(moved[:place])
                   for place, one in enumerate(self.sent))

    def _facts(self):
        if not self.wavers or self.duration is None:
            return {"duration_ms": self.duration, "credits_ms": self.credits}
        change = self.draw.randrange(2_000)
        return {"duration_ms": self.duration + change,
                "credits_ms": self.credits and self.credits + change}


class Crowd:
    def __init__(self, seed, accounts, prefix):
        self.draw = random.Random(seed)
        self.folds = {f"{prefix}{n}": Account(RULES) for n in range(accounts)}
        self.players = {name: [] for name in self.folds}
        self.past = {name: [] for name in self.folds}  # what happened, for a failure's message

    # ---- reports ----

    def _some(self, account):
        """A few reports of one account, some of them disordered or repeated or refused."""
        draw, players = self.draw, self.players[account]
        out = []
        for _ in range(draw.randrange(1, 4)):
            if not players or draw.random() < 0.25:
                late = draw.random() < 0.15
                age = draw.randrange(2 * 60, 29 * 1440) if late else draw.randrange(5, 25)
                players.append(Player(draw, account, len(players), now_ms() - age * MINUTE))
            player = draw.choice(players[-5:])
            burst = [player.next() for _ in range(draw.randrange(1, 5))]
            in_order = player.started_again() or player.wavers
            if draw.random() < 0.3 and len(player.sent) > len(burst) and not in_order:
                last = burst[-3:]
                draw.shuffle(last)
                burst[-3:] = last
            if draw.random() < 0.1:
                burst.append(burst[-1] if in_order else draw.choice(player.sent))
            if draw.random() < 0.04:
                other = {"title": "film-9", "profile": "p9", "kind": "live", "record": False}
                field = draw.choice(list(other))
                if player.base.get(field) != other[field] and len(player.sent) > len(burst):
                    burst.append(player.next() | {field: other[field]})
            if draw.random() < 0.02:
                burst.append(player.base | {"state": "playing", "playhead_ms": 5,
                                            "at": text_of(now_ms() - 31 * 1440 * MINUTE)})
            out += burst
        return out

    def report(self, server):
        """One body with some reports of every account; its outcome is compared at once."""
        queues = [self._some(account) for account in self.folds]
        reports = []
        while queues:
            queue = self.draw.choice(queues)
            reports.append(queue.pop(0))
            if not queue:
                queues.remove(queue)
        for first in range(0, len(reports), 900):
            self._post(server, reports[first:first + 900])

    def _post(self, server, reports):
        answer = server.post_reports(reports)
        arrival = now_ms()
        refused = []
        for index, report in enumerate(reports):
            self.past[report["account"]].append(report)
            problem = self.folds[report["account"]].report(report, arrival)
            if problem:
                refused.append((index, "/problems/" + problem))
        got = []
        if answer.status == 200:
            body = answer.json()
            got = [(one["index"], one["problem"]["type"]) for one in body["rejected"]]
            assert body["accepted"] == len(reports) - len(got), body
        else:
            assert answer.status == 204, answer
        assert got == refused, f"answered {got}, expected {refused}"

    # ---- everything else ----

    def act(self, server):
        """One of the other things that can happen to an account."""
        account = self.draw.choice(list(self.folds))
        what = self.draw.choice((self._mark, self._mark, self._terminate, self._delete,
                                 self._delete_all, self._put))
        what(server, account, self.folds[account])

    def _mark(self, server, account, fold):
        draw, profile = self.draw, self.draw.choice(PROFILES)
        acts = []
        for title in draw.sample(TITLES, draw.randrange(1, 4)):
            act = {"title": title, "at": text_of(now_ms() - draw.randrange(30 * MINUTE))}
            for field, value in (("playhead_ms", draw.randrange(2_000_000)),
                                 ("watched", draw.random() < 0.6), ("hidden", draw.random() < 0.5)):
                if draw.random() < 0.5 or field == "hidden" and len(act) == 2:
                    act[field] = value
            acts.append(act)
        self.past[account].append({"PATCH": profile, "acts": acts})
        answer = server.patch_progress(account, acts, profile)
        assert answer.status == 204, answer
        fold.act(profile, acts, now_ms())

    def _terminate(self, server, account, fold):
        # Nobody tells when one ended that was deleted.
        views = [name for name, view in fold.views.items() if view.terminated_at is None and not view.deleted]
        if not views:
            return
        view, device = self.draw.choice(views), self.draw.choice((None, "d1"))
        path = f"/v1/accounts/{account}/views/{view}"
        answer = server.request("POST", f"{path}/terminate", {"by_device": device} if device else {})
        assert answer.status == 204, answer
        at = ms_of(server.get(path)["ended_at"])
        assert abs(at - now_ms()) < 30_000, at
        self.past[account].append({"terminate": view, "at": at})
        fold.terminate(view, at, device)

    def _delete(self, server, account, fold):
        if not fold.views:
            return
        view = self.draw.choice(list(fold.views.values()))
        answer = server.request(
            "DELETE", f"/v1/accounts/{account}/profiles/{view.profile}/history/{view.name}")
        self.past[account].append({"delete": view.name})
        assert answer.status == (204 if fold.delete(view.name) else 404), answer

    def _delete_all(self, server, account, fold):
        profile, title = self.draw.choice(PROFILES), self.draw.choice(TITLES)
        answer = server.request(
            "DELETE", f"/v1/accounts/{account}/profiles/{profile}/history?title={title}")
        assert answer.status == 204, answer
        self.past[account].append({"delete all": profile, "title": title})
        for view in fold.views.values():
            if view.profile == profile and view.title == title:
                fold.delete(view.name)

    def _put(self, server, account, fold):
        """A view begins, goes on, or begins again; on a device, it ends the device's others."""
        draw, players = self.draw, self.players[account]
        if not players or draw.random() < 0.5:
            players.append(Player(draw, account, len(players), now_ms() - 6 * MINUTE))
        player = draw.choice(players[-3:])
        report = player.next()
        self.past[account].append({"PUT": report})
        view = fold.views.get(report["view"])
        was_active = view is not None and view.is_active(now_ms())
        former = [other for other in fold.views.values() if other is not view
                  and other.is_active(now_ms()) and other.device == report["device"]]
        answer = server.put(account, report)
        problem = fold.report(report, now_ms())
        if problem:
            status = {"view-terminated": 410, "view-conflict": 422, "unprocessable": 422}[problem]
            assert answer.status == status, (answer, problem)
            return
        # A start is what makes a view active that was not.
        starts = not was_active and fold.views[report["view"]].is_active(now_ms())
        assert answer.status == (201 if starts else 200), f"{answer}\n{self.story_of(account)}"
        for other in former if starts else ():
            at = now_ms()
            if not other.deleted:
                at = ms_of(server.get(f"/v1/accounts/{account}/views/{other.name}")["ended_at"])
            assert abs(at - now_ms()) < 30_000, at
            self.past[account].append({"replaced": other.name, "at": at})
            fold.replace(other.name, at, report["device"])

    def story_of(self, account):
        """All that happened to an account, one thing a line."""
        return "\n".join(json.dumps(thing) for thing in self.past[account])
