"""What the tests of backups share: a server that may make them, and the command that restores one."""

import contextlib
import json
import random
import subprocess
import threading
import uuid

from harness import Server, binary, report
from harness.rights import QUICK
from harness.server import PATIENCE_S
from harness.state import state_of


def config_of(directory, more="", base=QUICK):
    return f"{base}\n[backup]\ndirectory = {json.dumps(str(directory))}\n{more}"


def back_up(server):
    """A new backup, as it is answered."""
    answer = server.request("POST", "/v1/backups", port=server.ports[-1])
    assert answer.status == 200, answer
    return answer.json()


def run(*arguments):
    """A command of the binary, to its end."""
    return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE_S)


def restore(backups, data, *arguments):
    """Restores, which must succeed; what it prints."""
    done = run("restore", "--from", backups, "--data", data, *arguments)
    assert done.returncode == 0, done
    return done.stdout


def checked(data):
    """`check` finds nothing wrong; what it counts."""
    done = run("check", "--data", data, "--json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def refused(*arguments, code=1):
    """A command that must fail; what it says."""
    done = run(*arguments)
    assert done.returncode == code and done.stdout == "", done
    return done.stderr


def serving(directory, data, config=""):
    """A server on `data`, which a test ends by close()."""
    server = Server(directory, config, start=False)
    server.command[server.command.index("--data") + 1] = str(data)
    server.data = data
    return server.start()


def answers(server, account):
    """All three answers about both profiles."""
    return {profile: state_of(server, account, profile) for profile in ("p1", "p2")}


def disk_bytes(directory):
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def fill(server, account, views=2_000):
    """Enough, on accounts of its own, that a backup at SLOW takes a second or more: ids can't be compressed."""
    draw = random.Random(account)
    for first in range(0, views, 500):
        answer = server.post_reports([
            report(f"{account}-{n % 20}", view=str(uuid.UUID(int=draw.getrandbits(128))), title=f"{draw.getrandbits(400):0100x}",
                   device=f"{draw.getrandbits(400):0100x}", at=-7200 + (first + n) / 1000, state="stopped")
            for n in range(500)])
        assert answer.status == 204, answer


# A backup of what fill() makes takes a while, so that something can happen meanwhile.
SLOW = "write_bytes_per_s_max = 1048576\n"


@contextlib.contextmanager
def backing_up(server):
    """A backup under way on another thread. Yields what becomes its answer; None where it got none."""
    answers = []

    def ask():
        try:
            answers.append(server.request("POST", "/v1/backups"))
        except OSError:  # killed
            answers.append(None)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield answers
    finally:
        asking.join(PATIENCE_S)
        assert not asking.is_alive()
