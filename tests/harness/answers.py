"""One HTTP answer, and what every problem must look like (RFC 9457, and the project's own members)."""

import json


class Answer:
    """Status, headers (names in lower case; values of each, in order) and the body's bytes."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @classmethod
    def of(cls, response):
        """From http.client's response, read to its end."""
        headers = {}
        for name, value in response.getheaders():
            headers.setdefault(name.lower(), []).append(value)
        return cls(response.status, headers, response.read())

    def header(self, name):
        """The one value of a header; None where it is absent."""
        values = self.headers.get(name.lower(), [])
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else None

    def json(self):
        assert self.header("content-type") in ("application/json", "application/problem+json"), self
        return json.loads(self.body)

    @property
    def closes(self):
        return (self.header("connection") or "").lower() == "close"

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:2000]!r}>"


def assert_problem_body(body, status):
    """The members of a problem, as an answer's body or as a rejected report's `problem`."""
    assert body["type"].startswith("/problems/"), body
    assert isinstance(body["title"], str) and body["title"], body
    assert body["status"] == status, body
    assert isinstance(body["code"], int) and body["code"] >= 1, body
    assert isinstance(body["retryable"], bool), body
    assert isinstance(body.get("detail", ""), str), body


def assert_problem(answer, status, kind=None, closes=None):
    """Asserts that `answer` is a problem of that status; returns its body.

    kind: the last part of its type, as in "view-limit". closes: whether the connection must close.
    """
    assert answer.status == status, answer
    assert answer.header("content-type") == "application/problem+json", answer
    body = answer.json()
    assert_problem_body(body, status)
    if kind is not None:
        assert body["type"] == "/problems/" + kind, body
    if closes is not None:
        assert answer.closes == closes, answer
    if status in (429, 503):
        assert int(answer.header("retry-after")) > 0, answer
    # Nothing of the inside: neither a source file, nor an address, nor a name of C++.
    text = answer.body.decode()
    assert len(text) < 4096, "a problem is short, whatever was sent"
    for inside in (".cc", "src/", "0x", "std::", "boost", "rocksdb"):
        assert inside not in text, text
    return body
