"""Where did I leave off: one title, many, by hand; and what must never move a position."""

import pytest

from harness import assert_problem, at, fresh, report, watch

HOUR_MS = 3_600_000


def act(server, account, **fields):
    fields = {"title": "film-1", "at": at(), **fields}
    answer = server.patch_progress(account, [fields])
    assert (answer.status, answer.body) == (204, b""), answer


def test_progress_tells_where_and_how(server, account):
    view = watch(server, account, since_s=100, for_s=60, from_ms=10_000, series="show", device="phone-1")
    progress = server.progress(account)
    moved = server.history(account)["items"][0]
    assert progress.pop("as_of") <= at()
    # The stop refined the value and not the time: the last movement was a millisecond before it.
    assert moved["at"] > progress.pop("at")
    assert progress == {
        "title": "film-1", "series": "show", "playhead_ms": 70_000, "duration_ms": HOUR_MS, "finished": False,
        "watched": False, "watched_at": None, "hidden": False, "view": view, "device": "phone-1", "stale": False}


def test_no_progress_has_a_type_of_its_own(server, account):
    answer = server.request("GET", f"/v1/accounts/{account}/profiles/p1/progress/never")
    assert_problem(answer, 404, "no-progress")


def test_a_view_that_has_not_qualified_changes_nothing(server, account):
    watch(server, account, since_s=1_000, for_s=300, from_ms=500_000)
    before = server.progress(account)
    # Starts at 0, and quits before it has found the place to resume at.
    watch(server, account, since_s=100, for_s=5)
    after = server.progress(account)
    assert after["playhead_ms"] == before["playhead_ms"] == 800_000
    assert after["at"] == before["at"]


def test_a_seek_is_no_watching(server, account):
    view = fresh("view")
    for seconds, state, playhead in ((-20, "playing", 0), (-19, "seeking", HOUR_MS - 1_000),
                                     (-18.9, "playing", HOUR_MS - 1_000), (-18, "stopped", HOUR_MS - 500)):
        sent = report(account, view=view, at=seconds, state=state, playhead_ms=playhead)
        assert server.post_reports(sent).status == 204
    assert server.progress(account) is None


def test_a_seek_in_a_qualified_view_moves_the_position_and_finishes_nothing(server, account):
    view = watch(server, account, since_s=100, for_s=60, state="playing")
    sent = report(account, view=view, at=-30, state="seeking", playhead_ms=HOUR_MS - 1_000)
    assert server.post_reports(sent).status == 204
    assert server.post_reports(report(account, view=view, at=-29, state="stopped", playhead_ms=HOUR_MS - 1_000)).status == 204
    progress = server.progress(account)
    assert (progress["playhead_ms"], progress["finished"], progress["watched"]) == (HOUR_MS - 1_000, False, False)


def test_heartbeats_of_a_paused_view_do_not_undo_what_another_device_watched(server, account):
    television = watch(server, account, since_s=1_000, for_s=60, from_ms=100_000, state="paused", device="tv-1")
    watch(server, account, since_s=500, for_s=60, from_ms=160_000, device="phone-1")
    for seconds in (-400, -200, -100, 0):
        sent = report(account, view=television, at=seconds, state="paused", playhead_ms=160_000, device="tv-1")
        assert server.post_reports(sent).status == 204
    progress = server.progress(account)
    assert (progress["playhead_ms"], progress["device"]) == (220_000, "phone-1")


def test_a_report_without_a_playhead_never_moves_one(server, account):
    view = watch(server, account, since_s=100, for_s=60, state="playing")
    for state in ("playing", "seeking", "stopped"):
        assert server.post_reports(report(account, view=view, state=state, playhead_ms=None)).status == 204
    assert server.progress(account)["playhead_ms"] == 60_000


def test_advertising_is_no_content(server, account):
    view = watch(server, account, since_s=62, for_s=60, state="playing")
    assert server.post_reports(report(account, view=view, at=-1, state="ad", playhead_ms=5_000)).status == 204
    assert server.viewers(account)[0]["state"] == "ad"
    assert server.progress(account)["playhead_ms"] == 60_000
    other = watch(server, account, "film-2", since_s=100, for_s=1, state="ad")
    for seconds in (-60, -30, -1):
        assert server.post_reports(report(account, title="film-2", view=other, at=seconds, state="ad")).status == 204
    assert server.progress(account, "film-2") is None, "watching advertising is not watching the title"


