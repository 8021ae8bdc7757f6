"""Servers that a cluster needs beside its own: Cassandra's ring, and a cache. Each on addresses of its own."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess

from harness.server import PATIENCE_S, ROOT, eventually

DEV = ROOT / "dev/cassandra/cassandra-dev"
CQL_PORT = 9042
START_SECONDS_MAX = 180  # as long as cassandra-dev waits itself


class Failure(Exception):
    """Something that a cluster needs is not there or does not start. Said to the caller as it stands."""


def ends_with_us(command):
    """The command, killed by the kernel when the thread that starts it ends, however that comes."""
    return ["setpriv", "--pdeathsig", "KILL", *map(str, command)]


def run(command, what, seconds_max=START_SECONDS_MAX):
    """Runs a command to its end; its output. An interruption is handed on, so that it tidies up first."""
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        out, _ = process.communicate(timeout=seconds_max)
    except BaseException:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
    if process.returncode != 0:
        raise Failure(f"{what}: {' '.join(map(str, command))} ended with {process.returncode}:\n{out.strip()}")
    return out


def start_ticks(pid):
    """When the kernel started that process, as cassandra-dev has it: with the pid it names one process for ever."""
    try:
        rest = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if rest[0] in "ZX" else rest[19]


def state_of_process(pid):
    """The letter of /proc: T is stopped."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def freeze(pid):
    """SIGSTOP; returns once the process runs no more."""
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: state_of_process(pid) == "T", f"process {pid} stopped")


def thaw(pid):
    os.kill(pid, signal.SIGCONT)


class Ring:
    """Cassandra nodes by dev/cassandra/cassandra-dev: numbers from 1, addresses SUBNET.1 and up.

    quick: they are there sooner, and do less.
    """

    def __init__(self, directory, subnet, count=3, quick=True):
        self.directory = pathlib.Path(directory)
        self.subnet, self.count, self.quick = subnet, count, quick

    @property
    def addresses(self):
        return [f"{self.subnet}.{number}" for number in range(1, self.count + 1)]

    @property
    def contacts(self):
        return ",".join(f"{address}:{CQL_PORT}" for address in self.addresses)

    @property
    def exists(self):
        return (self.directory / "ring.json").exists()

    def _dev(self, what, command, *arguments):
        return run([DEV, command, "--dir", self.directory, *arguments], what).strip()

    def start(self, node=None):
        """All that are down, or one; returns when it answers. What it said."""
        which = () if node is None else ("--node", node)
        return self._dev("Cassandra does not start", "start", *(("--quick",) if self.quick else ()), "--nodes",
                         self.count, "--subnet", self.subnet, *which)

    def kill(self, node=None):
        """SIGKILL to one, or to all."""
        if self.exists:
            self._dev("Cassandra can't be killed", "kill", *(() if node is None else ("--node", node)))

    def stop(self):
        if self.exists:
            self._dev("Cassandra does not stop", "stop")

    def query(self, statement, consistency="ONE"):
        """Its rows as lines, by whichever node answers first in order."""
        for node in range(1, self.count + 1):
            try:
                return self._dev("Cassandra does not answer", "cql", "--node", node, "--consistency", consistency,
                                 statement).splitlines()
            except Failure:
                if node == self.count:
                    raise
        return []

    def pid(self, node):
        """None if it does not run."""
        try:
            pid, ticks = (self.directory / f"node{node}" / "pid").read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid) if start_ticks(int(pid)) == ticks else None

    def pause(self, node):
        freeze(self.pid(node))

    def resume(self, node):
        thaw(self.pid(node))


class CacheServer:
    """A Memcached or a Redis of its own address, on its usual port. It keeps nothing on disk."""

    PORTS = {"memcached": 11211, "redis": 6379}

    def __init__(self, kind, host, directory):
        if kind not in self.PORTS:
            raise Failure(f"no cache is called '{kind}': there are {' and '.join(sorted(self.PORTS))}")
        self.kind, self.host, self.port = kind, host, self.PORTS[kind]
        self.directory = pathlib.Path(directory)
        self.process = None

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    @property
    def config(self):
        """What makes a node read through it."""
        return f'[cache]\nkind = "{self.kind}"\nservers = "{self.address}"\n'

    def _command(self):
        if self.kind == "memcached":
            return ["memcached", "-u", "nobody", "-l", self.host, "-p", self.port, "-U", 0, "-m", 64, "-t", 1]
        return ["redis-server", "--bind", self.host, "--port", self.port, "--save", "", "--appendonly", "no",
                "--dir", self.directory]

    def start(self):
        """Returns when it takes connections."""
        command = self._command()
        if shutil.which(command[0]) is None:
            raise Failure(f"{command[0]} is missing; script/bootstrap --tests installs it")
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self.directory / "log", "wb") as log:
            self.process = subprocess.Popen(ends_with_us(command), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, start_new_session=True)
        eventually(self._answers, f"{self.kind} on {self.address}")

    def _answers(self):
        if self.process.poll() is not None:
            said = (self.directory / "log").read_text(errors="replace")[-2000:]
            raise Failure(f"{self.kind} on {self.address} ended with {self.process.returncode}:\n{said}")
        try:
            socket.create_connection((self.host, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def kill(self):
        """As after a crash of its machine: it forgets everything."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait(PATIENCE_S)

    def pause(self):
        freeze(self.process.pid)

    def resume(self):
        thaw(self.process.pid)

    def flush(self):
        """Empties it."""
        order = b"flush_all\r\n" if self.kind == "memcached" else b"FLUSHALL\r\n"
        with socket.create_connection((self.host, self.port), timeout=PATIENCE_S) as connection:
            connection.sendall(order)
            said = connection.recv(64)
        if not said.upper().startswith((b"OK", b"+OK")):
            raise Failure(f"{self.kind} on {self.address} does not let itself be emptied: {said!r}")
