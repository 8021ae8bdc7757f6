"""A socket on which every byte is the test's own, and a reader of answers that forgives nothing."""

import re
import socket

from harness.answers import Answer
from harness.tls import TlsSocket

# Longer than anything the server is allowed to take: reaching it is a failure, not a wait.
PATIENCE_S = 20


class RawConnection:
    """port: of this machine; a harness.server.Port knows its address, and whether TLS is spoken there."""

    def __init__(self, port, receive_buffer_bytes=None):
        self.socket = socket.socket()
        if receive_buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect((getattr(port, "host", "127.0.0.1"), port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = getattr(port, "context", None)
        if context is not None:
            self.socket = TlsSocket(self.socket, context)
        self.held = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_as_far_as_taken(self, data):
        """For what the server may refuse in the middle, and then reset the connection."""
        try:
            self.socket.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            pass

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def receive(self):
        """Some bytes; b"" at the end."""
        data = self.socket.recv(65536)
        self.held += data
        return data

    def _until(self, mark):
        while mark not in self.held:
            if not self.receive():
                raise EOFError(f"closed before {mark!r}; got {self.held[:500]!r}")
        taken, self.held = self.held.split(mark, 1)
        return taken

    def read_head(self):
        """Status and headers of the next answer, checked for form."""
        lines = self._until(b"\r\n\r\n").decode("ascii").split("\r\n")
        status = re.fullmatch(r"HTTP/1\.1 (\d{3}) [ -~]+", lines[0])
        assert status, f"no status line: {lines[0]!r}"
        headers = {}
        for line in lines[1:]:
            field = re.fullmatch(r"([A-Za-z0-9-]+): ([!-~](?:[ -~]*[!-~])?)", line)
            assert field, f"no header: {line!r}"
            headers.setdefault(field[1].lower(), []).append(field[2])
        return Answer(int(status[1]), headers, b"")

    def read_answer(self, to_head=False):
        """The next answer. to_head: it answers a HEAD, and so has no body."""
        answer = self.read_head()
        length = answer.header("content-length")
        if to_head or answer.status == 204 or answer.status < 200:
            if answer.status == 204 or answer.status < 200:
                assert length is None, f"RFC 9110, 8.6: no length here: {answer}"
            return answer
        assert length is not None, f"an answer without a length: {answer}"
        while len(self.held) < int(length):
            if not self.receive():
                raise EOFError(f"cut short: {answer} {self.held!r}")
        answer.body, self.held = self.held[: int(length)], self.held[int(length):]
        return answer

    def assert_closed(self):
        """The server has nothing more to say, and closes."""
        while True:
            try:
                if not self.receive():
                    break
            except ConnectionResetError:
                break
        assert self.held == b"", f"bytes nobody asked for: {self.held[:500]!r}"

    def assert_open(self):
        """The connection goes on: another request on it is answered."""
        self.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert self.read_answer().status == 200


def request_bytes(method, target, headers=(), body=b"", host=b"Host: localhost\r\n", length=True):
    """A request of which the test says every part. headers: whole lines, without CR LF."""
    out = b"%s %s HTTP/1.1\r\n%s" % (method, target, host)
    for line in headers:
        out += line + b"\r\n"
    if length and (body or method in (b"POST", b"PUT", b"PATCH")):
        out += b"Content-Length: %d\r\n" % len(body)
    return out + b"\r\n" + body
