"""Devices that race for an account's last streams, each through another node; and an owner killed meanwhile.

Who was let in by a node that could not check the limit asks again, as a player does: once the account has its next
owner, exactly as many as the limit allows are told that they have a place.
"""

import collections
import dataclasses
import http.client
import threading
import time

from harness import fresh, report
from harness.server import PAUSE_S

LIMIT = 2  # CONFIG's
INTERVAL_MS = 5_000  # at which players are asked to report
EXPIRY_S = 3 * INTERVAL_MS / 1000  # of a view that has said nothing since
GONE_S_MAX = EXPIRY_S + 2.0  # until no node has it any more: expiry is looked for once a second, and so are viewers
ASK_S = 0.5  # between the rounds in which all who were let in ask whether they have a place
GIVE_UP_S = 60.0
CONFIG = f"""
threads = 2
[auth]
stream_limit = {LIMIT}
[shard]
report_interval_ms = {INTERVAL_MS}
report_interval_max_ms = {INTERVAL_MS}
checkpoint_interval_ms = 5000
"""


class Race:
    """For one account."""

    def __init__(self):
        self.account = fresh("race")
        self.counted = collections.Counter()  # starts, by "201 checked", "201 unchecked", or the status
        self.let_in = {}  # views, by the numbers of their devices
        self.placed = set()  # views to which anybody has ever said that they have a place
        self.tries_most = 0

    def heard(self, number, view, checked):
        self.let_in[number] = view
        if checked:
            self.placed.add(view)


def start_all(nodes, devices, races, when_answered=None, then=None):
    """Starts a view on each of `devices` devices of each race at once; who gets no answer asks the next node.

    then() is called when so many of all devices were answered.
    """
    line, lock = threading.Barrier(devices * len(races)), threading.Lock()
    middle = threading.Event()
    answered = 0

    def start(race, number):
        nonlocal answered
        said = report(race.account, view=f"v{number}", device=f"tv-{number}", state="starting")
        line.wait()
        answer, tries = _ask(nodes, race.account, said, number)
        with lock:
            answered += 1
            if answered == when_answered:
                middle.set()
            race.tries_most = max(race.tries_most, tries)
            word = str(answer.status) if answer is not None else "no answer"
            if answer is not None and answer.status in (200, 201):
                # 200: an earlier try was taken, and its answer lost.
                checked = answer.json()["checked"]
                race.heard(number, said["view"], checked)
                word = f"201 {'checked' if checked else 'unchecked'}"
            race.counted[word] += 1

    threads = [threading.Thread(target=start, args=(race, number)) for race in races for number in range(devices)]
    for thread in threads:
        thread.start()
    if then is not None:
        middle.wait(GIVE_UP_S)
        then()
    for thread in threads:
        thread.join()


def _ask(nodes, account, said, number):
    """(the first answer that is one, tries). None if there was none in time."""
    give_up, tries = time.monotonic() + GIVE_UP_S, 0
    while time.monotonic() < give_up:
        node = nodes[(number + tries) % len(nodes)]
        tries += 1
        try:
            answer = node.put(account, said)
            if answer.status < 500:
                return answer, tries
        except (OSError, http.client.HTTPException):
            pass
        if tries % len(nodes) == 0:
            time.sleep(PAUSE_S)
    return None, tries


def race(nodes, devices):
    """One race while nothing is wrong: how many were answered in which way, and the viewers at each node then."""
    one = Race()
    start_all(nodes, devices, [one])
    return one.counted, [len(node.viewers(one.account)) for node in nodes]


@dataclasses.dataclass
class Killed:
    """What came of races with an owner killed meanwhile."""

    placed: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # races, by views with a place
    at_once: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # by those at the start
    unchecked: int = 0  # starts
    refused: int = 0
    settled_s: float = 0.0  # from the last start's answer until all places were known
    gone_s: float = 0.0  # from the last answer until no node had any of the views
    tries_most: int = 0
    faults: list = dataclasses.field(default_factory=list)


def races_with_a_kill(cluster, draw, devices, accounts, expire=True):
    """So many races at once, and a node killed in the middle; which comes back in the end.

    expire: waits until all views have expired, for which the cluster must have CONFIG.
    """
    some = [Race() for _ in range(accounts)]
    victim, found = draw.choice(cluster.nodes), Killed()
    middle = draw.randrange(1, devices * accounts // 2)
    start_all(cluster.nodes, devices, some, middle, victim.kill)
    started = time.monotonic()
    found.at_once.update(len(one.placed) for one in some)
    while any(len(one.placed) < LIMIT for one in some) and time.monotonic() - started < GIVE_UP_S:
        time.sleep(ASK_S)
        _ask_again(found, cluster.up, some)
    found.settled_s = time.monotonic() - started
    _ask_again(found, cluster.up, some)  # whoever has a place keeps it, and nobody else gets one
    answered = time.monotonic()
    for one in some:
        _judge(found, one)
    while expire and (left := [(node.name, one.account) for node in cluster.up for one in some if node.viewers(one.account)]):
        if time.monotonic() - answered > GONE_S_MAX:
            found.faults.append(f"{GONE_S_MAX:.0f} s after the last answer there are still viewers: {left}")
            break
        time.sleep(PAUSE_S)
    found.gone_s = time.monotonic() - answered
    victim.launch()
    victim.wait_ready()
    cluster.wait_settled()
    back = [(node.name, one.account) for node in cluster.nodes for one in some if node.viewers(one.account)]
    if expire and back:
        found.faults.append(f"viewers are back with {victim.name}: {back}")
    return found


def _ask_again(found, nodes, some):
    """All who were let in say that they play, and are told whether they have a place."""
    for one in some:
        for number, view in one.let_in.items():
            said = report(one.account, view=view, device=f"tv-{number}", state="playing")
            answer, _ = _ask(nodes, one.account, said, number)
            if answer is None or answer.status not in (200, 201):
                found.faults.append(f"{one.account}: {view} was let in, and then: {answer and answer.status}")
                continue
            one.heard(number, view, answer.json()["checked"])


def _judge(found, one):
    found.placed[len(one.placed)] += 1
    found.unchecked += one.counted["201 unchecked"]
    found.refused += one.counted["409"]
    found.tries_most = max(found.tries_most, one.tries_most)
    if len(one.placed) != LIMIT:
        found.faults.append(f"{one.account}: {len(one.placed)} places of {LIMIT}: {dict(one.counted)}")
    if len(one.let_in) + one.counted["409"] != sum(one.counted.values()):
        found.faults.append(f"{one.account}: {dict(one.counted)}")
