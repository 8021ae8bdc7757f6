"""Goal: any node answers the three questions, and all nodes alike.

Method: a cluster with which nothing is wrong. Everything is sent through one node after the other, and asked of each
of them; what they answer is what an independent fold does.
"""

import dataclasses
import random

import pytest

from cluster.check import stale_ones
from cluster.ledger import PROFILES, RULES, TITLES, Ledger, Life, brisk, now_ms
from harness import EventStream, assert_problem, eventually, fresh, report, watch
from harness.cluster import SLOTS, slots_by_owner
from oracle.compare import Asker, differences
from oracle.fold import Account, ms_of

ACCOUNTS = 24  # so many that each node owns some: one chance in 5,000 that one owns none
REPORTS = 30  # of each of their devices
ORDERS = [(0, 1, 2), (1, 2, 0), (2, 0, 1)]  # of nodes: who takes it, who tells, and who has nothing to do with it


def taken(answer):
    """Whether a report was; PUT answers 200 or 201."""
    assert answer.status in (200, 201, 204), answer
    return answer


def settle(cluster, accounts):
    eventually(lambda: not stale_ones(cluster.nodes, accounts), "nothing is stale")


@pytest.fixture(scope="module", autouse=True)
def at_rest(cluster):
    """Tests before these may have taken nodes away."""
    cluster.wait_at_rest()


@pytest.fixture
def nodes(cluster, request):
    return [cluster.nodes[number] for number in request.param]


def test_each_node_says_that_all_slots_are_owned_and_by_whom(cluster):
    looks = [node.look() for node in cluster.nodes]
    assert all(look["slots"] == looks[0]["slots"] for look in looks)
    owned = slots_by_owner(looks[0])
    assert owned.keys() == {node.name for node in cluster.nodes} and sum(owned.values()) == SLOTS, owned
    assert all(count > SLOTS / 6 for count in owned.values()), owned


def test_all_nodes_answer_as_the_fold_does(cluster):
    draw, ledger = random.Random(7), Ledger()
    scale = dataclasses.replace(brisk(), reports=REPORTS // 2)
    prefix = fresh("q")
    folds = {f"{prefix}-{number}": Account(RULES) for number in range(ACCOUNTS)}
    lives = [Life(draw, ledger, account, f"tv-{device}", scale) for account in folds for device in range(2)]
    for turn in range(REPORTS):
        # Of one account through all nodes, in turn; of one body some belong to each of them.
        for first in range(3):
            body = [life.next().report for life in lives[first::3]]
            taken(cluster.nodes[(turn + first) % 3].post_reports(body))
            arrived = now_ms()
            for one in body:
                assert folds[one["account"]].report(one, arrived) is None
    settle(cluster, list(folds))
    for node in cluster.nodes:
        asker = Asker(node.port, patient=True)
        found = [line for account, fold in folds.items()
                 for line in differences(asker, account, fold, PROFILES, now_ms(), TITLES, page=7)]
        assert not found, f"{node.name}:\n" + "\n".join(found[:40])


def test_what_one_node_took_is_in_the_next_ones_answer(cluster):
    accounts = [fresh("next") for _ in range(ACCOUNTS)]
    settle(cluster, accounts)
    for number, account in enumerate(accounts):
        for turn in range(6):
            said = report(account, view="v", playhead_ms=1_000 * (turn + 1))
            taken(cluster.nodes[(number + turn) % 3].post_reports(said))
            body = cluster.nodes[(number + turn + 1) % 3].get(f"/v1/accounts/{account}/views/v")
            assert (body["stale"], body["playhead_ms"]) == (False, said["playhead_ms"]), (account, turn, body)
            assert ms_of(body["at"]) == ms_of(said["at"])


@pytest.mark.parametrize("nodes", ORDERS, indirect=True)
def test_put_acts_and_deletions_go_through_any_node(nodes, account):
    taker, teller, third = nodes
    assert taker.put(account, report(account, view="v", title="film-1")).status == 201
    assert [one["view"] for one in teller.viewers(account)] == ["v"]
    assert third.put(account, report(account, view="v", title="film-1", playhead_ms=61_000)).status == 200
    assert taker.viewers(account)[0]["playhead_ms"] == 61_000

    old = watch(teller, account, "film-2", since_s=300, for_s=60)
    assert third.progress(account, "film-2")["playhead_ms"] == 60_000
    act = {"title": "film-2", "at": report(account)["at"], "watched": True}
    assert third.patch_progress(account, [act]).status == 204
    assert taker.progress(account, "film-2")["watched"] is True
    assert [one["id"] for one in taker.history(account)["items"]] == [old]
    gone = teller.request("DELETE", f"/v1/accounts/{account}/profiles/p1/history/{old}")
    assert gone.status == 204, gone
    assert third.history(account)["items"] == []

    assert third.request("POST", f"/v1/accounts/{account}/views/v/terminate", {}).status == 204
    assert teller.viewers(account) == []
    assert_problem(taker.put(account, report(account, view="v", title="film-1")), 410, "view-terminated")


def stream_of(cluster, node, account):
    """The account's stream as a client gets it that asks `node`: he is sent on to the owner, once."""
    stream = EventStream(node, account)
    if stream.answer.status == 307:
        place = stream.answer.header("location")
        stream.connection.socket.close()
        [owner] = [one for one in cluster.nodes if place.startswith(one.url + "/")]
        assert owner is not node and place == f"{owner.url}/v1/accounts/{account}/viewers/stream"
        stream = EventStream(owner, account)
    assert stream.answer.status == 200, stream.answer
    return stream


@pytest.mark.parametrize("nodes", ORDERS, indirect=True)
def test_who_asks_any_node_gets_a_stream_that_tells_what_all_took(cluster, nodes, account):
    teller, taker, other = nodes
    taken(taker.post_reports(report(account, view="before")))
    with stream_of(cluster, teller, account) as stream:
        first = stream.next()
        assert first.name == "snapshot" and [one["view"] for one in first.data["items"]] == ["before"], first
        taken(other.post_reports(report(account, view="after")))
        event = stream.next_named("view")
        while event.data["view"] != "after":
            event = stream.next_named("view")
        taken(taker.post_reports(report(account, view="after", state="stopped")))
        end = stream.next_named("end")
        assert (end.data["view"], end.data["end_reason"]) == ("after", "stopped"), end


@pytest.mark.parametrize("nodes", ORDERS, indirect=True)
def test_what_is_refused_is_refused_alike_by_all(nodes, account):
    said = report(account, view="v", title="film-1")
    taken(nodes[0].post_reports(said))
    for node in nodes:
        answer = node.post_reports([report(account, view="v", title="film-9"), report(account, view="other")])
        assert answer.status == 200, answer
        [rejected] = answer.json()["rejected"]
        assert rejected["index"] == 0 and rejected["problem"]["type"] == "/problems/view-conflict", rejected
        assert_problem(node.request("GET", f"/v1/accounts/{account}/views/nobody"), 404)
