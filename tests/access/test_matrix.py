"""Goal: no cell of {every operation} x {every caller} answers with, or changes, what its token may not.

The operations come from api/openapi.yaml. In each cell four owners have something: the caller, a
sibling profile, another account, and the same ids in another tenant. After the request nothing of an
owner out of reach is in the answer, and all of them have what they had.
"""

import json

import pytest

from access.routes import operations
from access.scene import FOREIGN, OWNERS, TENANT, Scene
from access.tokens import bad_tokens, token
from harness import assert_problem, fresh

OPERATIONS = operations()
BAD = sorted(bad_tokens(account="any"))

# Who asks -> (a token for the scene, whose things are asked for, who may be seen and changed).
CALLERS = {
    "own": (lambda s: token(tenant=TENANT, account=s.own.account, profile=s.own.profile, delete=True),
            "own", {"own"}),
    "sibling": (lambda s: token(tenant=TENANT, account=s.own.account, profile=s.own.profile, delete=True),
                "sibling", {"own"}),
    "other_account": (lambda s: token(tenant=TENANT, account=s.own.account, delete=True),
                      "other", {"own", "sibling"}),
    "other_tenant": (lambda s: token(tenant=FOREIGN, account=s.foreign.account, delete=True),
                     "own", {"foreign"}),
    "other_tenants_service": (lambda s: token("service", tenant=FOREIGN), "other", {"foreign"}),
    "viewer": (lambda s: token(tenant=TENANT, account=s.own.account), "sibling", {"own", "sibling"}),
    "service": (lambda s: token("service", tenant=TENANT), "other", {"own", "sibling", "other"}),
    "operator": (lambda s: token("operator"), "own", set()),
}


# Who is one profile of an account can't take out, or bring in, what is all of its profiles'.
ONE_PROFILE = ("own", "sibling")
WHOLE = ("export", "import", "import_all")


def shown(answer):
    return answer.body.decode(errors="replace") + json.dumps(answer.headers)


def expected(operation, caller):
    """The statuses that the cell may have."""
    permission = operation.permission
    if permission == "public":
        return {200}
    if caller == "none" or caller in BAD:
        return {401}
    if permission == "operate":
        return {200} if caller == "operator" else {403}
    if caller == "operator" or (caller == "viewer" and permission in ("delete", "erase")):
        return {403}
    if permission == "erase" and caller in ("own", "sibling") and "{profile}" not in operation.path:
        return {403}  # one profile of the account can't erase the others''
    if caller in ONE_PROFILE and permission in WHOLE:
        # Another account's is hidden, not forbidden; their own is not theirs alone.
        return {403}
    if permission == "import_all" and caller in ("viewer", "other_account", "other_tenant"):
        return {403}
    if operation.always_204:
        return {204}
    if caller == "other_account":
        return {404}
    if caller == "sibling" and (permission in ("report", "terminate") or "{profile}" in operation.path):
        return {404}
    if caller.startswith("other_tenant"):
        # Of its own tenant, where the titles asked for are not, and the view of that id has another.
        return {200, 201, 204, 404, 422}
    return {200, 201, 204}


@pytest.mark.parametrize("caller", [*CALLERS, "none", *BAD])
@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
def test_a_cell_of_the_matrix(guarded, operation, caller):
    scene = Scene(guarded)
    make, target, reach = CALLERS.get(caller, (None, "own", set()))
    if make is not None:
        proof = make(scene)
    elif caller == "none":
        proof = None
    else:
        proof = bad_tokens(tenant=TENANT, account=scene.own.account, profile=scene.own.profile)[caller]
    before = {name: scene.state(getattr(scene, name)) for name in OWNERS}

    answer = operation.ask(scene, proof, getattr(scene, target))

    assert answer.status in expected(operation, caller), answer
    if answer.status >= 400:
        assert_problem(answer, answer.status)
    said = json.dumps(operation.body(getattr(scene, target))) if answer.status in (200, 201) else ""
    for name in set(OWNERS) - reach:
        # A started view is answered with what the request said of it.
        leaked = [secret for secret in getattr(scene, name).secrets()
                  if secret in shown(answer) and secret not in said]
        assert leaked == [], (name, answer)
        known = set.union(*(getattr(scene, one).ids() for one in {target, *reach}))  # to whoever asks
        assert not any(one in shown(answer) for one in getattr(scene, name).ids() - known), (name, answer)
    if proof is not None and caller != "rubbish":
        assert not any(part in shown(answer) for part in proof.split(".") if part), answer
    after = {name: scene.state(getattr(scene, name)) for name in OWNERS}
    may_change = reach if operation.changes and answer.status < 300 else set()
    for name in set(OWNERS) - may_change:
        assert after[name] == before[name], f"{name} has changed"


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.changes], ids=repr)
@pytest.mark.parametrize("caller", ["own", "service"])
def test_the_matrix_sees_a_change_where_one_is_allowed(guarded, operation, caller):
    """Else its cells would show nothing: the request is one that does something."""
    if caller in ONE_PROFILE and operation.permission in WHOLE:
        caller = "service"
    scene = Scene(guarded)
    make, target, _ = CALLERS[caller]
    before = scene.state(getattr(scene, target))
    answer = operation.ask(scene, make(scene), getattr(scene, target))
    if expected(operation, caller) == {403}:
        assert_problem(answer, 403, "forbidden")
        return
    assert answer.status in (200, 201, 204), answer
    assert scene.state(getattr(scene, target)) != before


