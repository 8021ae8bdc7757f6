"""Tokens from outside: where they may stand, what they may be, and that they are shown nowhere."""

import json
import re
import time

import pytest

from access.conftest import CONFIG
from access.scene import TENANT, Scene, service_token
from access.tokens import ALGORITHMS, bad_tokens, key_set, token
from harness import EventStream, RawConnection, Server, assert_problem, eventually, fresh, report
from harness.raw import request_bytes


def viewers(server, account, shown, query=""):
    headers = {} if shown is None else {"Authorization": f"Bearer {shown}"}
    return server.request("GET", f"/v1/accounts/{account}/viewers{query}", headers=headers)


# ---- The access rows of bad-inputs.md ------------------------------------------------------------


@pytest.mark.parametrize("name", ["none", *sorted(bad_tokens(account="any"))])
def test_a_token_that_is_none_gets_401_and_says_how(guarded, account, name):
    shown = None if name == "none" else bad_tokens(account=account)[name]
    answer = viewers(guarded, account, shown)
    problem = assert_problem(answer, 401, "unauthorized", closes=False)
    assert answer.header("www-authenticate").startswith("Bearer "), answer
    assert problem["detail"] and not problem["retryable"]


@pytest.mark.parametrize("header", [
    "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Token x", "Bearer \t", "Bearer a b", "Bearer " + "a" * 5_000,
    "Bearer ..", "Bearer " + "." * 3_000, "Bearer eyJ", "bearer", "Bearer,Bearer"])
def test_a_header_without_a_token_gets_401(guarded, account, header):
    answer = guarded.request("GET", f"/v1/accounts/{account}/viewers", headers={"Authorization": header})
    assert_problem(answer, 401, "unauthorized", closes=False)


def test_two_authorization_headers_are_refused(guarded, account):
    line = f"Authorization: Bearer {token(account=account)}".encode()
    with RawConnection(guarded.port) as connection:
        connection.send(request_bytes(b"GET", f"/v1/accounts/{account}/viewers".encode(), [line, line]))
        assert connection.read_answer().status in (400, 401)


def test_another_accounts_view_or_profile_is_404(guarded):
    scene = Scene(guarded)
    shown = token(tenant=TENANT, account=scene.own.account)
    for path in (f"views/{scene.other.view}", "viewers", f"profiles/{scene.other.profile}/history"):
        assert_problem(scene.ask(shown, "GET", f"/v1/accounts/{scene.other.account}/{path}"), 404, "not-found")
    answer = scene.ask(shown, "GET", f"/v1/accounts/{scene.own.account}/views/{scene.other.view}")
    assert_problem(answer, 404, "not-found")


@pytest.mark.parametrize("path", ["/v1/cluster", "/metrics"])
def test_an_operators_route_is_403_for_a_viewer(guarded, account, path):
    def ask(shown):
        return guarded.request("GET", path, headers={"Authorization": f"Bearer {shown}"})
    assert_problem(ask(token(account=account)), 403, "forbidden")
    assert_problem(ask(token("service")), 403, "forbidden")
    assert ask(token("operator")).status == 200


# ---- What is believed ----------------------------------------------------------------------------


@pytest.mark.parametrize("key", sorted(ALGORITHMS))
def test_a_token_of_each_kind_of_key_is_believed(guarded, account, key):
    for _ in range(3):
        assert viewers(guarded, account, token(account=account, key=key)).status == 200


def test_sixty_seconds_of_leeway_are_given(guarded, account):
    now = int(time.time())
    assert viewers(guarded, account, token(account=account, expires_in_s=-50)).status == 200
    assert viewers(guarded, account, token(account=account, nbf=now + 50)).status == 200


def test_a_token_names_the_stream_limit(guarded, account):
    shown = token(account=account, stream_limit=1)
    def start(view):
        body = {"profile": "p1", "title": "film", "device": view, "state": "starting",
                "at": report(account)["at"]}
        return guarded.request("PUT", f"/v1/accounts/{account}/views/{view}", body,
                               {"Authorization": f"Bearer {shown}", "Content-Type": "application/json"})
    first = start(fresh("view"))
    assert first.status == 201 and first.json()["limit"] == 1
    assert_problem(start(fresh("view")), 409, "view-limit")


def test_a_batch_takes_the_callers_own_reports_and_lists_the_others(guarded):
    scene = Scene(guarded)
    shown = token(tenant=TENANT, account=scene.own.account, profile=scene.own.profile)
    batch = [scene.own.report(playhead_ms=50_000), scene.sibling.report(playhead_ms=50_000),
             scene.other.report(playhead_ms=50_000)]
    before = scene.state(scene.sibling), scene.state(scene.other)
    answer = scene.ask(shown, "POST", "/v1/reports", batch)
    assert answer.status == 200 and answer.json()["accepted"] == 1, answer
    problems = [one["problem"] for one in answer.json()["rejected"]]
    assert [one["status"] for one in problems] == [404, 404] and problems[0] == problems[1]
    assert (scene.state(scene.sibling), scene.state(scene.other)) == before


