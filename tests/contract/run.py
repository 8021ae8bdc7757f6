"""Asks a live server whatever the contract allows, and some things that it doesn't.

A server of its own on a free port, a few accounts that have watched something, then schemathesis
over api/openapi.yaml with the settings of schemathesis.toml and hooks.py. Prints, last,
`N passed, N failed`: operations by phase. Arguments go to schemathesis.
"""

import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as tree

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from harness import Server, watch  # noqa: E402

# A limit that one example's view reaches would refuse all others.
CONFIG = "[auth]\nstream_limit = 0\n"
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
    code = subprocess.run(command, cwd=HERE, timeout=SECONDS_MAX).returncode
    return code, report


def main(arguments):
    with tempfile.TemporaryDirectory(prefix="playhead-contract-") as directory:
        server = Server(directory, CONFIG)
        try:
            seed(server)
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
