"""Fixtures of all black-box tests. PLAYHEAD_BINARY names the program; else build/release/playhead."""

import pytest

from harness import Server, fresh

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
