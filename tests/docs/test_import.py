"""Goal: docs/import.md says what is so. Its examples are run in order, against a server of their own."""

from docs.readme import Shell, blocks_not_run, examples_of, faults_of_all
from harness import Server
from harness.server import ROOT

PAGE = (ROOT / "docs/import.md").read_text()
EXAMPLES_MIN = 7


def test_every_example_of_the_page_does_what_it_says(tmp_path):
    examples = examples_of(PAGE)
    assert len(examples) >= EXAMPLES_MIN
    server = Server(tmp_path / "server")
    shell = Shell(server, tmp_path, working_directory=tmp_path)
    try:
        faults = faults_of_all(shell, examples)
        assert not faults, faults
        assert shell.close() == [] and server.stop() == 0
    finally:
        shell.close()
        server.close()


def test_every_block_of_commands_is_run():
    assert blocks_not_run(PAGE) == []
