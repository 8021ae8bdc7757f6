"""The examples of README.md: what they are, how they are run, and what they promise.

A comment before a block of shell says that it is run, and what must come of it:
  <!-- run -->                            a block of json or text follows, which the output must hold
  <!-- run: TEXT -->                      the output contains TEXT; a block may follow as well
  <!-- run in the background: TEXT -->    it is left running; its output contains TEXT, and may grow
  <!-- run: TEXT, and in the background: MORE -->
                                          then the output of what was left running contains MORE
json: every member named is there with that value; a list has as many items, each in its place.
text: each line is part of a line of the output, however wide the spaces.
"""

import json
import os
import re
import shlex
import signal
import subprocess

from harness import binary, eventually
from harness.server import PATIENCE_S, ROOT

ADDRESS = "127.0.0.1:8080"
BINARY = "build/release/playhead"
ASKS_A_SERVER = "replay|backup|backups|viewers|progress|history|continue-watching|export|import"
MARKER = re.compile(r"<!-- run(?P<background> in the background)?(: (?P<wanted>.+?))?"
                    r"(, and in the background: (?P<later>.+))? -->")
FENCE = re.compile(r"```(\w*)")


class Broken(Exception):
    """The README itself is wrong: an example that promises nothing, or that nobody could run."""


class Example:
    def __init__(self, line, mark, script):
        self.line, self.script = line, script
        self.background = mark["background"] is not None
        self.wanted, self.later = mark["wanted"], mark["later"]
        self.expected = None  # (language, text) of the block that follows

    def __repr__(self):
        return f"line {self.line}"


def blocks_of(text):
    """Its fenced blocks: (number of the opening line, of the closing one, language, text)."""
    lines, blocks, opened = text.split("\n"), [], None
    for number, line in enumerate(lines, 1):
        fence = FENCE.fullmatch(line)
        if opened is None and fence:
            opened = number, fence[1]
        elif opened is not None and line == "```":
            blocks.append((opened[0], number, opened[1], "\n".join(lines[opened[0]:number - 1])))
            opened = None
    if opened is not None:
        raise Broken(f"line {opened[0]}: the block has no end")
    return blocks


def examples_of(text):
    """The examples that are marked, in order."""
    lines, blocks = text.split("\n"), blocks_of(text)
    by_line = {opened: (closed, language, body) for opened, closed, language, body in blocks}
    found = []
    for number, line in enumerate(lines, 1):
        if "<!--" not in line:
            continue
        mark = MARKER.fullmatch(line)
        if mark is None:
            raise Broken(f"line {number}: '{line}' is no marker that we know")
        closed, language, script = by_line.get(number + 1, (0, "", ""))
        if language != "sh":
            raise Broken(f"line {number}: no block of sh follows the marker")
        example = Example(number + 1, mark, script)
        _, language, body = by_line.get(closed + 1, (0, "", ""))
        if language in ("json", "text"):
            example.expected = language, body
        if example.wanted is None and example.expected is None:
            raise Broken(f"line {number}: nothing says what the example's output must be")
        if example.background and (example.wanted is None or example.expected or example.later):
            raise Broken(f"line {number}: of what is left running a TEXT is wanted and nothing else")
        found.append(example)
    return found


def blocks_not_run(text):
    """The lines at which a block of commands begins that no example runs."""
    run = {example.line for example in examples_of(text)}
    return [opened for opened, _, language, _ in blocks_of(text) if language == "sh" and opened not in run]


def faults_of_all(shell, examples):
    """Runs the examples in order; what is wrong with them, a line each."""
    return "\n".join(f"{example}: {fault}" for example in examples for fault in shell.run(example))


