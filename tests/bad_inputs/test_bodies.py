"""Bodies that can't be understood or kept: 400, 413, 415, 422; the connection stays open."""

import json

import pytest

from harness import RawConnection, assert_problem, at, left_unchanged, report
from harness.raw import request_bytes
from harness.reports import next_millisecond


def send(server, account, body, status, kind=None, content_type="application/json", path="/v1/reports",
         method="POST", headers=()):
    """Sends `body`; a problem on a connection that stays open. Nothing changes."""
    lines = [b"Content-Type: " + content_type.encode(), *headers] if content_type else list(headers)
    if isinstance(body, str):
        body = body.encode()
    with left_unchanged(server, account), RawConnection(server.port) as connection:
        connection.send(request_bytes(method.encode(), path.encode(), lines, body))
        answer = connection.read_answer()
        problem = assert_problem(answer, status, kind, closes=False)
        connection.assert_open()
        return problem


def text_of(account, **changes):
    return json.dumps(report(account, view="never", **changes))


def with_field(account, raw):
    """A report whose last member is written out by the test."""
    return text_of(account)[:-1] + ", " + raw + "}"


@pytest.mark.parametrize("body", ["", " ", "\r\n", "\x00"])
def test_an_empty_body_is_refused(server, account, body):
    send(server, account, body, 400)


@pytest.mark.parametrize("cut", [1, 2, 10, 40])
def test_json_that_is_cut_short_is_refused(server, account, cut):
    send(server, account, text_of(account)[:-cut], 400)
    send(server, account, "[" + text_of(account) + ", " + text_of(account)[:-cut], 400)


@pytest.mark.parametrize("body", [
    "hello", "null", "true", "17", '"text"', "{}x", "<a/>", "account=a&title=b", "[", "}", "{'a': 1}",
    "\ufeff{}"])
def test_what_is_no_json_report_is_refused(server, account, body):
    send(server, account, body, 400)


@pytest.mark.parametrize("ending", [",", "}", "]", " x", "\x00", '{"a": 1}', "// comment"])
def test_bytes_behind_a_report_are_refused(server, account, ending):
    send(server, account, text_of(account) + ending, 400)


@pytest.mark.parametrize("bracket", ["[", '{"a":', '[{"a":'])
def test_json_nested_100_000_deep_is_refused(server, account, bracket):
    closing = {"[": "]", '{"a":': "}", '[{"a":': "}]"}[bracket]
    deep = bracket * 100_000 + "1" + closing * 100_000
    for body in (deep, bracket * 100_000):
        send(server, account, body, 400)


def test_a_field_nested_100_000_deep_is_refused(server, account):
    deep = "[" * 100_000 + "]" * 100_000
    for field in ('"unknown": ', '"playhead_ms": ', '"title": '):
        send(server, account, with_field(account, field + deep), 400)


@pytest.mark.parametrize("field", [
    '"state": "playing"', '"playhead_ms": 1', '"title": "film-1"', '"account": "other"', '"un\\u006bnown": 1',
    '"st\\u0061te": "paused"'])
def test_duplicate_keys_are_refused(server, account, field):
    body = with_field(account, field)
    if "nown" in field:
        body = with_field(account, field + ', "unknown": 2')
    send(server, account, body, 400)


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\udc00"', '"\\ud800\\u0041"', '"a\\udfffb"'])
def test_lone_surrogates_are_refused(server, account, text):
    send(server, account, with_field(account, f'"unknown": {text}'), 400)
    send(server, account, with_field(account, f'{text}: 1'), 400)


