"""Which part of a machine's processors a campaign's processes use: what the load costs, and where the limit is."""

import os
import pathlib
import time

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def _seconds_of(pid):
    """Of processor time that the process has used; 0 if it is gone."""
    try:
        rest = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(rest[11]) + int(rest[12])) / TICKS_A_SECOND


class Usage:
    """From when it is made until cores() is asked. Processes that end meanwhile count as far as the last look."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.began, self.before = time.monotonic(), self._look()

    def _look(self):
        look = {("load", os.getpid()): _seconds_of(os.getpid())}
        for node in self.cluster.nodes:
            if node.process is not None:
                look["playhead", node.pid] = _seconds_of(node.pid)
        ring = getattr(self.cluster, "ring", None)
        for number in range(1, ring.count + 1 if ring else 1):
            if ring.pid(number) is not None:
                look["cassandra", ring.pid(number)] = _seconds_of(ring.pid(number))
        return look

    def cores(self):
        """Of load, Playhead's nodes and Cassandra's: how many processors each has used, on average."""
        used, seconds = {}, max(time.monotonic() - self.began, 0.001)
        for (group, pid), now in self._look().items():
            used[group] = used.get(group, 0.0) + (now - self.before.get((group, pid), 0.0)) / seconds
        return used
