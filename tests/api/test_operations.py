"""What operators see and decide: health, metrics, where it listens, how it starts and stops."""

import http.client
import json
import re
import signal
import socket
import subprocess
import threading

import pytest

from harness import RawConnection, Server, assert_problem, at, binary, eventually, report, watch
from harness.raw import request_bytes
from harness.server import PATIENCE_S, ROOT


def test_livez_and_readyz_answer(server):
    for path in ("/livez", "/readyz"):
        answer = server.request("GET", path)
        assert (answer.status, answer.header("content-type")) == (200, "text/plain; charset=utf-8")


def test_metrics_are_prometheus_text(server, account):
    assert server.post_reports(report(account)).status == 204
    answer = server.request("GET", "/metrics")
    assert answer.header("content-type").startswith("text/plain; version=0.0.4")
    kinds = {}
    for line in answer.body.decode().splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert name not in kinds, f"{name} is declared twice"
            kinds[name] = kind
        elif not line.startswith("#"):
            assert re.fullmatch(r'[a-z_:][a-z0-9_:]*(\{[^}]*\})? [-+0-9.eInfNa]+', line), line
            base = re.sub(r"_(bucket|sum|count)$", "", line.split("{")[0].split(" ")[0])
            assert base in kinds or line.split("{")[0].split(" ")[0] in kinds, line
    for name, kind in kinds.items():
        assert name.startswith(("playhead_", "process_")), name
        assert (kind == "counter") == name.endswith("_total"), (name, kind)


def test_metrics_count_what_happens(server, account):
    names = ("playhead_reports_total", "playhead_reports_repeated_total", "playhead_reports_rejected_total",
             "playhead_views_started_total", "playhead_views_ended_total")
    before = {name: server.metric(name) for name in names}
    active = server.metric("playhead_views_active")
    first = report(account, view="v", at=-2)
    assert server.post_reports([first, first, report(account, view="v", title="other")]).status == 200
    assert server.metric("playhead_views_active") == active + 1
    assert server.post_reports(report(account, view="v", state="stopped")).status == 204
    assert server.metric("playhead_views_active") == active
    grown = {name: server.metric(name) - value for name, value in before.items()}
    assert grown == {names[0]: 2, names[1]: 1, names[2]: 1, names[3]: 1, names[4]: 1}


def test_metrics_names_are_documented(server):
    """They are a contract: each is named in the documentation."""
    pages = [path.read_text() for path in sorted((ROOT / "docs").glob("**/*.md"))]
    documented = set(re.findall(r"(?:playhead|process)_[a-z0-9_]+", "\n".join(pages)))
    shown = {re.sub(r"\{.*", "", name) for name in server.metrics()}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) if name not in documented else name for name in shown}
    assert shown - documented == set(), "not in docs/"


def test_cluster_of_one_node_owns_every_slot(server):
    body = server.get("/v1/cluster")
    assert body["mode"] == "embedded"
    [node] = body["nodes"]
    assert (node["state"], node["slots"]) == ("ready", 4096)
    assert [(one["first"], one["last"], one["node"]) for one in body["slots"]] == [(0, 4095, node["node"])]


OPERATORS = ["/livez", "/readyz", "/metrics", "/v1/cluster", "/docs"]


def test_admin_listen_moves_what_is_for_operators(launch, account):
    server = launch(arguments=["--admin-listen", "127.0.0.1:0"])
    public, admin = server.ports
    assert public != admin
    for path in OPERATORS:
        assert server.request("GET", path, port=admin).status in (200, 308), path
        assert_problem(server.request("GET", path, port=public), 404)
    assert server.post_reports(report(account)).status == 204
    for path in (f"/v1/accounts/{account}/viewers", f"/v1/accounts/{account}/profiles"):
        assert server.request("GET", path, port=public).status == 200
        assert_problem(server.request("GET", path, port=admin), 404)
    assert_problem(server.request("POST", "/v1/reports", report(account), port=admin), 404)


def test_without_admin_listen_one_port_serves_all(server):
    for path in OPERATORS:
        assert server.request("GET", path).status in (200, 308), path