@pytest.mark.parametrize("raw", [
    b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82", b"\x80", b"\xf0\x80\x80\xaf"])
def test_invalid_utf_8_is_refused(server, account, raw):
    body = with_field(account, '"unknown": "@"').encode()
    send(server, account, body.replace(b'"unknown": "@"', b'"unknown": "' + raw + b'"'), 400)
    send(server, account, text_of(account, series="@").encode().replace(b'"@"', b'"' + raw + b'"'), 400)


@pytest.mark.parametrize("number", [
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "01", "+1", ".5", "1.", "0x10", "1e", "--1"])
def test_numbers_that_json_does_not_have_are_refused(server, account, number):
    send(server, account, with_field(account, f'"watched_ms": {number}'), 400)
    send(server, account, with_field(account, f'"unknown": {number}'), 400)


@pytest.mark.parametrize("control", ["\x00", "\x01", "\n", "\x1f"])
def test_raw_control_characters_in_texts_are_refused(server, account, control):
    send(server, account, with_field(account, f'"unknown": "a{control}b"'), 400)


def test_a_negative_playhead_gets_422(server, account):
    send(server, account, text_of(account, playhead_ms=-1), 422, "unprocessable")


@pytest.mark.parametrize("field", ["playhead_ms", "duration_ms", "credits_ms", "watched_ms"])
def test_numbers_above_2_to_53_get_422(server, account, field):
    for number in (2**53 + 1, 2**63, 2**64, 10**30):
        send(server, account, text_of(account, **{field: number}), 422, "unprocessable")


@pytest.mark.parametrize("field", ["account", "profile", "title", "view", "state", "at"])
def test_a_report_without_a_required_field_gets_422(server, account, field):
    body = report(account, view="never")
    del body[field]
    send(server, account, json.dumps(body), 422, "unprocessable")


def test_a_report_older_than_the_late_limit_gets_422(server, account):
    send(server, account, text_of(account, at=-31 * 86_400), 422, "unprocessable")
    assert server.post_reports(report(account, at=-29 * 86_400)).status == 204


@pytest.mark.parametrize("moment", [
    "yesterday", "2026-11-23", "2026-11-23T20:15:30", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
    "2026-11-23T25:00:00Z", "1795467996059", "", "2026-11-23T20:15:30.Z"])
def test_a_moment_that_is_none_is_refused(server, account, moment):
    problem = None
    with left_unchanged(server, account):
        answer = server.post_reports(report(account, view="never", at=moment))
        assert answer.status in (400, 422), answer
        problem = assert_problem(answer, answer.status)
    assert "at" in problem["detail"], problem


@pytest.mark.parametrize("changes", [
    {"state": "dancing"}, {"state": 1}, {"kind": "radio"}, {"record": "yes"}, {"playhead_ms": "1"},
    {"playhead_ms": 1.5}, {"playhead_ms": True}, {"sequence": -1}, {"sequence": "x"}, {"title": 5},
    {"account": ["a"]}, {"at": True}, {"device": {}}])
def test_a_field_of_the_wrong_kind_is_refused(server, account, changes):
    [field] = changes
    fields = {name: value for name, value in report(account, view="never").items()}
    fields.update(changes)
    with left_unchanged(server, account):
        answer = server.request("POST", "/v1/reports", fields)
        assert answer.status in (400, 422), answer
        problem = assert_problem(answer, answer.status)
    assert field in problem["detail"], problem


@pytest.mark.parametrize("field", ["account", "profile", "title", "view", "device", "series", "next_title"])
@pytest.mark.parametrize("text", [
    "a\x00b", "../etc", "a/b", "x" * 129, "x" * 10_240, "a b", "\u00fcber", "a%00b", "a\\b", "a\nb"])
def test_an_id_outside_its_alphabet_is_refused(server, account, field, text):
    with left_unchanged(server, account):
        answer = server.post_reports(report(account, **{"view": "never", field: text}))
        assert answer.status in (400, 422), answer
        problem = assert_problem(answer, answer.status)
    assert field in problem["detail"], problem
    assert len(problem["detail"]) < 400, "what was sent is not sent back at length"


def test_an_empty_id_is_refused(server, account):
    for field in ("account", "profile", "title", "view"):
        with left_unchanged(server, account):
            answer = server.post_reports(report(account, **{"view": "never", field: ""}))
            assert answer.status in (400, 422), answer


def test_an_unknown_field_is_accepted_and_counted(server, account):
    before = server.metric("playhead_report_fields_ignored_total")
    answer = server.post_reports(report(account, view="seen", mood="good", nested={"a": [1, {"b": None}]}))
    assert answer.status == 204, answer
    assert [one["view"] for one in server.viewers(account)] == ["seen"]
    assert server.metric("playhead_report_fields_ignored_total") == before + 2


def test_a_playhead_beyond_the_duration_is_ignored_and_counted(server, account):
    assert server.post_reports(report(account, view="v", playhead_ms=1_000, at=-1)).status == 204
    before = server.metric("playhead_playheads_dropped_total")
    beyond = report(account, view="v", state="paused", playhead_ms=3_600_001)
    assert server.post_reports(beyond).status == 204
    [viewer] = server.viewers(account)
    assert (viewer["state"], viewer["playhead_ms"]) == ("paused", 1_000), "the rest of it counts"
    assert server.metric("playhead_playheads_dropped_total") == before + 1


def test_an_event_a_year_ahead_is_placed_at_its_arrival(server, account):
    earliest = at()
    assert server.post_reports(report(account, view="future", at=365 * 86_400)).status == 204
    [viewer] = server.viewers(account)
    assert earliest <= viewer["at"] <= at(), viewer
    next_millisecond()
    # What comes later is later, though its own clock says otherwise.
    assert server.post_reports(report(account, view="future", state="paused")).status == 204
    assert server.viewers(account)[0]["state"] == "paused"


def test_a_batch_over_the_limit_gets_413(server, account):
    reports = [report(account, view="never") for _ in range(1001)]
    send(server, account, json.dumps(reports), 413, "too-large")
    lines = "\n".join(json.dumps(one) for one in reports)
    send(server, account, lines, 413, "too-large", content_type="application/x-ndjson")
    assert server.post_reports(reports[:1000]).status == 204


def test_a_batch_with_good_and_bad_reports_keeps_the_good_ones(server, account):
    batch = [report(account, view="good-0"), report(account, view="bad-1", playhead_ms=-1),
             report(account, view="good-2"), report(account, view="bad/3"), {"account": account}, 17,
             report(account, view="good-6")]
    answer = server.post_reports(batch)
    assert answer.status == 200, answer
    body = answer.json()
    assert body["accepted"] == 3, body
    assert [one["index"] for one in body["rejected"]] == [1, 3, 4, 5], body
    for one in body["rejected"]:
        assert one["problem"]["status"] in (400, 422), one
    assert sorted(one["view"] for one in server.viewers(account)) == ["good-0", "good-2", "good-6"]


def test_the_same_report_again_has_no_second_effect(server, account):
    first = report(account, view="v", at=-20, playhead_ms=1_000)
    second = report(account, view="v", playhead_ms=21_000)
    for one in (first, second):
        assert server.post_reports(one).status == 204
    shown = [server.viewers(account), server.progress(account), server.history(account)["items"]]
    assert shown[1]["playhead_ms"] == 21_000
    for one in (second, first, second, [first, second, first]):
        assert server.post_reports(one).status == 204
    again = [server.viewers(account), server.progress(account), server.history(account)["items"]]
    for answer in (shown[1], again[1]):
        answer.pop("as_of")
    assert again == shown


@pytest.mark.parametrize("content_type", [
    "application/xml", "text/html", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "application/json; charset=utf-16", "application/cmcd", "application/jsonx", "json"])
def test_a_content_type_that_is_not_taken_gets_415(server, account, content_type):
    send(server, account, text_of(account), 415, "unsupported-media-type", content_type)


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"deflate", b"identity", b"x"])
def test_a_content_encoding_gets_415(server, account, coding):
    send(server, account, text_of(account), 415, "unsupported-media-type",
         headers=[b"Content-Encoding: " + coding])


