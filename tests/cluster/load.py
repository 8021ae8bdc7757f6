"""Players behind a load balancer: what a node does not take is sent to another one, until it is acknowledged.

Workers stand for so many connections. Each keeps to one node for a while. A report that is not taken waits for its
next try by itself, and its player with it: what others have to say goes on.
"""

import collections
import http.client
import json
import random
import select
import threading
import time

from cluster.ledger import DEVICES, Life, now_ms

TURN = 16  # bodies of a worker through one node, if nothing fails
TIMEOUT_S = 3.0  # for an answer; then another node is asked
AVOIDED_S = 1.0  # for so long nobody sends to a node that has failed, if there are others; then one tries
PASS_S, PASS_S_MAX = 0.1, 1.0  # between two tries where all nodes have failed; longer each time
GIVE_UP_S = 120.0
FULL = 0.7  # of a body, as bodies are sent: so often that the rate is kept when some of them are late
SLOW_S = 1.0  # a report that takes longer is counted
OK = {200, 204}
TRANSIENT = {429, 500, 502, 503, 504}


class Health:
    """Which nodes have failed lately, as a load balancer notices: by what they do with requests."""

    def __init__(self):
        self.lock = threading.Lock()
        self.avoided_until = {}

    def may_ask(self, node):
        """After a failure only one asks at a time, until it is answered."""
        until = self.avoided_until.get(node.name)
        if until is None:
            return True
        with self.lock:
            now = time.monotonic()
            if self.avoided_until.get(node.name, 0) > now:
                return False
            self.avoided_until[node.name] = now + TIMEOUT_S
            return True

    def has_failed(self, node):
        self.avoided_until[node.name] = time.monotonic() + AVOIDED_S

    def has_answered(self, node):
        self.avoided_until.pop(node.name, None)


def _was_closed(connection):
    """Whether the other side has closed a kept connection meanwhile, so that a request on it would fail."""
    if connection.sock is None:
        return False
    readable, _, _ = select.select([connection.sock], [], [], 0)
    return bool(readable)


class Client:
    """Requests to any of the nodes, over kept connections. One thread's own; `health` may be that of others, too."""

    def __init__(self, nodes, first=0, health=None, turn=1):
        self.nodes, self.asked, self.turn = nodes, first * turn, turn
        self.health = health or Health()
        self.connections = {}

    def node(self, but=None):
        """Whose turn it is, of those that have not just failed; another than the one of that name, if there is one."""
        self.asked += 1
        first = self.asked // self.turn
        ring = [self.nodes[(first + number) % len(self.nodes)] for number in range(len(self.nodes))]
        others = [node for node in ring if node.name != but] or ring
        return next((node for node in others if self.health.may_ask(node)), others[0])

    def ask(self, node, method, path, body=None):
        """(status, headers, body). Raises OSError or http.client.HTTPException, after which the node is avoided."""
        connection = self.connections.get(node.name)
        if connection is not None and _was_closed(connection):
            connection.close()  # and is opened again
        if connection is None:
            if not node.ports:  # it starts, and has not said where it listens
                self.health.has_failed(node)
                raise ConnectionRefusedError(node.name)
            connection = http.client.HTTPConnection(node.host, int(node.port), timeout=TIMEOUT_S)
            self.connections[node.name] = connection
        try:
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            found = answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self.health.has_failed(node)
            raise
        self.health.has_answered(node)
        return found

    def close(self):
        for connection in self.connections.values():
            connection.close()


class Figures:
    """What came of reports."""

    def __init__(self):
        self.began = self.last_acknowledged = time.monotonic()
        self.reports = 0  # acknowledged
        self.unstored = 0  # of them, in bodies of which a part was known to one journal alone
        self.again = self.tries_most = 0  # those that needed more than one try, and the most of one
        self.again_longest_s = 0.0  # of them, as seconds_longest
        self.failed = collections.Counter()  # bodies that were not taken whole, by what they met
        self.refusals = collections.Counter()  # by what an answer said of why
        self.seconds_longest = 0.0  # from a report's first try to its acknowledgement
        self.longest_at, self.longest_ended_s = "-", 0.0  # the node that took it, and when, since `began`
        self.slow = 0  # reports that took longer than SLOW_S
        self.gap_longest_s = self.gap_ended_s = 0.0  # in which nothing was acknowledged at all, and since `began`
        self.by_second = collections.Counter()  # reports acknowledged, by seconds since `began`

    @property
    def failures(self):
        return sum(self.failed.values())

    @property
    def rate(self):
        return self.reports / max(time.monotonic() - self.began, 0.001)


