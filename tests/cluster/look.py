"""Readers during a fault: how long answers say stale, and that none says fresh of what it lacks."""

import collections
import http.client
import json
import random
import threading
import time

from cluster.ledger import now_ms
from cluster.load import Client, kind_of
from harness import RawConnection
from harness.raw import request_bytes
from oracle.fold import ms_of, text_of

PAUSE_S = 0.01
ACCOUNTS_MAX = 100  # that readers look at: so often that each is seen about once a second
SETTLED_MS = 3_000  # a view that began less than this ago may not be found yet by who is not its owner
PIPELINED = 50


def ask_all(node, paths):
    """(status, body) of each GET, over one pipelining connection to that node.

    What a node does not answer in time counts as 504, and as stale: it may be asked again.
    """
    paths, answered = list(paths), 0
    try:
        for answer in _answers(node, paths):
            answered += 1
            yield answer.status, answer.json()
    except (OSError, EOFError) as error:
        for _ in paths[answered:]:
            yield 504, {"stale": True, "title": f"{node.name} does not answer: {error!r}"}


def _answers(node, paths):
    with RawConnection(node.port) as connection:
        for first in range(0, len(paths), PIPELINED):
            some = paths[first:first + PIPELINED]
            connection.send(b"".join(request_bytes(b"GET", path.encode()) for path in some))
            for _ in some:
                yield connection.read_answer()


def path_of(view):
    return f"/v1/accounts/{view.account}/views/{view.name}"


class Readers(threading.Thread):
    """Asks for views through any node, as the load does; one at a time.

    A `stale: false` answer must hold every report whose acknowledgement was there before its `as_of`, but for those
    that were acknowledged as unstored.
    """

    def __init__(self, nodes, ledger, accounts, seed):
        super().__init__()
        self.client, self.ledger = Client(nodes), ledger
        self.draw = random.Random(f"{seed}-readers")
        self.accounts = set(self.draw.sample(sorted(accounts), min(ACCOUNTS_MAX, len(accounts))))
        self.stopping = threading.Event()
        self.faults = []
        self.begin()

    def begin(self):
        """Counts anew: the fault comes now."""
        self.began = time.monotonic()
        self.answers = self.fresh = self.stale = self.absent = self.too_old = 0
        self.failed = collections.Counter()  # those who must answer, by what they did
        self.stale_until = {}  # account -> when it last said so
        self.failed_until = 0.0

    def stop(self):
        self.stopping.set()
        self.join()
        self.client.close()

    def run(self):
        views = []
        try:
            while not self.stopping.wait(PAUSE_S):
                if not views:
                    views = [view for view in list(self.ledger.views.values()) if view.account in self.accounts]
                    self.draw.shuffle(views)
                if views:
                    self._look(views.pop())
        except Exception as error:  # a thread's end must not look like silence
            self.faults.append(f"the readers ended: {error!r}")
            raise

    def _look(self, view):
        if view.began_ms is None or view.began_ms > now_ms() - SETTLED_MS:
            return
        node = self.client.node()
        try:
            status, _, text = self.client.ask(node, "GET", path_of(view))
        except (OSError, http.client.HTTPException) as error:
            self._failed(node, kind_of(error))
            return
        if status == 404:
            self.absent += 1
        elif status != 200:
            self.client.health.has_failed(node)
            self._failed(node, str(status))
        else:
            self.answers += 1
            self._judge(view, node, json.loads(text))

    def _failed(self, node, met):
        if node.is_up:  # who is away can't answer; whoever is there must
            self.failed_until = time.monotonic() - self.began
            self.failed[f"{met} by {node.name} after {self.failed_until:.0f} s"] += 1

    def _judge(self, view, node, body):
        if body["stale"]:
            self.stale += 1
            self.stale_until[view.account] = time.monotonic() - self.began
            return
        self.fresh += 1
        known = view.last_told_to_all(before_ms=ms_of(body["as_of"]))
        if known is not None and ms_of(body["at"]) < known.at:
            self.too_old += 1
            told = [one for one in view.sent if one.at >= ms_of(body["at"])]
            self.faults.append(f"{path_of(view)} at {node.name}, asked at {text_of(now_ms())[11:]}: stale: false, as_of "
                               f"{body['as_of'][11:]}, {body['state']} at {body['at'][11:]}, but {known} was there; "
                               f"of {told}")
