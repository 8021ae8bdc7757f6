"""Four owners whose things a caller may or may not see, and what they have.

`own` is the caller's account and profile, `sibling` another profile of the account, `other` another
account of the tenant, `foreign` the same account, profile and view of another tenant.
"""

import json

from access.tokens import token
from harness import EventStream, fresh, report
from harness.answers import Answer

OWNERS = ("own", "sibling", "other", "foreign")
TENANT, FOREIGN = "t-home", "t-abroad"


def service_token(tenant):
    return token("service", tenant=tenant)


class Owner:
    def __init__(self, tenant, account, profile, view):
        self.tenant, self.account, self.profile, self.view = tenant, account, profile, view
        self.title, self.series = fresh("title"), fresh("series")
        self.device, self.kind_of_device = fresh("device"), fresh("type")

    def report(self, **changes):
        return report(self.account, profile=self.profile, view=self.view, title=self.title,
                      series=self.series, device=self.device, device_type=self.kind_of_device,
                      **{"duration_ms": 3_600_000, **changes})

    def secrets(self):
        """What nobody may read who may not see this owner; ids that others share are not in it."""
        return {self.title, self.series, self.kind_of_device}

    def ids(self):
        """What names the owner; some owners share one."""
        return {self.account, self.profile, self.view}


class Scene:
    def __init__(self, server):
        self.server = server
        account, profile, view = fresh("account"), fresh("profile"), fresh("view")
        self.own = Owner(TENANT, account, profile, view)
        self.sibling = Owner(TENANT, account, fresh("profile"), fresh("view"))
        self.other = Owner(TENANT, fresh("account"), fresh("profile"), fresh("view"))
        self.foreign = Owner(FOREIGN, account, profile, view)
        self.nobody = Owner(TENANT, fresh("account"), fresh("profile"), fresh("view"))
        for name in OWNERS:
            owner = getattr(self, name)
            watched = [owner.report(at=-60, playhead_ms=10_000), owner.report(at=-30, playhead_ms=40_000)]
            answer = self.ask(service_token(owner.tenant), "POST", "/v1/reports", watched)
            assert answer.status == 204, answer

    def ask(self, shown, method, path, body=None, content_type="application/json"):
        headers = {"Content-Type": content_type}
        if shown is not None:
            headers["Authorization"] = f"Bearer {shown}"
        if body is not None and not isinstance(body, str):
            body = json.dumps(body)
        return self.server.request(method, path, body, headers)

    def state(self, owner):
        """All that is known of one profile, as a service sees it."""
        base = f"/v1/accounts/{owner.account}"
        of_profile = f"{base}/profiles/{owner.profile}"
        answers = {}
        for name, path in (("viewers", f"{base}/viewers"), ("profiles", f"{base}/profiles"),
                           ("progress", f"{of_profile}/progress"),
                           ("history", f"{of_profile}/history?all=true"),
                           ("view", f"{base}/views/{owner.view}")):
            answer = self.ask(service_token(owner.tenant), "GET", path)
            erased = name == "view" and answer.status == 404
            assert answer.status == 200 or erased, answer
            answers[name] = answer.json()
            answers[name].pop("as_of", None)
        for name in ("viewers", "profiles"):
            answers[name]["items"] = [one for one in answers[name]["items"] if one["profile"] == owner.profile]
        return answers

    def stream(self, shown, account):
        """The answer to a stream: its first event as body, or the refusal."""
        headers = [("Authorization", f"Bearer {shown}")] if shown is not None else []
        with EventStream(self.server, account, headers) as stream:
            if stream.answer.status != 200:
                return self.ask(shown, "GET", f"/v1/accounts/{account}/viewers/stream")
            event = stream.next()
            assert event.name == "snapshot", event
            return Answer(200, {"content-type": ["application/json"]}, json.dumps(event.data).encode())