def test_a_profile_can_not_take_over_from_a_siblings_view(guarded):
    scene = Scene(guarded)
    shown = token(tenant=TENANT, account=scene.own.account, profile=scene.own.profile, stream_limit=1)
    before = scene.state(scene.sibling)
    body = {"profile": scene.own.profile, "title": "film", "device": fresh("device"), "state": "starting",
            "at": report("x")["at"]}
    path = f"/v1/accounts/{scene.own.account}/views/{fresh('view')}"
    in_the_way = assert_problem(scene.ask(shown, "PUT", path, body), 409, "view-limit")["views"]
    assert {"device": scene.sibling.device, "state": "playing"} in in_the_way
    assert all(secret not in json.dumps(in_the_way) for secret in scene.sibling.secrets())
    there, not_there = (scene.ask(shown, "PUT", f"{path}?terminate={view}", body)
                        for view in (scene.sibling.view, fresh("view")))
    assert_problem(there, 409, "view-limit")
    assert there.body == not_there.body, "a view that is not the caller's is none"
    assert scene.state(scene.sibling) == before


def test_the_stream_shows_a_sibling_as_device_and_state_only(guarded):
    scene = Scene(guarded)
    shown = token(tenant=TENANT, account=scene.own.account, profile=scene.own.profile)
    with EventStream(guarded, scene.own.account, [("Authorization", f"Bearer {shown}")]) as stream:
        snapshot = stream.next_named("snapshot").data["items"]
        redacted = {"device": scene.sibling.device, "state": "playing"}
        assert redacted in snapshot and len(snapshot) == 2
        for state, name in (("paused", "view"), ("stopped", "end")):
            told = scene.ask(service_token(TENANT), "POST", "/v1/reports",
                             scene.sibling.report(state=state, playhead_ms=60_000))
            assert told.status == 204, told
            # Positions of the caller's own view come in between.
            while "view" in (event := stream.next_named(name).data):
                assert event["view"] == scene.own.view
            if name == "view":
                assert event == {"device": scene.sibling.device, "state": state}
            else:
                assert set(event) == {"device", "end_reason", "at"} and event["device"] == scene.sibling.device


def test_a_stream_ends_with_its_token(guarded, account):
    shown = token(account=account, expires_in_s=-57)  # and 60 s of leeway
    with EventStream(guarded, account, [("Authorization", f"Bearer {shown}")]) as stream:
        assert stream.answer.status == 200 and stream.next().name == "snapshot"
        begun = time.monotonic()
        assert stream.next() is None and time.monotonic() - begun < 15


def test_an_account_that_asks_too_often_gets_429_and_others_do_not(guarded, account):
    shown, other = token(account=account), fresh("account")
    with RawConnection(guarded.port) as connection:
        one = request_bytes(b"GET", f"/v1/accounts/{account}/viewers".encode(),
                            [f"Authorization: Bearer {shown}".encode()])
        statuses = []
        for _ in range(200):  # two seconds' worth of 200 a second pass at once
            connection.send(one * 50)
            answers = [connection.read_answer() for _ in range(50)]
            statuses += [answer.status for answer in answers]
            for answer in answers:
                if answer.status == 429:
                    assert_problem(answer, 429, "too-many-requests", closes=False)
            if 429 in statuses:
                break
        assert set(statuses) == {200, 429} and statuses[:400] == [200] * 400
    assert viewers(guarded, other, token(account=other)).status == 200
    assert viewers(guarded, account, token("service")).status == 200, "a service is nobody's account"


# ---- The token in the query ----------------------------------------------------------------------


def test_beacons_cmcd_and_streams_may_name_the_token_in_the_query(guarded, account):
    query = f"?access_token={token(account=account)}"
    beacon = guarded.request("POST", "/v1/reports" + query, json.dumps(report(account)),
                             {"Content-Type": "text/plain;charset=UTF-8"})
    assert beacon.status == 204, beacon
    now_ms = int(time.time() * 1000)
    records = f'e=ps,sta=p,cid="film-1",sid="{fresh("view")}",com.x-profile="p1",sn=1,pt=1000,ts={now_ms},v=2'
    answer = guarded.post_cmcd(records, query)
    assert answer.status == 204 and answer.header("playhead-accepted") == "1", answer
    with EventStream(guarded, f"{account}/viewers/stream{query}&x=") as stream:
        assert stream.answer.status == 200 and len(stream.next().data["items"]) == 2
    assert_problem(guarded.post_cmcd(records), 401)
    assert_problem(guarded.post_cmcd(records, query + "&access_token=x"), 401)
    assert_problem(guarded.post_cmcd(records, query, {"Authorization": f"Bearer {token(account=account)}"}), 401)


@pytest.mark.parametrize("path", ["viewers", "profiles/p1/history", "profiles/p1/progress", "views/v"])
def test_other_routes_take_no_token_from_the_query(guarded, account, path):
    shown = token(account=account)
    assert_problem(guarded.request("GET", f"/v1/accounts/{account}/{path}?access_token={shown}"), 401)


