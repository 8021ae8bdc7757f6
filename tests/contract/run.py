"""Asks a live server whatever the contract allows, and some things that it doesn't.

A server of its own on a free port, a few accounts that have watched something, then schemathesis
over api/openapi.yaml with the settings of schemathesis.toml and hooks.py. Prints, last,
`N passed, N failed`: operations by phase. Arguments go to schemathesis, but for the first if it is
--token KIND: then the server has keys, and every request shows a token of that kind (viewer, of
acct-1; service; operator).
"""

import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as tree

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from access.tokens import key_set, token  # noqa: E402
from harness import Server, watch  # noqa: E402

# A limit that one example's view reaches would refuse all others.
CONFIG = "[auth]\nstream_limit = 0\naccount_requests_per_s_max = 0\n"
# What each kind of token says besides.
CLAIMS = {"viewer": {"account": "acct-1", "delete": True}, "service": {}, "operator": {}}
# A hang is a failure that says so; script/test gives a stage more than this.
SECONDS_MAX = 600


def seed(server):
    """What the contract's examples ask for, and an account whose ids are drawn often."""
    for account in ("acct-1", "0"):
        for profile, title, series, state in (("p1", "got-s01e01", "got", "playing"),
                                              ("p1", "film-7", None, "completed"),
                                              ("p2", "film-7", None, "stopped")):
            watch(server, account, title, since_s=900, for_s=600, state=state, profile=profile,
                  series=series, view=f"v-{profile}-{title}", duration_ms=3_300_000)
    watch(server, "acct-1", "got-s01e01", since_s=300, for_s=200, state="playing", series="got",
          view="v-1")
    watch(server, "acct-1", "film-7", since_s=300, for_s=200, profile="p2", view="v-7",
          state="playing")


def ask(server, arguments):
    """schemathesis' exit code and its report by operations."""
    report = ROOT / "build/logs/schemathesis.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    command = [pathlib.Path(sys.executable).with_name("schemathesis"), "--config-file",
               HERE / "schemathesis.toml", "run", ROOT / "api/openapi.yaml", "--url", server.url,
               "--report-junit-path", report, *arguments]
    if server.token is not None:
        command += ["--header", f"Authorization: Bearer {server.token}"]
    code = subprocess.run(command, cwd=HERE, timeout=SECONDS_MAX).returncode
    return code, report


def main(arguments):
    kind = None
    if arguments[:1] == ["--token"]:
        _, kind, *arguments = arguments
    with tempfile.TemporaryDirectory(prefix="playhead-contract-") as directory:
        config = CONFIG
        if kind is not None:
            keys = pathlib.Path(directory) / "keys.json"
            keys.write_text(key_set())
            config += f'keys_file = "{keys}"\n'
        config += f'[backup]\ndirectory = "{directory}/backups"\n'
        server = Server(directory, config)
        try:
            if kind is not None:
                server.token = token("service")
            seed(server)
            if kind is not None:
                server.token = token(kind, **CLAIMS[kind])
            code, report = ask(server, arguments)
            assert server.stop() == 0, server.log_text()[-4000:]
        finally:
            server.close()
    cases = list(tree.parse(report).iter("testcase"))
    bad = sum(1 for case in cases if case.find("failure") is not None or case.find("error") is not None)
    bad = max(bad, 1 if code or not cases else 0)
    print(f"{len(cases) - bad} passed, {bad} failed")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
