"""Goal: docs/privacy.md does what it says. Its examples are run in order against a server of their own."""

from docs.readme import Shell, blocks_not_run, examples_of, faults_of_all
from harness.server import ROOT

PAGE = (ROOT / "docs/privacy.md").read_text()


def test_every_example_of_the_page_does_what_it_says(launch, tmp_path):
    examples = examples_of(PAGE)
    assert len(examples) >= 4
    shell = Shell(launch(), tmp_path, working_directory=tmp_path)
    try:
        faults = faults_of_all(shell, examples)
        assert not faults, faults
    finally:
        shell.close()


def test_every_block_of_commands_is_run():
    assert blocks_not_run(PAGE) == []