@pytest.mark.parametrize(("method", "path"), [
    ("PUT", "/v1/accounts/{a}/views/never"), ("PATCH", "/v1/accounts/{a}/profiles/p1/progress"),
    ("POST", "/v1/accounts/{a}/profiles/p1/progress/query"),
    ("POST", "/v1/accounts/{a}/views/canary-view/terminate")])
def test_every_route_with_a_body_refuses_what_it_can_not_take(server, account, method, path):
    path = path.replace("{a}", account)
    for body in ("", "[", "nonsense", "[" * 100_000, '{"a": 1, "a": 2}', '{"a": "\\ud800"}', '{"a": 1e999}'):
        if body == "" and path.endswith("terminate"):
            continue  # an empty body is an empty object there
        send(server, account, body, 400, method=method, path=path)
    send(server, account, "{}", 415, content_type="text/csv", method=method, path=path)
    send(server, account, "{}", 415, method=method, path=path, headers=[b"Content-Encoding: gzip"])
    too_long = [b"Content-Length: 1048577"]
    with left_unchanged(server, account), RawConnection(server.port) as connection:
        connection.send(request_bytes(method.encode(), path.encode(), too_long, length=False))
        assert_problem(connection.read_answer(), 413, closes=True)


@pytest.mark.parametrize("act", [
    {}, {"title": "canary-title"}, {"title": "canary-title", "at": "2026-11-01T00:00:00Z"},
    {"at": "2026-11-01T00:00:00Z", "watched": True}, {"title": "canary-title", "watched": True},
    {"title": "canary-title", "at": "never", "watched": True},
    {"title": "canary-title", "at": "2026-11-01T00:00:00Z", "playhead_ms": -1},
    {"title": "canary-title", "at": "2026-11-01T00:00:00Z", "playhead_ms": 2**53 + 1},
    {"title": "canary-title", "at": "2026-11-01T00:00:00Z", "watched": "yes"},
    {"title": "a/b", "at": "2026-11-01T00:00:00Z", "watched": True}])
def test_a_bad_act_refuses_the_whole_patch(server, account, act):
    good = {"title": "canary-title", "at": at(), "watched": True, "hidden": True, "playhead_ms": 5}
    for acts in ([act], [good, act], [act, good]):
        with left_unchanged(server, account):
            answer = server.patch_progress(account, acts)
            assert answer.status in (400, 422), answer
            assert_problem(answer, answer.status, closes=False)


def test_too_many_acts_or_titles_get_413(server, account):
    acts = [{"title": f"t{number}", "at": at(), "watched": True} for number in range(101)]
    send(server, account, json.dumps(acts), 413, "too-large", method="PATCH",
         path=f"/v1/accounts/{account}/profiles/p1/progress")
    titles = [f"t{number}" for number in range(101)]
    send(server, account, json.dumps({"titles": titles}), 413, "too-large",
         path=f"/v1/accounts/{account}/profiles/p1/progress/query")
