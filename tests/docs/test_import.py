"""Goal: docs/import.md says what is so. Its examples are run in order, against a server of their own."""

from docs.readme import Shell, blocks_of, examples_of
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
        faults = [f"{example}: {fault}" for example in examples for fault in shell.run(example)]
        assert not faults, "\n".join(faults)
        assert shell.close() == [] and server.stop() == 0
    finally:
        shell.close()
        server.close()


def test_every_block_of_commands_is_run():
    run = {example.line for example in examples_of(PAGE)}
    assert [opened for opened, _, language, _ in blocks_of(PAGE) if language == "sh" and opened not in run] == []