def fails_to_start(tmp_path, *arguments, data=None):
    """Runs `serve` to its end; its exit code, and what it said."""
    command = [binary(), "serve", "--data", str(data or tmp_path / "data"), *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"])
def test_without_keys_it_listens_on_nothing_but_loopback(tmp_path, listen):
    code, said = fails_to_start(tmp_path, "--listen", listen)
    assert code not in (0, None) and code > 0, said
    assert "keys" in said and "127.0.0.1" in said, "it says why, and what to do"
    code, said = fails_to_start(tmp_path, "--listen", "127.0.0.1:0", "--admin-listen", listen)
    assert code > 0, said
    assert "keys" in said, said


def test_it_says_that_it_listens_on_loopback_only(server):
    assert "without keys" in server.log_text() and "this machine" in server.log_text()


def test_a_port_that_is_taken_is_refused(tmp_path, server):
    code, said = fails_to_start(tmp_path, "--listen", f"127.0.0.1:{server.port}")
    assert code > 0
    assert str(server.port) in said and "taken" in said, said


def test_a_data_directory_that_is_in_use_is_refused(tmp_path, server):
    code, said = fails_to_start(tmp_path, "--listen", "127.0.0.1:0", data=server.data)
    assert code > 0
    assert str(server.data) in said, said
    assert server.request("GET", "/readyz").status == 200


def test_an_unknown_option_in_the_configuration_is_refused(tmp_path):
    path = tmp_path / "playhead.toml"
    path.write_text("[http]\nbody_timeout = 5\n")
    code, said = fails_to_start(tmp_path, "--listen", "127.0.0.1:0", "--config", str(path))
    assert code > 0
    assert "body_timeout" in said and "body_timeout_ms" in said and str(path) in said, said


def test_sigterm_ends_it_with_0_and_sigint_too(launch):
    server = launch()
    assert server.stop() == 0
    server.start()
    process, server.process = server.process, None
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 0


def test_sigterm_finishes_requests_in_flight(launch, account):
    """A body is half sent when the signal comes; its report is taken, answered, and kept."""
    # One thread: then both connections are told of the stop in the same moment.
    server = launch(config="threads = 1\n")
    # So long that its bytes are not mistaken for those of the questions after the figure.
    body = json.dumps(report(account, view="in-flight")).encode() + b" " * 300_000
    data = request_bytes(b"POST", b"/v1/reports", [b"Content-Type: application/json"], body)
    with RawConnection(server.port) as connection, RawConnection(server.port) as idle:
        idle.assert_open()
        connection.send(data[:-5])
        # The server has begun with it once its bytes are counted.
        eventually(lambda: server.metric("playhead_http_received_bytes_total") >= len(data) - 5, "bytes have come")
        code = []
        stopper = threading.Thread(target=lambda: code.append(server.stop()))
        stopper.start()
        idle.assert_closed()  # the server is stopping: an idle connection goes first
        connection.send(data[-5:])
        answer = connection.read_answer()
        assert (answer.status, answer.closes) == (204, True)
        connection.assert_closed()
        stopper.join()
    assert code == [0]
    server.start()
    assert [one["view"] for one in server.viewers(account)] == ["in-flight"]


def refuses(port):
    try:
        with RawConnection(port):
            return False
    except (ConnectionRefusedError, ConnectionResetError):
        return True


def test_no_connection_is_taken_while_it_stops(launch):
    server = launch()
    with RawConnection(server.port) as connection, RawConnection(server.port) as idle:
        connection.send(b"GET /livez HTTP/1.1\r\nHost")
        idle.assert_open()
        stopper = threading.Thread(target=server.stop)
        stopper.start()
        idle.assert_closed()
        eventually(lambda: refuses(server.port), "every thread has closed its listener")
        connection.send(b": x\r\n\r\n")
        assert connection.read_answer().status == 200
        stopper.join()


def test_a_request_that_never_ends_does_not_hold_the_stop_up(launch):
    server = launch(config="[http]\nstop_timeout_ms = 500\n")
    with RawConnection(server.port) as connection:
        connection.send(b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        eventually(lambda: server.metric("playhead_http_connections") >= 2, "it is connected")
        assert server.stop() == 0


def state(server, account):
    answers = {
        "viewers": sorted(server.viewers(account), key=lambda one: one["view"]),
        "history": server.history(account, query="?all=true&limit=100")["items"],
        "progress": server.get(f"/v1/accounts/{account}/profiles/p1/progress?limit=100")["items"],
        "continue": server.get(f"/v1/accounts/{account}/profiles/p1/continue-watching")["items"],
        "profiles": server.get(f"/v1/accounts/{account}/profiles")["items"],
    }
    assert all(answers.values()), answers
    return answers


def fill(server, account):
    """Something of everything that is kept."""
    for number in range(5):
        watch(server, account, f"e{number}", since_s=5_000 - number * 500, for_s=300, series="show",
              next_title=f"e{number + 1}", state="completed" if number % 2 else "stopped")
    assert server.patch_progress(account, [
        {"title": "e0", "at": at(), "hidden": True}, {"title": "by-hand", "at": at(), "playhead_ms": 5},
        {"title": "e2", "at": at(), "watched": True}]).status == 204
    ended = watch(server, account, "ended", since_s=400, for_s=60, state="playing")
    assert server.request("POST", f"/v1/accounts/{account}/views/{ended}/terminate", {"by_device": "d"}).status == 204
    deleted = watch(server, account, "deleted", since_s=300, for_s=60)
    assert server.request("DELETE", f"/v1/accounts/{account}/profiles/p1/history/{deleted}").status == 204
    assert server.put(account, report(account, title="now", view="playing", at=-1)).status == 201
    assert server.post_reports(report(account, title="other", view="paused", device="d2", state="paused")).status == 204
    return ended


@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize("config", ["", "[shard]\ncheckpoint_interval_ms = 1000\n"])
def test_everything_acknowledged_is_there_after_a_restart(launch, account, end, config):
    """Out of the journal, out of the store, and out of both."""
    server = launch(config=config)
    ended = fill(server, account)
    if config:
        rows = server.metric("playhead_checkpoint_rows_total")
        eventually(lambda: server.metric("playhead_checkpoint_rows_total") > rows, "a checkpoint has been made")
    assert server.post_reports(report(account, title="now", view="playing", playhead_ms=77_000)).status == 204
    before = state(server, account)
    for _ in range(2):
        getattr(server, end)()
        server.start()
        assert state(server, account) == before
    # It goes on where it was: the repeat is one, the ended view stays ended.
    assert_problem(server.post_reports(report(account, title="ended", view=ended)), 410, "view-terminated")
    assert server.post_reports(report(account, title="now", view="playing", playhead_ms=78_000)).status == 204
    [viewer] = [one for one in server.viewers(account) if one["view"] == "playing"]
    assert viewer["playhead_ms"] == 78_000


def test_reports_acknowledged_right_before_a_kill_are_kept(launch, account):
    """Single reports over many connections; the kill comes while they are being sent."""
    server = launch()
    acknowledged = []
    lock = threading.Lock()

    def send(number):
        connection = server.connect()
        try:
            for step in range(10_000):
                view = f"v-{number}-{step}"
                body = json.dumps(report(f"{account}-{number}", view=view)).encode()
                connection.request("POST", "/v1/reports", body, {"Content-Type": "application/json"})
                if connection.getresponse().read() == b"":
                    with lock:
                        acknowledged.append((number, view))
        except (OSError, http.client.HTTPException):
            pass  # the kill

    senders = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for sender in senders:
        sender.start()
    eventually(lambda: len(acknowledged) >= 200, "two hundred reports are acknowledged")
    server.kill()
    for sender in senders:
        sender.join()
    server.start()
    for number in range(4):
        kept = {one["view"] for one in server.viewers(f"{account}-{number}")}
        wanted = {view for whose, view in acknowledged if whose == number}
        assert wanted and wanted <= kept, f"lost: {sorted(wanted - kept)[:10]}"


def test_a_view_that_fell_silent_while_the_server_was_away_has_expired(launch, account):
    server = launch(config="[shard]\nreport_interval_ms = 1000\n")
    watch(server, account, since_s=60, for_s=60, view="v", state="playing")
    server.kill()
    server.start()
    eventually(lambda: server.viewers(account) == [], "it has expired")
    assert server.get(f"/v1/accounts/{account}/views/v")["end_reason"] == "expired"
    assert server.progress(account)["playhead_ms"] == 60_000


def test_data_made_by_one_number_of_threads_is_served_by_another(launch, account):
    server = launch(config="threads = 2\n")
    fill(server, account)
    before = state(server, account)
    assert server.stop() == 0
    (server.directory / "playhead.toml").write_text("threads = 1\n")
    server.start()
    assert state(server, account) == before


def free_port():
    """A port nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_while_the_journal_is_read_it_says_so_and_answers_nothing_wrong(tmp_path, account):
    port = free_port()
    server = Server(tmp_path / "server", listen=f"127.0.0.1:{port}")
    for _ in range(30):
        batch = [report(account, title=f"t{number}", view=f"v{number}", record=True) for number in range(900)]
        assert server.post_reports(batch).status == 204
    shown = server.viewers(account)
    server.kill()
    server.launch()
    try:
        def ready():
            try:
                answers = [server.request("GET", path, port=port)
                           for path in ("/livez", "/readyz", f"/v1/accounts/{account}/viewers")]
            except OSError:
                return False
            assert answers[0].status == 200, "alive from the first moment"
            if answers[2].status == 200:
                assert answers[2].json()["items"] == shown
                return True
            for answer in answers[2:]:
                assert_problem(answer, 503, "starting")
            return False
        eventually(ready, "it answers")
    finally:
        server.close()
