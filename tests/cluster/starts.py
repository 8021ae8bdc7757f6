"""Devices that race for an account's last streams, each through another node."""

import collections
import threading

from harness import fresh, report


def race(nodes, devices):
    """Starts a view on each of `devices` devices at once; how many were answered in which way.

    By "201 checked", "201 unchecked", or the status; and the account's viewers afterwards, through any node.
    """
    account = fresh("race")
    counted, lock = collections.Counter(), threading.Lock()
    line = threading.Barrier(devices)

    def start(number):
        said = report(account, view=f"v{number}", device=f"tv-{number}", state="starting")
        line.wait()
        answer = nodes[number % len(nodes)].put(account, said)
        word = str(answer.status)
        if answer.status == 201:
            word += " checked" if answer.json()["checked"] else " unchecked"
        with lock:
            counted[word] += 1

    threads = [threading.Thread(target=start, args=(number,)) for number in range(devices)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counted, [len(node.viewers(account)) for node in nodes]
