"""What erasures are tested with: somebody who has watched, and a search for what is left of them."""

import uuid

from harness.reports import fresh, next_millisecond, report, watch

# What the receipt promises is then a matter of seconds.
QUICK = """
[shard]
checkpoint_interval_ms = 1000
[store]
compression = "none"
"""


def erase(server, account, profile=None, status=200):
    path = f"/v1/accounts/{account}" + (f"/profiles/{profile}" if profile else "")
    answer = server.request("DELETE", path)
    assert answer.status == status, answer
    next_millisecond()  # what is reported in the millisecond of the erasure is still of before
    return answer.json()


def everything(server, account, profile="p1"):
    """All answers about a profile, in one text."""
    base = f"/v1/accounts/{account}"
    of_profile = f"{base}/profiles/{profile}"
    answers = [server.request("GET", path) for path in (
        f"{base}/viewers", f"{base}/profiles", f"{of_profile}/progress", f"{of_profile}/continue-watching",
        f"{of_profile}/history?all=true")]
    assert all(answer.status == 200 for answer in answers)
    return [item for answer in answers for item in answer.json()["items"]]


def household(server, account):
    """Two profiles with a history, a position and an active view each. Their ids."""
    ids = {"p1": [], "p2": []}
    for profile, ours in ids.items():
        title, device = str(uuid.uuid4()), fresh("device")
        ours += [title, device, watch(server, account, title, profile=profile, since_s=600, for_s=300, device=device)]
        active = report(account, profile=profile, title=title, view=str(uuid.uuid4()), device=device)
        assert server.post_reports(active).status == 204
        ours.append(active["view"])
    return ids


def traces(directory, ids):
    """The files under `directory` that hold one of the ids; UUIDs are looked for as 16 bytes as well."""
    patterns = {one: [one.encode()] for one in ids}
    for one in ids:
        try:
            patterns[one].append(uuid.UUID(one).bytes)
        except ValueError:
            pass
    found = set()
    for path in directory.rglob("*"):
        try:
            content = path.read_bytes() if path.is_file() else b""
        except FileNotFoundError:  # deleted meanwhile
            continue
        found |= {(path.name, one) for one, wanted in patterns.items() if any(each in content for each in wanted)}
    return found
