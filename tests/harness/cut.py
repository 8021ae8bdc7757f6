"""Cuts one node of a cluster off on one side: of what goes between it and others, the kernel drops one direction.

The rules tell a node by the group that its process runs in, for all on this machine have the same source address.
They are nftables' and belong to a process (`flags owner`) which ends with the thread that started it: whatever happens
to a test, they are gone with it. Needs root, and nft: script/bootstrap --tests installs it.
"""

import os
import shutil
import subprocess

from harness.ring import CQL_PORT, Failure, ends_with_us
from harness.server import PATIENCE_S, eventually

FIRST_GROUP = 61_000  # of nodes; nothing else runs in these
WAYS = ("mute", "deaf")  # nothing that it says arrives; or nothing that is said to it


def is_possible():
    """Whether this user may, and this machine can."""
    return (os.geteuid() == 0 and shutil.which("nft") is not None
            and subprocess.run(["nft", "list", "tables"], capture_output=True, check=False).returncode == 0)


def group_of(number):
    return FIRST_GROUP + number


def in_group(number, command):
    """The command, in the group of the node of that number, if this user may do so."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--regid", str(group_of(number)), "--keep-groups", *command]


def _rules(table, node, others, ring, way, whom):
    """others: nodes. whom: any of "cassandra" and "peers"."""
    group, out, into = group_of(node.number), [], []
    cassandra = ", ".join(ring.addresses)
    peers = ", ".join(other.host for other in others)
    peer_port = node.peer_port
    if way == "mute":
        if "cassandra" in whom:
            out.append(f"meta skgid {group} ip daddr {{ {cassandra} }} tcp dport {CQL_PORT} counter drop")
        if "peers" in whom:
            out.append(f"meta skgid {group} ip daddr {{ {peers} }} tcp dport {peer_port} counter drop")
            out.append(f"meta skgid {group} ip saddr {node.host} tcp sport {peer_port} counter drop")
    else:
        # Answers to it go to an address of all: its connections are marked by what it says on them.
        out.append(f"meta skgid {group} ct mark set {group}")
        if "cassandra" in whom:
            into.append(f"ct mark {group} ip saddr {{ {cassandra} }} tcp sport {CQL_PORT} counter drop")
        if "peers" in whom:
            into.append(f"ct mark {group} ip saddr {{ {peers} }} tcp sport {peer_port} counter drop")
            into.append(f"ip daddr {node.host} tcp dport {peer_port} counter drop")
    chains = [("output", out), ("input", into)]
    return f"add table inet {table} {{ flags owner; }}\n" + "".join(
        f"add chain inet {table} {hook} {{ type filter hook {hook} priority 0; policy accept; }}\n"
        + "".join(f"add rule inet {table} {hook} {rule}\n" for rule in rules) for hook, rules in chains if rules)


class Cut:
    """A context in which it is so. way: of WAYS. whom: the sides that are cut, "cassandra", "peers", or both."""

    def __init__(self, cluster, node, way, whom):
        if not is_possible():
            raise Failure("cutting a node off needs root and nft; script/bootstrap --tests installs nftables")
        others = [other for other in cluster.nodes if other is not node]
        self.node = node
        self.table = f"playhead_{cluster.subnet.replace('.', '_')}_{node.number}"
        self.rules = _rules(self.table, node, others, cluster.ring, way, whom)
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(ends_with_us(["nft", "-i"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.process.stdin.write(self.rules)
        self.process.stdin.flush()
        try:
            # The last rule of the last chain is there.
            wanted = self.rules.count("add rule")
            eventually(lambda: self._text().count("drop") + self._text().count("ct mark set") >= wanted, "nft's rules")
        except BaseException:
            self._end()
            raise
        self.node.cut_off = True
        return self

    def __exit__(self, *_):
        self.dropped = self._dropped()
        self._end()
        self.node.cut_off = False

    def _text(self):
        assert self.process.poll() is None, f"nft ended:\n{self.process.stdout.read()}\n{self.rules}"
        done = subprocess.run(["nft", "list", "table", "inet", self.table], capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else ""

    def _dropped(self):
        """How many packets met a rule: none means that nothing was cut."""
        words = self._text().split()
        return sum(int(words[place + 1]) for place, word in enumerate(words) if word == "packets")

    def _end(self):
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self.process.stdin.close()
        self.process.stdout.close()
