"""A whole cluster on this machine: Cassandra's ring, a cache, and Playhead nodes before them.

All of one cluster listens on a part of the loopback that is its own, on the usual ports, so that clusters don't meet:
SUBNET.1 to .9 are Cassandra's nodes, .11 and up Playhead's, .21 is the cache. A directory holds all data; a cluster
that is started again in it has its data and its addresses again.

Processes other than Cassandra's end with the thread that started them, whatever happens to it. A ring that was left
behind is found by its directory, and used again or stopped.
"""

import http.client
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import time

from harness.cut import in_group
from harness.ring import CQL_PORT, CacheServer, Failure, Ring, ends_with_us, freeze, run, thaw
from harness.server import PATIENCE_S, ROOT, Server, eventually

SLOTS = 4096
HTTP_PORT, PEER_PORT = 8080, 7101
NODES_MAX = 9
SETTLE_TRIES = 1_200  # a minute: more than any lease takes
SHARE_TRIES = 3_600
REST_S = 11.0  # more than two rounds of the rebalancer
SUBNET_TRIES = 50
FRESH_ACCOUNTS = 48
STOP_SECONDS_MAX = 60  # for a node's stop: the handing over, requests in flight, and the journal


def cluster_binary():
    """The program under test, with Cassandra built in. A missing one is an error, not a reason to skip."""
    path = pathlib.Path(os.environ.get("PLAYHEAD_BINARY", ROOT / "build/cluster/playhead"))
    if not path.is_file():
        raise Failure(f"{path} is not there: run tools/build cluster playhead, or set PLAYHEAD_BINARY")
    return str(path)


def is_free(host, port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_subnet():
    """The first three bytes of addresses that nobody uses. tools/cassandra draws from 127.100 to 127.199."""
    for _ in range(SUBNET_TRIES):
        subnet = f"127.{random.randrange(200, 250)}.{random.randrange(256)}"
        if is_free(f"{subnet}.1", CQL_PORT) and is_free(f"{subnet}.11", HTTP_PORT):
            return subnet
    raise Failure(f"no free addresses in {SUBNET_TRIES} tries; how many clusters run here?")


def slots_by_owner(look):
    """Of what GET /v1/cluster says: how many slots each node owns."""
    owned = {}
    for part in look["slots"]:
        if part.get("node"):
            owned[part["node"]] = owned.get(part["node"], 0) + part["last"] - part["first"] + 1
    return owned


class Node(Server):
    """A Playhead node of a cluster. Its log of the life before is in `log.before`."""

    peer_port = PEER_PORT

    def __init__(self, directory, number, subnet, contacts, config=""):
        self.number, self.name = number, f"node-{number}"
        host = f"{subnet}.{10 + number}"
        self.own = (f'[cluster]\nnode = "{self.name}"\npeer_listen = "{host}:{PEER_PORT}"\n'
                    f'[cassandra]\ncontacts = "{contacts}"\nkeyspace = "playhead"\n')
        super().__init__(pathlib.Path(directory) / self.name, f"{config}\n{self.own}", listen=f"{host}:{HTTP_PORT}",
                         start=False, program=cluster_binary())
        self.paused = self.became_ready = False
        self.cut_off = False  # by harness.cut

    def launch(self):
        assert self.process is None, "it runs already"
        self.became_ready = False
        if self.log.exists():
            self.log.replace(self.log.with_name("log.before"))
        with open(self.log, "wb") as log:
            command = in_group(self.number, ends_with_us(self.command))
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, start_new_session=True)

    @property
    def is_up(self):
        """Whether it can be expected to answer."""
        return self.process is not None and self.became_ready and not self.paused and not self.cut_off

    def wait_ready(self):
        eventually(self._find_ports, f"an address in {self.log}", SETTLE_TRIES)
        eventually(self._is_ready, f"{self.name} ready", SETTLE_TRIES)
        self.became_ready = True

    def stop(self):
        """SIGTERM: it hands its slots over. The exit code; if it takes too long it is killed, and that is -SIGKILL."""
        self.process.terminate()
        try:
            code = self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait(PATIENCE_S)
        self.process = None
        return code

    def configure(self, config):
        """From its next start on."""
        (self.directory / "playhead.toml").write_text(f"{config}\n{self.own}")

    def pause(self):
        """SIGSTOP: from its return on it takes connections, and says nothing."""
        self.paused = True
        freeze(self.pid)

    def resume(self):
        thaw(self.pid)
        self.paused = False

    def look(self):
        """What it says of the cluster; None if it does not."""
        try:
            answer = self.request("GET", "/v1/cluster")
        except (OSError, http.client.HTTPException):
            return None
        return answer.json() if answer.status == 200 else None