def holds(answer, expected, where="$"):
    """What of `expected` the answer lacks, in words; nothing if it holds all."""
    if isinstance(expected, dict) and isinstance(answer, dict):
        missing = [f"{where}.{name} is missing" for name in expected if name not in answer]
        return missing + [fault for name in expected if name in answer
                          for fault in holds(answer[name], expected[name], f"{where}.{name}")]
    if isinstance(expected, list) and isinstance(answer, list):
        if len(answer) != len(expected):
            return [f"{where} has {len(answer)} items, not {len(expected)}"]
        return [fault for place, (one, wanted) in enumerate(zip(answer, expected))
                for fault in holds(one, wanted, f"{where}[{place}]")]
    same = type(answer) is type(expected) and answer == expected
    return [] if same else [f"{where} is {answer!r}, not {expected!r}"]


def faults_of(example, output):
    """What is wrong with the output of an example, in words."""
    faults = []
    if example.wanted is not None and example.wanted not in output:
        faults.append(f"'{example.wanted}' is not in it")
    if example.expected is None:
        return faults
    language, expected = example.expected
    if language == "json":
        try:
            return faults + holds(json.loads(output), json.loads(expected))
        except ValueError as error:
            return faults + [f"no JSON: {error}"]
    shown = [" ".join(line.split()) for line in output.splitlines()]
    wanted = [" ".join(line.split()) for line in expected.splitlines()]
    return faults + [f"no line has '{line}'" for line in wanted if not any(line in one for one in shown)]


class Shell:
    """Runs examples as if pasted, against a server on another port than the README's."""

    def __init__(self, server, directory, working_directory=ROOT):
        self.server, self.directory, self.working_directory = server, directory, working_directory
        self.left_running = []  # (example, process, path of its output)

    def here(self, script):
        """The script with this server's port, and the program under test."""
        url = f"http://127.0.0.1:{self.server.port}"
        script = script.replace(ADDRESS, url.removeprefix("http://"))
        script = re.sub(rf"^({re.escape(BINARY)} (?:{ASKS_A_SERVER})\b(?!.*--server).*)$", rf"\1 --server {url}", script,
                        flags=re.M)
        return script.replace(BINARY, shlex.quote(binary()))

    def run(self, example):
        """Runs one example. What is wrong, in words."""
        if example.background:
            return self._leave_running(example)
        done = self._bash(example.script, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = done.communicate(timeout=PATIENCE_S)
        faults = faults_of(example, output)
        if done.returncode != 0:
            faults.append(f"exit code {done.returncode}")
        if faults:
            return faults + [f"it said: {output[-1500:]}{errors[-1500:]}"]
        if example.later and not self._appears(self._outputs, example.later):
            return [f"'{example.later}' is not in what was left running: {self._outputs()[-1500:]}"]
        return []

    def close(self):
        """Ends what was left running. What is wrong with it, in words."""
        faults = []
        for example, process, path in self.left_running:
            if process.poll() is not None:
                faults.append(f"{example} ended by itself with {process.returncode}: {path.read_text()[-1500:]}")
                continue
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(PATIENCE_S)
        self.left_running = []
        return faults

    def _bash(self, script, **options):
        # -e: a command in the middle that fails is a failure too.
        return subprocess.Popen(["bash", "-e", "-c", self.here(script)], cwd=self.working_directory, stdin=subprocess.DEVNULL,
                                text=True, env={**os.environ, "no_proxy": "127.0.0.1"}, **options)

    def _leave_running(self, example):
        path = self.directory / f"output-{example.line}"
        with open(path, "w") as output:
            process = self._bash(example.script, stdout=output, stderr=subprocess.DEVNULL, start_new_session=True)
        self.left_running.append((example, process, path))
        if self._appears(path.read_text, example.wanted):
            return []
        return [f"'{example.wanted}' is not in its output: {path.read_text()[-1500:]}"]

    def _outputs(self):
        return "".join(path.read_text() for _, _, path in self.left_running)

    @staticmethod
    def _appears(read, text):
        try:
            return eventually(lambda: text in read(), text, tries=200)
        except AssertionError:
            return False
