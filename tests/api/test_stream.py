"""Viewers as server-sent events."""

import re

import pytest

from harness import EventStream, eventually, fresh, report


def subscribe(server, account, *headers):
    stream = EventStream(server, account, headers)
    assert stream.answer.status == 200, stream.answer
    assert stream.answer.header("content-type") == "text/event-stream"
    assert stream.answer.header("cache-control") == "no-store"
    return stream


def test_a_stream_begins_with_a_snapshot(server, account):
    for view in ("v1", "v2"):
        assert server.post_reports(report(account, view=view)).status == 204
    with subscribe(server, account) as stream:
        first = stream.next()
        assert first.name == "snapshot"
        assert set(first.data) == {"items", "as_of"}
        by_view = {one["view"]: one for one in first.data["items"]}
        assert by_view == {one["view"]: one for one in server.viewers(account)}


def test_a_stream_of_an_account_without_viewers_begins_with_an_empty_snapshot(server, account):
    with subscribe(server, account) as stream:
        assert stream.next().data["items"] == []


def test_every_change_is_pushed_in_order(server, account):
    with subscribe(server, account) as stream:
        stream.next()
        for number, state in enumerate(["starting", "playing", "paused", "seeking", "rebuffering", "ad"]):
            sent = report(account, view="v", state=state, sequence=number, playhead_ms=number)
            assert server.post_reports(sent).status == 204
            event = stream.next()
            assert (event.name, event.data["state"], event.data["at"]) == ("view", state, sent["at"])
            assert event.data == server.viewers(account)[0]
        stopped = report(account, view="v", state="stopped", sequence=9)
        assert server.post_reports(stopped).status == 204
        event = stream.next()
        assert event.name == "end"
        assert event.data == {"view": "v", "end_reason": "stopped", "at": stopped["at"]}


def test_positions_are_pushed_too(server, account):
    with subscribe(server, account) as stream:
        stream.next()
        assert server.post_reports(report(account, view="v", playhead_ms=1)).status == 204
        assert stream.next().data["playhead_ms"] == 1
        for playhead in (2, 3, 4):
            assert server.post_reports(report(account, view="v", playhead_ms=playhead)).status == 204
        # At most one a second, so some may be skipped; the last one comes.
        while (event := stream.next()).data["playhead_ms"] != 4:
            assert event.name == "view" and event.data["playhead_ms"] in (2, 3)


def test_an_end_from_elsewhere_is_pushed(server, account):
    with subscribe(server, account) as stream:
        stream.next()
        assert server.put(account, report(account, view="a", at=-2)).status == 201
        assert stream.next().data["view"] == "a"
        path = f"/v1/accounts/{account}/views/a/terminate"
        assert server.request("POST", path, {"by_device": "phone"}).status == 204
        event = stream.next()
        assert (event.name, event.data["view"], event.data["end_reason"]) == ("end", "a", "terminated")
        assert server.put(account, report(account, view="b")).status == 201
        assert server.put(account, report(account, view="c")).status == 201
        seen = [stream.next() for _ in range(3)]
        assert ("end", "b", "replaced") in [(one.name, one.data["view"], one.data.get("end_reason")) for one in seen]
        assert sorted(one.data["view"] for one in seen if one.name == "view") == ["b", "c"]


def test_an_expiry_is_pushed(launch, account):
    server = launch(config="[shard]\nreport_interval_ms = 1000\n")
    with subscribe(server, account) as stream:
        stream.next()
        sent = report(account, view="v")
        assert server.post_reports(sent).status == 204
        event = stream.next_named("end")
        assert event.data == {"view": "v", "end_reason": "expired", "at": sent["at"]}


def test_ids_are_boot_and_a_growing_number(server, account):
    with subscribe(server, account) as stream:
        assert server.post_reports(report(account, view="v")).status == 204
        events = [stream.next()]
        while events[-1].name != "view" and not events[0].data.get("items"):
            events.append(stream.next())
        assert server.post_reports(report(account, view="w")).status == 204
        events.append(stream.next_named("view"))
        ids = [re.fullmatch(r"(\d+)-(\d+)", one.id) for one in events]
        assert all(ids), events
        assert len({one[1] for one in ids}) == 1
        numbers = [int(one[2]) for one in ids]
        assert numbers == sorted(set(numbers))


def test_an_event_id_of_an_earlier_boot_gets_a_snapshot(launch, account):
    server = launch()
    assert server.post_reports(report(account, view="v")).status == 204
    with subscribe(server, account) as stream:
        old = stream.next().id
    assert server.stop() == 0
    server.start()
    with subscribe(server, account, ("Last-Event-ID", old)) as stream:
        first = stream.next()
        assert (first.name, [one["view"] for one in first.data["items"]]) == ("snapshot", ["v"])
        assert first.id.split("-")[0] != old.split("-")[0]


