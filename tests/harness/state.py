"""What a bad request must leave alone: everything that is known of an account, and the server."""

import contextlib

from harness.reports import report, watch


def state_of(server, account, profile="p1"):
    """All three answers, without what differs from one reading to the next."""
    base = f"/v1/accounts/{account}"
    answers = {
        "viewers": server.get(f"{base}/viewers"),
        "profiles": server.get(f"{base}/profiles"),
        "progress": server.get(f"{base}/profiles/{profile}/progress"),
        "history": server.get(f"{base}/profiles/{profile}/history?all=true&limit=100"),
    }
    for answer in answers.values():
        answer.pop("as_of")
    return answers


@contextlib.contextmanager
def left_unchanged(server, account):
    """Around a bad request: the account's three answers are as before, and the server still serves.

    The account gets something to lose first, so that each of its answers says something.
    """
    watch(server, account, "canary-title", since_s=100, for_s=20)
    playing = report(account, title="canary-title", view="canary-view", playhead_ms=1_000)
    assert server.post_reports(playing).status == 204
    before = state_of(server, account)
    assert before["viewers"]["items"] and before["progress"]["items"] and before["history"]["items"]
    yield
    assert state_of(server, account) == before, "the bad request changed something"
    after = report(account, title="canary-title", view="canary-view", playhead_ms=2_000)
    assert server.post_reports(after).status == 204
    [viewer] = [one for one in server.viewers(account) if one["view"] == "canary-view"]
    assert viewer["playhead_ms"] == 2_000, viewer
