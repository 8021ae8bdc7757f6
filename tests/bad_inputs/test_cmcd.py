"""CMCD that can't be used: 204 all the same, for players storm on anything else; it is counted."""

import time

import pytest

from harness import assert_problem, cmcd, fresh, left_unchanged, report
from harness.reports import next_millisecond


def now_ms():
    return int(time.time() * 1000)


def record(account, **changes):
    keys = {"cid": "film-1", "com_dot_example_dash_account": account, "com_dot_example_dash_profile": "p1",
            "e": "ps", "sid": "never", "sn": 1, "sta": "p", "ts": now_ms(), "v": 2}
    keys.update(changes)
    return cmcd(**{name: value for name, value in keys.items() if value is not None})


def dropped(server, account, text, query=""):
    """Sends what must be dropped: 204, none acknowledged, one counted, nothing changed."""
    before = server.metric("playhead_cmcd_dropped_total")
    with left_unchanged(server, account):
        answer = server.post_cmcd(text, query)
        assert answer.status == 204, answer
        assert answer.header("playhead-accepted") == "0", answer
    assert server.metric("playhead_cmcd_dropped_total") >= before + 1


@pytest.mark.parametrize("changes", [
    {"e": None}, {"ts": None}, {"v": None}, {"v": 3}, {"v": 1}, {"sid": None}, {"cid": None}, {"ts": -1},
    {"ts": "soon"}, {"sid": "x" * 200}, {"cid": "\u00e9" * 60}, {"com_dot_example_dash_account": None},
    {"com_dot_example_dash_profile": None}, {"com_dot_example_dash_account": "a/b"}])
def test_a_record_that_lacks_what_it_needs_is_dropped(server, account, changes):
    dropped(server, account, record(account, **changes))


@pytest.mark.parametrize("text", [
    "nonsense", "=", ",,,", '"', 'cid="open', "\x00\x01\x02", "e=ps,e", "{}", "a" * 100_000, "(" * 100_000])
def test_a_line_that_is_no_record_is_dropped(server, account, text):
    dropped(server, account, text)


def test_a_record_older_than_the_late_limit_is_dropped(server, account):
    dropped(server, account, record(account, ts=now_ms() - 31 * 86_400_000))


def test_good_records_beside_bad_ones_are_taken(server, account):
    lines = [record(account, sid="good-1"), "nonsense", record(account, sid="good-2"), "", "e=ps"]
    answer = server.post_cmcd("\n".join(lines) + "\n")
    assert (answer.status, answer.header("playhead-accepted")) == (204, "2"), answer
    assert sorted(one["view"] for one in server.viewers(account)) == ["good-1", "good-2"]


def test_absurd_values_are_ignored_and_their_record_is_taken(server, account):
    text = record(account, sid="odd", pt=-5, pr="fast", bg="?0", ttfb=1795467993925) + ",x-y=(1 2);a=b,%=1"
    text = record(account, sid="odd", ttfb=1795467993925, bl="x", unknown=5)
    answer = server.post_cmcd(text)
    assert (answer.status, answer.header("playhead-accepted")) == (204, "1"), answer
    [viewer] = server.viewers(account)
    assert (viewer["view"], viewer["state"]) == ("odd", "playing")


def terminated_view(server, account):
    view = fresh("view")
    assert server.post_cmcd(record(account, sid=view)).status == 204
    answer = server.request("POST", f"/v1/accounts/{account}/views/{view}/terminate", {"by_device": "phone-9"})
    assert answer.status == 204, answer
    next_millisecond()  # a report of the end's own millisecond would still count
    return view


def test_a_terminated_view_gets_204_and_is_not_reopened(server, account):
    view = terminated_view(server, account)
    answer = server.post_cmcd(record(account, sid=view, sn=2, ts=now_ms() + 1))
    assert (answer.status, answer.header("playhead-accepted")) == (204, "0"), answer
    assert server.viewers(account) == []


def test_a_terminated_view_gets_410_where_it_was_asked_for(server, account):
    view = terminated_view(server, account)
    answer = server.post_cmcd(record(account, sid=view, sn=2, ts=now_ms() + 1), "?stop=410")
    problem = assert_problem(answer, 410, "view-terminated")
    assert problem["device"] == "phone-9"
    assert server.viewers(account) == []


def test_framing_size_and_type_are_refused_as_elsewhere(server, account):
    with left_unchanged(server, account):
        text = record(account).encode()
        answer = server.request("POST", "/v1/cmcd", text, {"Content-Type": "application/json"})
        assert_problem(answer, 415)
        answer = server.request("POST", "/v1/cmcd", text,
                                {"Content-Type": "application/cmcd", "Content-Encoding": "gzip"})
        assert_problem(answer, 415)
        answer = server.request("POST", "/v1/cmcd", text * 10_000, {"Content-Type": "application/cmcd"})
        assert_problem(answer, 413, closes=True)


def test_the_account_of_the_target_wins_over_the_records(server, account):
    other = fresh("account")
    answer = server.post_cmcd(record(other, sid="whose"), f"?account={account}&profile=p7&device=tv-7")
    assert (answer.status, answer.header("playhead-accepted")) == (204, "1"), answer
    assert server.viewers(other) == []
    [viewer] = server.viewers(account)
    assert (viewer["profile"], viewer["device"]) == ("p7", "tv-7")


def test_one_more_view_than_the_limit_is_no_matter_of_cmcd(server, account):
    """CMCD only tells; PUT asks."""
    for _ in range(5):
        assert server.post_cmcd(record(account, sid=fresh("view"))).header("playhead-accepted") == "1"
    assert server.post_reports(report(account)).status == 204
    assert len(server.viewers(account)) == 6
