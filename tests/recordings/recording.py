"""A recording beside its truth, and an independent reading of what it says at every moment."""

import json
import pathlib
import re

DATA = pathlib.Path(__file__).parent / "data"

STATES = {"s": "starting", "d": "starting", "p": "playing", "k": "seeking", "r": "rebuffering",
          "w": "rebuffering", "a": "paused", "e": "completed", "f": "failed", "q": "stopped"}
ENDING = {"stopped", "completed", "failed"}
OPENING = {"starting", "playing", "seeking"}


def records_of(body):
    """The records of a CMCD body that speak of a view: keys to values, as text."""
    records = []
    for line in body.split("\n"):
        keys = {}
        for part in re.findall(r'(?:^|,)\s*([a-z0-9.-]+)(?:=("(?:[^"\\]|\\.)*"|\([^)]*\)|[^,]*))?', line):
            keys[part[0]] = part[1].strip('"')
        if keys and keys.get("e") != "rr":
            records.append(keys)
    return records


class Recording:
    """Of one run: `posts` are its (moment in ms, body), `truth` is the player's own account."""

    def __init__(self, run):
        self.run = run
        self.path = DATA / f"{run}.jsonl"
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        self.posts = [(line["at"], line["body"]) for line in lines if line["method"] == "POST"]
        self.truth = json.loads((DATA / f"{run}.truth.json").read_text())
        first = records_of(self.posts[0][1])[0]
        self.view, self.title = first["sid"], first["cid"]

    def last_record(self):
        return [record for _, body in self.posts for record in records_of(body)][-1]

    def position_ms_at(self, moment_ms):
        """Where the player really was, from what was seen of it last before or right at its end."""
        seen = self.truth["samples"] + self.truth["media"]
        close = next(one for one in self.truth["actions"] if one["action"] == "close-tab")
        last = max((one for one in seen if one["wall"] <= moment_ms), key=lambda one: one["wall"])
        at_end = {**last, "wall": close["wall"], "ct": close["ct"]}
        if close["wall"] <= moment_ms:
            last = at_end
        still = last["paused"] or last["seeking"] or last["ended"]
        return last["ct"] * 1000 + (0 if still else (moment_ms - last["wall"]) * last["rate"])

    def steady_states(self, since_ms, until_ms):
        """What the player did in a stretch of time, where a second before and after it did the same:
        of "playing" and "paused", those that were seen."""
        def kind(one):
            if one["ended"] or one["seeking"] or one["rs"] < 3:
                return None
            return "paused" if one["paused"] else "playing"

        samples = self.truth["samples"]
        acted = [one["wall"] for one in self.truth["actions"]]
        found = set()
        for place in range(1, len(samples) - 1):
            wall = samples[place]["wall"]
            if not since_ms <= wall < until_ms or any(abs(wall - one) < 1500 for one in acted):
                continue
            kinds = {kind(one) for one in samples[place - 1:place + 2]}
            if len(kinds) == 1 and None not in kinds:
                found |= kinds
        return found


class Told:
    """What a player has told so far, by the rules of the design and nothing of the server's."""

    def __init__(self):
        self.records = []

    def add(self, body):
        self.records += records_of(body)
        self.records.sort(key=lambda one: (int(one["ts"]), int(one["sn"])))

    @property
    def state(self):
        named = [STATES[one["sta"]] for one in self.records if "sta" in one]
        return named[-1] if named else "starting"

    @property
    def active(self):
        active = bool(self.records)
        for one in self.records:
            state = STATES.get(one.get("sta"))
            if state in ENDING:
                active = False
            elif state in OPENING:
                active = True
        return active

    @property
    def completed(self):
        return any(STATES.get(one.get("sta")) == "completed" for one in self.records)
