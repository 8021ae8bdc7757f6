"""Requests whose framing can't be trusted: 400, 411, 413, 414, 431, 501 and the connection closes.

One test a row of the list of bad inputs; what a request carries would change the account if it
were taken. Rows of the list that are other files': bodies (test_bodies.py), what is asked for
(test_requests.py), CMCD (test_cmcd.py). Rows that are no part of the server without keys, and have
no test yet: tokens (none, expired, wrong, `alg:none`, RS-HS confusion, unknown kid; 401), a
viewer's token on an operator's route (403), rates (429).
"""

import json

import pytest

from harness import RawConnection, assert_problem, left_unchanged, report
from harness.raw import request_bytes

HOST = b"Host: localhost\r\n"


def bad_report(account):
    return json.dumps(report(account, profile="p1", title="never", view="never")).encode()


def smuggled(account):
    """A request that must never be seen as one."""
    return request_bytes(b"POST", b"/v1/reports", [b"Content-Type: application/json"],
                         bad_report(account))


def refuse(server, account, data, status, kind=None, smuggle=True):
    """Sends `data`, with another request behind it: one problem, then the end. Nothing changes."""
    with left_unchanged(server, account), RawConnection(server.port) as connection:
        connection.send_as_far_as_taken(data + (smuggled(account) if smuggle else b""))
        answer = connection.read_answer()
        assert_problem(answer, status, kind, closes=True)
        connection.assert_closed()
        return answer


def post(account, *headers, host=HOST, length=True):
    return request_bytes(b"POST", b"/v1/reports", [b"Content-Type: application/json", *headers],
                         bad_report(account), host, length)


def head_and_body(account):
    head, body = post(account).split(b"\r\n\r\n")
    return head + b"\r\n\r\n", body


def test_no_host_is_refused(server, account):
    refuse(server, account, post(account, host=b""), 400)


@pytest.mark.parametrize("second", [b"localhost", b"other.example"])
def test_two_hosts_are_refused(server, account, second):
    refuse(server, account, post(account, b"Host: " + second), 400)


def test_a_space_before_a_colon_is_refused(server, account):
    refuse(server, account, post(account, b"X-Any : 1"), 400)
    refuse(server, account, post(account, b"Transfer-Encoding : chunked"), 400)


@pytest.mark.parametrize("fold", [b" folded", b"\tfolded", b" Transfer-Encoding: chunked"])
def test_a_folded_header_is_refused(server, account, fold):
    refuse(server, account, post(account, b"X-Any: 1", fold), 400)


@pytest.mark.parametrize("line", [
    b"X-Any: a\rb", b"X-Any: a\r", b"X-Any\r: a", b"\rX-Any: a", b"X-Any: a\r\rTransfer-Encoding: chunked"])
def test_a_bare_cr_in_a_header_is_refused(server, account, line):
    refuse(server, account, post(account, line), 400)


@pytest.mark.parametrize("line", [b"X-Any: a\nX-Other: b", b"X-Any: a\x00b", b"X-\x00Any: a", b"\x80: a"])
def test_a_bare_lf_or_a_nul_in_a_header_is_refused(server, account, line):
    refuse(server, account, post(account, line), 400)


CHUNKED = b"5\r\nhello\r\n0\r\n\r\n"


@pytest.mark.parametrize("coding", [
    b"chunked", b"gzip", b"xchunked", b"chunked, gzip", b"gzip, chunked", b"identity", b"chunked, chunked",
    b"\x0bchunked", b"CHUNKED", b"\"chunked\""])
def test_any_transfer_encoding_is_refused(server, account, coding):
    data = request_bytes(b"POST", b"/v1/reports",
                         [b"Content-Type: application/json", b"Transfer-Encoding: " + coding],
                         length=False) + CHUNKED
    answer = None
    with left_unchanged(server, account), RawConnection(server.port) as connection:
        connection.send_as_far_as_taken(data + smuggled(account))
        answer = connection.read_answer()
        connection.assert_closed()
    # A control byte in a value is malformed before it is a coding.
    expected = (400,) if coding.startswith(b"\x0b") else (411, 501)
    assert answer.status in expected, answer
    assert_problem(answer, answer.status, closes=True)


@pytest.mark.parametrize("codings", [[b"chunked"], [b"gzip"], [b"xchunked"], [b"chunked", b"identity"]])
@pytest.mark.parametrize("length_first", [True, False])
def test_transfer_encoding_with_content_length_is_refused(server, account, codings, length_first):
    body = bad_report(account)
    length = [b"Content-Length: %d" % len(body)]
    coding = [b"Transfer-Encoding: " + one for one in codings]
    lines = length + coding if length_first else coding + length
    data = request_bytes(b"POST", b"/v1/reports", [b"Content-Type: application/json", *lines],
                         length=False) + CHUNKED
    with left_unchanged(server, account), RawConnection(server.port) as connection:
        connection.send_as_far_as_taken(data + smuggled(account))
        answer = connection.read_answer()
        assert answer.status in (400, 411, 501), answer
        assert_problem(answer, answer.status, closes=True)
        connection.assert_closed()


