"""Goal: docs/backup.md says what is so. Its examples are run in order, in a directory of their own,
against a server with the file that the page shows.
"""

from docs.readme import Shell, blocks_not_run, blocks_of, examples_of, faults_of_all
from harness.server import ROOT

PAGE = (ROOT / "docs/backup.md").read_text()


def test_every_example_of_the_page_does_what_it_says(launch, tmp_path):
    examples = examples_of(PAGE)
    assert len(examples) >= 8
    [config] = [body for _, _, language, body in blocks_of(PAGE) if language == "toml"]
    assert '"./backups"' in config
    server = launch(config=config.replace('"./backups"', f'"{tmp_path}/backups"'))
    shell = Shell(server, tmp_path, working_directory=tmp_path)
    try:
        faults = faults_of_all(shell, examples)
        assert not faults, faults
    finally:
        shell.close()


def test_every_block_of_commands_is_run():
    assert blocks_not_run(PAGE) == []
