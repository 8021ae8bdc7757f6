"""Goal: the server answers as a fold in another language does, which was written from the design.

Method: random lives of accounts against a live server with a checkpoint every second; after some
rounds every answer about every account is compared, then the server is killed or stopped, started
again, and all is compared once more. PLAYHEAD_SEED replays a run; a failure prints it, and writes
what happened to the account.
"""

import os

import pytest

from oracle.compare import Asker, differences
from oracle.crowd import CONFIG, PROFILES, TITLES, Crowd, now_ms

ACCOUNTS = 60
ROUNDS = 4
BATCHES_A_ROUND = 6
ACTS_A_BATCH = 12


def check(server, crowd, seed, directory, page):
    asker = Asker(server.port)
    for account, fold in crowd.folds.items():
        found = differences(asker, account, fold, PROFILES, now_ms(), (*TITLES, "film-9"), page)
        if found:
            story = directory / f"{account}.ndjson"
            story.write_text(crowd.story_of(account))
            pytest.fail(f"seed {seed}, account {account}, its story is in {story}:\n"
                        + "\n".join(found[:40]), pytrace=False)


@pytest.mark.parametrize("number", range(2))
def test_the_server_answers_as_the_fold_does(launch, tmp_path, number):
    seed = int(os.environ.get("PLAYHEAD_SEED", number + 1))
    print(f"seed {seed}")
    server = launch(config=CONFIG)
    crowd = Crowd(seed, ACCOUNTS, f"s{seed}-")
    for turn in range(ROUNDS):
        for _ in range(BATCHES_A_ROUND):
            crowd.report(server)
            for _ in range(ACTS_A_BATCH):
                crowd.act(server)
        check(server, crowd, seed, tmp_path, page=7 if turn % 2 else 100)
        if turn % 2:
            server.kill()
        else:
            server.stop()
        server.start()
        check(server, crowd, seed, tmp_path, page=100 if turn % 2 else 7)
    qualified = sum(view.qualified_at is not None for fold in crowd.folds.values()
                    for view in fold.views.values())
    assert qualified > ACCOUNTS, "most lives must have something to show"