def test_chunked_in_http_1_0_is_refused(server, account):
    data = (b"POST /v1/reports HTTP/1.0\r\n" + HOST + b"Content-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED)
    refuse(server, account, data, 411)


@pytest.mark.parametrize("lengths", [
    [b"10", b"11"], [b"+5"], [b"-1"], [b"0x5"], [b"18446744073709551616"], [b"5 5"], [b"5, 6"],
    [b"99999999999999999999999999"], [b"5;"], [b"0", b"5"]])
def test_a_content_length_that_is_not_one_number_is_refused(server, account, lengths):
    body = bad_report(account)
    lines = [b"Content-Length: " + one for one in lengths]
    data = request_bytes(b"POST", b"/v1/reports", [b"Content-Type: application/json", *lines], body,
                         length=False)
    data = data.replace(b"Content-Length: 10\r\n", b"Content-Length: %d\r\n" % len(body))
    refuse(server, account, data, 400)


def test_a_head_that_ends_with_bare_lf_is_refused(server, account):
    refuse(server, account, post(account).replace(b"\r\n", b"\n"), 400)


@pytest.mark.parametrize("line", [
    b"POST  /v1/reports HTTP/1.1", b"POST /v1/reports", b"POST /v1/reports HTTP/1.1 ",
    b"POST\t/v1/reports\tHTTP/1.1", b" POST /v1/reports HTTP/1.1",
    b"POST /v1/reports HTTP/1.10", b"POST /v1/reports http/1.1", b"POST v1/reports HTTP/1.1",
    b"P\x00ST /v1/reports HTTP/1.1", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
def test_a_malformed_request_line_is_refused(server, account, line):
    refuse(server, account, post(account).replace(b"POST /v1/reports HTTP/1.1", line), 400)


@pytest.mark.parametrize("byte", [b"\xff", b"\x80", b"\x01", b"\x7f"])
def test_a_raw_byte_in_the_target_is_refused(server, account, byte):
    refuse(server, account, post(account).replace(b"/v1/reports", b"/v1/reports?a=" + byte), 400)


def test_a_newer_http_is_refused(server, account):
    refuse(server, account, post(account).replace(b"HTTP/1.1", b"HTTP/2.0"), 505)


def test_http_2_preface_is_refused(server, account):
    refuse(server, account, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), 400)


def test_a_target_over_8_kb_is_refused(server, account):
    at_limit = b"/v1/accounts/a/viewers?" + b"x" * (8 * 1024 - 23)
    with RawConnection(server.port) as connection:
        connection.send(request_bytes(b"GET", at_limit))
        assert connection.read_answer().status == 200
    refuse(server, account, request_bytes(b"GET", at_limit + b"x"), 414, "target-too-long")


def test_a_request_line_that_never_ends_is_refused(server, account):
    refuse(server, account, b"GET /" + b"x" * 100_000, 414, "target-too-long", smuggle=False)


def test_a_header_section_over_16_kb_is_refused(server, account):
    def padded(total):
        plain = len(request_bytes(b"GET", b"/livez", [b"X-Any: "]))
        return request_bytes(b"GET", b"/livez", [b"X-Any: " + b"x" * (total - plain)])

    with RawConnection(server.port) as connection:
        connection.send(padded(16 * 1024))
        assert connection.read_answer().status == 200
    refuse(server, account, padded(16 * 1024 + 1), 431, "headers-too-large")


def test_headers_that_never_end_are_refused(server, account):
    data = b"GET /livez HTTP/1.1\r\n" + HOST + b"X-Any: 1\r\n" * 20_000
    refuse(server, account, data, 431, "headers-too-large", smuggle=False)


@pytest.mark.parametrize("expectation", [b"200-ok", b"100-continue, other", b"\"100-continue\""])
def test_an_expectation_other_than_100_continue_is_refused(server, account, expectation):
    refuse(server, account, post(account, b"Expect: " + expectation), 417, "expectation-failed")


def test_100_continue_is_answered_before_the_body(server, account):
    body = json.dumps(report(account, view="expected")).encode()
    head = (b"POST /v1/reports HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
            b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
    with RawConnection(server.port) as connection:
        connection.send(head)
        assert connection.read_answer().status == 100
        connection.send(body)
        assert connection.read_answer().status == 204
    assert [one["view"] for one in server.viewers(account)] == ["expected"]


def test_a_body_over_the_limit_is_refused_before_it_is_read(server, account):
    head = (b"POST /v1/reports HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n")
    # Not a byte of the body is ever sent.
    refuse(server, account, head % (1024 * 1024 + 1), 413, "too-large", smuggle=False)
    refuse(server, account, head % (2**32 + 5), 413, "too-large", smuggle=False)
    refuse(server, account, head.replace(b"Content-Type", b"Expect: 100-continue\r\nContent-Type") %
           (1024 * 1024 + 1), 413, "too-large", smuggle=False)


def test_a_body_over_the_limit_that_is_sent_gets_its_answer_all_the_same(server, account):
    body = b"[" + b" " * (2 * 1024 * 1024) + b"]"
    data = request_bytes(b"POST", b"/v1/reports", [b"Content-Type: application/json"], body)
    refuse(server, account, data, 413, "too-large", smuggle=False)


def test_a_body_that_is_cut_short_is_refused(server, account):
    head, body = head_and_body(account)
    with left_unchanged(server, account), RawConnection(server.port) as connection:
        connection.send(head + body[:-1])
        connection.end_sending()
        assert_problem(connection.read_answer(), 400, closes=True)
        connection.assert_closed()


def test_a_declared_body_that_never_comes_gets_408(impatient, account):
    head, body = head_and_body(account)
    with left_unchanged(impatient, account), RawConnection(impatient.port) as connection:
        connection.send(head + body[:-1])
        assert_problem(connection.read_answer(), 408, "timeout", closes=True)
        connection.assert_closed()


def test_a_body_that_trickles_in_gets_408(impatient, account):
    head, body = head_and_body(account)
    with left_unchanged(impatient, account), RawConnection(impatient.port) as connection:
        connection.send(head)
        connection.socket.settimeout(0.1)
        for byte in body[:-1]:  # a byte now and then does not put the deadline off
            try:
                if not connection.receive():
                    break
            except TimeoutError:
                connection.send_as_far_as_taken(bytes([byte]))
            if b"\r\n\r\n" in connection.held:
                break
        connection.socket.settimeout(5)
        assert_problem(connection.read_answer(), 408, "timeout", closes=True)


def test_a_head_that_never_ends_gets_408(impatient, account):
    with left_unchanged(impatient, account), RawConnection(impatient.port) as connection:
        connection.send(b"GET /livez HTTP/1.1\r\nHost: loc")
        assert_problem(connection.read_answer(), 408, "timeout", closes=True)
        connection.assert_closed()


def test_an_answer_stands_between_requests_and_nonsense(server, account):
    """What came before the nonsense was good, and is answered as such, in order."""
    good = request_bytes(b"POST", b"/v1/reports", [b"Content-Type: application/json"],
                         json.dumps(report(account, view="good")).encode())
    with RawConnection(server.port) as connection:
        connection.send_as_far_as_taken(good + good + b"\x00\x00\r\n\r\n" + smuggled(account))
        assert connection.read_answer().status == 204
        assert connection.read_answer().status == 204
        assert_problem(connection.read_answer(), 400, closes=True)
        connection.assert_closed()
    assert [one["view"] for one in server.viewers(account)] == ["good"]


@pytest.mark.parametrize("method", [b"GET", b"DELETE", b"OPTIONS", b"HEAD"])
def test_a_body_where_none_belongs_is_no_request(server, account, method):
    """A GET with a body: the body is skipped by its length, and is never the next request."""
    target = b"/v1/accounts/none/profiles/none/history"
    data = request_bytes(method, target, [], smuggled(account))
    with left_unchanged(server, account), RawConnection(server.port) as connection:
        connection.send(data)
        answer = connection.read_answer(to_head=method == b"HEAD")
        assert answer.status in (200, 204), answer
        connection.assert_open()


def test_1000_pipelined_gets_are_answered_in_order_in_bounded_memory(server, account):
    titles = [f"title-{number}" for number in range(1000)]
    for first in range(0, 1000, 100):
        acts = [{"title": title, "at": "2026-01-01T00:00:00Z", "playhead_ms": first + place + 1}
                for place, title in enumerate(titles[first:first + 100])]
        assert server.patch_progress(account, acts).status in (200, 204)
    before = server.resident_bytes()
    with RawConnection(server.port) as connection:
        connection.send(b"".join(
            request_bytes(b"GET", f"/v1/accounts/{account}/profiles/p1/progress/{title}".encode())
            for title in titles))
        for number, title in enumerate(titles):
            answer = connection.read_answer()
            assert answer.status == 200, answer
            body = answer.json()
            assert (body["title"], body["playhead_ms"]) == (title, number + 1)
        connection.assert_open()
    grown = server.resident_bytes() - before
    assert grown < 64 * 1024 * 1024, f"{grown} bytes for a thousand small requests"


def test_pipelined_gets_whose_answers_nobody_reads_take_bounded_memory(server, account):
    """The server stops reading while its answers are not taken, and goes on when they are."""
    assert server.post_reports(report(account, view="shown")).status == 204
    block = request_bytes(b"GET", f"/v1/accounts/{account}/viewers".encode()) * 1000
    before = server.resident_bytes()
    with RawConnection(server.port, receive_buffer_bytes=4096) as connection:
        connection.socket.settimeout(1)
        sent = 0
        with pytest.raises(TimeoutError):  # it must come to a stop; the kernel's buffers hold 10 MB
            while sent < 64 * 1024 * 1024:
                sent += connection.socket.send(block[sent % len(block):])
        grown = server.resident_bytes() - before
        assert grown < 64 * 1024 * 1024, f"{grown} bytes are held for {sent} bytes of requests"
        connection.socket.settimeout(10)
        for _ in range(1000):
            assert connection.read_answer().json()["items"][0]["view"] == "shown"
