"""What have I watched: pages, filters, CSV, and what deleting takes along."""

import csv
import io

import pytest

from harness import assert_problem, at, fresh, report, watch
from harness.reports import parse_at

DAY_S = 86_400


def titles(server, account, query=""):
    return [one["title"] for one in server.history(account, query=query)["items"]]


def test_an_entry_tells_all_of_its_view(server, account):
    view = watch(server, account, since_s=1_000, for_s=300, from_ms=60_000, series="show", device="phone-1",
                 device_type="phone")
    [entry] = server.history(account)["items"]
    assert entry["ended_at"] == entry["at"]
    assert parse_at(entry["at"]) - parse_at(entry["started_at"]) == pytest.approx(300, abs=1)
    for moment in ("started_at", "ended_at", "at"):
        entry.pop(moment)
    entry_id = entry.pop("id")
    assert entry == {
        "view": view, "title": "film-1", "series": "show", "device": "phone-1", "device_type": "phone",
        "kind": "on_demand", "end_reason": "stopped", "playhead_ms": 360_000, "duration_ms": 3_600_000,
        "watched_ms": 300_000, "finished": False, "origin": "playhead"}
    one = server.get(f"/v1/accounts/{account}/profiles/p1/history/{entry_id}")
    assert (one["id"], one["view"], one["stale"]) == (entry_id, view, False)


def test_a_view_that_still_plays_is_in_history_once_it_qualifies(server, account):
    view = watch(server, account, since_s=15, for_s=8, state="playing")
    assert titles(server, account) == []
    assert server.post_reports(report(account, view=view, playhead_ms=17_000)).status == 204
    [entry] = server.history(account)["items"]
    assert (entry["ended_at"], entry["end_reason"]) == (None, None)


def test_unqualified_views_are_shown_only_where_all_are_asked_for(server, account):
    watch(server, account, "glimpsed", since_s=100, for_s=3)
    watch(server, account, "watched", since_s=200, for_s=60)
    assert titles(server, account) == ["watched"]
    assert titles(server, account, "?all=true") == ["glimpsed", "watched"]
    assert titles(server, account, "?all=false") == ["watched"]


def test_history_is_newest_first_by_the_start(server, account):
    for name, since_s in (("b", 2_000), ("d", 4_000), ("a", 1_000), ("c", 3_000)):
        watch(server, account, name, since_s=since_s, for_s=60)
    assert titles(server, account) == ["a", "b", "c", "d"]


def test_filters_narrow_by_title_series_and_time(server, account):
    for day in range(1, 6):
        watch(server, account, f"e{day}", since_s=day * DAY_S, for_s=60, series="show" if day % 2 else "other")
    assert titles(server, account, "?title=e3") == ["e3"]
    assert titles(server, account, "?series=show") == ["e1", "e3", "e5"]
    assert titles(server, account, "?series=show&title=e2") == []
    assert titles(server, account, f"?from={at(-3.5 * DAY_S)}") == ["e1", "e2", "e3"]
    assert titles(server, account, f"?to={at(-3.5 * DAY_S)}") == ["e4", "e5"]
    assert titles(server, account, f"?from={at(-4.5 * DAY_S)}&to={at(-1.5 * DAY_S)}&series=other") == ["e2", "e4"]


def test_from_is_included_and_to_is_not(server, account):
    watch(server, account, since_s=1_000, for_s=60)
    start = server.history(account)["items"][0]["started_at"]
    assert titles(server, account, f"?from={start}") == ["film-1"]
    assert titles(server, account, f"?to={start}") == []


def pages(server, account, query, between=lambda page: None):
    seen, cursor = [], ""
    for page in range(100):
        body = server.history(account, query=query + cursor)
        seen += [one["view"] for one in body["items"]]
        if body["next"] is None:
            return seen
        assert body["items"] or "title" in query, "only a filter may leave a page empty"
        between(page)
        cursor = "&cursor=" + body["next"]
    raise AssertionError("a hundred pages and no end")


