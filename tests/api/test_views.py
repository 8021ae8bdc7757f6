"""Starting under a limit, taking over, ending from elsewhere; reading a view."""

import pytest

from harness import assert_problem, at, fresh, report, watch
from harness.reports import next_millisecond


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    """A server that lets an account play on two devices."""
    from harness import Server
    running = Server(tmp_path_factory.mktemp("limited"), "[auth]\nstream_limit = 2\n")
    yield running
    running.close()


def names(items):
    return sorted(one["view"] for one in items)


def start(server, account, view, device, query="", **changes):
    return server.put(account, report(account, view=view, device=device, state="starting", **changes), query)


def test_put_starts_a_view_with_201_and_reports_it_with_200(server, account):
    sent = report(account, view="v", state="starting", playhead_ms=5, series="show")
    answer = server.put(account, sent)
    assert answer.status == 201, answer
    assert answer.header("playhead-next-report-ms") == "10000"
    body = answer.json()
    assert (body.pop("checked"), body.pop("limit")) == (True, 4)
    assert body == server.viewers(account)[0]
    assert (body["view"], body["state"], body["at"]) == ("v", "starting", sent["at"])
    again = server.put(account, report(account, view="v", playhead_ms=9, series="show"))
    assert (again.status, again.json()["state"], again.json()["playhead_ms"]) == (200, "playing", 9)


def test_put_may_repeat_account_and_view_and_not_contradict_the_path(server, account):
    body = report(account, view="v")
    assert server.request("PUT", f"/v1/accounts/{account}/views/v", body).status == 201
    for changes in ({"account": "other"}, {"view": "other"}):
        answer = server.request("PUT", f"/v1/accounts/{account}/views/v", {**body, **changes})
        assert_problem(answer, 422)


def test_put_on_an_ended_view_is_a_start(server, account):
    assert start(server, account, "v", "tv-1", at=-3).status == 201
    assert server.put(account, report(account, view="v", state="stopped", at=-2)).status == 200
    assert server.viewers(account) == []
    assert start(server, account, "v", "tv-1").status == 201
    assert names(server.viewers(account)) == ["v"]


def test_a_view_can_be_read_while_it_plays_and_after(server, account):
    assert_problem(server.request("GET", f"/v1/accounts/{account}/views/v"), 404, "not-found")
    assert server.post_reports(report(account, view="v", at=-1)).status == 204
    view = server.get(f"/v1/accounts/{account}/views/v")
    assert (view["active"], view["ended_at"], view["end_reason"]) == (True, None, None)
    assert (view["view"], view["title"], view["stale"]) == ("v", "film-1", False)
    assert view["as_of"] <= at()
    assert server.post_reports(report(account, view="v", state="stopped")).status == 204
    view = server.get(f"/v1/accounts/{account}/views/v")
    assert (view["active"], view["end_reason"]) == (False, "stopped")


def test_a_new_view_on_a_device_ends_its_former_one_by_put_only(server, account):
    assert start(server, account, "first", "tv-1").status == 201
    assert server.post_reports(report(account, view="posted", device="tv-1")).status == 204
    assert names(server.viewers(account)) == ["first", "posted"]
    assert start(server, account, "other", "phone-1").status == 201
    assert start(server, account, "second", "tv-1").status == 201
    assert names(server.viewers(account)) == ["other", "second"]
    first = server.get(f"/v1/accounts/{account}/views/first")
    assert (first["end_reason"], first["ended_by"]) == ("replaced", "tv-1")


def test_one_more_view_than_the_limit_gets_409_with_the_views_in_the_way(limited, account):
    assert start(limited, account, "a", "tv-1").json()["limit"] == 2
    assert start(limited, account, "b", "tv-2").status == 201
    answer = start(limited, account, "c", "tv-3")
    problem = assert_problem(answer, 409, "view-limit", closes=False)
    for one in limited.viewers(account):
        assert one in problem["views"], "as viewers shows them"
    assert names(problem["views"]) == ["a", "b"]
    assert_problem(limited.request("GET", f"/v1/accounts/{account}/views/c"), 404)
    assert limited.history(account, query="?all=true")["items"].__len__() == 2


def test_the_limit_refuses_neither_an_active_view_nor_its_devices_successor(limited, account):
    for view, device in (("a", "tv-1"), ("b", "tv-2")):
        assert start(limited, account, view, device).status == 201
    assert limited.put(account, report(account, view="a", device="tv-1")).status == 200
    assert start(limited, account, "a2", "tv-1").status == 201
    assert names(limited.viewers(account)) == ["a2", "b"]


def test_posted_views_count_and_may_exceed_the_limit(limited, account):
    for number in range(3):
        assert limited.post_reports(report(account, view=f"v{number}", device=f"d{number}")).status == 204
    assert len(limited.viewers(account)) == 3
    assert_problem(start(limited, account, "w", "d9"), 409)


def test_an_ended_view_makes_room(limited, account):
    for view, device in (("a", "tv-1"), ("b", "tv-2")):
        assert start(limited, account, view, device, at=-2).status == 201
    assert limited.put(account, report(account, view="a", device="tv-1", state="stopped")).status == 200
    assert start(limited, account, "c", "tv-3").status == 201
    assert_problem(start(limited, account, "a", "tv-1"), 409), "an ended view starts like a new one"


