"""Fixtures of all black-box tests. PLAYHEAD_BINARY names the program; else build/release/playhead."""

import pathlib
import tempfile

import pytest

from harness import Server, fresh
from harness.tls import Authority

# What is worth asking twice: all that depends on how bytes come and go.
OVER_TLS = ("api/test_protocol.py", "api/test_stream.py", "bad_inputs/test_framing.py",
            "bad_inputs/test_bodies.py")
# Failed once of eight times on a busy machine, on which it takes minutes: Python reads all that the kernel held.
# That answers which nobody takes are bounded is shown under TLS by those of pipelined requests.
NOT_OVER_TLS = ("test_a_slow_reader_is_dropped_and_gets_a_fresh_snapshot_when_it_returns",)


def pytest_addoption(parser):
    parser.addoption("--tls", action="store_true", help="servers speak TLS; runs " + ", ".join(OVER_TLS))
    parser.addoption("--cluster", action="store_true", help="runs tests/cluster, which is left out else")


def pytest_ignore_collect(collection_path, config):
    """tests/cluster needs a ring of Cassandra nodes, and another build."""
    folder = pathlib.Path(__file__).parent / "cluster"
    return True if collection_path == folder and not config.getoption("--cluster") else None


def pytest_configure(config):
    if config.getoption("--tls"):
        config.tls_directory = tempfile.TemporaryDirectory(prefix="playhead-tls-")
        Server.tls_of_all = Authority(config.tls_directory.name).pair()


def pytest_unconfigure(config):
    if config.getoption("--tls"):
        config.tls_directory.cleanup()


def pytest_collection_modifyitems(config, items):
    if config.getoption("--tls"):
        here = pathlib.Path(__file__).parent
        items[:] = [item for item in items
                    if str(item.path.relative_to(here)) in OVER_TLS and item.name not in NOT_OVER_TLS]

# Generous enough for a busy machine, short enough to be waited for in a test.
IMPATIENT = """
[http]
header_timeout_ms = 1000
body_timeout_ms = 1000
write_timeout_ms = 1000
stream_comment_interval_ms = 1000
cors_origins = ["https://tv.example"]
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server with its defaults, for every test that needs no other: accounts keep them apart."""
    running = Server(tmp_path_factory.mktemp("server"))
    yield running
    running.close()


@pytest.fixture(scope="session")
def impatient(tmp_path_factory):
    """A server with short timeouts, and one web origin that may call it."""
    running = Server(tmp_path_factory.mktemp("impatient"), IMPATIENT)
    yield running
    running.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """Who signs the certificates of servers that speak TLS."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def launch(tmp_path):
    """Makes servers of a test's own: launch(config=..., arguments=...). They end with the test."""
    made = []

    def make(**options):
        made.append(Server(tmp_path / f"server-{len(made)}", start=False, **options))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def account():
    """An account that no other test has."""
    return fresh("account")
