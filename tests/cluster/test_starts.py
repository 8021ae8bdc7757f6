"""Goal: an account's stream limit holds, through whichever nodes its devices start at one moment."""

import random

import pytest

from cluster.ledger import brisk
from cluster.starts import CONFIG, LIMIT, race, races_with_a_kill

ROUNDS, DEVICES = 8, 24
ACCOUNTS = 4  # at once while a node is killed


@pytest.fixture
def short_lived(cluster):
    """The cluster, with views that expire soon."""
    cluster.restart(CONFIG)
    yield cluster
    cluster.restart(brisk().config())


def test_as_many_start_as_the_limit_says_whoever_they_ask(cluster):
    for number in range(ROUNDS):
        counted, viewers = race(cluster.nodes, DEVICES)
        assert counted == {"201 checked": LIMIT, "409": DEVICES - LIMIT}, (number, counted)
        assert viewers == [LIMIT] * len(cluster.nodes), (number, viewers)


def test_no_more_are_granted_by_two_owners_and_none_outlives_its_expiry(short_lived):
    found = races_with_a_kill(short_lived, random.SystemRandom(), DEVICES, ACCOUNTS)
    print(found)
    assert not found.faults, "\n".join(found.faults)
    assert sum(found.checked.values()) == ACCOUNTS
