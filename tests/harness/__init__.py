"""What the black-box tests share: a server process, ways to talk to it, and reports to send.

Nothing here knows how the server works inside; everything goes through its binary and its sockets.
"""

from harness.answers import Answer, assert_problem
from harness.raw import RawConnection
from harness.reports import at, cmcd, fresh, report, watch
from harness.server import Server, binary, eventually
from harness.state import left_unchanged
from harness.stream import EventStream

__all__ = [
    "Answer", "EventStream", "RawConnection", "Server", "assert_problem", "at", "binary", "cmcd",
    "eventually", "fresh", "left_unchanged", "report", "watch",
]
