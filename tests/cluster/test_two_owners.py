"""Goal: no more streams are granted by two owners of an account, one after the other, than by one.

After all other tests: who was killed gets his slots back in small steps.
"""

import random

from cluster.starts import LIMIT, races_with_a_kill

DEVICES, ACCOUNTS = 24, 6


def test_a_kill_in_the_middle_of_a_race_lets_no_more_win(cluster):
    found = races_with_a_kill(cluster, random.SystemRandom(), DEVICES, ACCOUNTS, expire=False)
    print(found)
    assert not found.faults, "\n".join(found.faults)
    assert found.placed == {LIMIT: ACCOUNTS}
