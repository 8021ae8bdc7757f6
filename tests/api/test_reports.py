"""POST /v1/reports in every form, and what its answer promises."""

import json
import threading

import pytest

from harness import RawConnection, assert_problem, at, fresh, report, watch
from harness.answers import assert_problem_body
from harness.raw import request_bytes


def views_of(server, account):
    return sorted(one["view"] for one in server.viewers(account))


def test_a_single_report_is_shown_at_once(server, account):
    sent = report(account, view="v1", series="show", sequence=17, playhead_ms=1_234_567, duration_ms=3_300_000,
                  started_at=at(-10), credits_ms=3_180_000)
    answer = server.post_reports(sent)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.header("playhead-next-report-ms") == "10000"
    [viewer] = server.viewers(account)
    assert viewer == {
        "view": "v1", "profile": "p1", "title": "film-1", "series": "show", "device": "tv-1",
        "device_type": "tv", "kind": "on_demand", "state": "playing", "playhead_ms": 1_234_567,
        "duration_ms": 3_300_000, "started_at": sent["started_at"], "at": sent["at"]}


def test_an_empty_batch_is_taken_and_told_the_interval(server):
    answer = server.post_reports([])
    assert (answer.status, answer.header("playhead-next-report-ms")) == (204, "10000")


def test_a_report_with_only_what_is_required_is_taken(server, account):
    bare = {"account": account, "profile": "p1", "title": "t", "view": "v", "state": "starting", "at": at()}
    assert server.post_reports(bare).status == 204
    [viewer] = server.viewers(account)
    for absent in ("series", "device", "device_type", "playhead_ms", "duration_ms"):
        assert viewer[absent] is None, viewer
    assert (viewer["kind"], viewer["started_at"]) == ("on_demand", bare["at"])


def test_an_array_is_taken_whole(server, account):
    answer = server.post_reports([report(account, view=f"v{number}") for number in range(10)])
    assert (answer.status, answer.header("playhead-next-report-ms")) == (204, "10000")
    assert views_of(server, account) == sorted(f"v{number}" for number in range(10))


def test_an_empty_array_changes_nothing(server, account):
    answer = server.post_reports([])
    assert answer.status == 204, answer
    assert server.viewers(account) == []


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "text/plain", "text/plain;charset=UTF-8"])
@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n"])
def test_lines_are_taken_whole(server, account, content_type, ending):
    body = "\n".join(json.dumps(report(account, view=view)) for view in ("v1", "v2", "v3")) + ending
    answer = server.request("POST", "/v1/reports", body, {"Content-Type": content_type})
    assert answer.status == 204, answer
    assert views_of(server, account) == ["v1", "v2", "v3"]


def test_a_beacons_text_may_be_a_report_or_an_array(server, account):
    for body in (json.dumps(report(account, view="v1")),
                 json.dumps([report(account, view="v2"), report(account, view="v3")]),
                 json.dumps(report(account, view="v4"), indent=2)):
        answer = server.request("POST", "/v1/reports", body, {"Content-Type": "text/plain"})
        assert answer.status == 204, answer
    assert views_of(server, account) == ["v1", "v2", "v3", "v4"]


def test_a_report_without_a_content_type_is_read_as_json(server, account):
    with RawConnection(server.port) as connection:
        connection.send(request_bytes(b"POST", b"/v1/reports", [],
                                      json.dumps(report(account, view="v1")).encode()))
        assert connection.read_answer().status == 204
    assert views_of(server, account) == ["v1"]


def test_lines_with_a_bad_one_keep_the_others(server, account):
    lines = [json.dumps(report(account, view="v0")), "nonsense", json.dumps(report(account, view="v2")),
             json.dumps({"account": account}), json.dumps(report(account, view="v4"))]
    answer = server.request("POST", "/v1/reports", "\n".join(lines), {"Content-Type": "application/x-ndjson"})
    assert answer.status == 200, answer
    assert answer.json()["accepted"] == 3
    assert [one["index"] for one in answer.json()["rejected"]] == [1, 3]
    assert views_of(server, account) == ["v0", "v2", "v4"]


