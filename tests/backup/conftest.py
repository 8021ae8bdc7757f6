"""Where backups go, and servers on restored directories."""

import pytest

from backup.kit import serving


@pytest.fixture
def backups(tmp_path):
    return tmp_path / "backups"


@pytest.fixture
def serve(tmp_path):
    """Makes servers on restored directories: serve(data). They end with the test."""
    made = []

    def make(data, config=""):
        made.append(serving(tmp_path / f"restored-{len(made)}", data, config))
        return made[-1]

    yield make
    for one in made:
        one.close()