@pytest.mark.parametrize("limit", [1, 7, 25, 50, 100])
def test_pages_hold_every_entry_once_whatever_is_added(server, account, limit):
    views = [watch(server, account, f"t{number % 3}", since_s=20_000 - number * 100, for_s=60)
             for number in range(50)]

    def add(page):
        watch(server, account, since_s=90 - page, for_s=15)
    assert pages(server, account, f"?limit={limit}", add) == views[::-1]
    assert pages(server, account, f"?limit={limit}&title=t1") == [
        view for number, view in enumerate(views) if number % 3 == 1][::-1]


def test_views_of_one_moment_are_all_paged(server, account):
    moment = at(-1_000)
    views = []
    for number in range(30):
        view = f"v{number:02}"
        views.append(view)
        batch = [report(account, view=view, at=moment, playhead_ms=0),
                 report(account, view=view, at=at(-900), playhead_ms=100_000, state="stopped")]
        assert server.post_reports(batch).status == 204
    assert sorted(pages(server, account, "?limit=7")) == views


def test_csv_has_the_columns_of_netflixs_own_download(server, account):
    watch(server, account, "film-1", since_s=7_200, for_s=60, from_ms=0)
    watch(server, account, "film-1", since_s=3_600, for_s=3_000, from_ms=60_000, device_type="phone")
    answer = server.request("GET", f"/v1/accounts/{account}/profiles/p1/history", headers={"Accept": "text/csv"})
    assert answer.status == 200, answer
    assert answer.header("content-type") == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.body.decode(), newline="")))
    assert rows[0] == ["Profile Name", "Start Time", "Duration", "Attributes", "Title", "Supplemental Video Type",
                       "Device Type", "Bookmark", "Latest Bookmark", "Country"]
    latest, first = rows[1:]
    assert (latest[0], latest[2], latest[4], latest[6], latest[7], latest[8]) == (
        "p1", "00:50:00", "film-1", "phone", "00:51:00", "00:51:00")
    assert (first[2], first[7], first[8]) == ("00:01:00", "00:01:00", "Not latest view")
    start = server.history(account)["items"][0]["started_at"]
    assert latest[1] == start[:19].replace("T", " ")


def test_csv_goes_on_by_its_link(server, account):
    for number in range(3):
        watch(server, account, f"film-{number}", since_s=1_000 - number * 100, for_s=60)
    path = f"/v1/accounts/{account}/profiles/p1/history"
    first = server.request("GET", path + "?limit=2", headers={"Accept": "text/csv"})
    link = first.header("link")
    assert link.startswith("<?") and link.endswith('>; rel="next"'), link
    target = path + link[1:link.index(">")]
    second = server.request("GET", target, headers={"Accept": "text/csv"})
    assert second.status == 200, "the link must be followed as it is"
    assert second.header("link") is None
    rows = first.body.decode().splitlines()[1:] + second.body.decode().splitlines()[1:]
    assert [row.split(",")[4] for row in rows] == ["film-2", "film-1", "film-0"]


def test_deleting_an_entry_clears_the_position_that_came_from_it(server, account):
    older = watch(server, account, since_s=2_000, for_s=60)
    newer = watch(server, account, since_s=1_000, for_s=60, from_ms=60_000)
    other = watch(server, account, "film-2", since_s=500, for_s=60)
    path = f"/v1/accounts/{account}/profiles/p1/history"
    answer = server.request("DELETE", f"{path}/{newer}")
    assert (answer.status, answer.body) == (204, b"")
    assert [one["view"] for one in server.history(account)["items"]] == [other, older]
    assert_problem(server.request("GET", f"{path}/{newer}"), 404)
    assert_problem(server.request("DELETE", f"{path}/{newer}"), 404)
    progress = server.progress(account)
    assert progress is None or progress["playhead_ms"] is None, "cleared, and none restored"
    assert server.progress(account, "film-2")["playhead_ms"] == 60_000
    # Its later reports are dropped, though they are answered as ever.
    assert server.post_reports(report(account, view=newer, playhead_ms=500_000)).status == 204
    progress = server.progress(account)
    assert progress is None or progress["playhead_ms"] is None
    assert [one["view"] for one in server.history(account)["items"]] == [other, older]