def test_a_batch_of_bad_reports_lists_each(server, account):
    answer = server.post_reports([report(account, playhead_ms=-1), {"account": account}])
    assert answer.status == 200, answer
    assert answer.json()["accepted"] == 0
    for place, one in enumerate(answer.json()["rejected"]):
        assert one["index"] == place
        assert_problem_body(one["problem"], 422)
    assert server.viewers(account) == []


def test_a_batch_may_speak_of_many_accounts(server):
    accounts = [fresh("account") for _ in range(50)]
    batch = [report(account, view=f"v-{account}") for account in accounts]
    batch.insert(25, report("bad", playhead_ms=-1))
    answer = server.post_reports(batch)
    assert answer.json()["accepted"] == 50
    assert [one["index"] for one in answer.json()["rejected"]] == [25]
    for account in accounts:
        assert views_of(server, account) == [f"v-{account}"]


def test_a_report_that_contradicts_its_view_gets_422(server, account):
    assert server.post_reports(report(account, view="v")).status == 204
    for changes in ({"profile": "p2"}, {"title": "film-2"}, {"kind": "live"}, {"record": False}):
        answer = server.post_reports(report(account, view="v", **changes))
        assert_problem(answer, 422, "view-conflict")
    answer = server.post_reports([report(account, view="v", state="paused"), report(account, view="v", title="x")])
    assert (answer.json()["accepted"], answer.json()["rejected"][0]["index"]) == (1, 1)
    [viewer] = server.viewers(account)
    assert (viewer["title"], viewer["profile"], viewer["state"]) == ("film-1", "p1", "paused")


def test_another_accounts_view_of_the_same_id_is_another(server, account):
    other = fresh("account")
    for name, title in ((account, "mine"), (other, "theirs")):
        assert server.post_reports(report(name, view="same", title=title)).status == 204
    assert [server.viewers(name)[0]["title"] for name in (account, other)] == ["mine", "theirs"]


def test_an_older_report_changes_neither_state_nor_position(server, account):
    newer = report(account, view="v", state="paused", playhead_ms=20_000)
    older = report(account, view="v", state="playing", playhead_ms=10_000, at=-5, started_at=at(-60))
    assert server.post_reports(newer).status == 204
    assert server.post_reports(older).status == 204
    [viewer] = server.viewers(account)
    assert (viewer["state"], viewer["playhead_ms"], viewer["at"]) == ("paused", 20_000, newer["at"])
    assert viewer["started_at"] == older["started_at"], "a start is the smallest that is known"


def test_a_sequence_decides_between_reports_of_one_moment(server, account):
    moment = at()
    second = report(account, view="v", at=moment, sequence=2, state="paused", playhead_ms=2_000)
    first = report(account, view="v", at=moment, sequence=1, state="playing", playhead_ms=1_000)
    assert server.post_reports([second, first]).status == 204
    [viewer] = server.viewers(account)
    assert (viewer["state"], viewer["playhead_ms"]) == ("paused", 2_000)


@pytest.mark.parametrize("state", ["stopped", "completed", "failed"])
def test_an_ending_state_ends_the_view(server, account, state):
    assert server.post_reports(report(account, view="v", at=-1)).status == 204
    ended = report(account, view="v", state=state)
    assert server.post_reports(ended).status == 204
    assert server.viewers(account) == []
    view = server.get(f"/v1/accounts/{account}/views/v")
    assert (view["active"], view["end_reason"], view["ended_at"]) == (False, state, ended["at"])


def test_an_ended_view_is_reopened_by_playing_and_not_by_pausing(server, account):
    assert server.post_reports(report(account, view="v", state="stopped", at=-3)).status == 204
    assert server.post_reports(report(account, view="v", state="paused", at=-2)).status == 204
    assert server.viewers(account) == []
    assert server.post_reports(report(account, view="v", state="playing", at=-1)).status == 204
    assert views_of(server, account) == ["v"]


def test_a_late_report_does_not_make_a_view_active(server, account):
    watch(server, account, since_s=86_400, for_s=600, state="playing")
    assert server.viewers(account) == []
    assert server.progress(account)["playhead_ms"] == 600_000


