"""Devices that race for an account's last streams, each through another node; and an owner killed meanwhile."""

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
GONE_S_MAX = EXPIRY_S + 10.0  # until no node has it any more
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
    """For one account. `granted` has the views that were, by whether the limit was checked."""

    def __init__(self):
        self.account = fresh("race")
        self.counted = collections.Counter()  # by "201 checked", "201 unchecked", or the status
        self.granted = {True: set(), False: set()}
        self.tries_most = 0


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
                race.granted[checked].add(said["view"])
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

    checked: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # races, by checked grants
    unchecked: int = 0
    refused: int = 0
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


def _judge(found, one):
    checked, unchecked = len(one.granted[True]), len(one.granted[False])
    found.checked[checked] += 1
    found.unchecked += unchecked
    found.refused += one.counted["409"]
    found.tries_most = max(found.tries_most, one.tries_most)
    # Those that nobody could check stand in the way of checked ones, if they came first.
    if checked > LIMIT or (checked < LIMIT and checked + unchecked < LIMIT):
        found.faults.append(f"{one.account}: {checked} checked grants of {LIMIT}: {dict(one.counted)}")
    if checked + unchecked + one.counted["409"] != sum(one.counted.values()):
        found.faults.append(f"{one.account}: {dict(one.counted)}")
