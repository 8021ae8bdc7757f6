"""Goal: docs/tls.md says what is so. Its examples are run in order, in a directory of their own, against
a server with the file that the page shows and the certificate that its first example makes.
"""

import ssl
import types

from docs.readme import Shell, blocks_not_run, blocks_of, examples_of, faults_of_all
from harness import Server
from harness.server import ROOT

PAGE = (ROOT / "docs/tls.md").read_text()
EXAMPLES_MIN = 4


def test_every_example_of_the_page_does_what_it_says(tmp_path):
    first, *rest = examples_of(PAGE)
    assert len(rest) >= EXAMPLES_MIN - 1
    [config] = [body for _, _, language, body in blocks_of(PAGE) if language == "toml"]
    for name in ("certificate.pem", "key.pem"):
        assert f'"{name}"' in config
        config = config.replace(f'"{name}"', f'"{tmp_path}/{name}"')
    server = Server(tmp_path / "server", config, start=False)
    shell = Shell(server, tmp_path, working_directory=tmp_path)
    server.ports = [0]  # the first example makes the certificate, and asks no server
    assert shell.run(first) == []
    server.tls = types.SimpleNamespace(certificate=tmp_path / "certificate.pem")
    server.context = ssl.create_default_context(cafile=server.tls.certificate)
    server.start()
    try:
        faults = faults_of_all(shell, rest)
        assert not faults, faults
        assert shell.close() == [] and server.stop() == 0
    finally:
        shell.close()
        server.close()


def test_every_block_of_commands_is_run():
    assert blocks_not_run(PAGE) == []
