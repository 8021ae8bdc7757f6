"""Goal: what is held on an account can be taken out whole, and brought back as it was.

Real players' recordings are replayed, exported, and imported where nothing is; the three answers must be
what they were. What other services hold comes in once, however often it is sent, and never in the
place of anything newer.
"""

import json
import pathlib
import socket
import subprocess
import threading

import pytest

from harness import EventStream, assert_problem, at, binary, eventually, fresh, report, watch
from harness.server import ROOT
from transfer.files import netflix, netflix_rows, registers

RECORDINGS = sorted((ROOT / "tests/recordings/data").glob("*.jsonl"))
NDJSON = {"Content-Type": "application/x-ndjson"}


def playhead(*arguments, code=0):
    """A command's standard output."""
    done = subprocess.run([binary(), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def exported(server, account):
    text = playhead("export", "--account", account, "--server", server.url)
    return [json.loads(line) for line in text.splitlines()]


def put(server, path, *records, status=200):
    """Imports lines; the answer."""
    body = "".join(json.dumps(one) + "\n" for one in records)
    answer = server.request("POST", path, body, NDJSON)
    assert answer.status == status, answer
    return answer.json()


def answers(server, account):
    """The three answers and what is made of them, of all profiles, without when they were asked for."""
    base = f"/v1/accounts/{account}"
    found = {"viewers": server.get(f"{base}/viewers"), "profiles": server.get(f"{base}/profiles")}
    for name in [one["profile"] for one in found["profiles"]["items"]]:
        of = f"{base}/profiles/{name}"
        for what in ("history?all=true&limit=100", "progress?limit=100", "continue-watching?limit=100"):
            found[name, what] = server.get(f"{of}/{what}")
    for one in found.values():
        one.pop("as_of")
    return found


def replayed(server, account):
    """Everything the recordings hold, by three profiles, ended; and marks by hand."""
    for i, path in enumerate(RECORDINGS):
        playhead("replay", path, "--fast", "--account", account, "--profile", f"p{i % 3}", "--device", f"d-{i}",
                 "--server", server.url)
    watch(server, account, "film-1", profile="p0", since_s=600, for_s=120)
    acts = [{"title": "film-1", "at": at(-1), "hidden": True}, {"title": "film-2", "at": at(-1), "watched": True},
            {"title": "film-3", "at": at(-1), "playhead_ms": 5_000}]
    assert server.request("PATCH", f"/v1/accounts/{account}/profiles/p0/progress", acts).status == 204
    # An active view comes back as one that has fallen silent: only what has ended is the same.
    for view in server.get(f"/v1/accounts/{account}/viewers")["items"]:
        end = report(account, profile=view["profile"], view=view["view"], title=view["title"], state="stopped",
                     device=view["device"], at=0)
        assert server.post_reports(end).status == 204
    removed = server.get(f"/v1/accounts/{account}/profiles/p1/history?all=true")["items"][0]["id"]
    assert server.request("DELETE", f"/v1/accounts/{account}/profiles/p1/history/{removed}").status == 204


def erase(server, account):
    """Takes away all of an account, if the server can; else the import goes to another server."""
    return server.request("DELETE", f"/v1/accounts/{account}").status == 200


def test_an_export_brings_back_the_three_answers(launch, tmp_path):
    here, account = launch(), fresh("account")
    replayed(here, account)
    before = answers(here, account)
    assert before["p0", "history?all=true&limit=100"]["items"] and before["p0", "progress?limit=100"]["items"]
    file = tmp_path / "export.ndjson"
    playhead("export", "--account", account, "--output", file, "--server", here.url)
    there = here if erase(here, account) else launch()
    assert answers(there, account) != before
    said = playhead("import", file, "--server", there.url)
    assert "0 already there, 0 skipped, 0 not understood" in said, said
    assert answers(there, account) == before
    records = exported(there, account)
    assert all(one["imported_at"] and one["origin"] == "playhead" for one in records)
    # But for the time of the import, an export of it is the same, too.
    for one in records:
        del one["imported_at"]
        one.get("fold", {}).pop("reports", None)
    first = [json.loads(line) for line in file.read_text().splitlines()]
    played = {one["view"] for one in first if "trail" in one.get("fold", {}).get("reports", {})}
    for one in first:
        one.get("fold", {}).pop("reports", None)
    assert records == first, played
    there.kill()  # the journal tells of the erasure again: it must leave what was imported since
    there.start()
    eventually(lambda: answers(there, account) == before, "an import that was answered survives")


def test_importing_twice_changes_nothing(launch, tmp_path):
    here, there, account = launch(), launch(), fresh("account")
    replayed(here, account)
    file = tmp_path / "export.ndjson"
    playhead("export", "--account", account, "--output", file, "--server", here.url)
    count = len(file.read_text().splitlines())
    playhead("import", file, "--server", there.url)
    before, held = answers(there, account), exported(there, account)
    here.stop()  # what only memory knows counts as new to the store, and changes nothing either
    here.start()
    for server in (there, here):
        said = playhead("import", file, "--server", server.url)
        assert f"0 imported, {count} already there" in said, said
    assert answers(there, account) == before and exported(there, account) == held


def test_what_no_answer_shows_is_exported(server, account):
    watch(server, account, "trailer", view="hidden-view", since_s=100, for_s=20, record=False)
    active = report(account, view="active-view", title="film-1", device="tv-7", at=-1, playhead_ms=1_000)
    assert server.post_reports(active).status == 204
    views = {one["view"]: one for one in exported(server, account) if one["type"] == "view"}
    assert views["hidden-view"]["record"] is False
    assert views["active-view"]["active"] is True and views["active-view"]["device"] == "tv-7"
    assert views["active-view"]["fold"]["interval_ms"] > 0
    assert views["active-view"]["fold"]["reports"]["trail"]


def test_an_export_has_every_record_once_whatever_the_size_of_its_pages(server, account):
    put(server, "/v1/import", *[{"account": account, "profile": f"p{i % 13}", "title": f"film-{i}",
                                 "playhead_ms": 1_000, "at": at(-60)} for i in range(40)])
    for i in range(25):
        watch(server, account, f"seen-{i}", profile=f"p{i % 3}", view=f"v-{i}", since_s=90, for_s=20)
    whole = exported(server, account)
    assert len(whole) == 40 + 25 + 25
    for limit in (1, 7, 64):
        items, cursor = [], ""
        while cursor is not None:
            page = server.get(f"/v1/accounts/{account}/export?limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
            assert len(page["items"]) <= limit
            items += page["items"]
            cursor = page["next"]
        assert items == whole


def test_csv_has_the_histories_of_all_profiles(server, account):
    for i in range(7):
        watch(server, account, f"film-{i}", profile=f"p{i % 3}", view=f"v-{i}", since_s=900 - i, for_s=20)
    for path in ("?limit=2", ""):
        rows, target = [], f"/v1/accounts/{account}/export{path}"
        while target:
            answer = server.request("GET", target, None, {"Accept": "text/csv"})
            assert answer.status == 200
            lines = answer.body.decode().splitlines()
            assert lines[0].startswith("Profile Name,Start Time,Duration,")
            rows += lines[1:]
            link = answer.header("link")
            target = f"/v1/accounts/{account}/export" + link[1:link.index(">")] if link else None
        assert [row.split(",")[0] for row in rows] == ["p0"] * 3 + ["p1"] * 2 + ["p2"] * 2
    assert playhead("export", "--account", account, "--csv", "--server", server.url).splitlines()[1:] == rows


def test_newer_live_progress_wins_over_what_is_imported(server, account):
    watch(server, account, "film-1", view="live", since_s=60, for_s=30)
    live = server.get(f"/v1/accounts/{account}/profiles/p1/progress/film-1")
    old = {"profile": "p1", "title": "film-1", "playhead_ms": 99_000, "at": at(-3_600)}
    view = {"type": "view", "profile": "p1", "title": "film-1", "view": "live", "started_at": at(-3_600),
            "ended_at": at(-3_000), "playhead_ms": 77_000}
    said = put(server, f"/v1/accounts/{account}/import", old, view)
    assert said["rejected"] == [], said
    now = server.get(f"/v1/accounts/{account}/profiles/p1/progress/film-1")
    assert (now["playhead_ms"], now["view"], now["at"]) == (live["playhead_ms"], "live", live["at"])
    [entry] = server.get(f"/v1/accounts/{account}/profiles/p1/history")["items"]
    assert entry["view"] == "live" and entry["origin"] == "playhead"
    # And what is played after an import wins over it.
    put(server, f"/v1/accounts/{account}/import", {"profile": "p1", "title": "film-2", "playhead_ms": 10, "at": at(-90)})
    watch(server, account, "film-2", view="later", since_s=60, for_s=30)
    assert server.get(f"/v1/accounts/{account}/profiles/p1/progress/film-2")["view"] == "later"


def test_an_import_is_shown_at_once_and_survives_a_kill(launch):
    server, account = launch(), fresh("account")
    view = {"type": "view", "account": account, "profile": "kim", "title": "film-1", "started_at": at(-5_000),
            "ended_at": at(-3_000), "playhead_ms": 1_500_000, "duration_ms": 3_600_000, "origin": "elsewhere"}
    said = put(server, "/v1/import", view)
    assert (said["imported"], said["durable"]) == (1, True)
    before = answers(server, account)
    [entry] = before["kim", "history?all=true&limit=100"]["items"]
    assert (entry["origin"], entry["watched_ms"], entry["end_reason"]) == ("elsewhere", 1_500_000, "stopped")
    [row] = before["kim", "continue-watching?limit=100"]["items"]
    assert (row["title"], row["playhead_ms"]) == ("film-1", 1_500_000)
    server.kill()
    server.start()
    assert answers(server, account) == before


def test_no_stream_and_no_limit_learns_of_an_import(server, account):
    with EventStream(server, account) as stream:
        assert stream.next().data["items"] == []
        put(server, f"/v1/accounts/{account}/import",
            *[{"type": "view", "profile": "p1", "title": "film-1", "view": f"old-{i}", "device": f"d-{i}",
               "started_at": at(-500), "active": True} for i in range(9)])
        start = {"profile": "p1", "title": "film-2", "device": "tv", "at": at(), "state": "starting"}
        assert server.request("PUT", f"/v1/accounts/{account}/views/new", start).status == 201
        assert stream.next().data["view"] == "new", "the first event is the live view's"
    assert [one["view"] for one in server.viewers(account)] == ["new"]


def test_bad_records_are_listed_and_good_ones_kept(server, account):
    good = {"profile": "p1", "title": "film-1", "playhead_ms": 1, "at": at(-5)}
    bad = [{**good, "title": "a b"}, {**good, "at": at(3_600)}, {**good, "account": "another"},
           {"type": "view", "profile": "p1", "title": "film-2"}, {"profile": "p1", "title": "film-3"}]
    said = put(server, f"/v1/accounts/{account}/import", bad[0], good, *bad[1:])
    assert said["imported"] == 1
    assert [one["index"] for one in said["rejected"]] == [0, 2, 3, 4, 5]
    assert "account" in said["rejected"][2]["problem"]["detail"]
    for body in ("", "[]", "[1", "{}"):
        path = f"/v1/accounts/{account}/import"
        answer = server.request("POST", path, body, {"Content-Type": "application/json"})
        assert answer.status in (400, 422), answer


def test_an_import_has_its_limits(launch):
    server = launch(config="[import]\nrecords_max = 2\nimports_max = 1\nrecords_per_s_max = 1\nslice_records = 1\n")
    lines = [{"account": "a", "profile": "p", "title": f"t-{i}", "playhead_ms": 1, "at": at(-5)} for i in range(3)]
    body = "".join(json.dumps(one) + "\n" for one in lines)
    assert_problem(server.request("POST", "/v1/import", body, NDJSON), 413, "too-large")
    # Two records take a second, in which no other import is let in.
    body, gate, statuses = body[:body.rindex("{")], threading.Barrier(4), []

    def send():
        gate.wait()
        answer = server.request("POST", "/v1/import", body, NDJSON)
        if answer.status == 503:
            assert_problem(answer, 503, "overloaded")
        statuses.append(answer.status)
    senders = [threading.Thread(target=send) for _ in range(4)]
    for one in senders:
        one.start()
    for one in senders:
        one.join()
    assert set(statuses) == {200, 503}, statuses


# ---- Files of other services --------------------------------------------------------------------


def test_netflixs_viewing_activity(server, account, tmp_path):
    file, titles, profiles = tmp_path / "ViewingActivity.csv", tmp_path / "titles.csv", tmp_path / "profiles.csv"
    rows = list(netflix_rows(300))
    file.write_text(netflix(rows) + 'Anna,yesterday,00:10:00,,Film,,TV,,,\r\n"torn', encoding="utf-8", newline="")
    titles.write_text("name,title,series,duration_ms\n\"Show 0: Season 1: Episode, 0\",s0-e0,s0,3600000\n")
    profiles.write_text('name,profile\nAnna,anna-1\n"Zoë ""K""",zoe\n', encoding="utf-8")
    flags = [file, "--account", account, "--titles", titles, "--profiles", profiles, "--server", server.url]
    said = playhead("import", *flags, "--dry-run", code=1)
    assert "294 would be imported, 6 skipped, 2 not understood" in said, said
    assert f"{file}:302: its start time is none" in said and f"{file}:303: a quote is not closed" in said
    assert server.get(f"/v1/accounts/{account}/profiles")["items"] == [], "a dry run sends nothing"
    said = playhead("import", *flags, code=1)
    assert "294 imported, 0 already there, 6 skipped, 2 not understood" in said, said
    assert "skipped: 6 trailers and previews" in said
    names = [one["profile"] for one in server.get(f"/v1/accounts/{account}/profiles")["items"]]
    assert names == ["Ben", "anna-1", "zoe"]
    held = [one for one in exported(server, account) if one["type"] == "view"]
    assert len(held) == 294 and all(one["origin"] == "netflix" and one["device_type"] == "Smart-TV" for one in held)
    [first] = [one for one in held if one["title"] == "s0-e0"]
    assert (first["series"], first["profile"], first["duration_ms"]) == ("s0", "anna-1", 3_600_000)
    before = answers(server, account)
    assert "0 imported, 294 already there" in playhead("import", *flags, code=1)
    assert answers(server, account) == before


def test_netflixs_short_form(server, account, tmp_path):
    file = tmp_path / "NetflixViewingHistory.csv"
    file.write_text('Title,Date\n"Dark: Season 1: Secrets","23/01/2021"\n"Roma","3/1/2021"\n"Roma","31/31/2021"\n')
    said = playhead("import", file, "--account", account, "--profile", "p1", "--server", server.url, code=1)
    assert "2 imported" in said and "its date is none that we know" in said, said
    items = server.get(f"/v1/accounts/{account}/profiles/p1/history")["items"]
    assert [one["started_at"][:10] for one in items] == ["2021-01-23", "2021-01-03"], "the day comes first"
    assert items[0]["series"].startswith("dark-")


def test_trakts_history_and_playback(server, account, tmp_path):
    movie = {"title": "Inception", "year": 2010, "runtime": 148, "ids": {"trakt": 16662, "imdb": "tt1375666"}}
    episode = {"season": 1, "number": 1, "runtime": 60, "ids": {"trakt": 73482, "tmdb": 63056}}
    show = {"title": "House of Cards", "ids": {"trakt": 1}}
    history = tmp_path / "history.json"
    history.write_text(json.dumps([
        {"id": 11, "watched_at": "2024-03-01T21:00:00.000Z", "action": "scrobble", "type": "movie", "movie": movie},
        {"id": 12, "watched_at": "2024-03-02T21:00:00.000Z", "action": "watch", "type": "episode",
         "episode": episode, "show": show}]))
    playback = tmp_path / "playback.json"
    playback.write_text(json.dumps([
        {"progress": 25.0, "paused_at": "2024-04-01T21:00:00.000Z", "id": 37, "type": "movie",
         "movie": {**movie, "ids": {"trakt": 99}}},
        {"progress": 25, "paused_at": "2024-04-01T21:00:00.000Z", "id": 38, "type": "movie",
         "movie": {"ids": {"trakt": 98}}}]))
    titles = tmp_path / "titles.csv"
    titles.write_text("imdb:tt1375666,inception\n")
    flags = [history, playback, "--account", account, "--profile", "p1", "--titles", titles, "--server", server.url]
    said = playhead("import", *flags, code=1)
    assert "4 rows" in said and "3 imported" in said and f"{playback}:2: its progress is a percentage" in said, said
    items = {one["title"]: one for one in server.get(f"/v1/accounts/{account}/profiles/p1/history")["items"]}
    assert set(items) == {"inception", "trakt:episode:73482"}
    seen = items["trakt:episode:73482"]
    assert (seen["series"], seen["started_at"], seen["finished"]) == ("trakt:show:1", "2024-03-02T20:00:00.000Z", True)
    progress = server.get(f"/v1/accounts/{account}/profiles/p1/progress/trakt:movie:99")
    assert (progress["playhead_ms"], progress["duration_ms"], progress["view"]) == (37 * 60_000, 148 * 60_000, None)
    assert "0 imported, 3 already there" in playhead("import", *flags, code=1)


# ---- A whole service ----------------------------------------------------------------------------

SLOW = "[import]\nrecords_per_s_max = 2000\n"
COUNT, ACCOUNTS = 24_000, 40


@pytest.fixture
def service_file(tmp_path):
    file = tmp_path / "service.ndjson"
    file.write_text("".join(line + "\n" for line in registers(COUNT, ACCOUNTS)))
    return file


def all_registers(server):
    return sum(len([one for one in exported(server, f"acct-{i}") if one["type"] == "title"]) for i in range(ACCOUNTS))


def begin(server, file, state):
    """An import that has got so far that it has kept it."""
    running = subprocess.Popen([binary(), "import", str(file), "--resume", str(state), "--server", server.url],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    eventually(state.exists, "it keeps how far it is", tries=1200)
    assert running.poll() is None, running.communicate()
    return running


def test_a_backfill_goes_on_after_a_kill(launch, service_file, tmp_path):
    server, state = launch(config=SLOW), tmp_path / "state"
    running = begin(server, service_file, state)
    running.kill()
    running.communicate()
    kept = json.loads(state.read_text())
    assert 0 < kept["offset"] < pathlib.Path(service_file).stat().st_size
    said = playhead("import", service_file, "--resume", state, "--server", server.url)
    assert "24,000 rows" in said and ", 0 not understood" in said, said
    assert all_registers(server) == COUNT
    again = playhead("import", service_file, "--resume", state, "--server", server.url)
    assert again.split(" in ")[0] == "24,000 rows", "it is done: nothing is sent again"


def test_a_backfill_goes_back_to_what_is_sure_when_the_server_is_killed(launch, service_file, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % free.getsockname()[1]
    server, state = launch(config=SLOW, listen=address), tmp_path / "state"
    running = begin(server, service_file, state)
    server.kill()
    server.start()
    said, _ = running.communicate(timeout=120)
    assert running.returncode == 0, said
    assert all_registers(server) == COUNT
