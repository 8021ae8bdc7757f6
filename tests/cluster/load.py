"""Players behind a load balancer: what a node does not take is sent to another one, until it is acknowledged."""

import collections
import http.client
import json
import random
import threading
import time

from cluster.ledger import Life, now_ms

WORKERS = 8
LIFE_REPORTS = 30
REPORT_EVERY_S = 1.2  # of one view, about
DEVICES = 2  # of one account
TIMEOUT_S = 3.0  # for an answer; then another node is asked
AVOIDED_S = 1.0  # for so long a worker does not send to a node that has failed, if there are others
PASS_S = 0.1  # between two tries where all nodes have failed
GIVE_UP_S = 120.0


class Client:
    """Requests to any of the nodes, over kept connections. One thread's own."""

    def __init__(self, nodes, first=0):
        self.nodes, self.turn = nodes, first
        self.connections = {}
        self.avoided_until = {}

    def node(self):
        """Whose turn it is, of those that have not just failed."""
        now = time.monotonic()
        for _ in self.nodes:
            self.turn += 1
            node = self.nodes[self.turn % len(self.nodes)]
            if self.avoided_until.get(node.name, 0) <= now:
                return node
        return node

    def ask(self, node, method, path, body=None):
        """(status, headers, body). Raises OSError or http.client.HTTPException, after which the node is avoided."""
        connection = self.connections.get(node.name)
        if connection is None:
            connection = http.client.HTTPConnection(node.host, int(node.port), timeout=TIMEOUT_S)
            self.connections[node.name] = connection
        try:
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self.avoid(node)
            raise

    def avoid(self, node):
        self.avoided_until[node.name] = time.monotonic() + AVOIDED_S

    def close(self):
        for connection in self.connections.values():
            connection.close()


class Figures:
    """What came of requests. A request is one body, which may need several tries."""

    def __init__(self):
        self.reports = self.requests = self.tries_most = 0
        self.failed = collections.Counter()  # by what a try met
        self.refusals = collections.Counter()  # by what an answer said of why
        self.seconds_longest = 0.0  # from the first try to the acknowledgement
        self.gap_longest_s = 0.0  # in which nothing was acknowledged at all
        self.last_acknowledged = time.monotonic()

    @property
    def failures(self):
        return sum(self.failed.values())


class Load:
    """rate: reports a second of all together, in bodies of `batch`."""

    def __init__(self, nodes, ledger, seed, prefix, rate, batch):
        self.nodes, self.ledger, self.rate, self.batch = nodes, ledger, rate, batch
        accounts = max(int(rate * REPORT_EVERY_S / DEVICES), WORKERS * batch)
        self.accounts = [f"{prefix}a{n}" for n in range(accounts)]
        self.lives = [collections.deque() for _ in range(WORKERS)]
        draws = [random.Random(f"{seed}-{number}") for number in range(WORKERS)]
        for number, account in enumerate(self.accounts):
            for device in range(DEVICES):
                life = Life(draws[number % WORKERS], ledger, account, f"tv-{device}", LIFE_REPORTS)
                self.lives[number % WORKERS].append(life)
        self.frozen = frozenset()
        self.faults = []
        self.lock = threading.Lock()
        self.figures = Figures()
        self.stopping = threading.Event()
        self.threads = []

    def start(self):
        self.stopping.clear()
        self.figures.last_acknowledged = time.monotonic()
        self.threads = [threading.Thread(target=self._work, args=(number,)) for number in range(WORKERS)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        """Returns when all that was sent is acknowledged, or was given up, which is a fault."""
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        self.threads = []

    def take_figures(self):
        """Those since the last call."""
        with self.lock:
            figures, self.figures = self.figures, Figures()
            return figures

    def freeze(self, accounts):
        """These report nothing until thaw(), but for what is on its way."""
        self.frozen = frozenset(accounts)

    def thaw(self):
        self.frozen = frozenset()

    def _work(self, number):
        client = Client(self.nodes, first=number)
        lives, pause_s = self.lives[number], self.batch * WORKERS / self.rate
        due = time.monotonic() + pause_s * number / WORKERS
        try:
            while not self.stopping.wait(max(0.0, due - time.monotonic())):
                due = max(due + pause_s, time.monotonic() - 1.0)  # what was missed is not made up for without end
                chosen = self._choose(lives)
                if chosen:
                    self._send(client, chosen)
        except Exception as error:  # a thread's end must not look like an idle one
            self.faults.append(f"worker {number} ended: {error!r}")
            raise
        finally:
            client.close()

    def _choose(self, lives):
        chosen, frozen = [], self.frozen
        for _ in range(len(lives)):
            life = lives[0]
            lives.rotate(-1)
            if life.account not in frozen:
                chosen.append(life.next())
                if len(chosen) == self.batch:
                    break
        return chosen

    def _send(self, client, waiting):
        """Until all are acknowledged."""
        began, tries = time.monotonic(), 0
        while waiting:
            node = client.node()
            tries += 1
            try:
                status, _, body = client.ask(node, "POST", "/v1/reports", json.dumps([one.report for one in waiting]))
                met, waiting = self._settle(status, body, waiting)
            except (OSError, http.client.HTTPException) as error:
                met = kind_of(error)
            if met is not None:
                client.avoid(node)
                with self.lock:
                    self.figures.failed[met] += 1
                if time.monotonic() - began > GIVE_UP_S:
                    self.faults.append(f"not taken in {GIVE_UP_S:.0f} s and {tries} tries, at last: {met}")
                    return
                if tries % len(self.nodes) == 0:
                    time.sleep(PASS_S)
        self._count(began, tries)

    def _count(self, began, tries):
        now = time.monotonic()
        with self.lock:
            figures = self.figures
            figures.requests += 1
            figures.tries_most = max(figures.tries_most, tries)
            figures.seconds_longest = max(figures.seconds_longest, now - began)
            figures.gap_longest_s = max(figures.gap_longest_s, now - figures.last_acknowledged)
            figures.last_acknowledged = now

    def _settle(self, status, body, waiting):
        """(what went wrong or None, what is still to be sent)."""
        rejected = {}
        if status == 200:
            rejected = {one["index"]: one["problem"] for one in json.loads(body)["rejected"]}
        elif status != 204:
            if status not in (429, 500, 502, 503, 504):
                self.faults.append(f"POST /v1/reports: {status} {body[:500]!r}")
            self._note(json.loads(body))
            return str(status), waiting
        again, now, taken = [], now_ms(), 0
        for index, one in enumerate(waiting):
            problem = rejected.get(index)
            if problem is None:
                one.acknowledged_ms = now
                taken += 1
            elif problem["retryable"]:
                self._note(problem)
                again.append(one)
            else:
                self.faults.append(f"refused: {one.report}: {problem}")
        with self.lock:
            self.figures.reports += taken
        return ("in part" if again else None), again

    def _note(self, problem):
        with self.lock:
            self.figures.refusals[f"{problem['status']} {problem['title']}: {problem.get('detail', '')}"] += 1


def kind_of(error):
    """What a try met, in a word or two."""
    if isinstance(error, TimeoutError):
        return "silence"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    return "cut off"
