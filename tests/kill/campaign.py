"""A server under load, killed at random moments, again and again, on one data directory.

What is known after a kill: for each view, what was sent and what of it was acknowledged. A view's
reports are sent in order, each with a time of its own, and after a restart those that were not
acknowledged are sent again first. So the `at` of a view says which of its reports were applied, and
the fold of exactly those must give the view's answer: each report says things that only later ones
of its kind would say over, so one lost among the last ones shows.
"""

import collections
import json
import os
import pathlib
import random
import subprocess
import time

from harness import RawConnection, Server
from harness.raw import request_bytes
from harness.server import ROOT, binary
from oracle.compare import Asker, differences
from oracle.fold import Account, Rules, ms_of

# Checkpoints come every second, so that kills meet sweeps, flushes and drops of the journal.
CONFIG = """
threads = 2
[viewing]
qualify_ms = 2000
finish_span_ms = 1000
[shard]
checkpoint_interval_ms = 1000
report_interval_ms = 40000
report_interval_max_ms = 40000
paused_expiry_ms = 240000
"""
RULES = Rules(qualify_ms=2_000, finish_span_ms=1_000, expiry_ms=120_000, paused_expiry_ms=240_000)
# How well the driver knows when a report arrived: nearer than this to a view's expiry it can't tell.
UNSURE_MS = 3_000

CONNECTIONS, VIEWS, ACCOUNTS, LIFE, BATCH = 16, 3_200, 400, 40, 100
PROFILES = ("p1", "p2")
TITLES = [f"s{s}e{e}" for s in range(2) for e in range(1, 5)] + [f"film{n}" for n in range(4)]


def now_ms():
    return time.time_ns() // 1_000_000


def loader():
    """The generator of load. A missing one is an error, not a reason to skip."""
    built = pathlib.Path(binary()).parent / "bench/playhead_load"
    path = pathlib.Path(os.environ.get("PLAYHEAD_LOAD", built))
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: run script/build, or set PLAYHEAD_LOAD")
    return str(path)


class Seen:
    """One view, from its player's side."""

    __slots__ = ("account", "waiting", "sent_at", "acknowledged_at", "applied_at")

    def __init__(self, account):
        self.account = account
        self.waiting = []  # (at, arrival, report): sent, not known to be applied
        self.sent_at = self.acknowledged_at = self.applied_at = 0


