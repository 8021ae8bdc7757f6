"""Erasure: what is gone at once, what is gone by the time that the receipt names, what stays away."""

import json
import uuid

import pytest

from harness import EventStream, assert_problem, at, cmcd, eventually, fresh, report, watch
from harness.reports import later_now, parse_at
from harness.rights import QUICK, erase, everything, household, traces


def test_an_erased_account_is_gone_from_every_answer(server, account):
    household(server, account)
    assert len(everything(server, account)) > 5
    receipt = erase(server, account)
    assert set(receipt) == {"mark", "erased_at", "gone_by"}
    assert abs(parse_at(receipt["erased_at"]) - parse_at(at())) < 60
    assert parse_at(receipt["gone_by"]) > parse_at(receipt["erased_at"])
    assert account not in json.dumps(receipt)
    for profile in ("p1", "p2"):
        assert everything(server, account, profile) == []


def test_an_erased_profile_leaves_its_siblings(server, account):
    household(server, account)
    sibling = [one for one in everything(server, account, "p2") if one.get("profile") == "p2" or "profile" not in one]
    erase(server, account, "p1")
    assert [one for one in everything(server, account, "p1") if one.get("profile") != "p2"] == []
    assert everything(server, account, "p2") == sibling


def test_erasing_twice_and_what_is_not_there_is_fine(server, account):
    first, second = erase(server, account), erase(server, account)
    assert first["mark"] == second["mark"] and first["erased_at"] < second["erased_at"]
    assert erase(server, account, "p1")["mark"] != first["mark"]


def test_streams_are_told_of_the_end(server, account):
    ids = household(server, account)
    with EventStream(server, account) as stream:
        assert len(stream.next_named("snapshot").data["items"]) == 2
        erase(server, account, "p1")
        end = stream.next_named("end").data
        assert (end["view"], end["end_reason"]) == (ids["p1"][-1], "terminated")
        erase(server, account)
        assert stream.next_named("end").data["view"] == ids["p2"][-1]


def test_what_comes_late_brings_nothing_back(server, account):
    old = report(account, at=-3600, view="late")
    household(server, account)
    begun = later_now()
    erase(server, account)
    problem = assert_problem(server.post_reports(old), 410, "erased")
    assert problem["code"] == 11 and not problem["retryable"]
    # A view that began before is of before, whatever its player says now.
    begun_before = report(account, view="on-and-on", started_at=begun)
    assert_problem(server.post_reports(begun_before), 410, "erased")
    assert_problem(server.put(account, begun_before), 410, "erased")
    answer = server.post_reports([old, report(account, profile="p2", at=-1800, view="other"),
                                  report(account, view="new")])
    assert answer.status == 200 and answer.json()["accepted"] == 1
    assert [one["problem"]["type"] for one in answer.json()["rejected"]] == ["/problems/erased"] * 2
    line = cmcd(e="ps", sta="p", cid="film-1", sid="cmcd", sn=1, pt=50_000, v=2,
                ts=int((parse_at(at()) - 600) * 1000), com_dot_x_dash_account=account)
    answer = server.request("POST", "/v1/cmcd", line, {"Content-Type": "application/cmcd"})
    assert answer.status == 204 and answer.header("playhead-accepted") == "0"
    late_act = [{"title": "film-1", "at": at(-60), "watched": True}]
    assert server.request("PATCH", f"/v1/accounts/{account}/profiles/p1/progress", late_act).status == 204
    assert {one.get("view") for one in everything(server, account)} == {"new", None}
    assert server.request("GET", f"/v1/accounts/{account}/profiles/p1/progress").json()["items"] == []


def test_what_is_watched_afterwards_begins_anew(server, account):
    household(server, account)
    erase(server, account)
    view = fresh("view")
    started = server.put(account, report(account, view=view, state="starting", playhead_ms=0))
    assert started.status == 201, started
    # Reports of the new view that were kept offline from before the erasure stay away, too.
    assert_problem(server.post_reports(report(account, view=view, at=-300)), 410, "erased")
    assert [one["view"] for one in server.viewers(account)] == [view]
    act = [{"title": "film-1", "at": later_now(), "watched": True}]
    assert server.request("PATCH", f"/v1/accounts/{account}/profiles/p1/progress", act).status == 204
    [item] = server.request("GET", f"/v1/accounts/{account}/profiles/p1/progress").json()["items"]
    assert item["watched"]


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_an_erasure_outlives_the_server(launch, account, end):
    server = launch()
    household(server, account)
    other = watch(server, account + "-other", since_s=600, for_s=300)
    erase(server, account)
    old = report(account, at=-3600, view="late")
    new = report(account, view="new")
    assert server.post_reports(new).status == 204
    getattr(server, end)()
    server.start()
    assert_problem(server.post_reports(old), 410, "erased")
    assert {one.get("view") for one in everything(server, account)} == {"new", None}
    assert other in {one.get("view") for one in everything(server, account + "-other")}
    # Once more, now that the store alone knows it.
    assert server.stop() == 0
    server.start()
    assert_problem(server.post_reports(old), 410, "erased")
    assert {one.get("view") for one in everything(server, account)} == {"new", None}


@pytest.mark.parametrize("of", ["account", "profile"])
def test_no_file_metric_or_stream_holds_a_trace_when_the_bound_has_passed(launch, of):
    server = launch(config=QUICK)
    account, kept = str(uuid.uuid4()), fresh("kept")
    ids = household(server, account)
    household(server, kept)
    gone = [*ids["p1"], *ids["p2"], account] if of == "account" else ids["p1"]
    # Some of it has reached the store, some is only in the journal.
    eventually(lambda: {name for name, _ in traces(server.data / "store", gone)}, "a checkpoint")
    assert server.post_reports([report(account, profile="p1", view=ids["p1"][-1], title=ids["p1"][0],
                                       device=ids["p1"][1])]).status == 204
    assert traces(server.data / "journal", gone)
    with EventStream(server, account) as stream:
        stream.next_named("snapshot")
        receipt = erase(server, account, "p1" if of == "profile" else None)
        # A checkpoint goes on with what others do.
        def passed():
            assert server.post_reports(report(kept)).status == 204
            return not traces(server.directory, gone) if parse_at(receipt["gone_by"]) < parse_at(at()) else False
        eventually(passed, f"gone: {traces(server.directory, gone)}", tries=600)
        with EventStream(server, account) as later:
            snapshot = json.dumps(later.next_named("snapshot").data)
    said = server.request("GET", "/metrics").body.decode() + server.log_text() + snapshot
    assert [one for one in gone if one in said] == []
    assert traces(server.data, [kept]), "nobody erased that"
    assert server.stop() == 0
    assert traces(server.directory, gone) == set()