@pytest.mark.parametrize("changes", [{}, {"duration_ms": None}, {"duration_ms": 0}])
def test_completed_finishes_whatever_the_duration(server, account, changes):
    watch(server, account, since_s=100, for_s=60, state="completed", **changes)
    progress = server.progress(account)
    assert (progress["finished"], progress["watched"], progress["playhead_ms"]) == (True, True, None)


@pytest.mark.parametrize("changes", [{"duration_ms": None}, {"duration_ms": 0}])
def test_an_unknown_duration_finishes_nothing(server, account, changes):
    watch(server, account, since_s=100, for_s=60, from_ms=5_000_000, **changes)
    progress = server.progress(account)
    assert (progress["finished"], progress["playhead_ms"], progress["duration_ms"]) == (False, 5_060_000, None)


def test_playing_beyond_95_percent_finishes(server, account):
    watch(server, account, since_s=500, for_s=60, from_ms=HOUR_MS * 95 // 100 - 90_000)
    assert server.progress(account)["finished"] is False
    watch(server, account, since_s=300, for_s=60, from_ms=HOUR_MS * 95 // 100)
    assert server.progress(account)["finished"] is True


def test_credits_count_where_they_are_known(server, account):
    watch(server, account, since_s=300, for_s=60, from_ms=3_000_000, credits_ms=3_000_000)
    assert server.progress(account)["finished"] is True
    watch(server, account, "film-2", since_s=300, for_s=60, from_ms=HOUR_MS * 95 // 100, credits_ms=HOUR_MS - 1)
    assert server.progress(account, "film-2")["finished"] is False


def test_a_rewatch_keeps_watched_and_has_a_position_again(server, account):
    watch(server, account, since_s=1_000, for_s=60, state="completed")
    first = server.progress(account)
    watch(server, account, since_s=300, for_s=60)
    again = server.progress(account)
    assert (again["watched"], again["finished"], again["playhead_ms"]) == (True, False, 60_000)
    assert again["watched_at"] == first["watched_at"]


def test_each_field_of_an_act_is_independent(server, account):
    watch(server, account, since_s=100, for_s=60)
    base = server.progress(account)
    act(server, account, playhead_ms=1_234)
    moved = server.progress(account)
    assert (moved["playhead_ms"], moved["hidden"], moved["watched"]) == (1_234, False, False)
    assert (moved["view"], moved["device"]) == (None, None), "an act comes from no view"
    act(server, account, hidden=True)
    hidden = server.progress(account)
    assert (hidden["playhead_ms"], hidden["hidden"], hidden["watched"]) == (1_234, True, False)
    assert hidden["at"] == moved["at"]
    act(server, account, watched=True)
    watched = server.progress(account)
    assert (watched["playhead_ms"], watched["hidden"], watched["watched"]) == (None, True, True)
    assert watched["finished"] is True
    act(server, account, hidden=False)
    assert server.progress(account)["hidden"] is False
    act(server, account, watched=False)
    restored = server.progress(account)
    assert (restored["playhead_ms"], restored["watched"], restored["finished"]) == (1_234, False, False)
    assert restored["duration_ms"] == base["duration_ms"]


def test_marking_watched_clears_the_position_of_a_view_and_unwatched_restores_it(server, account):
    view = watch(server, account, since_s=100, for_s=60)
    before = server.progress(account)
    act(server, account, watched=True)
    assert server.progress(account)["playhead_ms"] is None
    act(server, account, watched=False)
    after = server.progress(account)
    for answer in (before, after):
        answer.pop("as_of")
    assert after == before and after["view"] == view


def test_hiding_keeps_the_position_and_watching_on_unhides(server, account):
    watch(server, account, since_s=1_000, for_s=200)
    act(server, account, hidden=True, at=at(-700))
    assert server.progress(account)["playhead_ms"] == 200_000
    watch(server, account, since_s=300, for_s=60, from_ms=200_000)
    progress = server.progress(account)
    assert (progress["hidden"], progress["playhead_ms"]) == (False, 260_000)


def test_the_later_act_wins_whatever_the_order_of_arrival(server, account):
    act(server, account, watched=True, playhead_ms=2_000, at=at(-10))
    act(server, account, watched=False, playhead_ms=1_000, at=at(-20))
    progress = server.progress(account)
    assert progress["watched"] is True
    act(server, account, watched=False, at=at(-5))
    assert server.progress(account)["playhead_ms"] == 2_000


def test_an_act_ahead_of_its_arrival_is_placed_there(server, account):
    act(server, account, watched=True, at=at(86_400))
    assert server.progress(account)["watched_at"] <= at()
    act(server, account, watched=False)
    assert server.progress(account)["watched"] is False


def test_watching_on_supersedes_a_position_set_by_hand(server, account):
    act(server, account, playhead_ms=1_000_000, at=at(-500))
    watch(server, account, since_s=300, for_s=60, from_ms=1_000_000)
    assert server.progress(account)["playhead_ms"] == 1_060_000


def test_acts_of_one_patch_are_taken_together(server, account):
    acts = [{"title": f"t{number}", "at": at(), "playhead_ms": number} for number in range(100)]
    assert server.patch_progress(account, acts).status == 204
    body = server.request("POST", f"/v1/accounts/{account}/profiles/p1/progress/query",
                          {"titles": [f"t{number}" for number in range(100)]}).json()
    assert [one["playhead_ms"] for one in body["items"]] == list(range(100))


def test_an_empty_patch_changes_nothing(server, account):
    assert server.patch_progress(account, []).status == 204
    assert server.get(f"/v1/accounts/{account}/profiles/p1/progress")["items"] == []


def test_a_query_leaves_out_titles_without_progress_and_keeps_the_order(server, account):
    for title in ("b", "a", "c"):
        act(server, account, title=title, playhead_ms=1)
    answer = server.request("POST", f"/v1/accounts/{account}/profiles/p1/progress/query",
                            {"titles": ["c", "none", "a", "c", "b"]})
    assert answer.status == 200, answer
    assert set(answer.json()) == {"items", "next", "as_of", "stale"}
    assert [one["title"] for one in answer.json()["items"]] == ["c", "a", "b"]
    empty = server.request("POST", f"/v1/accounts/{account}/profiles/p1/progress/query", {"titles": []})
    assert (empty.status, empty.json()["items"]) == (200, [])


def test_lists_by_title_and_by_series(server, account):
    for number in range(3):
        watch(server, account, f"e{number}", since_s=300 - number, for_s=60, series="show")
    watch(server, account, "film", since_s=300, for_s=60)
    path = f"/v1/accounts/{account}/profiles/p1/progress"

    def titles(query):
        return [one["title"] for one in server.get(path + query)["items"]]
    assert titles("") == ["e0", "e1", "e2", "film"]
    assert titles("?series=show") == ["e0", "e1", "e2"]
    assert titles("?series=none") == []
    assert titles("?title=film&title=e1&title=none") == ["film", "e1"]


def test_pages_of_progress_hold_every_title_once(server, account):
    acts = [{"title": f"t{number:03}", "at": at(), "playhead_ms": number} for number in range(95)]
    assert server.patch_progress(account, acts).status == 204
    path = f"/v1/accounts/{account}/profiles/p1/progress?limit=10"
    seen, cursor = [], ""
    for page in range(10):
        body = server.get(path + cursor)
        seen += [one["title"] for one in body["items"]]
        if page == 2:  # a row before the cursor shifts nothing behind it
            act(server, account, title="t000x", playhead_ms=1)
        if body["next"] is None:
            break
        cursor = "&cursor=" + body["next"]
    assert seen == [one["title"] for one in acts]


def test_profiles_do_not_see_each_other(server, account):
    watch(server, account, since_s=100, for_s=60, profile="p1")
    watch(server, account, since_s=90, for_s=30, profile="p2")
    assert server.progress(account, profile="p1")["playhead_ms"] == 60_000
    assert server.progress(account, profile="p2")["playhead_ms"] == 30_000
    assert server.progress(account, profile="p3") is None
