"""Has testssl.sh look for what is wrong with the TLS of a server, and first of all with one where it is.

Two servers, one with an EC certificate and one with an RSA one, are looked at in every respect that
testssl.sh knows; beside them a server of OpenSSL's own that is weak on purpose, to see that what is
wrong would be found. All at once: a scan mostly waits. Prints, last, `N passed, N failed`: findings.
"""

import argparse
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from harness import Server, eventually  # noqa: E402
from harness.tls import Authority, NAME  # noqa: E402

# testssl.sh's own words, from the best to the worst. WARN: it could not look.
HARMLESS = {"OK", "INFO", "LOW", "DEBUG"}
# Findings, by id, about the certificate's issuer: no server can do anything about them. Everything else must be harmless.
EXEMPT = {
    "cert_revocation": "the tests' authority publishes neither a list of revoked certificates nor an OCSP address",
}
# A scan that ends early says little: both said 136 or more when this was written.
FINDINGS_MIN = 100
# Of each of these at least one is there, by the beginning of its id, or a part was not looked at.
PARTS = ("SSLv3", "TLS1_2", "TLS1_3", "cipherlist_NULL", "cert_chain_of_trust", "HSTS", "heartbleed", "ROBOT",
         "secure_client_renego", "CRIME_TLS", "POODLE_SSL", "SWEET32", "LUCKY13", "RC4", "PFS")
# Ciphers without encryption, and none that is forward secret.
WEAK = ["-tls1_2", "-cipher", "NULL-SHA256:AES128-SHA:@SECLEVEL=0"]
# A scan takes 45 s on an idle machine; script/test gives a stage more than this.
SECONDS_MAX = 500


def weak_server(pair):
    """OpenSSL's own server, as nobody should run it; its process and port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", pair.certificate, "-key", pair.key, "-www",
         "-quiet", *WEAK], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listens():
        assert process.poll() is None, "the weak server has ended"
        with socket.socket() as look:
            return look.connect_ex(("127.0.0.1", port)) == 0

    eventually(listens, "the weak server listens")
    return process, port


def start_scan(directory, name, port, authority, *checks):
    """Starts testssl.sh; its process and where its findings will be."""
    found = directory / f"{name}.json"
    program = shutil.which("testssl") or shutil.which("testssl.sh")
    assert program, "testssl.sh is missing; script/bootstrap --tests installs it"
    with open(directory / f"{name}.txt", "wb") as said:
        process = subprocess.Popen(
            [program, "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--ip", "127.0.0.1",
             "--add-ca", str(authority.path), "--jsonfile", str(found), *checks,
             f"https://{NAME}:{port}/livez"], stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
    return process, found


def findings_of(scan):
    process, found = scan
    process.wait(SECONDS_MAX)
    return json.loads(found.read_text())


def bad_of(findings):
    return [one for one in findings if one["severity"] not in HARMLESS and one["id"] not in EXEMPT]


def judge(name, findings):
    """How many findings pass, and what is wrong, in words."""
    wrong = [f"{name}: {one['severity']} {one['id']}: {one['finding']}" for one in bad_of(findings)]
    if len(findings) < FINDINGS_MIN:
        wrong.append(f"{name}: only {len(findings)} findings: that was no whole scan")
    ids = [one["id"] for one in findings]
    wrong += [f"{name}: nothing about {part}" for part in PARTS if not any(id_.startswith(part) for id_ in ids)]
    return len(findings) - len(bad_of(findings)), wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=pathlib.Path)
    keep = parser.parse_args().keep
    passed, wrong, servers, processes = 0, [], [], []
    with tempfile.TemporaryDirectory(prefix="playhead-testssl-") as temporary:
        directory = keep or pathlib.Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        authority = Authority(pathlib.Path(temporary) / "authority")
        try:
            scans = {}
            for kind in ("ec", "rsa"):
                servers.append(Server(pathlib.Path(temporary) / kind, tls=authority.pair(kind, kind=kind)))
                scans[kind] = start_scan(directory, kind, int(servers[-1].port), authority)
                processes.append(scans[kind][0])
            weak, port = weak_server(authority.pair("weak", kind="rsa"))
            processes.append(weak)
            caught = start_scan(directory, "weak", port, authority, "--std", "--pfs")
            processes.append(caught[0])
            for kind, scan in scans.items():
                good, bad = judge(kind, findings_of(scan))
                passed += good
                wrong += bad
            found = {one["id"] for one in bad_of(findings_of(caught))}
            for expected in ("cipherlist_NULL", "PFS"):
                passed += expected in found
                wrong += [] if expected in found else [f"the weak server's {expected} was not found: {sorted(found)}"]
            for server in servers:
                assert server.stop() == 0, server.log_text()[-4000:]
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
                process.wait()
            for server in servers:
                server.close()
    for line in wrong:
        print(line)
    print(f"{passed} passed, {len(wrong)} failed")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