class Cluster:
    """config: the text of a TOML file that all nodes get beside their own. say: is told of each step. quick: as in Ring."""

    def __init__(self, directory, nodes=3, cassandra_nodes=3, cache="memcached", config="", say=lambda _: None,
                 quick=True):
        if not 1 <= nodes <= NODES_MAX:
            raise Failure(f"a cluster here has 1 to {NODES_MAX} nodes")
        self.directory = pathlib.Path(directory).resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.say = say
        self.subnet = self._subnet()
        self.ring = Ring(self.directory / "cassandra", self.subnet, cassandra_nodes, quick)
        self.cache = CacheServer(cache, f"{self.subnet}.21", self.directory / "cache") if cache else None
        config += f"\n{self.cache.config}" if self.cache else ""
        self.nodes = [Node(self.directory, number, self.subnet, self.ring.contacts, config)
                      for number in range(1, nodes + 1)]

    def _subnet(self):
        """That of the time before, or a free one."""
        kept = self.directory / "cluster.json"
        if kept.exists():
            return json.loads(kept.read_text())["subnet"]
        subnet = free_subnet()
        kept.write_text(json.dumps({"subnet": subnet}))
        return subnet

    def start(self):
        """Returns when every node is ready, every slot owned, and no answer stale."""
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def _start(self):
        for tool in ("java", "setpriv"):
            if shutil.which(tool) is None:
                raise Failure(f"{tool} is missing; script/bootstrap --tests installs what is needed")
        began = time.monotonic()
        for node in self.nodes:
            if not is_free(node.host, HTTP_PORT) or not is_free(node.host, PEER_PORT):
                raise Failure(f"{node.host} is taken by another process: does a cluster run in {self.directory}?")
        self.say(f"starting {self.ring.count} Cassandra nodes on {self.ring.contacts}")
        self.say(self.ring.start())
        self.say("applying the schema")
        run([cluster_binary(), "schema", "apply", "--contact", self.ring.contacts, "--keyspace", "playhead",
             "--replication", str(min(3, self.ring.count))], "the schema can't be applied")
        if self.cache is not None:
            self.cache.start()
            self.say(f"{self.cache.kind} answers on {self.cache.address}")
        self.say(f"starting {len(self.nodes)} Playhead nodes")
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait_ready()
        self.say(f"they are ready; waiting until all {SLOTS} slots are owned")
        self.wait_settled()
        self.say(f"all of it is up after {time.monotonic() - began:.1f} s")

    def restart(self, config):
        """All Playhead nodes, with that configuration. Returns as start() does, and when each has a fair part."""
        self._terminate()
        for node in self.nodes:
            node.stop()
            node.configure(config)
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait_ready()
        self.wait_shared()
        self.wait_settled()

    def wait_shared(self):
        """Until each node has a fair part. Who is ready first takes all, and gives to the others in small steps."""
        eventually(self._is_shared, "each node owns slots", SHARE_TRIES)

    def wait_at_rest(self):
        """Until shares are fair, no slot has changed hands for two rounds of the rebalancer, and no answer is stale."""
        self.wait_shared()
        seen, since = None, 0.0

        def is_at_rest():
            nonlocal seen, since
            slots = self.nodes[0].look()["slots"]
            if slots != seen:
                seen, since = slots, time.monotonic()
            return time.monotonic() - since > REST_S

        eventually(is_at_rest, "no slot changes hands", SHARE_TRIES)
        self.wait_settled()

    def _is_shared(self):
        look = self.nodes[0].look()
        owned = slots_by_owner(look) if look else {}
        return all(owned.get(node.name, 0) > SLOTS // (2 * len(self.nodes)) for node in self.nodes)

    def wait_settled(self):
        """Until every slot is owned, and no answer stale."""
        self.wait_owned()
        eventually(self.is_fresh, "answers that are not stale", SETTLE_TRIES)

    @property
    def up(self):
        """The nodes that are ready, and neither paused nor cut off."""
        return [node for node in self.nodes if node.is_up]

    def is_owned(self):
        """Whether each node that is up says that those which are own all slots."""
        names = {node.name for node in self.up}
        looks = [node.look() for node in self.up]
        return all(look is not None and SLOTS == sum(
            count for name, count in slots_by_owner(look).items() if name in names) for look in looks)

    def is_fresh(self):
        """Whether each node has looked around in what is its own: so many accounts, that each of them owns some."""
        paths = [f"/v1/accounts/nobody-{number}/viewers" for number in range(FRESH_ACCOUNTS)]
        return not any(self.nodes[0].get(path)["stale"] for path in paths)

    def wait_owned(self):
        eventually(self.is_owned, f"all {SLOTS} slots owned by {[node.name for node in self.up]}", SETTLE_TRIES)

    def close(self):
        """Ends all that was started, at once and by force; for the end of a test."""
        for node in self.nodes:
            if node.process is not None:
                node.kill()
        if self.cache is not None:
            self.cache.kill()
        self.ring.kill()

    def _terminate(self):
        """SIGTERM to all at once: else one hands over to the next, which takes its time."""
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.process.terminate()

    def stop(self):
        """Ends it in order."""
        failures = []
        running = [node for node in self.nodes if node.process is not None]
        self._terminate()
        for node in running:
            code = node.stop() if node.process.poll() is None else node.process.returncode
            node.process = None
            if code != 0:
                failures.append(f"{node.name} ended with {code}; its log: {node.log}")
        if self.cache is not None:
            self.cache.kill()
        self.ring.stop()
        return failures
