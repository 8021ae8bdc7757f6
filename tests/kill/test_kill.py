"""Goal: what was acknowledged survives kill -9, and the check that says so can fail.

The whole campaign is a command, tests/kill/run; here a short one, and broken servers that it must
catch. A kill shows replay; only the simulated disk shows the sync.
"""

import os
import random

import pytest

from kill.campaign import Campaign

RUNS = 5


@pytest.fixture
def campaign(tmp_path):
    seed = int(os.environ.get("PLAYHEAD_SEED", random.SystemRandom().randrange(1_000_000)))
    print(f"seed {seed}")
    one = Campaign(tmp_path, seed)
    one.start()
    yield one
    one.close()


def test_nothing_acknowledged_is_lost_by_kill_9(campaign):
    for _ in range(RUNS):
        figures = campaign.load_and_kill(campaign.draw.uniform(0.4, 2.5))
        assert figures["acknowledged_reports"] > 0
        campaign.start()
        assert campaign.check() == []
    assert campaign.compared > 0


def test_a_journal_that_lost_its_tail_is_reported(campaign):
    campaign.load_and_kill(1.5)
    logs = sorted((campaign.server.data / "journal").glob("*.log"))
    newest = [log for log in logs if log.stat().st_size > 0][-1]
    size = newest.stat().st_size
    os.truncate(newest, size - min(size // 2, 50_000))
    campaign.server.start()
    faults = campaign.check()
    assert any("LOST" in fault for fault in faults), faults[:20]


def test_a_report_that_nobody_sent_is_reported(campaign):
    campaign.load_and_kill(0.5)
    campaign.server.start()
    name = max(campaign.touched, key=lambda name: campaign.views[name].acknowledged_at)
    _, _, report = campaign.views[name].waiting[-1]
    stranger = report | {"at": "2020-01-01T00:00:00Z", "sequence": 9}
    del stranger["at"]
    from harness import at
    assert campaign.server.post_reports(stranger | {"at": at()}).status == 204
    faults = campaign.check()
    assert any("NOT SENT" in fault and name in fault for fault in faults), faults[:20]


def test_a_report_lost_in_the_middle_is_reported(campaign):
    campaign.load_and_kill(1.0)
    campaign.server.start()
    # As if a report had been sent, and lost, between two that were applied: one whose duration the
    # last one did not say over.
    name = next(name for name in sorted(campaign.touched)
                if len(campaign.views[name].waiting) >= 2
                and campaign.views[name].acknowledged_at == campaign.views[name].sent_at
                and "duration_ms" not in campaign.views[name].waiting[-1][2]
                and "kind" not in campaign.views[name].waiting[-1][2])
    waiting = campaign.views[name].waiting
    before, _, report = waiting[-2]
    lost = report | {"state": "paused", "duration_ms": 7_000_000, "at": campaign_time(before + 1)}
    waiting.insert(-1, (before + 1, before + 1, lost))
    faults = campaign.check()
    assert any(name in fault and "duration_ms" in fault for fault in faults), (name, waiting, faults[:20])


def campaign_time(ms):
    from oracle.fold import text_of
    return text_of(ms)
