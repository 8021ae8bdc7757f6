"""Serves a cluster on this machine until it is told to end: what script/cluster runs."""

import argparse
import pathlib
import signal
import sys
import time

from harness.cluster import NODES_MAX, Cluster
from harness.ring import Failure
from harness.server import ROOT

LOOK_INTERVAL_S = 1.0


class Told(BaseException):
    """SIGINT or SIGTERM came."""


def say(text):
    for line in text.splitlines():
        print(f"cluster: {line}", flush=True)


def is_told(*_):
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # once is enough: it ends in order
    raise Told


def parse():
    parser = argparse.ArgumentParser(prog="script/cluster", description=__doc__, allow_abbrev=False)
    parser.add_argument("--cache", choices=("memcached", "redis"), default="memcached")
    parser.add_argument("--nodes", type=int, default=3, help="of Playhead")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT / "data/cluster",
                        help="a directory of this cluster's own; started again in it, it has its data again")
    options = parser.parse_args()
    if not 1 <= options.nodes <= NODES_MAX:
        parser.error(f"--nodes must be 1 to {NODES_MAX}")
    return options


def watch(cluster):
    """Until a process ends that should not."""
    while True:
        for node in cluster.nodes:
            if node.process.poll() is not None:
                raise Failure(f"{node.name} ended with {node.process.returncode}:\n{node.log_text()[-4000:]}")
        if cluster.cache.process.poll() is not None:
            raise Failure(f"{cluster.cache.kind} ended with {cluster.cache.process.returncode}")
        gone = [number for number in range(1, cluster.ring.count + 1) if cluster.ring.pid(number) is None]
        if gone:
            raise Failure(f"Cassandra's node {gone[0]} ended; its log: {cluster.ring.directory}/node{gone[0]}/logs")
        time.sleep(LOOK_INTERVAL_S)


def main():
    options = parse()
    cluster = None
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, is_told)
    code = 0
    try:
        cluster = Cluster(options.data, nodes=options.nodes, cache=options.cache, say=say)
        cluster.start()
        for node in cluster.nodes:
            print(f"playhead {node.url}", flush=True)
        say(f"data in {cluster.directory}; Ctrl-C stops it")
        watch(cluster)
    except Told:
        say("stopping")
    except (Failure, AssertionError) as failure:
        print(f"cluster: {failure}", file=sys.stderr, flush=True)
        code = 1
    if cluster is not None:
        for failure in cluster.stop():
            print(f"cluster: {failure}", file=sys.stderr, flush=True)
            code = 1
        say("stopped")
    return code


if __name__ == "__main__":
    sys.exit(main())
