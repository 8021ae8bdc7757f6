"""A server's answers about an account against those of the fold."""

import http.client
import json

from harness.server import eventually


def fresh(body):
    return body if body.get("stale") is False else None


class Asker:
    """GETs of one keep-alive connection.

    A stale answer is wrong, or counted in `stale` where they are allowed, or, for the patient, asked for again: so is
    a node whose last look into the inbox is too old for the moment, on a machine that has too much to do.
    """

    def __init__(self, port, allow_stale=False, patient=False):
        self.allow_stale, self.stale, self.patient = allow_stale, 0, patient
        host = getattr(port, "host", "127.0.0.1")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=30)

    def get(self, path):
        """The body, or None for 404."""
        status, body = self.ask(path)
        if self.patient and status == 200 and body["stale"]:
            body = eventually(lambda: fresh(self.ask(path)[1]), f"a fresh answer to {path}")
        if status == 404:
            return None
        assert status == 200, (path, status, body)
        stale = body.pop("stale")
        assert stale is False or self.allow_stale, (path, body)
        self.stale += stale
        assert body.pop("as_of"), (path, body)
        return body

    def ask(self, path):
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def items(self, path, limit=100):
        """All items of a list, page by page."""
        items = []
        page = f"{path}{'&' if '?' in path else '?'}limit={limit}"
        cursor = ""
        while True:
            body = self.get(page + cursor)
            items += body["items"]
            if body["next"] is None:
                return items
            assert len(body["items"]) <= limit, page
            cursor = f"&cursor={body['next']}"


def answers_of_fold(account, profiles, now, titles):
    """Everything that can be asked about `account`, by the path it is asked with."""
    out = {"viewers": account.viewers(now)}
    for view in account.views.values():
        gone = view.deleted and not view.is_active(now)
        out[f"views/{view.name}"] = None if gone else view.whole(now)
    for profile in profiles:
        base = f"profiles/{profile}"
        out[f"{base}/history"] = account.history(profile, now)
        out[f"{base}/history?all=true"] = account.history(profile, now, everything=True)
        progress = account.progress(profile)
        out[f"{base}/progress"] = progress
        known = {item["title"]: item for item in progress}
        for title in titles:
            out[f"{base}/progress/{title}"] = known.get(title)
        out[f"{base}/continue-watching"] = account.continue_watching(profile)
    return out


def differences(asker, name, account, profiles, now, titles=(), page=100, places=True):
    """What the server answers differently: lines of text, empty if it answers as the fold does.

    places: where a view stands in a history counts, too. In a cluster it is where whoever owned the account first heard
    of it (docs/cluster.md), which may be a report that came after others had taken its start.
    """
    lines = []
    for path, expected in answers_of_fold(account, profiles, now, titles).items():
        full = f"/v1/accounts/{name}/{path}"
        listed = isinstance(expected, list)
        got = asker.items(full, page) if listed else asker.get(full)
        if "/history" in path and not places:
            expected, got = (sorted(items, key=lambda item: (item["started_at"], item["view"]))
                             for items in (expected, got))
        if got != expected:
            lines.append(f"GET {full}")
            lines += _explain(expected, got) if listed else _explain([expected], [got])
    return lines


def _explain(expected, got):
    lines = []
    if len(expected) != len(got):
        lines.append(f"  {len(expected)} expected, {len(got)} answered")
    for index in range(max(len(expected), len(got))):
        one = expected[index] if index < len(expected) else None
        other = got[index] if index < len(got) else None
        if one == other:
            continue
        if one is None or other is None:
            lines += [f"  [{index}] expected {one}", f"  [{index}] answered {other}"]
            continue
        for field in sorted(one.keys() | other.keys()):
            if one.get(field, "absent") != other.get(field, "absent"):
                lines.append(f"  [{index}] {one.get('view') or one.get('title')} {field}: expected "
                             f"{one.get(field, 'absent')!r}, answered {other.get(field, 'absent')!r}")
    return lines
