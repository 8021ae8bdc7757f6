"""What the ledger says that answers must hold: while an owner is away, and in the end."""

import time

from cluster.ledger import PROFILES, RULES, TITLES
from cluster.look import ask_all, path_of
from harness.server import PAUSE_S
from oracle.compare import Asker, differences
from oracle.fold import Account, ms_of

# Between a checkpoint's write and the next lie the interval, and what the writing takes.
ALLOWANCE_MS = 1_500
AWAY_LOOKS_MAX, AWAY_PAUSE_S = 11, 1.0  # at what an owner's looks into the inbox may still bring
STALE_S_MAX = 30.0  # for what is not there yet and says that it is stale


class Away:
    """What was found while an owner was away."""

    def __init__(self):
        self.views = self.behind = self.behind_longest_ms = self.stale = 0
        self.false_words = 0  # answers that said stale: false, and lacked something
        self.faults = []


def while_away(nodes, views, gone_ms, interval_ms):
    """Asks for `views`, of which nothing is on its way, through `nodes`. gone_ms: when the owner went.

    What is missing may be as old as interval_ms, that of checkpoints, counted back from then, and must be heartbeats. What others
    took meanwhile, the new owner may find only with his next looks: who is found wanting is asked again for a while.
    """
    found = Away()
    found.views = len(views)
    waiting = [(view, nodes[number % len(nodes)]) for number, view in enumerate(views)]
    for look in range(AWAY_LOOKS_MAX):
        wanting = []
        for node in nodes:
            some = [view for view, asked in waiting if asked is node]
            for view, (status, body) in zip(some, ask_all(node, map(path_of, some))):
                if look == 0:
                    found.stale += bool(body.get("stale"))
                faults = _faults_while_away(found, view, status, body, gone_ms, interval_ms)
                if faults:
                    wanting.append((view, node, faults))
        waiting = [(view, node) for view, node, _ in wanting]
        if not waiting or found.false_words:
            break
        time.sleep(AWAY_PAUSE_S)
    found.faults = [f"away: {path_of(view)} at {node.name}, {AWAY_PAUSE_S * look:.0f} s later: {fault}"
                    for view, node, faults in wanting for fault in faults]
    return found


def _faults_while_away(found, view, status, body, gone_ms, interval_ms):
    def told(one):
        how = " as unstored" if one.unstored else ""
        return f"{one.report}, acknowledged{how} {gone_ms - one.acknowledged_ms} ms before the fault"

    if status != 200:
        return [f"{status} {body}, and lacks {told(view.sent[0])}"]
    held_at = ms_of(body["at"])
    missing = [one for one in view.sent if one.acknowledged_ms is not None and one.at > held_at]
    if not missing:
        return []
    false_word = not body["stale"] and not all(one.unstored for one in missing)
    found.false_words += false_word
    behind_ms = gone_ms - missing[0].acknowledged_ms
    too_old = false_word or behind_ms > interval_ms + ALLOWANCE_MS
    faults = [f"at {body['at']}, stale {body['stale']}, and lacks {told(one)}"
              for one in missing if too_old or not one.is_heartbeat]
    if not faults:
        found.behind += 1
        found.behind_longest_ms = max(found.behind_longest_ms, behind_ms)
    return faults


def places_missing(nodes, views):
    """Those of the views that lack something that was acknowledged, at whichever node; nothing is on its way."""
    missing = []
    for number, node in enumerate(nodes):
        some = views[number::len(nodes)]
        missing += [view for view, (status, body) in zip(some, ask_all(node, map(path_of, some)))
                    if status != 200 or ms_of(body["at"]) < view.sent[-1].at]
    return missing


def stale_ones(nodes, accounts):
    """Those of the accounts that are stale, or not answered for, at whichever node is asked."""
    stale = []
    for number, node in enumerate(nodes):
        some = accounts[number::len(nodes)]
        answers = ask_all(node, [f"/v1/accounts/{account}/viewers" for account in some])
        stale += [account for account, (status, body) in zip(some, answers) if status != 200 or body["stale"]]
    return stale


class Folds:
    """The accounts that are compared whole, against an independent fold of all that was acknowledged."""

    def __init__(self, accounts):
        self.folds = {account: Account(RULES) for account in accounts}

    def tell(self, views):
        """All that they sent since the last time, in the order of acknowledgement."""
        told = []
        for view in views:
            if view.account in self.folds:
                told += [one for one in view.sent[view.folded:] if one.acknowledged_ms is not None]
                view.folded = len(view.sent)
        for one in sorted(told, key=lambda one: (one.acknowledged_ms, one.at)):
            refused = self.folds[one.report["account"]].report(one.report, one.acknowledged_ms)
            assert refused is None, (one, refused)

    def differences(self, node, now):
        """What that node answers differently: lines. What says that it is stale may be right a little later."""
        lines = []
        for account, fold in self.folds.items():
            give_up = time.monotonic() + STALE_S_MAX
            while True:
                asker = Asker(node.port, allow_stale=True)
                found = differences(asker, account, fold, PROFILES, now, TITLES, places=False)
                if not found or not asker.stale or time.monotonic() > give_up:
                    break
                time.sleep(PAUSE_S)
            lines += [f"{node.name}, {asker.stale} stale: {line}" for line in found]
        return lines


def lost(nodes, views):
    """Nothing is on its way: each view stands where its last report put it, through whichever node. Lines.

    One that says that it is stale may say so again for a while, and then be right.
    """
    waiting = [(view, nodes[number % len(nodes)]) for number, view in enumerate(views)]
    faults, give_up = [], None
    while waiting:
        again = []
        for node in nodes:
            some = [view for view, asked in waiting if asked is node]
            for view, (status, body) in zip(some, ask_all(node, map(path_of, some))):
                fault = _fault_of(view, node, status, body)
                if fault is not None:
                    (again if body.get("stale") else faults).append((view, node, fault))
        give_up = give_up or time.monotonic() + STALE_S_MAX  # a look at all of them may take as long
        if time.monotonic() > give_up:
            return [fault for _, _, fault in faults + again]
        waiting = [(view, node) for view, node, _ in again]
        if waiting:
            time.sleep(PAUSE_S)
    return [fault for _, _, fault in faults]


def _fault_of(view, node, status, body):
    last = view.sent[-1]
    where = f"{path_of(view)} at {node.name}"
    if status != 200:
        return f"LOST: {where}: {status} {body}"
    if ms_of(body["at"]) != last.at:
        return f"LOST: {where}: at {body['at']}, stale {body['stale']}, but {last.report} was acknowledged"
    if (body["state"], body["playhead_ms"]) != (last.state, last.playhead_ms):
        return f"WRONG: {where}: {body}, but {last.report} was acknowledged"
    return None
