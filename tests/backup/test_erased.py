"""Goal: what was erased does not come back with an older backup: not in an answer, not in a byte on the
disk, not by a late report.
"""

import json
import uuid

import pytest

from backup.kit import answers, back_up, checked, config_of, refused, restore
from harness import assert_problem, fresh, report
from harness.rights import erase, everything, household, traces

PLAIN = """
[store]
compression = "none"
"""


class Erased:
    """A server with backup 1 of two accounts, and what of it was erased since, with its receipt."""

    def __init__(self, launch, backups, of, base=PLAIN):
        self.of, self.backups = of, backups
        self.server = launch(config=config_of(backups, base=base))
        self.account, self.kept = str(uuid.uuid4()), fresh("kept")
        ids = household(self.server, self.account)
        household(self.server, self.kept)
        self.gone = [*ids["p1"], *ids["p2"], self.account] if of == "account" else ids["p1"]
        self.profiles = ("p1", "p2") if of == "account" else ("p1",)
        self.old = report(self.account, at=-3600, view="late")
        assert back_up(self.server)["id"] == 1
        self.before = {one: answers(self.server, one) for one in (self.account, self.kept)}
        self.receipt = erase(self.server, self.account, None if of == "account" else "p1")
        assert len(self.receipt["mark"]) == (36 if of == "account" else 68)

    def assert_gone(self, serve, data):
        assert traces(data, self.gone) == set()
        assert traces(data, [self.kept]), "nobody erased that"
        assert checked(data)["sound"]
        server = serve(data)
        assert_problem(server.post_reports(self.old), 410, "erased")
        for profile in self.profiles:
            assert [one for one in everything(server, self.account, profile) if one.get("profile") != "p2"] == []
        assert answers(server, self.kept) == self.before[self.kept]
        if self.of == "profile":
            assert everything(server, self.account, "p2") != []
        assert server.stop() == 0
        assert traces(data, self.gone) == set()


@pytest.fixture(params=["account", "profile"])
def erased(request, launch, backups):
    return Erased(launch, backups, request.param)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_the_data_that_is_replaced_knows(erased, serve, end):
    # After a kill only the journal does.
    getattr(erased.server, end)()
    said = restore(erased.backups, erased.server.data, "--backup", 1, "--replace")
    assert "1 erasures applied again, 1 of them" in said and "are deleted" in said
    erased.assert_gone(serve, erased.server.data)


def test_a_newer_backup_knows(erased, serve, tmp_path):
    assert back_up(erased.server)["id"] == 2
    erased.server.kill()
    assert "1 erasures applied again" in restore(erased.backups, tmp_path / "data", "--backup", 1)
    erased.assert_gone(serve, tmp_path / "data")


def test_receipts_know(erased, serve, tmp_path):
    receipts = tmp_path / "erased.ndjson"
    other = {"mark": "0fff" + "ab" * 16, "erased_at": "2026-11-23T20:15:31.000Z", "gone_by": "2026-11-23T20:25:31.000Z"}
    receipts.write_text(json.dumps(erased.receipt) + "\n" + json.dumps(other) + "\n")
    more = tmp_path / "more.json"
    more.write_text(json.dumps([other, erased.receipt], indent=1))
    erased.server.kill()
    said = restore(erased.backups, tmp_path / "data", "--receipts", receipts, "--receipts", more)
    assert "2 erasures applied again, 1 of them to data in the backup; 2 are known of" in said
    assert checked(tmp_path / "data")["store"]["erasures"] == 2
    erased.assert_gone(serve, tmp_path / "data")


def test_what_nobody_tells_of_comes_back(erased, serve, tmp_path):
    """Else the other tests would show nothing."""
    erased.server.kill()
    assert "0 erasures applied again" in restore(erased.backups, tmp_path / "data")
    assert traces(tmp_path / "data", erased.gone)
    assert answers(serve(tmp_path / "data"), erased.account) == erased.before[erased.account]


def test_a_backup_from_after_the_erasure_holds_only_traces_and_they_go(erased, serve, tmp_path):
    back_up(erased.server)
    erased.server.kill()
    assert "0 erasures applied again" in restore(erased.backups, tmp_path / "data")
    erased.assert_gone(serve, tmp_path / "data")


@pytest.mark.parametrize("text", ["{}", "nonsense", "[1]", '{"mark": "00", "erased_at": "2026-11-23T20:15:31.000Z"}',
                                  '{"mark": "0FFF%s", "erased_at": "2026-11-23T20:15:31Z"}' % ("ab" * 16),
                                  '{"mark": "0fff%s", "erased_at": "today"}' % ("ab" * 16),
                                  '{"mark": "0fff%s", "erased_at": "2026-11-23T20:15:31.000Z"}{"ma' % ("ab" * 16)])
def test_a_file_that_holds_no_receipts_is_refused(launch, backups, tmp_path, text):
    back_up(launch(config=config_of(backups)))
    receipts = tmp_path / "receipts"
    receipts.write_text(text)
    said = refused("restore", "--from", backups, "--data", tmp_path / "data", "--receipts", receipts)
    assert str(receipts) in said and "document" in said
    assert not (tmp_path / "data").exists()