class Try:
    """A report on its way."""

    __slots__ = ("life", "sent", "began", "tries", "last", "not_before")

    def __init__(self, life, sent, now):
        self.life, self.sent, self.began = life, sent, now
        self.tries, self.last, self.not_before = 0, None, 0.0


class Worker:
    """One thread's part of the players."""

    def __init__(self, load, number, lives):
        self.load, self.number = load, number
        self.idle = collections.deque(lives)  # have not begun
        self.lives = collections.deque()  # about by when they are due
        self.again = collections.deque()  # what was not taken
        self.pause_s = FULL * load.scale.batch * load.scale.workers / load.scale.rate
        self.starts_a_body = max(1, int(load.scale.starts_a_second * self.pause_s / load.scale.workers))

    def work(self, client):
        load, due = self.load, time.monotonic() + self.pause_s * self.number / self.load.scale.workers
        repeats = False
        while True:
            now = time.monotonic()
            # Of what is tried again, and what is new, neither keeps the other waiting.
            ready = [] if repeats and now >= due else self._ready_again(now)
            repeats = bool(ready)
            if ready:
                self._send(client, ready)
            elif load.stopping.is_set() and not self.again:
                return
            elif load.stopping.is_set() or now < due:
                wait = due if not self.again else min(due, self.again[0].not_before)
                time.sleep(min(max(wait - now, 0.001), PASS_S))
            else:
                due = max(due + self.pause_s, now - 1.0)  # what was missed is not made up for without end
                chosen = self._choose(now)
                if chosen:
                    self._send(client, chosen)

    def _ready_again(self, now):
        """Of those that wait for their next try, some that were last tried at one node."""
        if not self.again or self.again[0].not_before > now:
            return []
        last, chosen = self.again[0].last, []
        while self.again and len(chosen) < self.load.scale.batch and self.again[0].last == last:
            chosen.append(self.again.popleft())
        return chosen

    def _choose(self, now):
        load, chosen, silent = self.load, [], []
        frozen, heartbeat_s = load.frozen, load.heartbeat_s
        for _ in range(min(len(self.idle), self.starts_a_body)):
            life = self.idle.popleft()
            if life.account in frozen:
                self.idle.append(life)
            else:
                life.due = now + heartbeat_s
                chosen.append(Try(life, life.next(), now))
        while self.lives and self.lives[0].due <= now and len(chosen) < load.scale.batch:
            life = self.lives.popleft()
            if life.account in frozen:
                silent.append(life)
            else:
                # By when this one was due, whenever it is sent: so the rate is kept. What a stop made late is not
                # made up for.
                life.due += heartbeat_s if life.due + heartbeat_s > now else now + heartbeat_s - life.due
                chosen.append(Try(life, life.next(), now))
        self.lives.extendleft(reversed(silent))
        return chosen

    def _send(self, client, waiting):
        node = client.node(but=waiting[0].last)
        body = b"[" + b",".join([one.sent.text() for one in waiting]) + b"]"
        problems, met, unstored = {}, None, False
        try:
            status, headers, answer = client.ask(node, "POST", "/v1/reports", body)
            unstored = headers.get("Playhead-Unstored") == "true"
            if status == 200:
                problems = {one["index"]: one["problem"] for one in json.loads(answer)["rejected"]}
            elif status not in OK:
                met = str(status)
                self.load.note(json.loads(answer), 1)
                if status not in TRANSIENT:
                    self.load.faults.append(f"POST /v1/reports: {status} {answer[:500]!r}")
        except (OSError, http.client.HTTPException) as error:
            met = kind_of(error)
        self._settle(node, waiting, problems, met, unstored)

    def _settle(self, node, waiting, problems, met, unstored):
        """problems: by place. met: what befell all of them, or None."""
        taken, now, stamp = [], time.monotonic(), now_ms()
        for index, one in enumerate(waiting):
            one.tries += 1
            problem = problems.get(index)
            if met is None and problem is None:
                one.sent.by, one.sent.unstored = node.name, unstored
                one.sent.acknowledged_ms = stamp
                if one.sent.sequence == 1:
                    one.sent.view.began_ms = stamp
                self.lives.append(one.life)
                taken.append(one)
            elif problem is not None and not problem["retryable"]:
                self.load.faults.append(f"refused: {one.sent.report}: {problem}")
            elif now - one.began > GIVE_UP_S:
                self.load.faults.append(f"not taken in {GIVE_UP_S:.0f} s and {one.tries} tries, at last: "
                                        f"{met or problem}: {one.sent.report}")
            else:
                one.last = node.name
                passes, rest = divmod(one.tries, len(self.load.nodes))
                one.not_before = now if rest else now + min(PASS_S * passes, PASS_S_MAX)
                self.again.append(one)
        for problem in problems.values():
            self.load.note(problem, 1)
        self.load.count(taken, now, met or ("in part" if problems else None))


