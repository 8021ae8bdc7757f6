"""HTTP as every route speaks it: HEAD, OPTIONS, CORS, keeping connections, HTTP/1.0."""

import json

import pytest

from harness import RawConnection, assert_problem, fresh, report, watch
from harness.raw import request_bytes

ALLOWED = "https://tv.example"
STRANGER = "https://evil.example"


@pytest.mark.parametrize("path", [
    "/livez", "/readyz", "/v1/accounts/{a}/viewers", "/v1/accounts/{a}/profiles/p1/history",
    "/v1/accounts/{a}/profiles/p1/progress", "/v1/accounts/{a}/profiles/p1/continue-watching",
    "/v1/accounts/{a}/views/none", "/nowhere"])
def test_head_answers_as_get_without_the_body(server, account, path):
    target = path.replace("{a}", account).encode()
    with RawConnection(server.port) as connection:
        connection.send(request_bytes(b"GET", target))
        got = connection.read_answer()
        connection.send(request_bytes(b"HEAD", target))
        head = connection.read_answer(to_head=True)
        connection.assert_open()
    assert head.status == got.status
    for name in ("content-type", "content-length", "cache-control"):
        assert head.header(name) == got.header(name), name


def test_options_names_the_methods_of_a_path(server, account):
    for path, methods in (("/v1/reports", "POST, OPTIONS"),
                          (f"/v1/accounts/{account}/profiles/p1/progress", "GET, HEAD, PATCH, OPTIONS"),
                          ("*", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")):
        with RawConnection(server.port) as connection:
            connection.send(request_bytes(b"OPTIONS", path.encode()))
            answer = connection.read_answer()
            assert (answer.status, answer.header("allow")) == (204, methods)
    assert_problem(server.request("OPTIONS", "/nowhere"), 404)


def preflight(server, path, origin, method="POST"):
    return server.request("OPTIONS", path, headers={
        "Origin": origin, "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type,authorization"})


def names(answer, header):
    return {one.strip().lower() for one in answer.header(header).split(",")}


@pytest.mark.parametrize(("path", "method"), [
    ("/v1/cmcd", "POST"), ("/v1/cmcd?account=a&profile=p", "POST"), ("/v1/reports", "POST"),
    ("/v1/accounts/a/views/v", "PUT"), ("/v1/accounts/a/profiles/p/progress", "PATCH"),
    ("/v1/accounts/a/profiles/p/history", "DELETE")])
def test_a_preflight_of_an_allowed_origin_is_granted(impatient, path, method):
    answer = preflight(impatient, path, ALLOWED, method)
    assert answer.status == 204, answer
    assert answer.header("access-control-allow-origin") == ALLOWED
    assert {"content-type", "authorization"} <= names(answer, "access-control-allow-headers")
    assert method.lower() in names(answer, "access-control-allow-methods")
    assert int(answer.header("access-control-max-age")) > 0
    assert "origin" in names(answer, "vary")


def test_a_preflight_of_a_stranger_is_not_granted(server, impatient):
    for one in (server, impatient):
        answer = preflight(one, "/v1/cmcd", STRANGER)
        assert answer.header("access-control-allow-origin") is None, answer


def test_an_allowed_page_may_read_answers_and_their_headers(impatient, account):
    answer = impatient.request("POST", "/v1/reports", json.dumps(report(account)),
                               {"Content-Type": "text/plain", "Origin": ALLOWED})
    assert answer.status == 204, answer
    assert answer.header("access-control-allow-origin") == ALLOWED
    assert "playhead-next-report-ms" in names(answer, "access-control-expose-headers")
    answer = impatient.request("GET", f"/v1/accounts/{account}/viewers", headers={"Origin": ALLOWED})
    assert answer.header("access-control-allow-origin") == ALLOWED
    # Problems too, or a page could not tell what is wrong.
    answer = impatient.request("POST", "/v1/reports", "nonsense",
                               {"Content-Type": "text/plain", "Origin": ALLOWED})
    assert_problem(answer, 400)
    assert answer.header("access-control-allow-origin") == ALLOWED


def test_a_strangers_page_changes_nothing_on_a_server_without_keys(impatient, account):
    """A beacon's text/plain needs no preflight: any page could send one to this machine."""
    for headers in ({"Content-Type": "text/plain"}, {"Content-Type": "application/json"}):
        answer = impatient.request("POST", "/v1/reports", json.dumps(report(account)),
                                   {**headers, "Origin": STRANGER})
        assert_problem(answer, 403, "forbidden")
        assert answer.header("access-control-allow-origin") is None
    assert impatient.viewers(account) == []
    answer = impatient.request("GET", f"/v1/accounts/{account}/viewers", headers={"Origin": STRANGER})
    assert_problem(answer, 403)


def test_a_page_of_this_machine_may_call(server, account):
    for origin in ("http://localhost:3000", "http://127.0.0.1:8080"):
        answer = server.request("POST", "/v1/reports", json.dumps(report(account)),
                                {"Content-Type": "application/json", "Origin": origin})
        assert answer.status == 204, (origin, answer)


def test_a_connection_is_kept_until_the_client_wants_it_closed(server):
    with RawConnection(server.port) as connection:
        for _ in range(3):
            connection.assert_open()
        connection.send(request_bytes(b"GET", b"/livez", [b"Connection: close"]))
        answer = connection.read_answer()
        assert answer.closes
        connection.assert_closed()


def test_http_1_0_is_closed_unless_it_asks_otherwise(server):
    with RawConnection(server.port) as connection:
        connection.send(b"GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        answer = connection.read_answer()
        assert (answer.status, answer.header("connection").lower()) == (200, "keep-alive")
        connection.send(b"GET /livez HTTP/1.0\r\n\r\n")
        assert connection.read_answer().status == 200
        connection.assert_closed()


def test_an_idle_connection_is_closed_without_a_word(launch):
    server = launch(config="[http]\nidle_timeout_ms = 500\n")
    with RawConnection(server.port) as connection:
        connection.assert_open()
        connection.assert_closed()
    with RawConnection(server.port) as connection:
        connection.assert_closed()


def test_a_client_that_ends_its_sending_side_gets_its_answers(server, account):
    body = json.dumps(report(account, view="v")).encode()
    with RawConnection(server.port) as connection:
        connection.send(request_bytes(b"POST", b"/v1/reports", [b"Content-Type: application/json"], body) * 3)
        connection.end_sending()
        for _ in range(3):
            assert connection.read_answer().status == 204
        connection.assert_closed()


def test_clients_that_vanish_leave_nothing_behind(server, account):
    before = server.metric("playhead_http_connections")
    for _ in range(50):
        connection = RawConnection(server.port)
        connection.send(b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        connection.socket.close()
    from harness import eventually
    eventually(lambda: server.metric("playhead_http_connections") <= before, "their connections are gone")
    assert server.post_reports(report(account)).status == 204


def test_connections_above_the_limit_are_told_so(launch):
    server = launch(config="threads = 1\n[http]\nconnections_max = 5\n")
    held = [RawConnection(server.port) for _ in range(5)]
    for connection in held:
        connection.assert_open()
    with RawConnection(server.port) as connection:
        connection.send(request_bytes(b"GET", b"/livez"))
        assert_problem(connection.read_answer(), 503, "overloaded", closes=True)
    for connection in held:
        connection.assert_open()
        connection.socket.close()


def test_no_answer_is_kept_by_caches(server, account):
    watch(server, account, since_s=100, for_s=60)
    for path in (f"/v1/accounts/{account}/viewers", f"/v1/accounts/{account}/profiles/p1/history", "/nowhere"):
        answer = server.request("GET", path)
        assert answer.header("cache-control") == "no-store"
        assert answer.header("date").endswith(" GMT")


def test_what_a_browser_may_do_with_an_answer_is_said_with_every_body(server, account):
    """Nothing: not guess its type, show it in a page, run it, lend it to other sites, nor name its address."""
    for path in (f"/v1/accounts/{account}/viewers", "/nowhere", "/metrics", "/docs", "/docs/rapidoc-min.js"):
        answer = server.request("GET", path)
        assert answer.header("x-content-type-options") == "nosniff", path
        assert answer.header("referrer-policy") == "no-referrer", path
        assert answer.header("cross-origin-resource-policy") == "same-origin", path
        policy = answer.header("content-security-policy")  # one, or it would be the strictest of them
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy, path
        assert answer.header("server") is None, path


def test_an_accepted_report_is_answered_by_as_few_bytes_as_can_be(server, account):
    """What is sent a billion times a day says nothing that has no use without a body."""
    answer = server.post_reports(report(account))
    wanted = {"date", "playhead-next-report-ms"} | ({"strict-transport-security"} if server.tls else set())
    assert answer.status == 204 and set(answer.headers) == wanted


def test_percent_escapes_of_harmless_bytes_are_the_bytes(server, account):
    assert server.post_reports(report(account, view="a:b@c~d", profile="p1")).status == 204
    view = server.get(f"/v1/accounts/{account}/views/a%3Ab%40c%7ed")
    assert view["view"] == "a:b@c~d"


def test_every_character_of_ids_comes_back_as_it_was_sent(server):
    every = "AZaz09._~:@-"
    account = fresh("account") + every
    sent = report(account, profile=every, title="t" + every, view="v" + every, device=every, series=every)
    assert server.post_reports(sent).status == 204
    [viewer] = server.viewers(account)
    for field in ("profile", "title", "view", "device", "series"):
        assert viewer[field] == sent[field]
