"""The server under test, as a process of its own."""

import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import time

from harness.answers import Answer
from harness.reports import next_millisecond

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY_TRIES = 600
PAUSE_S = 0.05
# Longer than anything the server is allowed to take: reaching it is a failure, not a wait.
PATIENCE_S = 30


def binary():
    """The program under test. A missing one is an error, not a reason to skip."""
    path = pathlib.Path(os.environ.get("PLAYHEAD_BINARY", ROOT / "build/release/playhead"))
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: run script/build, or set PLAYHEAD_BINARY")
    return str(path)


def eventually(look, what, tries=400):
    """look()'s first answer that is true, in a bounded number of tries."""
    for _ in range(tries):
        found = look()
        if found:
            return found
        time.sleep(PAUSE_S)
    raise AssertionError(f"not within {tries} tries: {what}")


class Port(int):
    """A port of this machine, at `host`. context: what a client goes by where TLS is spoken there."""

    context = None
    host = "127.0.0.1"


def with_tls(config, pair):
    """The configuration, with the pair's lines in its section [http]."""
    head, section, rest = config.partition("[http]\n")
    return f"{head}[http]\n{pair.config()}{rest}" if section else f"{config}\n[http]\n{pair.config()}"


class Server:
    """`playhead serve` on a free port and a data directory of its own.

    config: the text of a TOML file. tls: a harness.tls.Pair, for TLS on the listener. program: another
    than binary(). A Server starts at once unless `start` is false, and may be stopped, killed and
    started again on the same data.
    """

    tls_of_all = None  # the pair of servers that are given none; see --tls in tests/conftest.py

    def __init__(self, directory, config="", arguments=(), listen="127.0.0.1:0", start=True, token=None, tls=None,
                 program=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.data = self.directory / "data"
        self.log = self.directory / "log"
        host = listen.rpartition(":")[0]
        self.host = host if host.startswith("127.") else "127.0.0.1"
        self.command = [program or binary(), "serve", "--data", str(self.data), "--listen", listen, *arguments]
        self.tls = tls or self.tls_of_all
        self.context = self.tls.authority.context() if self.tls else None
        if self.tls:
            config = with_tls(config, self.tls)
        if config:
            path = self.directory / "playhead.toml"
            path.write_text(config)
            self.command += ["--config", str(path)]
        self.process = None
        self.ports = []
        self.token = token  # what request() shows where a test shows none of its own
        if start:
            self.start()

    @property
    def port(self):
        return self.ports[0]

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def launch(self):
        """Starts the process, and waits for nothing."""
        assert self.process is None, "it runs already"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT)

    def start(self):
        """Starts the process; returns when it is ready."""
        self.launch()
        eventually(self._find_ports, f"an address in {self.log}", READY_TRIES)
        eventually(self._is_ready, "ready", READY_TRIES)
        return self

    def log_text(self):
        return self.log.read_text(errors="replace")

    def _alive(self):
        assert self.process.poll() is None, (
            f"the server ended with {self.process.returncode}:\n{self.log_text()[-4000:]}")

    def _find_ports(self):
        """Whether it has said where it listens; then `ports` has them."""
        self._alive()
        wanted = 2 if "--admin-listen" in self.command else 1
        said = self.log_text()
        found = re.findall(r"serving on https?://[\d.]+:(\d+)", said)
        found += re.findall(r"operators' listener on port (\d+)", said)
        self.ports = [int(port) for port in found]
        if self.ports and (self.tls or self.host != Port.host):  # operators on loopback are spoken to in plain HTTP
            self.ports[0] = Port(self.ports[0])
            self.ports[0].context, self.ports[0].host = self.context, self.host
        return len(self.ports) == wanted

    def _is_ready(self):
        self._alive()
        try:
            return self.request("GET", "/readyz", port=self.ports[-1]).status == 200
        except ConnectionRefusedError:
            return False

    def stop(self):
        """SIGTERM; the exit code."""
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        return process.wait(PATIENCE_S)

    def kill(self):
        """SIGKILL: nothing can be finished any more."""
        process, self.process = self.process, None
        process.kill()
        process.wait(PATIENCE_S)

    def close(self):
        """At a test's end, whatever it did."""
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                self.kill()
            else:
                self.process = None
                raise AssertionError(f"the server died with {code}:\n{self.log_text()[-4000:]}")

    def connect(self, port=None):
        port = port or self.port
        host, context = getattr(port, "host", self.host), getattr(port, "context", None)
        if context is None:
            return http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S)
        return http.client.HTTPSConnection(host, int(port), timeout=PATIENCE_S, context=context)

    def request(self, method, path, body=None, headers=None, port=None):
        """One request on a connection of its own. A body that is no bytes or text is sent as JSON."""
        headers = dict(headers or {})
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = self.connect(port)
        try:
            connection.request(method, path, body, headers)
            return Answer.of(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, headers=None):
        """The body of a GET that must succeed."""
        answer = self.request("GET", path, headers=headers)
        assert answer.status == 200, (path, answer)
        return answer.json()

    def post_reports(self, reports):
        return self.request("POST", "/v1/reports", reports)

    def post_cmcd(self, text, query="", headers=None):
        return self.request("POST", "/v1/cmcd" + query, text.encode(),
                            {"Content-Type": "application/cmcd", **(headers or {})})

    def put(self, account, report, query=""):
        """Starts or reports a view by PUT; `report` as harness.report() makes it."""
        body = {name: value for name, value in report.items() if name not in ("account", "view")}
        return self.request("PUT", f"/v1/accounts/{account}/views/{report['view']}{query}", body)

    def viewers(self, account):
        return self.get(f"/v1/accounts/{account}/viewers")["items"]

    def history(self, account, profile="p1", query=""):
        return self.get(f"/v1/accounts/{account}/profiles/{profile}/history{query}")

    def progress(self, account, title="film-1", profile="p1"):
        """The title's progress; None where there is none."""
        answer = self.request("GET", f"/v1/accounts/{account}/profiles/{profile}/progress/{title}")
        if answer.status == 404:
            assert answer.json()["type"] == "/problems/no-progress", answer
            return None
        assert answer.status == 200, answer
        return answer.json()

    def patch_progress(self, account, acts, profile="p1"):
        """Acts. Returns in a later millisecond: of two acts in one none is the later one."""
        answer = self.request("PATCH", f"/v1/accounts/{account}/profiles/{profile}/progress", acts)
        next_millisecond()
        return answer

    def metrics(self):
        """Every sample of /metrics, by name and labels as they stand there."""
        answer = self.request("GET", "/metrics", port=self.ports[-1])
        assert answer.status == 200, answer
        samples = {}
        for line in answer.body.decode().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                samples[name] = float(value)
        return samples

    def metric(self, name):
        """The sum of a metric over its labels."""
        values = [value for key, value in self.metrics().items() if key.split("{")[0] == name]
        assert values, f"there is no metric {name}"
        return sum(values)

    def resident_bytes(self):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) * 1024