def test_a_late_report_never_overwrites_newer_progress(server, account):
    watch(server, account, since_s=600, for_s=60, from_ms=300_000, device="phone-1")
    watch(server, account, since_s=7_200, for_s=60, from_ms=100_000, device="tablet-1")
    progress = server.progress(account)
    assert (progress["playhead_ms"], progress["device"]) == (360_000, "phone-1")
    assert [one["playhead_ms"] for one in server.history(account)["items"]] == [360_000, 160_000]


def test_a_wrong_clock_is_set_right_by_sent_at(server, account):
    """The device's clock is an hour behind; its report is of now all the same."""
    answer = server.post_reports(report(account, view="v", at=-3_600, sent_at=at(-3_599)))
    assert answer.status == 204
    [viewer] = server.viewers(account)
    assert at(-15) < viewer["at"] <= at(), viewer


def test_a_report_is_seen_from_other_connections_as_soon_as_it_is_answered(server, account):
    """Read your writes, from connections that other threads of the server own."""
    readers = [server.connect() for _ in range(8)]
    writers = [server.connect() for _ in range(4)]
    for number in range(200):
        body = json.dumps(report(account, view="v", playhead_ms=number, sequence=number)).encode()
        writer, reader = writers[number % 4], readers[number % 8]
        writer.request("POST", "/v1/reports", body, {"Content-Type": "application/json"})
        answer = writer.getresponse()
        answer.read()
        assert answer.status == 204
        reader.request("GET", f"/v1/accounts/{account}/viewers")
        [viewer] = json.loads(reader.getresponse().read())["items"]
        assert viewer["playhead_ms"] == number, f"{viewer} is not the answer to report {number}"
    for connection in readers + writers:
        connection.close()


def test_writers_at_once_lose_nothing(server):
    """Eight connections write to accounts of all threads; each then reads what it wrote."""
    failures = []

    def write(number):
        try:
            for step in range(50):
                account = fresh(f"writer{number}")
                assert server.post_reports([report(account, view=f"v{place}") for place in range(5)]).status == 204
                assert len(server.viewers(account)) == 5, (account, step)
        except BaseException as error:  # noqa: BLE001: shown by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def test_pipelined_reports_are_answered_in_order(server, account):
    """Good, bad, good, …, over more than one turn of the pipeline."""
    data = b""
    for number in range(300):
        body = report(account, view="v", sequence=number, playhead_ms=number if number % 3 else -1)
        data += request_bytes(b"POST", b"/v1/reports", [b"Content-Type: application/json"],
                              json.dumps(body).encode())
        if number % 50 == 49:
            data += request_bytes(b"GET", f"/v1/accounts/{account}/viewers".encode())
    with RawConnection(server.port) as connection:
        connection.send(data)
        for number in range(300):
            assert connection.read_answer().status == (204 if number % 3 else 422), number
            if number % 50 == 49:
                [viewer] = connection.read_answer().json()["items"]
                assert viewer["playhead_ms"] == number - (number % 3 == 0), "a read sees the writes before it"


def test_a_slow_sender_is_understood_byte_by_byte(server, account):
    data = request_bytes(b"POST", b"/v1/reports", [b"Content-Type: application/json"],
                         json.dumps(report(account, view="v")).encode())
    with RawConnection(server.port) as connection:
        for byte in data:
            connection.send(bytes([byte]))
        assert connection.read_answer().status == 204
    assert views_of(server, account) == ["v"]


def test_an_unrecorded_view_counts_for_viewers_only(server, account):
    view = watch(server, account, since_s=600, for_s=300, record=False)
    assert server.history(account, query="?all=true")["items"] == []
    assert server.progress(account) is None
    assert server.post_reports(report(account, view=view, record=False)).status == 204
    assert views_of(server, account) == [view]


def test_a_live_view_counts_for_viewers_and_history_and_never_for_progress(server, account):
    view = watch(server, account, "channel-1", since_s=60, for_s=55, kind="live", state="playing")
    [viewer] = server.viewers(account)
    assert (viewer["view"], viewer["kind"], viewer["playhead_ms"]) == (view, "live", None)
    assert server.history(account)["items"][0]["kind"] == "live"
    assert server.progress(account, "channel-1") is None
