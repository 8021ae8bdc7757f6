"""A very small CQL client: protocol v4, one request at a time, no dependency.

Enough to see that a node answers, and to run a statement by hand. The product's driver is
drivers/cql.
"""
import socket
import struct

CONSISTENCY = {"ONE": 1, "TWO": 2, "THREE": 3, "QUORUM": 4, "ALL": 5, "LOCAL_QUORUM": 6}

STARTUP, QUERY, ERROR, READY = 1, 7, 0, 2
ROWS = 2
HAS_GLOBAL_TABLE, HAS_MORE_PAGES, WARNING = 1, 2, 8


class CqlError(Exception):
    """What a node answered instead of a result, or that it did not answer."""


class Answer:
    """Reads one result body from its front."""

    def __init__(self, body):
        self.body, self.at = body, 0

    def take(self, size):
        self.at += size
        return self.body[self.at - size : self.at]

    def short(self):
        return struct.unpack(">H", self.take(2))[0]

    def integer(self):
        return struct.unpack(">i", self.take(4))[0]

    def bytes(self):
        size = self.integer()
        return None if size < 0 else self.take(size)

    def skip_string(self):
        self.take(self.short())

    def skip_type(self):
        kind = self.short()
        if kind == 0x00:  # custom
            self.skip_string()
        elif kind in (0x20, 0x22):  # list, set
            self.skip_type()
        elif kind == 0x21:  # map
            self.skip_type()
            self.skip_type()
        elif kind == 0x30:  # user-defined
            self.skip_string()
            self.skip_string()
            for _ in range(self.short()):
                self.skip_string()
                self.skip_type()
        elif kind == 0x31:  # tuple
            for _ in range(self.short()):
                self.skip_type()


class Cql:
    """One connection. Raises OSError where there is none, CqlError for a node's refusal."""

    def __init__(self, address, port, timeout):
        self.socket = socket.create_connection((address, port), timeout)
        self.socket.settimeout(timeout)
        options = struct.pack(">H", 1) + self._string("CQL_VERSION") + self._string("3.0.0")
        opcode, _ = self._call(STARTUP, options)
        if opcode != READY:
            raise CqlError(f"unexpected answer to STARTUP: opcode {opcode}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @staticmethod
    def _string(text):
        encoded = text.encode()
        return struct.pack(">H", len(encoded)) + encoded

    def _read(self, size):
        out = b""
        while len(out) < size:
            part = self.socket.recv(size - len(out))
            if not part:
                raise CqlError("the node closed the connection")
            out += part
        return out

    def _call(self, opcode, body):
        self.socket.sendall(struct.pack(">BBhBI", 4, 0, 0, opcode, len(body)) + body)
        _, flags, _, opcode, size = struct.unpack(">BBhBI", self._read(9))
        answer = Answer(self._read(size))
        if opcode == ERROR:
            code = answer.integer()
            raise CqlError(f"CQL error 0x{code:04x}: {answer.take(answer.short()).decode()}")
        if flags & WARNING:
            for _ in range(answer.short()):
                answer.skip_string()
        return opcode, answer

    def query(self, statement, consistency="ONE"):
        """Rows as lists of raw bytes (None for null); [] when the answer holds no rows."""
        text = statement.encode()
        body = struct.pack(">I", len(text)) + text + struct.pack(">HB", CONSISTENCY[consistency], 0)
        _, answer = self._call(QUERY, body)
        if answer.integer() != ROWS:
            return []
        flags, columns = answer.integer(), answer.integer()
        if flags & HAS_MORE_PAGES:
            answer.bytes()
        if flags & HAS_GLOBAL_TABLE:
            answer.skip_string()
            answer.skip_string()
        for _ in range(columns):
            if not flags & HAS_GLOBAL_TABLE:
                answer.skip_string()
                answer.skip_string()
            answer.skip_string()
            answer.skip_type()
        return [[answer.bytes() for _ in range(columns)] for _ in range(answer.integer())]
