"""Well-framed requests for what is not there, not allowed or not understood."""

import pytest

from harness import EventStream, RawConnection, assert_problem, fresh, left_unchanged, report, watch
from harness.raw import request_bytes


def ask(server, account, method, target, status, kind=None, headers=()):
    """The problem that a request gets, on a connection that stays open. Nothing changes."""
    with left_unchanged(server, account), RawConnection(server.port) as connection:
        connection.send(request_bytes(method.encode(), target.encode(), list(headers)))
        answer = connection.read_answer(to_head=method == "HEAD")
        if method != "HEAD":
            assert_problem(answer, status, kind, closes=False)
        assert answer.status == status, answer
        connection.assert_open()
        return answer


@pytest.mark.parametrize("method", ["BREW", "get", "Post", "PROPFIND", "SEARCH", "PURGE", "X" * 200])
def test_an_unknown_method_gets_501(server, account, method):
    ask(server, account, method, "/v1/reports", 501, "not-implemented")
    ask(server, account, method, "/nowhere", 501, "not-implemented")


@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("GET", "/v1/reports", {"POST", "OPTIONS"}),
    ("DELETE", "/v1/cmcd", {"POST", "OPTIONS"}),
    ("POST", "/v1/accounts/{a}/viewers", {"GET", "HEAD", "OPTIONS"}),
    ("POST", "/v1/accounts/{a}/views/v", {"GET", "HEAD", "PUT", "OPTIONS"}),
    ("GET", "/v1/accounts/{a}/views/v/terminate", {"POST", "OPTIONS"}),
    ("PUT", "/v1/accounts/{a}/profiles/p1/progress", {"GET", "HEAD", "PATCH", "OPTIONS"}),
    ("PATCH", "/v1/accounts/{a}/profiles/p1/history", {"GET", "HEAD", "DELETE", "OPTIONS"}),
    ("POST", "/v1/accounts/{a}/profiles/p1/history/v", {"GET", "HEAD", "DELETE", "OPTIONS"}),
    ("HEAD", "/v1/reports", {"POST", "OPTIONS"}),
    ("TRACE", "/v1/reports", {"POST", "OPTIONS"}),
    ("QUERY", "/v1/accounts/{a}/viewers", {"GET", "HEAD", "OPTIONS"}),
    ("DELETE", "/livez", {"GET", "HEAD", "OPTIONS"}),
])
def test_a_method_that_the_path_has_not_gets_405_and_allow(server, account, method, path, allowed):
    answer = ask(server, account, method, path.replace("{a}", account), 405, "method-not-allowed")
    assert {one.strip() for one in answer.header("allow").split(",")} == allowed


@pytest.mark.parametrize("target", [
    "//", "/v1", "/v1/", "/v2/reports", "/v1/reports/", "//v1/reports", "/v1/accounts", "/v1/accounts/a/",
    "/v1/accounts/a/viewers/", "/V1/reports", "/v1/accounts/a/profiles/p/unknown", "/v1/reports%2F",
    "/./v1/reports", "/v1/../v1/reports", "/v1/accounts/a/viewers/stream/more"])
def test_a_path_that_is_not_there_gets_404(server, account, target):
    ask(server, account, "GET", target, 404, "not-found")
    ask(server, account, "POST", target, 404, "not-found", [b"Content-Type: application/json"])


IDS = ["a%00b", "%00", "..", "%2e%2e", "a%2Fb", "..%2F..%2Fetc", "x" * 129, "x" * 5_000, "%", "%4", "%zz",
       "a%g0", "%C3%BC", "a%20b", "a+b", "%5c", "a%0d%0aX-Any:%201", ""]


@pytest.mark.parametrize("text", IDS)
@pytest.mark.parametrize("path", [
    "/v1/accounts/{}/viewers", "/v1/accounts/{}/viewers/stream", "/v1/accounts/a/views/{}",
    "/v1/accounts/a/profiles/{}/history", "/v1/accounts/a/profiles/p/progress/{}",
    "/v1/accounts/a/profiles/p/history/{}"])
def test_an_id_that_is_none_is_refused(server, account, path, text):
    ask(server, account, "GET", path.format(text), 400)


def test_an_id_of_10_kb_is_refused(server, account):
    """In a path it meets the limit of targets first."""
    with left_unchanged(server, account), RawConnection(server.port) as connection:
        connection.send(request_bytes(b"GET", b"/v1/accounts/" + b"x" * 10_240 + b"/viewers"))
        assert_problem(connection.read_answer(), 414, "target-too-long", closes=True)
    ask(server, account, "GET",
        f"/v1/accounts/{account}/profiles/p1/history?title=" + "x" * 7_000, 400)


@pytest.mark.parametrize("query", [
    "limit=1000000000", "limit=101", "limit=0", "limit=-1", "limit=ten", "limit=", "limit=1.5",
    "limit=20&limit=20", "limit=99999999999999999999", "limit=%zz", "limit=1%00", "cursor=forged",
    "cursor=", "cursor=AAAA", "cursor=" + "A" * 100, "cursor=%00", "cursor=a&cursor=b"])
@pytest.mark.parametrize("path", ["history", "progress", "continue-watching"])
def test_a_senseless_limit_or_a_forged_cursor_is_refused(server, account, path, query):
    ask(server, account, "GET", f"/v1/accounts/{account}/profiles/p1/{path}?{query}", 400)