class Campaign:
    def __init__(self, directory, seed, rate=25_000, sampled=24):
        self.directory = pathlib.Path(directory)
        self.draw = random.Random(seed)
        self.seed, self.rate = seed, rate
        self.server = Server(self.directory, CONFIG, start=False)
        self.views = {}
        self.folds = collections.defaultdict(lambda: Account(RULES))
        self.sampled = {f"k{seed}a{n}" for n in self.draw.sample(range(ACCOUNTS), sampled)}
        self.unacknowledged = [dict() for _ in range(CONNECTIONS)]  # batch -> body
        self.next = [0] * CONNECTIONS
        self.touched = set()
        self.reports = self.kills = self.skipped = self.early = self.compared = 0
        self.load = None

    # ---- load and kill ----

    def start_load(self):
        resume = self.directory / "resume"
        with open(resume, "w") as out:
            for connection in range(CONNECTIONS):
                out.write(f"N {connection} {self.next[connection]}\n")
                for batch, body in sorted(self.unacknowledged[connection].items()):
                    out.write(f"S {connection} {batch} {body}\n")
        self.load_started = now_ms()
        self.load = subprocess.Popen(
            [loader(), "--connect", f"127.0.0.1:{self.server.port}", "--rate", str(self.rate),
             "--connections", str(CONNECTIONS), "--views", str(VIEWS), "--accounts", str(ACCOUNTS),
             "--batch", str(BATCH), "--life", str(LIFE), "--varied", "--seed", str(self.seed),
             "--prefix", f"k{self.seed}", "--log", str(self.directory / "load.log"),
             "--resume", str(resume), "--until-broken", "--seconds", "60"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def load_and_kill(self, seconds):
        """Load for that long, then SIGKILL in the middle of it. The load's own figures."""
        self.start_load()
        time.sleep(seconds)  # not for anything to happen: this is the random moment
        self.server.kill()
        self.kills += 1
        out, errors = self.load.communicate(timeout=60)
        assert self.load.returncode == 0 and not errors, (out, errors)
        self.read_log()
        return json.loads(out)

    def read_log(self):
        with open(self.directory / "load.log") as log:
            for line in log:
                what, connection, batch, *body = line.rstrip("\n").split(" ", 3)
                connection, batch = int(connection), int(batch)
                waiting = self.unacknowledged[connection]
                if what == "S":
                    again = batch in waiting
                    waiting[batch] = body[0]
                    self.next[connection] = max(self.next[connection], batch + 1)
                    self._sent(body[0], again)
                else:
                    self._acknowledged(waiting.pop(batch))

    def _sent(self, body, again):
        reports = json.loads(body)
        at = ms_of(reports[0]["at"])
        for report in reports:
            view = self.views.get(report["view"])
            if view is None:
                view = self.views[report["view"]] = Seen(report["account"])
            if at > view.sent_at:
                view.waiting.append((at, at, report))
                view.sent_at = at
            elif again and at > view.applied_at:  # it arrives only now
                view.waiting = [(one, max(arrival, self.load_started) if one == at else arrival, old)
                                for one, arrival, old in view.waiting]
            self.touched.add(report["view"])
        self.reports += len(reports)

    def _acknowledged(self, body):
        reports = json.loads(body)
        at = ms_of(reports[0]["at"])
        for report in reports:
            view = self.views[report["view"]]
            view.acknowledged_at = max(view.acknowledged_at, at)

    def start(self):
        """Starts the server; now and then a start is killed as well. Seconds until it was ready."""
        if self.draw.random() < 0.2:
            self.server.launch()
            time.sleep(self.draw.random() * 0.3)  # a random moment of the start
            self.server.kill()
            self.kills += 1
            self.early += 1
        began = time.monotonic()
        self.server.start()
        return time.monotonic() - began

    # ---- what must be true after a restart ----

    def check(self):
        """What is wrong: lines of text, empty if nothing is."""
        faults = []
        names = sorted(self.touched)
        for name, answer in zip(names, self._ask(names)):
            faults += self._check_view(name, answer)
        self.touched.clear()
        asker = Asker(self.server.port)
        for account in sorted(self.sampled & self.folds.keys()):
            fold = self.folds[account]
            began = now_ms()
            found = differences(asker, account, fold, PROFILES, began, TITLES)
            # On a busy machine the answers themselves may take a while.
            if any(self._unsure(view, began, now_ms()) for view in fold.views.values()):
                self.skipped += 1
                continue
            faults += found
            self.compared += 1
        self._forget()
        return faults

    def _ask(self, names):
        """GETs each of those views: (status, body), over one pipelining connection."""
        with RawConnection(self.server.port) as connection:
            for first in range(0, len(names), 50):
                some = names[first:first + 50]
                connection.send(b"".join(
                    request_bytes(b"GET", f"/v1/accounts/{self.views[name].account}/views/{name}"
                                  .encode()) for name in some))
                for _ in some:
                    answer = connection.read_answer()
                    yield answer.status, answer.json()

    def _unsure(self, view, since, until):
        return view.active and since - UNSURE_MS < view.deadline < until + UNSURE_MS

    def _check_view(self, name, answered):
        """Acknowledged is contained in applied, applied in sent, and the view is the fold of them."""
        seen = self.views[name]
        status, body = answered
        applied_at = ms_of(body["at"]) if status == 200 else 0
        if status not in (200, 404):
            return [f"view {name}: {status} {body}"]
        if applied_at < max(seen.acknowledged_at, seen.applied_at):
            return [f"view {name}: LOST: a report at {seen.acknowledged_at} was acknowledged, one at "
                    f"{seen.applied_at} was seen applied; the last one applied is at {applied_at}"]
        if applied_at and applied_at != seen.applied_at and not any(
                at == applied_at for at, _, _ in seen.waiting):
            return [f"view {name}: NOT SENT: its last report is at {applied_at}"]
        seen.applied_at = applied_at
        fold = self.folds[seen.account]
        while seen.waiting and seen.waiting[0][0] <= applied_at:
            _, arrival, report = seen.waiting.pop(0)
            refused = fold.report(report, arrival)
            assert refused is None, (name, refused)
        if status == 404:
            return []
        now = now_ms()
        expected = fold.views[name].whole(now)
        if self._unsure(fold.views[name], now, now):
            return []
        return [f"view {name}: {field}: expected {value!r}, answered {body.get(field)!r}"
                for field, value in expected.items() if body.get(field, "absent") != value]

    def _forget(self):
        """Views that have ended their lives in accounts that are not looked at any closer, and of which
        nothing will be sent again."""
        again = {report["view"] for waiting in self.unacknowledged for body in waiting.values()
                 for report in json.loads(body)}
        for name in [name for name, seen in self.views.items()
                     if seen.account not in self.sampled and not seen.waiting and name not in again
                     and len(self.folds[seen.account].views[name].told) >= LIFE]:
            del self.folds[self.views[name].account].views[name]
            del self.views[name]

    def close(self):
        if self.load is not None and self.load.poll() is None:
            self.load.kill()
            self.load.wait()
        self.server.close()
