"""Backups of a running server, and servers that begin with one: the same answers, and nothing less."""

import contextlib
import itertools
import threading

from backup.kit import (SLOW, answers, back_up, backing_up, checked, config_of, disk_bytes, fill, restore,
                        run)
from harness import assert_problem, at, eventually, report
from harness.reports import parse_at
from harness.rights import household


def test_a_restored_server_gives_the_same_three_answers(launch, serve, account, backups, tmp_path):
    server = launch(config=config_of(backups))
    household(server, account)
    backup = back_up(server)
    assert set(backup) == {"id", "at", "bytes", "files"} and backup["id"] == 1
    assert backup["bytes"] > 0 and backup["files"] > 0
    assert abs(parse_at(backup["at"]) - parse_at(at())) < 60
    before = answers(server, account)
    assert all(len(one["history"]["items"]) == 2 and len(one["viewers"]["items"]) == 2 for one in before.values())
    data = tmp_path / "data"
    assert "backup 1" in restore(backups, data)
    assert checked(data)["sound"]
    again = serve(data)
    assert answers(again, account) == before
    # Its players go on as if nothing had been.
    [view] = [one for one in again.viewers(account) if one["profile"] == "p1"]
    moved = report(account, view=view["view"], title=view["title"], device=view["device"], playhead_ms=90_000)
    assert again.post_reports(moved).status == 204
    [view] = [one for one in again.viewers(account) if one["profile"] == "p1"]
    assert view["playhead_ms"] == 90_000
    assert again.stop() == 0


class Player(threading.Thread):
    """Reports without a pause, each a little further, ten to a view. `acknowledged`: view to playhead."""

    def __init__(self, server, account, number):
        super().__init__()
        self.server, self.account, self.number = server, account, number
        self.acknowledged, self.stopped, self.error = {}, threading.Event(), None

    def run(self):
        try:
            for n in itertools.count(1):
                if self.stopped.is_set():
                    return
                view = f"view-{self.number}-{n // 10}"
                body = report(self.account, view=view, device=f"tv-{self.number}", playhead_ms=n)
                assert self.server.post_reports(body).status == 204
                self.acknowledged[view] = n
        except Exception as error:  # pylint: disable=broad-except
            self.error = error


def test_all_that_was_acknowledged_before_is_in_it_whatever_happens_meanwhile(launch, serve, account, backups,
                                                                             tmp_path):
    server = launch(config=config_of(backups, SLOW))
    fill(server, account)
    players = [Player(server, account, number) for number in range(4)]
    for player in players:
        player.start()
    eventually(lambda: all(len(player.acknowledged) > 3 for player in players), "reports")
    before = {view: n for player in players for view, n in player.acknowledged.items()}
    back_up(server)
    after = {view: n for player in players for view, n in player.acknowledged.items()}
    for player in players:
        player.stopped.set()
        player.join()
        assert player.error is None
    assert after != before, "reports must be acknowledged meanwhile, or this test shows little"
    server.kill()
    restore(backups, tmp_path / "data")
    again = serve(tmp_path / "data")
    for view, n in before.items():
        assert again.get(f"/v1/accounts/{account}/views/{view}")["playhead_ms"] >= n, view


def test_a_second_backup_holds_only_what_is_new(launch, account, backups):
    server = launch(config=config_of(backups))
    fill(server, account)
    back_up(server)
    first = disk_bytes(backups)
    household(server, account)
    back_up(server)
    assert 0 < disk_bytes(backups) - first < first / 4


def test_older_backups_than_are_to_be_kept_are_deleted(launch, account, backups):
    server = launch(config=config_of(backups, "keep = 2\n"))
    sizes = []
    for _ in range(3):
        household(server, account)
        sizes.append(back_up(server)["bytes"])
    listed = server.get("/v1/backups")
    assert [(one["id"], one["bytes"]) for one in listed["items"]] == [(2, sizes[1]), (3, sizes[2])]
    assert listed["next"] is None and listed["stale"] is False
    assert sorted(path.name for path in (backups / "private").iterdir()) == ["2", "3"]


def test_one_is_made_at_a_time(launch, account, backups):
    server = launch(config=config_of(backups, SLOW))
    fill(server, account)
    with contextlib.ExitStack() as stack:
        asked = [stack.enter_context(backing_up(server)) for _ in range(4)]
    made = [one.json()["id"] for [one] in asked if one.status == 200]
    refusals = [assert_problem(one, 503, "overloaded") for [one] in asked if one.status != 200]
    assert made and refusals and all("under way" in one["detail"] for one in refusals)
    assert [one["id"] for one in server.get("/v1/backups")["items"]] == sorted(made)


def test_a_stop_ends_the_one_under_way(launch, account, backups):
    server = launch(config=config_of(backups, SLOW))
    fill(server, account)
    with backing_up(server) as answered:
        eventually(lambda: answered or list(backups.glob("private/1*")), "a backup under way")
        listed = server.get("/v1/backups")["items"]
        assert listed == [] or answered
        assert server.stop() == 0
    server.start()
    made = [answered[0].json()["id"]] if answered[0] is not None and answered[0].status == 200 else []
    assert [one["id"] for one in server.get("/v1/backups")["items"]] == made


def test_figures_tell_of_the_newest_backup_after_a_restart_too(launch, account, backups):
    server = launch(config=config_of(backups))
    assert server.metric("playhead_backup_last_seconds") == 0 and server.metric("playhead_backups_total") == 0
    household(server, account)
    backup = back_up(server)
    assert server.metric("playhead_backups_total") == 1 and server.metric("playhead_backup_errors_total") == 0
    assert server.stop() == 0
    server.start()
    assert abs(server.metric("playhead_backup_last_seconds") - parse_at(backup["at"])) < 0.01
    assert server.metric("playhead_backup_last_bytes") == backup["bytes"]


def test_commands_make_and_list_backups(launch, account, backups):
    server = launch(config=config_of(backups), arguments=["--admin-listen", "127.0.0.1:0"])
    household(server, account)
    url = f"http://127.0.0.1:{server.ports[-1]}"
    done = run("backup", "--server", url)
    assert done.returncode == 0 and done.stdout.startswith("backup 1 of "), done
    for where in (["--server", url], ["--from", backups]):
        done = run("backups", *where)
        heading, row = done.stdout.splitlines()
        assert heading.split() == ["BACKUP", "OF", "SIZE", "FILES"] and row.split()[0] == "1"
    # Operators' things are not where the public comes.
    assert_problem(server.request("POST", "/v1/backups"), 404)


def test_a_server_without_a_directory_says_what_to_set(server):
    for method in ("GET", "POST"):
        problem = assert_problem(server.request(method, "/v1/backups"), 422, "unprocessable")
        assert "[backup]" in problem["detail"] and "directory" in problem["detail"]
    done = run("backup", "--server", server.url)
    assert done.returncode == 1 and "[backup]" in done.stderr