def test_a_table_links_to_its_next_page_without_the_token(guarded):
    scene = Scene(guarded)
    account, shown = scene.own.account, service_token(TENANT)
    later = [{**scene.own.report(at=-900 + n, playhead_ms=20_000 * n), "view": "v-2"} for n in (1, 20)]
    assert scene.ask(shown, "POST", "/v1/reports", later).status == 204
    path = f"/v1/accounts/{account}/profiles/{scene.own.profile}/history?limit=1&all=true&access_token={shown}"
    answer = guarded.request("GET", path, headers={"Authorization": f"Bearer {shown}", "Accept": "text/csv"})
    link = answer.header("link")
    assert answer.status == 200 and "cursor=" in link and shown not in link and "access_token" not in link


# ---- Nowhere is a token shown --------------------------------------------------------------------


def test_no_token_is_in_a_log_a_metric_or_an_error(tmp_path, account):
    keys = tmp_path / "keys.json"
    keys.write_text(key_set())
    server = Server(tmp_path / "server", CONFIG.format(json.dumps(str(keys))),
                    arguments=["--log-level", "debug"])
    try:
        good = {key: token(account=account, key=key) for key in ALGORITHMS}
        good["operator"] = token("operator")
        everything = [*good.values(), *bad_tokens(account=account).values()]
        said = []
        for shown in everything:
            said.append(viewers(server, account, shown))
            said.append(server.request("POST", f"/v1/reports?access_token={shown}", report(account)))
            said.append(server.request("POST", f"/v1/reports?access_token={shown}&x=%zz", report(account)))
            said.append(server.request("GET", f"/nowhere/{account}?access_token={shown}"))
        keys.write_text(key_set("es") + "}")
        eventually(lambda: "can't be used" in server.log_text(), "a warning of broken keys")
        said.append(server.request("GET", "/metrics", headers={"Authorization": f"Bearer {good['operator']}"}))
        assert said[-1].status == 200
        assert server.stop() == 0
        texts = [server.log_text(), *(f"{one.headers} {one.body}" for one in said)]
        for shown in everything:
            for part in [part for part in shown.split(".") if len(part) > 8]:
                assert not any(part in text for text in texts), shown
        secret = json.loads(key_set("hs"))["keys"][1]["k"]
        assert not any(secret in text for text in texts)
    finally:
        server.close()


# ---- Keys ----------------------------------------------------------------------------------------


def test_keys_that_change_hold_without_a_restart(tmp_path, account):
    keys = tmp_path / "keys.json"
    keys.write_text(key_set("es"))
    server = Server(tmp_path / "server", CONFIG.format(json.dumps(str(keys))))
    try:
        old, new = token(account=account, key="es"), token(account=account, key="ed")
        assert viewers(server, account, old).status == 200
        stream = EventStream(server, account, [("Authorization", f"Bearer {old}")])
        assert stream.next().name == "snapshot"
        assert viewers(server, account, new).status == 401
        (tmp_path / "new.json").write_text(key_set("ed"))
        (tmp_path / "new.json").rename(keys)
        eventually(lambda: viewers(server, account, new).status == 200, "the new key")
        assert viewers(server, account, old).status == 401, "cached, but its key has gone"
        with stream:
            while stream.next() is not None:
                pass  # comments; then it ends
    finally:
        server.close()


def test_a_server_with_keys_listens_on_other_addresses_and_one_without_does_not(tmp_path, account):
    keys = tmp_path / "keys.json"
    keys.write_text(key_set())
    guarded = Server(tmp_path / "guarded", CONFIG.format(json.dumps(str(keys))), listen="0.0.0.0:0", start=False)
    open_one = Server(tmp_path / "open", listen="0.0.0.0:0", start=False)
    try:
        guarded.launch()
        found = eventually(lambda: re.search(r"serving on http://0\.0\.0\.0:(\d+)", guarded.log_text()), "a port")
        guarded.ports = [int(found[1])]
        assert viewers(guarded, account, token(account=account)).status == 200
        assert viewers(guarded, account, None).status == 401
        assert "without keys" not in guarded.log_text()
        open_one.launch()
        assert open_one.process.wait(20) == 1
        assert "auth.keys_file" in open_one.log_text()
        open_one.process = None
    finally:
        guarded.close()
        open_one.close()


@pytest.mark.parametrize("text", ["", "{}", '{"keys": []}', '{"keys": [{"kty": "oct", "kid": "k", "k": "c2hvcnQ"}]}'])
def test_a_server_whose_keys_are_broken_does_not_start(tmp_path, text):
    keys = tmp_path / "keys.json"
    keys.write_text(text)
    server = Server(tmp_path / "server", CONFIG.format(json.dumps(str(keys))), start=False)
    server.launch()
    assert server.process.wait(20) == 1
    assert str(keys) in server.log_text() and "c2hvcnQ" not in server.log_text()
