"""A server with keys, on which views stay active for longer than any test runs."""

import json

import pytest

from access.tokens import key_set
from harness import Server

CONFIG = """
[auth]
keys_file = {}
stream_limit = 100
[shard]
report_interval_ms = 600000
report_interval_max_ms = 600000
"""


@pytest.fixture(scope="session")
def guarded(tmp_path_factory):
    """One guarded server for all tests that change neither its keys nor its options."""
    directory = tmp_path_factory.mktemp("guarded")
    keys = directory / "keys.json"
    keys.write_text(key_set())
    backups = f"[backup]\ndirectory = {json.dumps(str(directory / 'backups'))}\n"
    running = Server(directory, CONFIG.format(json.dumps(str(keys))) + backups)
    yield running
    running.close()
