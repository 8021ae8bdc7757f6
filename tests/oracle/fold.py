"""What Playhead must answer, worked out a second time: from the design's words, not from its sources.

An Account is told what happened to it, in the order of arrival: reports, acts, ends, deletions. It
keeps every report and works its answers out of the whole set, as slowly as it likes. Answers have
the shapes of api/openapi.yaml, without `as_of` and `stale`. Times inside are milliseconds.

Left to the server's own tests: device clocks that are off, event times ahead of arrival, CMCD, and
two different reports of one view with equal time and sequence.
"""

import bisect
import dataclasses
import datetime

ENDING = {"stopped", "completed", "failed"}
OPENING = {"starting", "playing", "seeking"}
MOVING = {"playing", "seeking", "completed"}
NEVER = -(1 << 62)
FOREVER = 1 << 62

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def ms_of(text):
    """RFC 3339, as the tests write it, to milliseconds."""
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    span = moment - _EPOCH
    return (span.days * 86_400 + span.seconds) * 1000 + span.microseconds // 1000


def text_of(ms):
    """Milliseconds to RFC 3339, as the server writes it; None stays None."""
    if ms is None:
        return None
    moment = _EPOCH + datetime.timedelta(milliseconds=ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


@dataclasses.dataclass(frozen=True)
class Rules:
    """The numbers of the rules, and the server's settings that the answers depend on."""

    qualify_ms: int = 10_000
    finish_percent: int = 95
    finish_span_ms: int = 5_000
    resume_min_ms: int = 120_000
    resume_min_percent: int = 3
    expiry_ms: int = 30_000
    paused_expiry_ms: int = 600_000
    late_limit_ms: int = 30 * 86_400_000


@dataclasses.dataclass(slots=True)
class Told:
    """One report, as it counts."""

    at: int
    sequence: int
    state: str
    playhead: int | None
    duration: int | None
    credits: int | None
    watched: int | None
    started: int | None
    series: str | None
    next_title: str | None
    line: int | None  # where the title counted as finished, as far as was known when it came
    still: bool = False  # its playhead tells of no movement

    @property
    def order(self):
        return (self.at, self.sequence)


class View:
    def __init__(self, rules, name, first):
        self.rules = rules
        self.name = name
        self.profile = first["profile"]
        self.title = first["title"]
        self.device = first.get("device")
        self.device_type = first.get("device_type")
        self.kind = first.get("kind", "on_demand")
        self.record = first.get("record", True)
        self.told = []  # by order
        self.keyed_start = None
        self.qualified_at = self.finished_at = None
        self.terminated_at = self.replaced_at = self.ended_by = None
        self.deleted = False
        self.active = False
        self.arrived = self.deadline = NEVER
        self.sum = None  # what all reports together say; None: to be worked out

    # ---- arrival ----

    def take(self, report, arrival):
        """Folds one report in. The kind of problem it is refused with, or None."""
        at = min(ms_of(report["at"]), arrival)
        if at < arrival - self.rules.late_limit_ms:
            return "unprocessable"
        if self.terminated_at is not None and at > self.terminated_at:
            return "view-terminated"
        if self.deleted:
            if self.is_active(arrival) and arrival - at <= self.silence_ms():
                self.arrived = arrival
                self.deadline = arrival + self.silence_ms()
            return None
        told = self._stamp(report, at)
        if any(old.order == told.order for old in self.told):
            return None  # a repeat
        self.active = self.is_active(arrival)
        late_by = arrival - at
        first = not self.told
        if first:
            self.keyed_start = told.at if told.started is None else told.started
        late = late_by > (self.silence_ms() if not first else self._silence_of(told.state))
        told.still = self._stands_still(told)
        bisect.insort(self.told, told, key=lambda one: one.order)
        self.sum = None
        self._cross(told)
        self._live(told, arrival, late, first)
        return None

    def _stamp(self, report, at):
        live = self.kind == "live"
        playhead = None if live else report.get("playhead_ms")
        duration = report.get("duration_ms") or None
        credits = report.get("credits_ms") or None
        ends = duration or self._known("duration")
        if playhead is not None and ends and playhead > ends:
            playhead = None
        line = credits or self._known("credits")
        if not line and ends:
            line = ends * self.rules.finish_percent // 100
        started = report.get("started_at")
        return Told(at, report.get("sequence", 0), report["state"], playhead, duration, credits,
                    report.get("watched_ms"), None if started is None else min(ms_of(started), at),
                    report.get("series"), report.get("next_title"), line or None)

    def _stands_still(self, told):
        """In a view that has moved: a `seeking` or `completed` that repeats the place where it is, a
        `starting`, and what follows a `starting` until something plays, seeks or completes: the player
        has not yet found its resume point."""
        if told.state == "playing" or not self.told:
            return False
        known = self.summary()
        if known["moved"] is None:
            return False
        if told.state == "starting":
            return True
        if told.state in MOVING:
            place = known["position"] and known["position"].playhead
            cursor = known["cursor"]
            return (told.playhead in (None, place)
                    and (cursor.state == told.state or told.order <= cursor.order))
        before = next((one for one in reversed(self.told)
                       if one.order < told.order and (one.state in OPENING or one.state in MOVING)), None)
        return before is not None and before.state == "starting"

    def _cross(self, told):
        """Qualified and finished are crossed once, at the time of the report that shows it."""
        if self.qualified_at is None and self._qualifies():
            self.qualified_at = told.at
        if (self.finished_at is None and self.qualified_at is not None and self.kind != "live"
                and self._finishes()):
            self.finished_at = told.at

    def _qualifies(self):
        shortest = min((one.duration for one in self.told if one.duration), default=None)
        enough = self.rules.qualify_ms
        if shortest is not None:
            enough = min(enough, (shortest + 1) // 2)
        if any(one.state == "completed" for one in self.told):
            return True
        watched = max((one.watched for one in self.told if one.watched is not None), default=0)
        return max(watched, self._shown()) >= enough

    def _shown(self):
        """Media surely played, by one report and the next while playing."""
        total = 0
        for one, after in zip(self.told, self.told[1:]):
            if one.state != "playing":
                continue
            time = after.at - one.at
            # Where a seek or an advert begins, its own playhead says nothing of what was played.
            if one.playhead is None or after.playhead is None or after.state in ("seeking", "ad"):
                total += time
            else:
                total += min(time, max(after.playhead - one.playhead, 0))
        return total

    def _finishes(self):
        if any(one.state == "completed" for one in self.told):
            return True
        beyond = [one for one in self.told
                  if one.state == "playing" and one.playhead is not None and one.line
                  and one.playhead >= one.line]
        return bool(beyond) and _span(beyond) >= self.rules.finish_span_ms

    def _live(self, told, arrival, late, first):
        if self.ended():
            self.active = False
        elif not late and (self.active or first or told.state in OPENING):
            self.active = True
            self.arrived = arrival
        if self.active:  # a late one may pause it
            self.deadline = self.arrived + self.silence_ms()

    def _silence_of(self, state):
        rules = self.rules
        return max(rules.expiry_ms, rules.paused_expiry_ms) if state == "paused" else rules.expiry_ms

    def silence_ms(self):
        return self._silence_of(self.told[-1].state)

    # ---- what the set of reports says ----

    def _latest(self, states):
        return next((one for one in reversed(self.told) if one.state in states), None)

    def _known(self, field):
        """A field's latest known value; None where no report knew it."""
        return next((value for one in reversed(self.told) if (value := getattr(one, field))), None)

    def summary(self):
        if self.sum is None:
            self.sum = self._summarise()
        return self.sum

    def _summarise(self):
        def latest(known):
            return next((one for one in reversed(self.told) if known(one)), None)

        def value(name):
            one = latest(lambda told: getattr(told, name))
            return (one.order, getattr(one, name)) if one else ((NEVER, 0), None)

        position = latest(lambda one: one.playhead is not None and one.state != "ad"
                          and not one.still)
        meta = latest(lambda one: one.series or one.next_title)
        moves = [one for one in self.told if one.state in MOVING and not one.still
                 and (one.playhead is not None or one.state == "completed")]
        moved = max((one.at for one in moves), default=None)
        playing = [one for one in self.told if one.state == "playing"]
        placed = [one for one in playing if one.playhead is not None]
        bare = [one.at for one in playing if one.playhead is None]
        watched = [one.watched for one in self.told if one.watched is not None]
        duration_order, duration = value("duration")
        credits_order, credits = value("credits")
        return {
            "start": min(one.at if one.started is None else one.started for one in self.told),
            "cursor": self.told[-1],
            "state": self.told[-1].state,
            "position": position,
            "moved": moved,
            "at_end": any(one.at == moved and one.state == "completed" for one in moves),
            "duration": duration, "duration_order": duration_order,
            "credits": credits, "credits_order": credits_order,
            "series": meta.series if meta else None,
            "next_title": meta.next_title if meta else None,
            "meta_order": meta.order if meta else (NEVER, 0),
            "played": max([0, *watched, _span(placed), max(bare) - min(bare) if bare else 0]),
        }

    def _end(self):
        """(reason, time) of the latest end that was said or done; None if none came after the
        latest opening."""
        if self.terminated_at is not None:
            return "terminated", self.terminated_at
        ending, opening = self._latest(ENDING), self._latest(OPENING)
        ends = []
        if ending:
            ends.append((ending.order, ending.state, ending.at))
        if self.replaced_at is not None:
            ends.append(((self.replaced_at, FOREVER), "replaced", self.replaced_at))
        if not ends:
            return None
        order, reason, at = max(ends)
        return (reason, at) if opening is None or order > opening.order else None

    def ended(self):
        return self._end() is not None

    def is_active(self, now):
        return self.active and now <= self.deadline

    def counts(self):
        """Whether it has anything to say about its title's progress."""
        return self.qualified_at is not None and self.record and self.kind != "live"

    # ---- answers ----

    def viewer(self):
        known = self.summary()
        return {
            "view": self.name, "profile": self.profile, "title": self.title,
            "series": known["series"], "device": self.device, "device_type": self.device_type,
            "kind": self.kind, "state": known["state"],
            "playhead_ms": known["position"].playhead if known["position"] else None,
            "duration_ms": known["duration"], "started_at": text_of(known["start"]),
            "at": text_of(known["cursor"].at),
        }

    def end_for(self, now):
        """(reason, time) as answers tell it; (None, None) of an active view."""
        if self.is_active(now):
            return None, None
        # Neither active nor ended by a report: it fell silent.
        return self._end() or ("expired", self.summary()["cursor"].at)

    def whole(self, now):
        reason, at = self.end_for(now)
        return self.viewer() | {"active": self.is_active(now), "ended_at": text_of(at),
                                "end_reason": reason, "ended_by": self.ended_by}

    def entry(self, now):
        reason, at = self.end_for(now)
        viewer = self.viewer()
        del viewer["profile"], viewer["state"]
        return viewer | {"id": self.name, "ended_at": text_of(at), "end_reason": reason,
                         "watched_ms": self.summary()["played"],
                         "finished": self.finished_at is not None, "origin": "playhead"}


def _span(reports):
    """The smaller of their span in time and their span in playhead."""
    if not reports:
        return 0
    times = [one.at for one in reports]
    places = [one.playhead for one in reports]
    return min(max(times) - min(times), max(places) - min(places))


class Title:
    """One profile's registers of one title, joined from its views and acts."""

    def __init__(self, rules, name, views, acts):
        self.rules, self.name = rules, name
        positions = []
        watched = [(NEVER, False, False)]
        hidden = [(NEVER, False, False)]
        for view in views:
            known = view.summary()
            if known["moved"] is not None and known["position"] is not None:
                key = (known["moved"], False, view.name)
                positions.append((key, view, known["position"].playhead))
            if view.finished_at is not None:
                watched.append((view.finished_at, False, True))
            hidden.append((view.qualified_at, False, False))
        for act in acts:
            if act.get("playhead_ms") is not None:
                positions.append(((act["at"], True, ""), None, act["playhead_ms"]))
            if act.get("watched") is not None:
                watched.append((act["at"], True, act["watched"]))
            if act.get("hidden") is not None:
                hidden.append((act["at"], True, act["hidden"]))
        self.watched_at, _, self.watched = max(watched)
        self.hidden_at, self.hidden_by_act, self.hidden = max(hidden)
        self._place(positions)
        latest = [view.summary() for view in views]
        meta = max(latest, key=lambda known: known["meta_order"], default=None)
        self.series = meta["series"] if meta else None
        self.next_title = meta["next_title"] if meta else None
        self.duration = max(latest, key=lambda known: known["duration_order"], default={}).get("duration")
        self.credits = max(latest, key=lambda known: known["credits_order"], default={}).get("credits")
        self.played = max((known["played"] for known in latest), default=0)

    def _place(self, positions):
        self.moved = self.playhead = self.view = self.device = None
        self.by_act = self.at_end = False
        if not positions:
            return
        (moved, by_act, _), view, playhead = max(positions, key=lambda one: one[0])
        if view is not None and view.deleted:
            return  # cleared, and none is restored
        self.moved, self.playhead, self.by_act = moved, playhead, by_act
        if view is not None:
            self.view, self.device = view.name, view.device
            self.at_end = view.summary()["at_end"]

    @property
    def finished(self):
        if not self.watched:
            return False
        if self.playhead is None or self.at_end or self.moved <= self.watched_at:
            return True
        line = self.credits
        if not line and self.duration:
            line = self.duration * self.rules.finish_percent // 100
        return bool(line) and self.playhead >= line

    @property
    def resume(self):
        return None if self.finished else self.playhead

    @property
    def known(self):
        return self.playhead is not None or self.watched_at != NEVER or self.hidden_by_act

    @property
    def touched(self):
        """When it last moved or was watched."""
        return max(self.moved if self.moved is not None else NEVER,
                   self.watched_at if self.watched else NEVER)

    def played_enough(self):
        if self.by_act:
            return True  # a position set by hand is the viewer's own will
        return (self.played >= self.rules.resume_min_ms
                or bool(self.duration)
                and self.played * 100 >= self.duration * self.rules.resume_min_percent)

    def can_resume(self):
        return not self.hidden and self.resume is not None and self.played_enough()

    def item(self):
        at = self.moved
        if self.playhead is None:
            at = self.watched_at if self.watched_at != NEVER else self.hidden_at
            at = None if at == NEVER else at
        return {
            "title": self.name, "series": self.series, "playhead_ms": self.resume,
            "duration_ms": self.duration, "finished": self.finished, "watched": self.watched,
            "watched_at": text_of(self.watched_at) if self.watched else None,
            "hidden": self.hidden, "view": self.view, "device": self.device, "at": text_of(at),
        }


class Account:
    def __init__(self, rules=Rules()):
        self.rules = rules
        self.views = {}
        self.acts = {}  # (profile, title) -> acts

    # ---- what happens, in the order of arrival ----

    def report(self, report, arrival):
        """The kind of problem it is refused with, or None."""
        view = self.views.get(report["view"])
        if view is None:
            view = View(self.rules, report["view"], report)
            refused = view.take(report, arrival)
            if refused is None:
                self.views[view.name] = view
            return refused
        same = (view.profile == report["profile"] and view.title == report["title"]
                and view.kind == report.get("kind", "on_demand")
                and view.record == report.get("record", True))
        return view.take(report, arrival) if same else "view-conflict"

    def act(self, profile, acts, arrival):
        for act in acts:
            kept = act | {"at": min(ms_of(act["at"]), arrival)}
            self.acts.setdefault((profile, act["title"]), []).append(kept)

    def terminate(self, name, at, by_device=None):
        view = self.views[name]
        if view.terminated_at is None or at < view.terminated_at:
            view.terminated_at, view.ended_by = at, by_device
        view.active = False

    def replace(self, name, at, by_device):
        view = self.views[name]
        view.replaced_at, view.ended_by = at, by_device
        view.active = False

    def delete(self, name):
        view = self.views[name]
        found = view.record and not view.deleted
        view.deleted = view.deleted or found
        return found

    # ---- answers ----

    def viewers(self, now):
        items = [view.viewer() for view in self.views.values() if view.is_active(now)]
        return sorted(items, key=lambda item: (item["started_at"], item["view"]))

    def history(self, profile, now, everything=False):
        views = [view for view in self.views.values()
                 if view.profile == profile and view.record and not view.deleted
                 and (everything or view.qualified_at is not None)]
        views.sort(key=lambda view: (-view.keyed_start, view.name))
        return [view.entry(now) for view in views]

    def titles(self, profile):
        """By name, those that have any register."""
        of_title = {}
        for view in self.views.values():
            if view.profile == profile and view.counts():
                of_title.setdefault(view.title, []).append(view)
        names = set(of_title) | {title for owner, title in self.acts if owner == profile}
        return {name: Title(self.rules, name, of_title.get(name, []),
                            self.acts.get((profile, name), [])) for name in sorted(names)}

    def progress(self, profile):
        return [title.item() for title in self.titles(profile).values() if title.known]

    def continue_watching(self, profile):
        titles = self.titles(profile)
        rows, series = [], {}
        for title in titles.values():
            if title.series:
                series.setdefault(title.series, []).append(title)
            elif title.can_resume():
                rows.append(_row(title, "resume", title.moved))
        for episodes in series.values():
            row = self._series_row(episodes, titles)
            if row:
                rows.append(row)
        rows.sort(key=lambda row: row["title"])
        rows.sort(key=lambda row: row["at"], reverse=True)
        return rows

    def _series_row(self, episodes, titles):
        """The episode moved or watched last decides."""
        seen = [one for one in episodes
                if one.touched != NEVER and (one.played_enough() or one.watched)]
        if not seen:
            return None
        last = max(seen, key=lambda one: one.touched)
        if last.can_resume():
            return _row(last, "resume", last.moved)
        if last.finished and last.next_title:
            after = titles.get(last.next_title)
            if after is None or not (after.watched or after.hidden):
                after = after or Title(self.rules, last.next_title, [], [])
                return _row(after, "next", last.touched, last.series)
        unfinished = [one for one in episodes if one.can_resume()]
        if not unfinished:
            return None
        last = max(unfinished, key=lambda one: one.touched)
        return _row(last, "resume", last.moved)


def _row(title, reason, at, series=None):
    row = title.item() | {"at": text_of(at), "reason": reason}
    if series:
        row["series"] = series
    return row