def test_the_matrix_has_every_operation_and_every_caller():
    assert len(OPERATIONS) >= 25 and len(BAD) >= 15
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS)
    of_somebody = [one for one in OPERATIONS if "{account}" in one.path or one.path.startswith("/v1/")]
    assert all(one.permission != "public" for one in of_somebody)


# ---- Hidden is the same as not there ------------------------------------------------------------


def without_what_differs(answer):
    """Status, headers but the date, body."""
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    return answer.status, headers, answer.body


ACCOUNT_OPERATIONS = [one for one in OPERATIONS if "{account}" in one.path]


@pytest.mark.parametrize("operation", ACCOUNT_OPERATIONS, ids=repr)
def test_another_account_is_answered_like_one_that_is_not_there(guarded, operation):
    scene = Scene(guarded)
    proof = token(tenant=TENANT, account=scene.own.account, delete=True)
    there, not_there = (operation.ask(scene, proof, one) for one in (scene.other, scene.nobody))
    assert there.status == 404
    assert without_what_differs(there) == without_what_differs(not_there)


@pytest.mark.parametrize("operation", [one for one in ACCOUNT_OPERATIONS if "{profile}" in one.path or
                                       one.name == "terminateView"], ids=repr)
def test_another_profile_is_answered_like_one_that_is_not_there(guarded, operation):
    scene = Scene(guarded)
    proof = token(tenant=TENANT, account=scene.own.account, profile=scene.own.profile, delete=True)
    scene.nobody.account = scene.own.account
    there, not_there = (operation.ask(scene, proof, one) for one in (scene.sibling, scene.nobody))
    assert there.status == 404
    assert without_what_differs(there) == without_what_differs(not_there)


def test_a_siblings_view_that_has_ended_is_answered_like_one_that_is_not_there(guarded):
    scene = Scene(guarded)
    proof = token(tenant=TENANT, account=scene.own.account, profile=scene.own.profile)
    base = f"/v1/accounts/{scene.own.account}/views"
    seen = scene.ask(proof, "GET", f"{base}/{scene.sibling.view}").json()
    seen.pop("as_of")
    assert seen == {"device": scene.sibling.device, "state": "playing", "active": True, "stale": False}
    stopped = scene.ask(token("service", tenant=TENANT), "POST", "/v1/reports",
                        scene.sibling.report(state="stopped", playhead_ms=50_000))
    assert stopped.status == 204, stopped
    there, not_there = (scene.ask(proof, "GET", f"{base}/{view}") for view in (scene.sibling.view, fresh("v")))
    assert there.status == 404
    assert without_what_differs(there) == without_what_differs(not_there)


def test_a_siblings_profile_and_another_account_are_hidden_by_the_same_words(guarded):
    scene = Scene(guarded)
    proof = token(tenant=TENANT, account=scene.own.account, profile=scene.own.profile)
    paths = [f"/v1/accounts/{scene.own.account}/profiles/{scene.sibling.profile}/history",
             f"/v1/accounts/{scene.other.account}/profiles/{scene.own.profile}/history",
             f"/v1/accounts/{scene.other.account}/viewers"]
    answers = [without_what_differs(scene.ask(proof, "GET", path)) for path in paths]
    assert answers[0] == answers[1] == answers[2] and answers[0][0] == 404
