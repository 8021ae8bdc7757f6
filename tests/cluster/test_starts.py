"""Goal: an account's stream limit holds, through whichever nodes its devices start at one moment."""

from cluster.starts import LIMIT, race

ROUNDS, DEVICES = 8, 24


def test_as_many_start_as_the_limit_says_whoever_they_ask(cluster):
    for number in range(ROUNDS):
        counted, viewers = race(cluster.nodes, DEVICES)
        assert counted == {"201 checked": LIMIT, "409": DEVICES - LIMIT}, (number, counted)
        assert viewers == [LIMIT] * len(cluster.nodes), (number, viewers)