@pytest.mark.parametrize("query", [
    "from=yesterday", "to=2026-13-01T00:00:00Z", "all=maybe", "title=a/b", "series=" + "x" * 129,
    "title=a&title=b", "from=2026-01-01"])
def test_a_senseless_filter_is_refused(server, account, query):
    ask(server, account, "GET", f"/v1/accounts/{account}/profiles/p1/history?{query}", 400)
    ask(server, account, "DELETE", f"/v1/accounts/{account}/profiles/p1/history?{query}", 400)


def test_a_cursor_that_was_tampered_with_is_refused(server, account):
    for number in range(3):
        watch(server, account, f"film-{number}", since_s=100 - number, for_s=20)
    base = f"/v1/accounts/{account}/profiles/p1/history"
    cursor = server.get(f"{base}?limit=1")["next"]
    assert server.get(f"{base}?limit=1&cursor={cursor}")["items"]
    for place in range(0, len(cursor), 7):
        other = "A" if cursor[place] != "A" else "B"
        forged = cursor[:place] + other + cursor[place + 1:]
        answer = server.request("GET", f"{base}?limit=1&cursor={forged}")
        assert_problem(answer, 400)
    # Nor does a good one fit another list.
    for elsewhere in (f"{base}?limit=1&title=film-1", f"/v1/accounts/{account}/profiles/p2/history?limit=1",
                      f"/v1/accounts/{account}/profiles/p1/progress?limit=1"):
        assert_problem(server.request("GET", f"{elsewhere}&cursor={cursor}"), 400)


@pytest.mark.parametrize("accept", [b"text/html", b"image/*", b"application/xml", b"application/json;q=0",
                                    b"*/*;q=0", b"text/event-stream"])
def test_an_accept_that_can_not_be_met_gets_406(server, account, accept):
    for path in ("viewers", "profiles", "profiles/p1/progress", "profiles/p1/history"):
        ask(server, account, "GET", f"/v1/accounts/{account}/{path}", 406, "not-acceptable",
            [b"Accept: " + accept])


def test_a_stream_for_who_wants_none_gets_406(server, account):
    ask(server, account, "GET", f"/v1/accounts/{account}/viewers/stream", 406, "not-acceptable",
        [b"Accept: application/json"])


@pytest.mark.parametrize("accept", [b"application/json", b"*/*", b"application/*", b"text/html, */*;q=0.1",
                                    b"application/json;q=0.5, text/html", b"APPLICATION/JSON", b""])
def test_an_accept_that_can_be_met_is(server, account, accept):
    with RawConnection(server.port) as connection:
        connection.send(request_bytes(b"GET", f"/v1/accounts/{account}/viewers".encode(),
                                      [b"Accept: " + accept]))
        assert connection.read_answer().status == 200


@pytest.mark.parametrize("last", ["garbage", "0", "-1", "1-1", "9" * 1000, "\u00e9", "a: b", "\t", "1-999999999"])
def test_a_last_event_id_that_is_garbage_gets_a_full_snapshot(server, account, last):
    assert server.post_reports(report(account, view="shown")).status == 204
    with EventStream(server, account, [("Last-Event-ID", last)]) as stream:
        assert stream.answer.status == 200, stream.answer
        first = stream.next()
        assert first.name == "snapshot", first
        assert [one["view"] for one in first.data["items"]] == ["shown"]


def test_another_accounts_view_or_profile_does_not_exist(server, account):
    other = fresh("account")
    view = watch(server, other, since_s=100, for_s=20)
    for path in (f"views/{view}", f"profiles/p1/history/{view}", "profiles/p1/progress/film-1"):
        assert server.request("GET", f"/v1/accounts/{other}/{path}").status == 200
        theirs = server.request("GET", f"/v1/accounts/{account}/{path}")
        nobodys = server.request("GET", f"/v1/accounts/{fresh('account')}/{path}")
        assert_problem(theirs, 404)
        assert theirs.body == nobodys.body, "as if it did not exist"
    assert_problem(server.request("POST", f"/v1/accounts/{account}/views/{view}/terminate", {}), 404)
    assert_problem(server.request("DELETE", f"/v1/accounts/{account}/profiles/p1/history/{view}"), 404)
    # Another profile of the same account: not its history either.
    assert_problem(server.request("GET", f"/v1/accounts/{other}/profiles/p2/history/{view}"), 404)
    assert_problem(server.request("DELETE", f"/v1/accounts/{other}/profiles/p2/history/{view}"), 404)
    assert server.get(f"/v1/accounts/{other}/profiles/p2/history")["items"] == []
    [kept] = server.history(other)["items"]
    assert kept["view"] == view


def test_every_type_of_problem_has_a_page(server):
    """`type` is a link that says what the problem is."""
    kinds = set()
    for method, path in (("GET", "/nowhere"), ("GET", "/v1/reports"), ("BREW", "/")):
        problem = server.request(method, path).json()
        kinds.add((problem["type"], problem["title"]))
    problem = server.post_reports({}).json()
    kinds.add((problem["type"], problem["title"]))
    assert len(kinds) == 4
    for kind, title in kinds:
        page = server.request("GET", kind)
        assert page.status == 200 and title.encode() in page.body, page
    assert_problem(server.request("GET", "/problems/none-such"), 404)