def test_a_view_can_be_taken_over(limited, account):
    for view, device in (("a", "tv-1"), ("b", "tv-2")):
        assert start(limited, account, view, device, at=-2).status == 201
    assert_problem(start(limited, account, "c", "phone-3", "?terminate=none-such"), 409)
    answer = start(limited, account, "c", "phone-3", "?terminate=a")
    assert answer.status == 201, answer
    assert names(limited.viewers(account)) == ["b", "c"]
    view = limited.get(f"/v1/accounts/{account}/views/a")
    assert (view["end_reason"], view["ended_by"]) == ("terminated", "phone-3")
    # Its player is told by 410, whichever way it reports, and who took over.
    told = [limited.put(account, report(account, view="a", device="tv-1")),
            limited.post_reports(report(account, view="a", device="tv-1"))]
    for answer in told:
        assert assert_problem(answer, 410, "view-terminated")["device"] == "phone-3"
    batch = limited.post_reports([report(account, view="b", device="tv-2"), report(account, view="a", device="tv-1")])
    assert batch.json()["accepted"] == 1
    assert batch.json()["rejected"][0]["index"] == 1
    assert batch.json()["rejected"][0]["problem"]["status"] == 410
    assert batch.json()["rejected"][0]["problem"]["device"] == "phone-3"
    assert names(limited.viewers(account)) == ["b", "c"]


def test_taking_over_on_the_same_device_needs_no_room(limited, account):
    for view, device in (("a", "tv-1"), ("b", "tv-2")):
        assert start(limited, account, view, device, at=-1).status == 201
    assert start(limited, account, "c", "tv-1", "?terminate=b").status == 201
    assert names(limited.viewers(account)) == ["c"]


def test_a_view_ended_from_elsewhere_keeps_its_last_position(server, account):
    view = watch(server, account, since_s=60, for_s=50, from_ms=100_000, state="playing")
    path = f"/v1/accounts/{account}/views/{view}"
    answer = server.request("POST", path + "/terminate", {"reason": "parental control", "by_device": "phone-1"})
    assert (answer.status, answer.body) == (204, b"")
    assert server.viewers(account) == []
    ended = server.get(path)
    assert (ended["end_reason"], ended["ended_by"], ended["playhead_ms"]) == ("terminated", "phone-1", 150_000)
    assert server.progress(account)["playhead_ms"] == 150_000
    # Reports from before the end still count; later ones get 410 and change nothing.
    assert server.post_reports(report(account, view=view, at=-5, playhead_ms=155_000)).status == 204
    assert server.progress(account)["playhead_ms"] == 155_000
    for state in ("playing", "starting", "stopped", "paused"):
        later = server.post_reports(report(account, view=view, state=state, playhead_ms=999_000))
        assert assert_problem(later, 410, "view-terminated")["device"] == "phone-1"
    assert server.progress(account)["playhead_ms"] == 155_000
    assert server.viewers(account) == []


def test_ending_a_view_again_is_harmless(server, account):
    assert server.post_reports(report(account, view="v", at=-1)).status == 204
    path = f"/v1/accounts/{account}/views/v/terminate"
    assert server.request("POST", path, {"by_device": "first"}).status == 204
    ended = server.get(f"/v1/accounts/{account}/views/v")
    assert server.request("POST", path, {"by_device": "second"}).status == 204
    again = server.get(f"/v1/accounts/{account}/views/v")
    for one in (ended, again):
        one.pop("as_of")
    assert again == ended


def test_a_view_can_be_ended_without_a_body(server, account):
    assert server.post_reports(report(account, view="v", at=-1)).status == 204
    assert server.request("POST", f"/v1/accounts/{account}/views/v/terminate").status == 204
    next_millisecond()  # a report of the end's own millisecond would still count
    answer = server.post_reports(report(account, view="v"))
    assert assert_problem(answer, 410)["device"] is None


def test_ending_what_is_not_there_gets_404(server, account):
    answer = server.request("POST", f"/v1/accounts/{account}/views/{fresh('view')}/terminate", {})
    assert_problem(answer, 404, "not-found")


def test_viewers_says_how_fresh_it_is(server, account):
    before = at()
    body = server.get(f"/v1/accounts/{account}/viewers")
    assert set(body) == {"items", "next", "as_of", "stale"}
    assert (body["items"], body["next"], body["stale"]) == ([], None, False)
    assert before <= body["as_of"] <= at()


def test_profiles_lists_who_has_watched(server, account):
    assert server.get(f"/v1/accounts/{account}/profiles")["items"] == []
    for profile in ("kids", "anna", "kids"):
        assert server.post_reports(report(account, profile=profile)).status == 204
    assert server.get(f"/v1/accounts/{account}/profiles")["items"] == [{"profile": "anna"}, {"profile": "kids"}]


def test_a_silent_view_expires_and_a_paused_one_later(launch, account):
    """Three intervals without a report; paused, as long as the configuration says."""
    from harness import eventually
    server = launch(config="[shard]\nreport_interval_ms = 1000\npaused_expiry_ms = 60000\n")
    answer = server.post_reports([report(account, view="silent"), report(account, view="paused", state="paused")])
    assert answer.header("playhead-next-report-ms") == "1000"
    assert names(server.viewers(account)) == ["paused", "silent"]
    eventually(lambda: names(server.viewers(account)) == ["paused"], "the silent view has expired")
    view = server.get(f"/v1/accounts/{account}/views/silent")
    assert (view["active"], view["end_reason"], view["ended_at"]) == (False, "expired", view["at"])
    # Whoever plays on is there again.
    assert server.post_reports(report(account, view="silent")).status == 204
    assert names(server.viewers(account)) == ["paused", "silent"]
