"""Goal: script/cluster does what docs/cluster.md says, and leaves nothing.

Method: the commands that the page shows under "Run one", as a reader would paste them, on a directory of the test's.
"""

import os
import pathlib
import re
import signal
import subprocess
import threading

import pytest

from docs.readme import blocks_of
from harness.server import ROOT, eventually

START_SECONDS_MAX = 300  # reaching it is a failure, not a wait
PAGE = (ROOT / "docs/cluster.md").read_text()


def section():
    """The page's "Run one", with other text than this as empty lines."""
    [found] = re.findall(r"^## Run one$.*?(?=^## )", PAGE, flags=re.M | re.S)
    return found


class Script:
    """script/cluster, and what it says as it comes."""

    def __init__(self, data, *arguments):
        self.data, self.lines = data, []
        self.process = subprocess.Popen([ROOT / "script/cluster", "--data", data, *arguments], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def said(self, text):
        return [line for line in list(self.lines) if text in line]

    def wait_for(self, text):
        def look():
            assert self.process.poll() is None or self.said(text), "".join(self.lines)
            return self.said(text)

        return eventually(look, text, tries=START_SECONDS_MAX * 20)

    def end(self, how):
        """The exit code."""
        self.process.send_signal(how)
        code = self.process.wait(START_SECONDS_MAX)
        self.reader.join()
        return code

    def left(self):
        """Processes that have the data's directory in their command line or work there."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    said = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    if str(self.data) in f"{said} {os.readlink(entry / 'cwd')}":
                        found.append(said[:200])
                except OSError:
                    continue  # it has ended
        return found


@pytest.fixture
def script(tmp_path):
    started = []

    def start(*arguments):
        started.append(Script(tmp_path / "data", *arguments))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGTERM)


def test_the_page_shows_a_cluster_that_starts_answers_and_stops(script):
    blocks = [(language, body) for _, _, language, body in blocks_of(section())]
    assert [language for language, _ in blocks] == ["sh", "text", "sh", "json"], "commands, and what they print"
    (_, command), (_, printed), (_, asked), (_, expected) = blocks
    assert command.split()[0] == "script/cluster"
    running = script(*command.split("#")[0].split()[1:])
    running.wait_for("Ctrl-C stops it")
    addresses = [line.split()[1] for line in running.said("playhead http://")]
    shown = [line.split()[1] for line in printed.splitlines()]
    assert len(addresses) == len(shown) == 3 and len(set(addresses)) == 3, addresses
    for one, other in zip(shown, addresses):
        asked = asked.replace(one, other)
    done = subprocess.run(["bash", "-euc", asked], capture_output=True, text=True, timeout=START_SECONDS_MAX)
    assert done.returncode == 0, done
    for member in re.findall(r'"\w+": (?:"[^"]*"|\d+|true|false)', expected):
        assert member.replace(" ", "") in done.stdout.replace(" ", ""), (member, done.stdout)
    assert running.end(signal.SIGTERM) == 0, "".join(running.lines)
    assert running.left() == []


def test_an_interrupted_start_leaves_nothing(script):
    running = script("--cache", "redis")
    running.wait_for("Cassandra nodes")
    assert running.end(signal.SIGINT) == 0, "".join(running.lines)
    assert not running.said("playhead http://") and running.left() == [], "".join(running.lines)


@pytest.mark.parametrize("arguments", [("--cache", "none"), ("--nodes", "0"), ("--nodes", "many"), ("--node", "1")])
def test_what_makes_no_sense_is_refused(tmp_path, arguments):
    done = subprocess.run([ROOT / "script/cluster", "--data", tmp_path / "data", *arguments], capture_output=True,
                          text=True, timeout=START_SECONDS_MAX)
    assert done.returncode == 2 and "usage: script/cluster" in done.stderr, done
    assert not (tmp_path / "data").exists()
