"""Goal: kill -9 in the middle of a backup or a restore leaves the one before or the one after, never a half.

Moments are random; the seed is printed, and PLAYHEAD_SEED repeats it.
"""

import os
import random
import shutil
import subprocess
import time

import pytest

from backup.kit import SLOW, answers, back_up, backing_up, checked, config_of, fill, restore, run, serving
from harness import binary, watch
from harness.rights import household
from harness.server import PATIENCE_S

RUNS = 6


@pytest.fixture
def draw():
    seed = int(os.environ.get("PLAYHEAD_SEED", random.SystemRandom().randrange(1_000_000)))
    print(f"seed {seed}")
    return random.Random(seed)


def listed(backups):
    return [int(line.split()[0]) for line in run("backups", "--from", backups).stdout.splitlines()[1:]]


def test_a_backup_that_was_killed_is_never_listed_and_the_next_cleans_up(launch, serve, account, backups, tmp_path,
                                                                         draw):
    server = launch(config=config_of(backups, SLOW))
    household(server, account)
    whole = [back_up(server)["id"]]
    before = answers(server, account)
    cut_short = 0
    for n in range(RUNS):
        fill(server, f"{account}-{n}", 1_000)
        with backing_up(server) as answered:
            time.sleep(draw.uniform(0, 1))  # not for anything to happen: this is the random moment
            server.kill()
        server.start()
        now = [one["id"] for one in server.get("/v1/backups")["items"]]
        assert now == listed(backups) and set(whole) <= set(now)
        if answered[0] is None:
            cut_short += now == whole
        else:
            assert answered[0].json()["id"] in now
        whole = now
    assert cut_short > 0, "a backup must really be cut short, or this test shows nothing"
    last = back_up(server)["id"]
    assert listed(backups)[-1] == last
    assert sorted(int(path.name) for path in (backups / "private").iterdir()) == listed(backups)
    assert sorted(int(path.name) for path in (backups / "meta").iterdir()) == listed(backups)
    server.kill()
    for one in {whole[0], last} & set(listed(backups)):
        restore(backups, tmp_path / f"data-{one}", "--backup", one)
        assert checked(tmp_path / f"data-{one}")["sound"]
        assert answers(serve(tmp_path / f"data-{one}"), account)["p1"]["history"] == before["p1"]["history"]


def test_a_restore_that_was_killed_leaves_the_old_or_the_new_and_may_be_repeated(launch, account, backups, tmp_path,
                                                                                draw):
    server = launch(config=config_of(backups))
    household(server, account)
    fill(server, account)
    back_up(server)
    watch(server, account, "only-in-the-old", since_s=100, for_s=50)
    assert server.stop() == 0
    command = [binary(), "restore", "--from", str(backups), "--replace", "--data"]
    began = time.monotonic()
    shutil.copytree(server.data, tmp_path / "first")
    subprocess.run([*command, str(tmp_path / "first")], check=True, capture_output=True, timeout=PATIENCE_S)
    took = time.monotonic() - began
    killed = 0
    for n in range(RUNS):
        data = tmp_path / f"data-{n}"
        shutil.copytree(server.data, data)
        restoring = subprocess.Popen([*command, str(data)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(draw.uniform(0, took))  # the random moment
        restoring.kill()
        killed += restoring.wait(PATIENCE_S) != 0
        one = serving(tmp_path / f"server-of-{n}", data)
        try:
            titles = {item["title"] for item in one.history(account)["items"]}
            assert len(titles) in (1, 2) and (len(titles) == 2) == ("only-in-the-old" in titles)
            assert one.stop() == 0
        finally:
            one.close()
        assert checked(data)["sound"]
        assert {path.name for path in data.iterdir()} == {"LOCK", "journal", "store"}
        restore(backups, data, "--replace")
        assert checked(data)["sound"]
        shutil.rmtree(data)
    assert killed > 0, "a restore must really be killed, or this test shows nothing"