class Load:
    """scale: a ledger.Scale. `faults` has what must not be."""

    def __init__(self, nodes, ledger, seed, prefix, scale):
        self.nodes, self.ledger, self.scale = nodes, ledger, scale
        self.accounts = [f"{prefix}a{n}" for n in range(scale.accounts)]
        lives = [[] for _ in range(scale.workers)]
        draws = [random.Random(f"{seed}-{number}") for number in range(scale.workers)]
        for number, account in enumerate(self.accounts):
            worker = number % scale.workers
            for device in range(DEVICES):
                lives[worker].append(Life(draws[worker], ledger, account, f"tv-{device}", scale))
        self.health = Health()
        self.thaw()
        self.faults = []
        self.lock = threading.Lock()
        self.figures = Figures()
        self.stopping = threading.Event()
        self.workers = [Worker(self, number, some) for number, some in enumerate(lives)]
        self.threads = []
        self.stopped = time.monotonic()

    def start(self):
        self.stopping.clear()
        self.figures.last_acknowledged = now = time.monotonic()
        # Each goes on where it was between two heartbeats: were all due at once, waves of reports would follow.
        away_s = now - self.stopped
        for worker in self.workers:
            for life in worker.lives:
                life.due += away_s
        self.threads = [threading.Thread(target=self._work, args=(worker,)) for worker in self.workers]
        for thread in self.threads:
            thread.start()

    def stop(self):
        """Returns when all that was sent is acknowledged, or was given up, which is a fault."""
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        self.threads = []
        self.stopped = time.monotonic()

    @property
    def idle(self):
        """How many players have not begun yet."""
        return sum(len(worker.idle) for worker in self.workers)

    def take_figures(self):
        """Those since the last call."""
        with self.lock:
            figures, self.figures = self.figures, Figures()
            self.figures.last_acknowledged = figures.last_acknowledged
            return figures

    def freeze(self, accounts):
        """These report nothing until thaw(), but for what is on its way. The others say more: the rate stays."""
        self.frozen = frozenset(accounts)
        self.heartbeat_s = self.scale.heartbeat_s * (1 - len(self.frozen) / len(self.accounts))

    def thaw(self):
        self.frozen = frozenset()
        self.heartbeat_s = self.scale.heartbeat_s

    def _work(self, worker):
        client = Client(self.nodes, worker.number, self.health, TURN)
        try:
            worker.work(client)
        except Exception as error:  # a thread's end must not look like an idle one
            self.faults.append(f"worker {worker.number} ended: {error!r}")
            raise
        finally:
            client.close()

    def count(self, taken, now, met):
        with self.lock:
            figures = self.figures
            if met is not None:
                figures.failed[met] += 1
            if not taken:
                return
            figures.reports += len(taken)
            figures.unstored += sum(one.sent.unstored for one in taken)
            again = [now - one.began for one in taken if one.tries > 1]
            figures.again += len(again)
            figures.again_longest_s = max(figures.again_longest_s, *again, 0.0)
            figures.tries_most = max(figures.tries_most, max(one.tries for one in taken))
            figures.slow += sum(now - one.began > SLOW_S for one in taken)
            if (longest := now - min(one.began for one in taken)) > figures.seconds_longest:
                figures.seconds_longest = longest
                figures.longest_at, figures.longest_ended_s = taken[0].sent.by, now - figures.began
            if now - figures.last_acknowledged > figures.gap_longest_s:
                figures.gap_longest_s, figures.gap_ended_s = now - figures.last_acknowledged, now - figures.began
            figures.last_acknowledged = now
            figures.by_second[int(now - figures.began)] += len(taken)

    def note(self, problem, count):
        with self.lock:
            self.figures.refusals[f"{problem['status']} {problem['title']}: {problem.get('detail', '')}"] += count


def kind_of(error):
    """What a try met, in a word or two."""
    if isinstance(error, TimeoutError):
        return "silence"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    return "cut off"
