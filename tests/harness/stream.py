"""A reader of server-sent events. Source: https://html.spec.whatwg.org/multipage/server-sent-events.html"""

import json

from harness.raw import RawConnection


class Event:
    def __init__(self, id_, name, data):
        self.id, self.name, self.data = id_, name, data

    def __repr__(self):
        return f"<{self.id} {self.name} {self.data}>"


class EventStream:
    """Opens the viewers' stream of an account. `answer` is the head."""

    def __init__(self, server, account, headers=(), receive_buffer_bytes=None):
        self.connection = RawConnection(server.port, receive_buffer_bytes)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        self.connection.send(
            f"GET /v1/accounts/{account}/viewers/stream HTTP/1.1\r\nHost: localhost\r\n"
            f"Accept: text/event-stream\r\n{lines}\r\n".encode())
        self.answer = self.connection.read_head()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.socket.close()

    def _block(self):
        """The lines up to the next empty one; None at the end."""
        while b"\n\n" not in self.connection.held:
            if not self.connection.receive():
                assert self.connection.held == b"", f"cut in an event: {self.connection.held!r}"
                return None
        block, self.connection.held = self.connection.held.split(b"\n\n", 1)
        return block.decode().split("\n")

    def next_or_comment(self):
        """The next event; the text of a comment; None at the end."""
        lines = self._block()
        if lines is None:
            return None
        if all(line.startswith(":") for line in lines):
            return lines[0][1:]
        fields = {}
        for line in lines:
            name, _, value = line.partition(": ")
            assert name in ("id", "event", "data") and name not in fields, lines
            fields[name] = value
        return Event(fields["id"], fields["event"], json.loads(fields["data"]))

    def next(self):
        """The next event; None at the end. Comments are passed over."""
        while isinstance(found := self.next_or_comment(), str):
            pass
        return found

    def next_named(self, name):
        """The next event of that name; others are passed over."""
        for _ in range(1000):
            event = self.next()
            assert event is not None, f"the stream ended without a {name!r}"
            if event.name == name:
                return event
        raise AssertionError(f"a thousand events and no {name!r}")