def test_deleting_an_entry_keeps_a_position_that_came_from_another(server, account):
    older = watch(server, account, since_s=2_000, for_s=60)
    watch(server, account, since_s=1_000, for_s=60, from_ms=60_000)
    path = f"/v1/accounts/{account}/profiles/p1/history"
    assert server.request("DELETE", f"{path}/{older}").status == 204
    assert server.progress(account)["playhead_ms"] == 120_000


def test_deleting_by_filter_takes_what_matches(server, account):
    watch(server, account, "e1", since_s=3 * DAY_S, for_s=60, series="show")
    watch(server, account, "e2", since_s=2 * DAY_S, for_s=60, series="show")
    watch(server, account, "film", since_s=DAY_S, for_s=60)
    path = f"/v1/accounts/{account}/profiles/p1/history"
    assert server.request("DELETE", f"{path}?title=e1").status == 204
    assert titles(server, account) == ["film", "e2"]
    assert server.request("DELETE", f"{path}?to={at(-1.5 * DAY_S)}").status == 204
    assert titles(server, account) == ["film"]
    assert server.request("DELETE", f"{path}?series=none").status == 204
    assert titles(server, account) == ["film"]


def test_deleting_all_of_a_profile_leaves_the_others(server, account):
    for number in range(250):
        if number % 25 == 0:
            watch(server, account, f"film-{number}", since_s=5_000 - number, for_s=60)
        else:
            sent = report(account, title=f"film-{number}", at=-5_000 + number, watched_ms=60_000, state="stopped")
            assert server.post_reports(sent).status == 204
    watch(server, account, since_s=100, for_s=60, profile="p2")
    path = f"/v1/accounts/{account}/profiles/p1/history"
    assert server.request("DELETE", path).status == 204
    assert titles(server, account, "?all=true") == []
    body = server.get(f"/v1/accounts/{account}/profiles/p1/progress?limit=100")
    assert [one for one in body["items"] if one["playhead_ms"] is not None] == []
    assert len(server.history(account, "p2")["items"]) == 1
    assert server.progress(account, profile="p2")["playhead_ms"] == 60_000


def test_a_deleted_view_that_plays_on_is_still_a_viewer_until_it_ends(server, account):
    view = watch(server, account, since_s=61, for_s=60, state="playing")
    assert server.request("DELETE", f"/v1/accounts/{account}/profiles/p1/history/{view}").status == 204
    assert [one["view"] for one in server.viewers(account)] == [view]
    assert server.get(f"/v1/accounts/{account}/views/{view}")["view"] == view
    assert server.request("POST", f"/v1/accounts/{account}/views/{view}/terminate").status == 204
    assert_problem(server.request("GET", f"/v1/accounts/{account}/views/{view}"), 404, "not-found")


def test_a_deleted_view_is_not_shown_by_its_id(server, account):
    view = watch(server, account, since_s=100, for_s=60)
    assert server.get(f"/v1/accounts/{account}/views/{view}")["view"] == view
    assert server.request("DELETE", f"/v1/accounts/{account}/profiles/p1/history/{view}").status == 204
    assert_problem(server.request("GET", f"/v1/accounts/{account}/views/{view}"), 404, "not-found")


def test_an_unknown_entry_gets_404(server, account):
    path = f"/v1/accounts/{account}/profiles/p1/history/{fresh('view')}"
    assert_problem(server.request("GET", path), 404, "not-found")
    assert_problem(server.request("DELETE", path), 404, "not-found")
