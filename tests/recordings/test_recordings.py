"""Goal: what real players reported is what the server answers, second by second.

Method: `playhead replay` posts the recordings in real time, all at once, each for an account of its
own, through a relay that knows what has been acknowledged. Every second the answers are held against
an independent reading of those records, and against the truth that was filmed beside them.
"""

import subprocess
import threading
import time

import pytest

from harness import Server, at, binary, eventually, fresh, watch
from recordings.recording import Recording, Told, records_of
from recordings.relay import Relay

PLAIN = ["dashjs-1", "hlsjs-1", "shaka-1"]
KNOWN_MS = 30_000
EXPIRY_S = 12
# The recordings are 67 s long; twice that means that replay hangs.
REPLAY_TIMEOUT_S = 140


class Run:
    """One recording on its way, and what was seen while it was."""

    def __init__(self, server, run, *flags):
        self.server = server
        self.recording = Recording(run)
        self.account = fresh(run)
        self.relay = Relay(server)
        self.told = Told()
        self.counted = 0
        self.samples = 0
        self.states = set()
        self.failure = None
        self.command = [binary(), "replay", str(self.recording.path), "--server", self.relay.url, "--account",
                        self.account, "--profile", "p1", "--device", "tv-1", *flags]

    def replay(self):
        """Runs `playhead replay` to its end."""
        done = subprocess.run(self.command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=REPLAY_TIMEOUT_S)
        assert done.returncode == 0, done.stdout + done.stderr

    def catch_up(self):
        """Reads what was forwarded since the last sample; the gate is held."""
        for one in self.relay.forwarded[self.counted:]:
            assert one.answer.status == 204, one.answer
            wanted = len(records_of(one.body))
            assert one.answer.header("playhead-accepted") == str(wanted), (one.body, one.answer)
            self.told.add(one.body)
        self.counted = len(self.relay.forwarded)

    def sample(self):
        with self.relay.gate:
            self.catch_up()
            if self.counted == 0:
                return
            viewers = self.server.viewers(self.account)
            progress = self.server.progress(self.account, self.recording.title)
        self.samples += 1
        self.check_viewers(viewers)
        self.check_truth(viewers)
        self.check_progress(progress)

    def check_viewers(self, viewers):
        shown = [(one["view"], one["title"], one["profile"], one["device"], one["state"]) for one in viewers]
        mine = (self.recording.view, self.recording.title, "p1", "tv-1", self.told.state)
        assert shown == ([mine] if self.told.active else []), f"after {self.told.records[-1]}"
        self.states |= {one["state"] for one in viewers}

    def check_truth(self, viewers):
        """A player that reports its states is shown as what it really did between two requests."""
        if self.recording.run not in ("dashjs-1", "hlsjs-1") or self.counted >= len(self.recording.posts):
            return
        since, until = (self.recording.posts[place][0] for place in (self.counted - 1, self.counted))
        for truth in self.recording.steady_states(since, until):
            [viewer] = viewers
            # dash.js stays "seeking" from a seek while paused until it plays.
            assert viewer["state"] == truth or (truth, viewer["state"]) == ("paused", "seeking"), (truth, viewer)

    def check_progress(self, progress):
        """A player that tells no position moves none. Who watched to the end has finished; the
        position is remembered (see the end of the run)."""
        if self.recording.run not in PLAIN:
            return
        expected = (None, True) if self.told.completed else (KNOWN_MS, False)
        assert (progress["playhead_ms"], progress["finished"]) == expected, progress

    def watch_over(self):
        """Samples each second until the replay has ended and the view with it, or failed."""
        replay = threading.Thread(target=self._guarded, args=(self.replay,))
        replay.start()
        while replay.is_alive() and self.failure is None:
            self._guarded(self.sample)
            replay.join(1)
        replay.join()
        if self.failure is None:
            self._guarded(self.see_it_end)
        self.relay.close()

    def see_it_end(self):
        self.sample()
        assert self.counted == len(self.recording.posts), "every request of the recording"
        fallen_silent_s = self.relay.forwarded[-1].moment_s
        while self.told.active and time.monotonic() < fallen_silent_s + EXPIRY_S - 2:
            self.sample()
            time.sleep(1)
        eventually(lambda: self.server.viewers(self.account) == [], "the silent view has expired")

    def _guarded(self, step):
        try:
            step()
        except BaseException as error:  # noqa: BLE001: raised again by the test
            self.failure = self.failure or error


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """All four recordings, played at once; by name."""
    server = Server(tmp_path_factory.mktemp("recordings"), f"[shard]\ncmcd_expiry_ms = {EXPIRY_S * 1000}\n")
    made = {run: Run(server, run) for run in [*PLAIN, "videoreporter-1"]}
    for run in PLAIN:
        one = made[run]
        watch(server, one.account, one.recording.title, since_s=1_000, for_s=KNOWN_MS / 1000, duration_ms=90_000)
    threads = [threading.Thread(target=one.watch_over) for one in made.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield made
    server.close()


@pytest.mark.parametrize("run", [*PLAIN, "videoreporter-1"])
def test_viewers_and_states_are_right_at_every_second(runs, run):
    one = runs[run]
    if one.failure is not None:
        raise one.failure
    assert one.samples > 60, "a sample a second"
    wanted = {"starting"} if run == "shaka-1" else {"playing", "paused"}
    assert wanted <= one.states, one.states


@pytest.mark.parametrize("run", PLAIN)
def test_a_known_position_is_never_changed_by_a_plain_player(runs, run):
    one = runs[run]
    if one.failure is not None:
        raise one.failure
    title = one.recording.title
    assert one.told.completed == (run != "shaka-1"), "two of them watched to the end"
    act = [{"title": title, "at": at(), "watched": False}]
    assert one.server.patch_progress(one.account, act).status == 204
    progress = one.server.progress(one.account, title)
    assert (progress["playhead_ms"], progress["finished"]) == (KNOWN_MS, False)


def assert_resumes_where_it_was(server, account, recording):
    last = recording.last_record()
    truth_ms = recording.position_ms_at(int(last["ts"]))
    progress = server.progress(account, recording.title)
    assert progress is not None and progress["playhead_ms"] is not None, progress
    assert abs(progress["playhead_ms"] - truth_ms) <= 50, (progress, truth_ms)
    assert progress["view"] == recording.view


def test_a_reporting_player_resumes_within_50_ms_of_the_truth(runs):
    one = runs["videoreporter-1"]
    if one.failure is not None:
        raise one.failure
    assert_resumes_where_it_was(one.server, one.account, one.recording)
    progress = one.server.progress(one.account, one.recording.title)
    assert progress["watched"] is True, "it had been watched to the end before"
    [entry] = one.server.history(one.account)["items"]
    assert (entry["view"], entry["end_reason"], entry["finished"]) == (one.recording.view, "stopped", True)


@pytest.mark.parametrize("run", [*PLAIN, "videoreporter-1", "batch-hlsjs", "destroy-dashjs"])
def test_a_fast_replay_gives_the_same_last_answers(server, run):
    one = Run(server, run, "--fast")
    one.replay()
    one.catch_up()
    one.relay.close()
    assert one.counted == len(one.recording.posts)
    viewers = server.viewers(one.account)
    assert [(viewer["view"], viewer["state"]) for viewer in viewers] == (
        [(one.recording.view, one.told.state)] if one.told.active else [])
    if run == "videoreporter-1":
        assert_resumes_where_it_was(server, one.account, one.recording)
    else:
        progress = server.progress(one.account, one.recording.title)
        assert progress is None or progress["playhead_ms"] is None, "no position was told"
