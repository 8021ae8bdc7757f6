"""TLS on the listener: what it takes and refuses, its certificates, and HTTP above it.

What HTTP does is asked once more under TLS by `tools/black-box --tls`; ciphers, flaws and the rest of
what strangers probe by `tools/testssl`. Here is what only a TLS listener can do wrong.
"""

import json
import socket
import ssl
import subprocess
import threading

import pytest
from cryptography.hazmat.primitives import serialization

from access.tokens import key_set
from harness import EventStream, RawConnection, Server, assert_problem, at, binary, eventually, fresh, report
from harness.raw import PATIENCE_S, request_bytes
from harness.server import Port

# The versions that are to be refused must be offered first.
pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion")

IMPATIENT = """
[http]
handshake_timeout_ms = 1000
cors_origins = ["https://tv.example"]
"""


@pytest.fixture(scope="module")
def secure(tmp_path_factory, authority):
    """One server under TLS for every test that changes neither its certificate nor its options."""
    running = Server(tmp_path_factory.mktemp("secure"), IMPATIENT, tls=authority.pair("secure"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def by_rsa(tmp_path_factory, authority):
    """The same with an RSA certificate, with which more ciphers would be possible."""
    running = Server(tmp_path_factory.mktemp("by-rsa"), tls=authority.pair("rsa", kind="rsa"))
    yield running
    running.close()


def tcp(server):
    """A connection on which nothing has been said."""
    return socket.create_connection(("127.0.0.1", int(server.port)), timeout=PATIENCE_S)


def session(server, context, **options):
    """A connection under TLS, by `context`."""
    return context.wrap_socket(tcp(server), server_hostname="localhost", **options)


def serial_shown(server):
    """The serial number of the certificate that a new connection gets."""
    with session(server, server.context) as connection:
        return int(connection.getpeercert()["serialNumber"], 16)


def everything(authority, version, ciphers="ALL:@SECLEVEL=0"):
    """A client that would take anything of one version."""
    context = authority.context()
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = context.minimum_version = version
    context.set_ciphers(ciphers)
    return context


# ---- Versions, ciphers, protocols ---------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_versions_before_1_2_are_refused(secure, by_rsa, authority, version):
    for server in (secure, by_rsa):
        # An alert, not a silent end: the client really offered the version.
        with pytest.raises(ssl.SSLError, match="alert protocol version"):
            session(server, everything(authority, version))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_1_2_and_1_3_are_spoken(secure, by_rsa, authority, version):
    for server in (secure, by_rsa):
        with session(server, everything(authority, version)) as connection:
            assert connection.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]


@pytest.mark.parametrize("cipher", [
    "AES128-GCM-SHA256", "AES256-SHA256", "DHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256",
    "ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA", "ECDHE-ECDSA-AES256-SHA", "ECDHE-ECDSA-AES128-CCM",
    "AECDH-AES128-SHA", "NULL-SHA256"])
def test_ciphers_that_are_not_forward_secret_or_do_not_authenticate_are_refused(secure, by_rsa, authority, cipher):
    for server in (secure, by_rsa):
        context = everything(authority, ssl.TLSVersion.TLSv1_2, cipher + ":@SECLEVEL=0")
        with pytest.raises(ssl.SSLError, match="alert handshake failure"):
            session(server, context)


@pytest.mark.parametrize(("offered", "chosen"), [
    ("ECDHE+AES256:ECDHE+AES128:ECDHE+CHACHA20", "AES128-GCM-SHA256"),   # the server's order
    ("ECDHE+CHACHA20:ECDHE+AES128", "CHACHA20-POLY1305"),                # of who has no AES in hardware
    ("ECDHE+AES256", "AES256-GCM-SHA384")])
def test_the_server_chooses_the_cipher(secure, by_rsa, authority, offered, chosen):
    for server, kind in ((secure, "ECDSA"), (by_rsa, "RSA")):
        with session(server, everything(authority, ssl.TLSVersion.TLSv1_2, offered)) as connection:
            assert connection.cipher()[0] == f"ECDHE-{kind}-{chosen}"


def test_sessions_are_not_resumed_and_no_tickets_given(secure, authority):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = everything(authority, version, "ECDHE+AESGCM")
        with session(secure, context) as first:
            first.sendall(request_bytes(b"GET", b"/livez"))
            assert first.recv(65536).startswith(b"HTTP/1.1 200 ")  # a ticket would have come by now
            kept = first.session
            assert kept is None or not kept.has_ticket
        if kept is not None and kept.id:
            with session(secure, context, session=kept) as second:
                assert not second.session_reused


def test_http_1_1_is_the_protocol_above(secure, authority):
    for offered, chosen in ((["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1"), ([], None)):
        context = ssl.create_default_context(cafile=authority.path)
        if offered:
            context.set_alpn_protocols(offered)
        with session(secure, context) as connection:
            assert connection.selected_alpn_protocol() == chosen
    context.set_alpn_protocols(["h2"])
    with pytest.raises(ssl.SSLError, match="no application protocol"):
        session(secure, context)


def test_a_client_that_trusts_the_root_only_is_shown_the_chain(secure, by_rsa, authority):
    for server in (secure, by_rsa):
        assert server.request("GET", "/livez").status == 200  # by a context with the root and nothing else
        with pytest.raises(ssl.SSLCertVerificationError):
            session(server, ssl.create_default_context())


# ---- Certificates that change -------------------------------------------------------------------


def test_a_new_certificate_is_taken_over_under_load_without_a_failed_request(launch, authority, account):
    pair = authority.pair(fresh("reload"))
    server = launch(tls=pair)
    first = pair.serial
    failed, done, ending = [], [0, 0], threading.Event()

    def ask(place, keep):
        """Reports, each on a connection of its own, or all on one."""
        body = json.dumps(report(account, view=f"view-{place}", device=f"tv-{place}")).encode()
        data = request_bytes(b"POST", b"/v1/reports", [b"Content-Type: application/json"], body)
        try:
            while not ending.is_set():
                with RawConnection(server.port) as connection:
                    while not ending.is_set():
                        connection.send(data)
                        assert connection.read_answer().status == 204
                        done[place] += 1
                        if not keep:
                            break
        except Exception as error:  # noqa: BLE001: whatever it is, the test must see it
            failed.append(repr(error))

    with session(server, server.context) as kept:
        threads = [threading.Thread(target=ask, args=(place, place == 1)) for place in range(2)]
        for thread in threads:
            thread.start()
        try:
            for round_ in range(3):
                before = list(done)
                serial = pair.renew(kind="rsa" if round_ == 1 else "ec")
                eventually(lambda: serial_shown(server) == serial, "the new certificate")
                eventually(lambda: done[0] > before[0] and done[1] > before[1], "requests go on")
        finally:
            ending.set()
            for thread in threads:
                thread.join()
        assert failed == []
        # A connection keeps what it began with.
        kept.sendall(request_bytes(b"GET", b"/livez"))
        assert kept.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert int(kept.getpeercert()["serialNumber"], 16) == first
    assert server.metric("playhead_tls_certificate_reloads_total") >= 3
    assert server.log_text().count("TLS by a certificate") >= 4


def test_a_broken_pair_changes_nothing_and_is_counted_and_said(launch, authority):
    pair = authority.pair(fresh("broken"))
    server = launch(tls=pair)
    good = pair.certificate.read_bytes(), pair.key.read_bytes()
    other, other_key, _ = authority.issue()

    def errors():
        return server.metric("playhead_tls_certificate_reload_errors_total")

    for number, (certificate, key) in enumerate([(b"nonsense", good[1]), (good[0], b"nonsense"), (other, good[1]),
                                                 (good[0][:100], good[1]), (good[0], other_key)], 1):
        before = errors()
        pair.write(certificate, key)
        eventually(lambda: errors() > before, f"broken pair {number} is counted")
        assert serial_shown(server) == pair.serial
    before = errors()
    pair.certificate.unlink()
    eventually(lambda: errors() > before, "a file that is gone is counted")
    assert serial_shown(server) == pair.serial
    eventually(lambda: server.log_text().count("the certificate has changed and can't be used") == errors(),
               "each is said, and once")
    said = server.log_text()
    assert "is not the key of the certificate" in said and "nonsense" not in said
    serial = pair.renew()
    eventually(lambda: serial_shown(server) == serial, "a good pair after all those")


# ---- Starting -----------------------------------------------------------------------------------


def refusal(tmp_path, config):
    """Runs `serve` to its end; what it said."""
    path = tmp_path / "playhead.toml"
    path.write_text(f'data = "{tmp_path}/data"\n[http]\nlisten = "127.0.0.1:0"\n{config}')
    done = subprocess.run([binary(), "serve", "--config", str(path)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE_S)
    assert done.returncode == 1, done
    return done.stdout + done.stderr


def test_a_pair_that_cannot_be_used_refuses_the_start_and_says_what_to_do(tmp_path, authority):
    pair, other = authority.pair(fresh("start")), authority.pair(fresh("other"))
    absent, certificate, key = tmp_path / "absent.pem", f'tls_certificate = "{pair.certificate}"\n', f'tls_key = "{pair.key}"\n'
    for config, words in (
            (certificate, ["tls_certificate and http.tls_key belong together", "both"]),
            (key, ["tls_certificate and http.tls_key belong together", "both"]),
            (f'tls_certificate = "{absent}"\n{key}', ["http.tls_certificate", str(absent), "No such file", "PEM"]),
            (f'{certificate}tls_key = "{absent}"\n', ["http.tls_key", str(absent), "No such file", "PEM"]),
            (f'tls_certificate = "{pair.key}"\n{key}', ["http.tls_certificate", "first and those that vouch for it", "PEM"]),
            (f'{certificate}tls_key = "{other.key}"\n',
             ["http.tls_key", "is not the key of the certificate", "made for each other"])):
        said = refusal(tmp_path, config)
        for word in words:
            assert word in said, (config, said)


def test_a_key_that_wants_a_passphrase_is_refused_and_asks_nobody(tmp_path, authority):
    pair = authority.pair(fresh("locked"))
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    pair.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.BestAvailableEncryption(b"secret")))
    said = refusal(tmp_path, pair.config())
    assert "http.tls_key" in said and "without a passphrase" in said, said


def test_a_certificate_that_has_ended_is_served_and_warned_of(launch, authority):
    server = launch(tls=authority.pair(fresh("ended"), days=-1), arguments=["--admin-listen", "127.0.0.1:0"])
    assert "the certificate has ended at" in server.log_text()
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        session(server, server.context)


# ---- Listeners, headers -------------------------------------------------------------------------


def test_operators_on_loopback_are_served_plain_and_everybody_else_by_tls(launch, authority):
    server = launch(tls=authority.pair(fresh("admin")), arguments=["--admin-listen", "127.0.0.1:0"])
    answer = server.request("GET", "/metrics", port=server.ports[1])
    assert answer.status == 200 and answer.header("strict-transport-security") is None
    assert server.metrics()["playhead_tls_certificate_expires_seconds"] > 1_700_000_000
    assert_problem(server.request("GET", "/metrics"), 404)


def guarded(directory):
    """A configuration with keys."""
    path = directory / "keys.json"
    path.write_text(key_set())
    return f'[auth]\nkeys_file = "{path}"\n'


def test_operators_elsewhere_are_served_by_tls(tmp_path, authority):
    pair = authority.pair(fresh("operators"))
    server = Server(tmp_path / "server", guarded(tmp_path), arguments=["--admin-listen", "0.0.0.0:0"], tls=pair,
                    start=False)
    server.launch()
    try:
        eventually(server._find_ports, "its ports")
        with pytest.raises(OSError):
            server.request("GET", "/livez", port=server.ports[1])
        by_tls = Port(server.ports[1])
        by_tls.context = server.context
        assert server.request("GET", "/livez", port=by_tls).status == 200
    finally:
        server.close()


@pytest.mark.parametrize(("listen", "admin", "by_tls", "warnings"), [
    ("0.0.0.0:0", "127.0.0.1:0", False, 1), ("127.0.0.1:0", "0.0.0.0:0", False, 1), ("0.0.0.0:0", "0.0.0.0:0", False, 2),
    ("127.0.0.1:0", "127.0.0.1:0", False, 0), ("0.0.0.0:0", "0.0.0.0:0", True, 0)])
def test_tokens_that_would_travel_in_plain_are_warned_of_at_the_start(tmp_path, authority, listen, admin, by_tls, warnings):
    """It listens all the same: a proxy may be in front."""
    pair = authority.pair(fresh("plain")) if by_tls else None
    server = Server(tmp_path / "server", guarded(tmp_path), arguments=["--admin-listen", admin], listen=listen, tls=pair,
                    start=False)
    server.launch()
    try:
        eventually(server._find_ports, "its ports")
        assert server.log_text().count("is plain HTTP") == warnings, server.log_text()
    finally:
        server.close()


def test_browsers_are_told_to_come_by_tls_only_under_tls(secure, server, account):
    asked = [("GET", "/livez", None), ("GET", "/nowhere", None), ("POST", "/v1/reports", report(account)),
             ("GET", f"/v1/accounts/{account}/viewers", None), ("POST", "/v1/reports", b"nonsense"),
             ("OPTIONS", "/v1/reports", None)]
    for method, path, body in asked:
        told = secure.request(method, path, body).header("strict-transport-security")
        assert told == "max-age=31536000", (method, path)
        if server.tls is None:
            assert server.request(method, path, body).header("strict-transport-security") is None
    with EventStream(secure, account) as stream:
        assert stream.answer.header("strict-transport-security") == "max-age=31536000"


def command_line(server, name="localhost", **environment):
    """`playhead viewers` of an account of nobody, by https."""
    command = [binary(), "viewers", "--account", "nobody", "--server", f"https://{name}:{int(server.port)}"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S,
                          env=environment)


def test_the_command_line_trusts_authorities_and_checks_names(secure, authority):
    for name in ("localhost", "127.0.0.1"):
        done = command_line(secure, name, SSL_CERT_FILE=str(authority.path))
        assert done.returncode == 0 and "Nobody is watching" in done.stdout, done
    done = command_line(secure)
    assert done.returncode == 1 and "certificate verify failed" in done.stderr and "SSL_CERT_FILE" in done.stderr, done
    # Another name of the same address, which the certificate does not have.
    done = command_line(secure, "127.1", SSL_CERT_FILE=str(authority.path))
    assert done.returncode == 1 and "certificate verify failed" in done.stderr, done


# ---- Connections --------------------------------------------------------------------------------


def test_plain_http_on_the_port_is_closed_and_not_reset(secure):
    before = secure.metric("playhead_tls_handshake_errors_total")
    for said in (request_bytes(b"GET", b"/livez"), b"SSH-2.0-OpenSSH_9.2\r\n", bytes(300),
                 request_bytes(b"POST", b"/v1/reports", [], b"x" * 100_000)):
        with tcp(secure) as connection:
            connection.sendall(said)
            answer = b""
            while data := connection.recv(65536):  # raises where it was reset
                answer += data
            assert b"HTTP" not in answer and len(answer) < 100
    eventually(lambda: secure.metric("playhead_tls_handshake_errors_total") >= before + 4, "they are counted")


def first_words(context):
    """What a client says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("part", [0, 1, 100, None])
def test_a_handshake_that_does_not_go_on_is_closed(secure, part):
    """part: how many bytes come; None: all that a client says before it must listen."""
    before = secure.metric("playhead_tls_handshake_errors_total")
    with tcp(secure) as connection:
        connection.sendall(first_words(secure.context)[:part])
        while connection.recv(65536):
            pass
    eventually(lambda: secure.metric("playhead_tls_handshake_errors_total") >= before + 1, "it is counted")


def test_a_handshake_that_trickles_in_is_closed(secure):
    with tcp(secure) as connection:
        connection.settimeout(0.1)
        for byte in first_words(secure.context)[:-1]:  # a byte now and then puts nothing off
            try:
                connection.sendall(bytes([byte]))
                if connection.recv(65536) == b"":
                    return
            except TimeoutError:
                pass
            except (ConnectionResetError, BrokenPipeError):
                return
    raise AssertionError("it was not closed")


def test_clients_that_vanish_in_a_handshake_leave_nothing_behind(secure):
    words = first_words(secure.context)
    before = secure.metric("playhead_http_connections")
    for number in range(50):
        with tcp(secure) as connection:
            connection.sendall(words[:number * 10])
    eventually(lambda: secure.metric("playhead_http_connections") <= before, "their connections are gone")


def test_handshakes_count_against_the_limit_and_who_is_above_is_told_so(launch, authority):
    server = launch(tls=authority.pair(fresh("full")), config="threads = 1\n[http]\nconnections_max = 5\n")
    silent = [tcp(server) for _ in range(4)]
    with RawConnection(server.port) as connection:
        connection.assert_open()
        with RawConnection(server.port) as above:
            above.send(request_bytes(b"GET", b"/livez"))
            assert_problem(above.read_answer(), 503, "overloaded", closes=True)
            above.assert_closed()
        connection.assert_open()
        for one in silent:
            one.close()
        eventually(lambda: accepts(server), "there is room again")


def accepts(server):
    with RawConnection(server.port) as connection:
        connection.send(request_bytes(b"GET", b"/livez"))
        return connection.read_answer().status == 200


def test_a_connection_that_breaks_off_without_a_word_is_an_end_like_any_other(secure, account):
    body = json.dumps(report(account, view="whole")).encode()
    data = request_bytes(b"POST", b"/v1/reports", [b"Content-Type: application/json"], body)
    before = secure.metric("playhead_http_connections")
    for part in (data, data[:-1]):
        with RawConnection(secure.port) as connection:
            connection.send(part)
            connection.socket.socket.shutdown(socket.SHUT_WR)  # no close_notify
            if part is data:
                assert connection.read_answer().status == 204
            else:
                assert_problem(connection.read_answer(), 400, closes=True)
            connection.assert_closed()
    eventually(lambda: secure.metric("playhead_http_connections") <= before, "their connections are gone")


def test_bytes_that_were_changed_on_the_way_end_the_connection(secure, account):
    with RawConnection(secure.port) as connection:
        connection.assert_open()
        body = json.dumps(report(account)).encode()
        connection.socket.tls.write(
            request_bytes(b"POST", b"/v1/reports", [b"Content-Type: application/json"], body))
        record = bytearray(connection.socket.outgoing.read())
        record[-1] ^= 1
        connection.socket.socket.sendall(record)
        with pytest.raises(ssl.SSLError, match="bad record mac"):
            connection.read_answer()
    assert secure.viewers(account) == []


def test_big_bodies_and_big_answers_pass(secure, account):
    reports = [report(account, view=f"view-{number}", title=f"title-{number}", device=f"tv-{number}")
               for number in range(1000)]
    body = json.dumps(reports)
    body += " " * (1024 * 1024 - len(body))  # all that is allowed
    answer = secure.request("POST", "/v1/reports", body.encode(), {"Content-Type": "application/json"})
    assert answer.status == 204, answer
    page = request_bytes(b"GET", f"/v1/accounts/{account}/viewers".encode())
    with RawConnection(secure.port) as connection:
        connection.send(page * 20)
        for _ in range(20):  # answers of many records each
            answer = connection.read_answer()
            assert len(answer.json()["items"]) == 1000 and len(answer.body) > 100_000


def test_a_stream_of_events_passes_and_outlives_a_new_certificate(launch, authority, account):
    pair = authority.pair(fresh("stream"))
    server = launch(tls=pair)
    with EventStream(server, account) as stream:
        assert stream.next().name == "snapshot"
        serial = pair.renew()
        eventually(lambda: serial_shown(server) == serial, "the new certificate")
        assert server.post_reports(report(account, view="v", at=-1)).status == 204
        assert stream.next_named("view").data["view"] == "v"
        assert server.post_reports(report(account, view="v", state="stopped")).status == 204
        assert stream.next_named("end").data["view"] == "v"


def test_sigterm_finishes_requests_and_ends_the_rest(launch, authority, account):
    server = launch(tls=authority.pair(fresh("stop")), config="threads = 1\n")
    body = json.dumps(report(account, view="in-flight")).encode() + b" " * 300_000
    data = request_bytes(b"POST", b"/v1/reports", [b"Content-Type: application/json"], body)
    with RawConnection(server.port) as connection, RawConnection(server.port) as idle, \
            tcp(server) as silent, EventStream(server, account) as stream:
        idle.assert_open()
        assert stream.next().name == "snapshot"
        connection.send(data[:-5])
        eventually(lambda: server.metric("playhead_http_received_bytes_total") >= len(data) - 5, "bytes have come")
        code = []
        stopper = threading.Thread(target=lambda: code.append(server.stop()))
        stopper.start()
        idle.assert_closed()
        assert stream.next() is None
        assert silent.recv(100) == b""
        connection.send(data[-5:])
        answer = connection.read_answer()
        assert (answer.status, answer.closes) == (204, True)
        connection.assert_closed()
        stopper.join()
    assert code == [0]
    server.start()
    assert [one["view"] for one in server.viewers(account)] == ["in-flight"]


def test_a_kill_in_the_middle_loses_nothing_that_was_acknowledged(launch, authority, account):
    server = launch(tls=authority.pair(fresh("kill")))
    acknowledged = []

    def ask():
        try:
            with RawConnection(server.port) as connection:
                for number in range(100_000):
                    body = json.dumps(report(account, view="v", sequence=number, at=at(), playhead_ms=number)).encode()
                    connection.send(request_bytes(b"POST", b"/v1/reports", [b"Content-Type: application/json"], body))
                    assert connection.read_answer().status == 204
                    acknowledged.append(number)
        except (OSError, EOFError):
            pass

    asking = threading.Thread(target=ask)
    asking.start()
    eventually(lambda: len(acknowledged) > 50, "reports are acknowledged")
    server.kill()
    asking.join()
    server.start()
    [viewer] = server.viewers(account)
    assert viewer["playhead_ms"] in (acknowledged[-1], acknowledged[-1] + 1)
