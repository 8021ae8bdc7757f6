"""What restore refuses, and that a refusal changes nothing."""

import pytest

from backup.kit import answers, back_up, config_of, refused, restore, run
from harness.rights import household


@pytest.fixture
def backed_up(launch, backups, account):
    """A server with one backup of `account`."""
    server = launch(config=config_of(backups))
    household(server, account)
    back_up(server)
    return server


def bytes_of(directory):
    return {path.relative_to(directory): path.read_bytes() for path in directory.rglob("*")
            if path.is_file() and path.name != "LOG"}


def test_a_directory_that_a_server_uses(backed_up, backups):
    said = refused("restore", "--from", backups, "--data", backed_up.data, "--replace")
    assert "in use by another playhead" in said
    assert backed_up.stop() == 0


def test_a_directory_that_holds_data(backed_up, backups):
    assert backed_up.stop() == 0
    before = bytes_of(backed_up.data)
    assert "--replace" in refused("restore", "--from", backups, "--data", backed_up.data)
    assert bytes_of(backed_up.data) == before
    restore(backups, backed_up.data, "--replace")


def test_what_is_no_backup(backed_up, backups, tmp_path):
    data = tmp_path / "data"
    assert "no backup 7" in refused("restore", "--from", backups, "--data", data, "--backup", 7)
    assert "no backup in" in refused("restore", "--from", tmp_path / "nowhere", "--data", data)
    assert "no backup in" in refused("backups", "--from", tmp_path / "nowhere")
    refused("restore", "--from", backups, code=2)
    assert not data.exists()


@pytest.mark.parametrize("damage", ["a byte", "cut short", "gone"])
def test_a_damaged_backup(backed_up, backups, damage, account):
    assert backed_up.stop() == 0
    before = bytes_of(backed_up.data)
    table = max((backups / "shared_checksum").glob("*.sst"), key=lambda path: path.stat().st_size)
    content = bytearray(table.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "gone":
        table.unlink()
    else:
        table.write_bytes(content if damage == "a byte" else content[:-1])
    said = refused("restore", "--from", backups, "--data", backed_up.data, "--backup", 1, "--replace")
    assert "damaged" in said or "no backup" in said
    assert bytes_of(backed_up.data) == before
    backed_up.start()
    assert answers(backed_up, account)["p1"]["history"]["items"]


@pytest.mark.parametrize("lost", ["MANIFEST-*", "CURRENT"])
@pytest.mark.parametrize("part", ["store", "journal"])
def test_data_that_can_not_tell_what_was_erased(backed_up, backups, part, lost):
    assert backed_up.stop() == 0
    file = next((backed_up.data / part).glob(lost))
    file.unlink() if lost == "CURRENT" else file.write_bytes(file.read_bytes()[:10])
    said = refused("restore", "--from", backups, "--data", backed_up.data, "--replace")
    assert "--despite-damage" in said and "--receipts" in said
    done = run("restore", "--from", backups, "--data", backed_up.data, "--replace", "--despite-damage")
    assert done.returncode == 0 and "warning" in done.stderr
    backed_up.start()