def test_a_last_event_id_that_is_not_the_newest_gets_a_snapshot(server, account):
    assert server.post_reports(report(account, view="v")).status == 204
    with subscribe(server, account) as stream:
        seen = stream.next().id
    assert server.post_reports(report(account, view="w")).status == 204
    with subscribe(server, account, ("Last-Event-ID", seen)) as stream:
        first = stream.next()
        assert first.name == "snapshot"
        assert sorted(one["view"] for one in first.data["items"]) == ["v", "w"]


def test_accounts_do_not_see_each_other(server, account):
    other = fresh("account")
    with subscribe(server, account) as stream:
        stream.next()
        assert server.post_reports(report(other, view="theirs")).status == 204
        assert server.post_reports(report(account, view="mine")).status == 204
        assert stream.next().data["view"] == "mine"


def test_many_streams_of_one_account_see_the_same(server, account):
    streams = [subscribe(server, account) for _ in range(20)]
    for stream in streams:
        assert stream.next().name == "snapshot"
    assert server.post_reports(report(account, view="v")).status == 204
    assert server.post_reports(report(account, view="v", state="stopped")).status == 204
    for stream in streams:
        assert [stream.next().name, stream.next().name] == ["view", "end"]
        stream.connection.socket.close()


def test_a_silent_stream_gets_a_comment(impatient, account):
    with subscribe(impatient, account) as stream:
        assert stream.next_or_comment().name == "snapshot"
        for _ in range(2):
            assert isinstance(stream.next_or_comment(), str), "a comment, and no event"
        assert impatient.post_reports(report(account, view="v")).status == 204
        assert stream.next().data["view"] == "v"


def wide(account, number):
    """A report whose event takes more than a kilobyte."""
    return report(account, view="v" * 128, title="t" * 128, series="s" * 128, profile="p" * 128, device="d" * 128,
                  device_type="e" * 128, state=("playing", "paused")[number % 2], sequence=number,
                  playhead_ms=number)


def test_a_slow_reader_is_dropped_and_gets_a_fresh_snapshot_when_it_returns(impatient, account):
    with EventStream(impatient, account, receive_buffer_bytes=4096) as stream:
        assert stream.next().name == "snapshot"
        before = impatient.resident_bytes()
        sent = 0
        # It reads nothing. The kernel holds a few megabytes for it, the server a bounded number.
        for _ in range(300):
            batch = [wide(account, sent + place) for place in range(100)]
            assert impatient.post_reports(batch).status == 204
            sent += 100
            if impatient.metric("playhead_streams_dropped_total") > 0:
                break
        else:
            pytest.fail("nobody who reads nothing was dropped")
        assert impatient.resident_bytes() - before < 64 * 1024 * 1024
        eventually(lambda: impatient.metric("playhead_http_streams") == 0, "the slow stream is closed")
        received = 0
        try:
            while stream.next() is not None:
                received += 1
        except (AssertionError, ConnectionResetError):
            pass  # cut in the middle of an event
        assert received < sent
    assert impatient.post_reports(wide(account, sent)).status == 204
    with subscribe(impatient, account) as stream:
        first = stream.next()
        assert (first.name, first.data["items"][0]["playhead_ms"]) == ("snapshot", sent)


def test_streams_above_the_limit_get_503_and_room_when_others_leave(launch, account):
    server = launch(config="[shard]\nsubscribers_max = 2\n")
    first, second = subscribe(server, account), subscribe(server, account)
    refused = EventStream(server, account)
    assert refused.answer.status == 503
    first.connection.socket.close()

    def again():
        with EventStream(server, account) as stream:
            return stream.answer.status == 200
    eventually(again, "a place is free again")
    second.connection.socket.close()


def test_a_stream_ends_when_the_server_stops(launch, account):
    server = launch()
    assert server.post_reports(report(account, view="v")).status == 204
    with subscribe(server, account) as stream:
        assert stream.next().name == "snapshot"
        assert server.stop() == 0
        assert stream.next() is None


def test_a_reader_that_leaves_is_forgotten(server):
    account = fresh("account")
    before = server.metric("playhead_http_streams")
    stream = subscribe(server, account)
    assert stream.next().name == "snapshot"
    eventually(lambda: server.metric("playhead_http_streams") == before + 1, "the stream is counted")
    stream.connection.socket.close()
    eventually(lambda: server.metric("playhead_http_streams") == before, "the stream is forgotten")


def test_a_head_of_a_stream_is_refused(server, account):
    answer = server.request("HEAD", f"/v1/accounts/{account}/viewers/stream")
    assert answer.status == 405
    assert "HEAD" not in answer.header("allow")
