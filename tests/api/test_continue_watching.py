"""Continue Watching: one row a series, the unfinished episode or the next one, latest first."""

from harness import at, watch


def rows(server, account, query="", profile="p1"):
    return server.get(f"/v1/accounts/{account}/profiles/{profile}/continue-watching{query}")["items"]


def names(server, account):
    return [(one["title"], one["reason"]) for one in rows(server, account)]


def patch(server, account, title, **fields):
    assert server.patch_progress(account, [{"title": title, "at": at(), **fields}]).status == 204


def episode(server, account, number, since_s, for_s=300, **changes):
    """An hour-long episode of "show", with the next one known."""
    return watch(server, account, f"e{number}", since_s=since_s, for_s=for_s, series="show",
                 next_title=f"e{number + 1}", **changes)


def test_an_unfinished_film_is_shown_with_its_progress(server, account):
    watch(server, account, since_s=1_000, for_s=300)
    [row] = rows(server, account)
    assert row.pop("reason") == "resume"
    progress = server.progress(account)
    for gone in ("as_of", "stale"):
        progress.pop(gone)
    assert row == progress


def test_titles_are_shown_latest_first(server, account):
    for number, since_s in enumerate((3_000, 1_000, 2_000)):
        watch(server, account, f"film-{number}", since_s=since_s, for_s=200)
    assert [title for title, _ in names(server, account)] == ["film-1", "film-2", "film-0"]


def test_what_was_played_for_less_than_two_minutes_and_3_percent_is_not_shown(server, account):
    watch(server, account, "glimpsed", since_s=1_000, for_s=100)
    watch(server, account, "two-minutes", since_s=900, for_s=121)
    watch(server, account, "three-percent", since_s=500, for_s=40, duration_ms=1_200_000)
    assert sorted(title for title, _ in names(server, account)) == ["three-percent", "two-minutes"]


def test_the_greatest_of_the_titles_views_counts(server, account):
    watch(server, account, since_s=5_000, for_s=300)
    watch(server, account, since_s=1_000, for_s=15, from_ms=300_000)
    [row] = rows(server, account)
    assert row["playhead_ms"] == 315_000


def test_a_finished_film_is_not_shown(server, account):
    watch(server, account, since_s=1_000, for_s=300, state="completed")
    assert names(server, account) == []


def test_a_series_has_one_row_the_episode_watched_last(server, account):
    episode(server, account, 1, 5_000)
    episode(server, account, 3, 3_000)
    episode(server, account, 2, 1_000)
    assert names(server, account) == [("e2", "resume")]


def test_a_finished_episode_offers_the_next_one(server, account):
    episode(server, account, 1, 1_000, state="completed")
    [row] = rows(server, account)
    assert (row["title"], row["series"], row["reason"]) == ("e2", "show", "next")
    assert (row["playhead_ms"], row["view"], row["finished"]) == (None, None, False)
    assert row["at"] is not None


def test_a_next_episode_that_was_started_is_offered_at_its_own_place(server, account):
    episode(server, account, 2, 5_000)
    episode(server, account, 1, 1_000, state="completed")
    [row] = rows(server, account)
    assert (row["title"], row["reason"], row["playhead_ms"]) == ("e2", "next", 300_000)


def test_a_next_episode_that_was_watched_gives_way_to_the_latest_unfinished(server, account):
    episode(server, account, 5, 9_000)
    episode(server, account, 2, 5_000, state="completed")
    episode(server, account, 1, 1_000, state="completed")
    assert names(server, account) == [("e5", "resume")]


def test_a_next_episode_that_is_hidden_is_not_offered(server, account):
    episode(server, account, 1, 1_000, state="completed")
    patch(server, account, "e2", hidden=True)
    assert names(server, account) == []


def test_hidden_titles_are_left_out_until_they_are_watched_on(server, account):
    watch(server, account, since_s=3_000, for_s=300)
    assert server.patch_progress(account, [{"title": "film-1", "at": at(-2_000), "hidden": True}]).status == 204
    assert names(server, account) == []
    watch(server, account, since_s=1_000, for_s=60, from_ms=300_000)
    assert names(server, account) == [("film-1", "resume")]


def test_marking_watched_moves_on_and_unwatched_comes_back(server, account):
    episode(server, account, 1, 1_000)
    patch(server, account, "e1", watched=True)
    assert names(server, account) == [("e2", "next")]
    patch(server, account, "e1", watched=False)
    assert names(server, account) == [("e1", "resume")]


def test_live_and_unrecorded_views_are_not_shown(server, account):
    watch(server, account, "channel", since_s=1_000, for_s=600, kind="live")
    watch(server, account, "trailer", since_s=1_000, for_s=600, record=False)
    assert names(server, account) == []


def test_pages_hold_every_row_once(server, account):
    for number in range(12):
        watch(server, account, f"film-{number:02}", since_s=9_000 - number * 300, for_s=200)
    path = f"/v1/accounts/{account}/profiles/p1/continue-watching?limit=5"
    seen, cursor = [], ""
    for page in range(5):
        body = server.get(path + cursor)
        seen += [one["title"] for one in body["items"]]
        if page == 0:
            watch(server, account, "newest", since_s=500, for_s=200)
        if body["next"] is None:
            break
        cursor = "&cursor=" + body["next"]
    assert seen == [f"film-{number:02}" for number in reversed(range(12))]


def test_each_profile_has_its_own(server, account):
    watch(server, account, since_s=1_000, for_s=300, profile="p2")
    assert rows(server, account) == []
    assert len(rows(server, account, profile="p2")) == 1
