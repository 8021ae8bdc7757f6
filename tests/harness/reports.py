"""Reports to send: valid ones, from which a test changes what it is about."""

import datetime
import itertools
import uuid

_numbers = itertools.count(1)
_run = uuid.uuid4().hex[:8]
_last_now = ""


def fresh(prefix):
    """An id that no other test has."""
    return f"{prefix}-{_run}-{next(_numbers)}"


def at(offset_s=0.0):
    """Now, shifted, as reports have it."""
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset_s)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse_at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def next_millisecond():
    """Returns once a report of now is later than everything that was answered before."""
    before = at()
    while at() <= before:
        pass


def later_now():
    """Now, and later than any other that was given: of two in one millisecond none is the later one."""
    global _last_now
    while (now := at()) <= _last_now:
        pass
    _last_now = now
    return now


def report(account, /, **changes):
    """A valid report. A change to None leaves a field out; "at" may be a number: seconds from now."""
    fields = {
        "account": account, "profile": "p1", "title": "film-1", "view": fresh("view"),
        "device": "tv-1", "device_type": "tv", "state": "playing", "at": 0, "playhead_ms": 60_000,
        "duration_ms": 3_600_000,
    }
    fields.update(changes)
    if isinstance(fields["at"], (int, float)):
        fields["at"] = at(fields["at"]) if fields["at"] else later_now()
    return {name: value for name, value in fields.items() if value is not None}


def watch(server, account, title="film-1", *, since_s, for_s, from_ms=0, state="stopped", **changes):
    """Watches `title` from `since_s` seconds ago, for `for_s` seconds; then `state`. The view's id.

    The view qualifies if for_s reaches ten seconds. Its place afterwards is from_ms + for_s.
    """
    view = changes.pop("view", None) or fresh("view")
    common = {"title": title, "view": view, **changes}
    end_ms = from_ms + int(for_s * 1000)
    answer = server.post_reports([
        report(account, state="playing", at=-since_s, playhead_ms=from_ms, **common),
        report(account, state="playing", at=-since_s + for_s, playhead_ms=end_ms, **common),
        report(account, state=state, at=-since_s + for_s + 0.001, playhead_ms=end_ms, **common),
    ])
    assert answer.status == 204, answer
    return view


def cmcd(**keys):
    """One CMCD v2 record. Strings are quoted but for tokens; a custom key's dots and hyphens are
    written as _dot_ and _dash_."""
    tokens = {"e", "sta", "st", "sf"}
    parts = []
    for name, value in keys.items():
        name = name.replace("_dot_", ".").replace("_dash_", "-")
        if isinstance(value, str) and name not in tokens:
            parts.append(f'{name}="{value}"')
        else:
            parts.append(f"{name}={value}")
    return ",".join(parts)
