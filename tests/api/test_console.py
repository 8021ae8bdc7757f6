"""The console's files and the demo titles: headers, parts, and what must never come out of them."""

import json
import re
import subprocess

import pytest

from harness import RawConnection, Server, assert_problem, binary, report
from harness.raw import request_bytes
from harness.server import PATIENCE_S

PART_BYTES_MAX = 256 * 1024
FILM = bytes(range(256)) * 2048  # 512 KiB
PARTS = ("/console/console.js", "/console/console.css", "/console/icon.svg")


@pytest.fixture(scope="module")
def demo_dir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("demo")
    (directory / "titles.json").write_text(json.dumps({"titles": [{"id": "film", "name": "Film", "media": "film.mp4"}]}))
    (directory / "film.mp4").write_bytes(FILM)
    (directory / "short.jpg").write_bytes(b"0123456789")
    (directory / "made-by").write_text("a script")
    (directory / "below").mkdir()
    (directory / "below" / "film.mp4").write_bytes(b"below")
    return directory


@pytest.fixture(scope="module")
def showing(demo_dir, tmp_path_factory):
    """A server with demo titles."""
    running = Server(tmp_path_factory.mktemp("showing"), arguments=["--demo", str(demo_dir)])
    yield running
    running.close()


def ranged(server, path, value):
    return server.request("GET", path, headers={"Range": value})


# ---- The page -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", *PARTS, "/console/about.json"])
def test_the_consoles_files_keep_the_page_in(server, path):
    answer = server.request("GET", path)
    assert answer.status == 200
    policy = answer.header("content-security-policy")
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy and "http" not in policy
    assert "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("referrer-policy") == "no-referrer"


def test_the_page_names_its_parts_by_their_contents(server):
    page = server.request("GET", "/").body.decode()
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sorted(name.split("?")[0] for name in named) == sorted(PARTS)
    for name in named:
        assert re.search(r"\?v=[0-9a-f]{12}$", name)
        assert server.request("GET", name).header("cache-control") == "public, max-age=31536000, immutable"
    assert server.request("GET", "/").header("cache-control") == "no-cache"


@pytest.mark.parametrize("name", ["no-such-file", "index.html", "console.js.gz", "%2e%2e", "..%2f..%2fetc%2fpasswd"])
def test_there_are_no_other_parts(server, name):
    answer = server.request("GET", f"/console/{name}")
    assert answer.status in (400, 404)
    assert_problem(answer, answer.status)


def test_a_listener_for_operators_shares_the_console(launch):
    split = launch(arguments=["--admin-listen", "127.0.0.1:0"])
    public, operators = split.ports
    about = [json.loads(split.request("GET", "/console/about.json", port=port).body) for port in split.ports]
    assert about == [{"needs_token": False, "answers_viewing": True, "answers_operating": False},
                     {"needs_token": False, "answers_viewing": False, "answers_operating": True}]
    assert [split.request("GET", "/", port=port).status for port in split.ports] == [200, 200]
    assert split.request("GET", "/demo/titles.json", port=operators).status == 404
    assert split.request("GET", "/metrics", port=public).status == 404


# ---- Demo titles --------------------------------------------------------------------------------


def test_a_server_without_titles_has_a_list_of_none(server):
    answer = server.request("GET", "/demo/titles.json")
    assert answer.status == 200 and answer.json() == {"titles": []}
    assert_problem(server.request("GET", "/demo/film.mp4"), 404)


@pytest.mark.parametrize("value, first, last", [
    ("bytes=0-", 0, PART_BYTES_MAX - 1),
    ("bytes=0-0", 0, 0),
    ("bytes=100-199", 100, 199),
    ("bytes=524287-", 524_287, 524_287),
    ("bytes=524280-999999999", 524_280, 524_287),
    ("bytes=-8", 524_280, 524_287),
    ("bytes=1000-999999999999999999999999", 1000, 1000 + PART_BYTES_MAX - 1),
])
def test_a_part_is_what_was_asked_for_and_never_long(showing, value, first, last):
    answer = ranged(showing, "/demo/film.mp4", value)
    assert answer.status == 206
    assert answer.header("content-range") == f"bytes {first}-{last}/{len(FILM)}"
    assert answer.header("accept-ranges") == "bytes"
    assert answer.header("content-type") == "video/mp4"
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.body == FILM[first:last + 1]


@pytest.mark.parametrize("value", ["bytes=524288-", "bytes=-0", "bytes=99999999999999999999-"])
def test_a_part_beyond_the_end_is_refused(showing, value):
    answer = ranged(showing, "/demo/film.mp4", value)
    assert_problem(answer, 416)
    assert answer.header("content-range") == f"bytes */{len(FILM)}"


@pytest.mark.parametrize("value", ["bytes=5-2", "bytes=a-b", "bytes=0-1,4-5", "lines=0-1", "bytes", "0-1"])
def test_what_is_no_range_is_passed_over(showing, value):
    answer = ranged(showing, "/demo/short.jpg", value)
    assert (answer.status, answer.body) == (200, b"0123456789")


def test_a_long_file_is_answered_in_parts_only(showing):
    assert_problem(showing.request("GET", "/demo/film.mp4"), 400)
    parts = b""
    while len(parts) < len(FILM):
        parts += ranged(showing, "/demo/film.mp4", f"bytes={len(parts)}-").body
    assert parts == FILM


def test_head_of_a_part_has_its_headers_and_no_body(showing):
    answer = showing.request("HEAD", "/demo/film.mp4", headers={"Range": "bytes=0-99"})
    assert (answer.status, answer.body) == (206, b"")
    assert answer.header("content-length") == "100"


@pytest.mark.parametrize("name", [
    "made-by", "below", "below/film.mp4", "below%2ffilm.mp4", "..", "%2e%2e", "%2e%2e%2fmade-by", "../made-by",
    "..%2f..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "film.mp4%00.jpg", "film.mp4/", "FILM.mp4", ".",
])
def test_nothing_else_of_the_disk_comes_out(showing, name):
    # By hand: a client would tidy the path up.
    with RawConnection(showing.port) as raw:
        raw.send(request_bytes(b"GET", f"/demo/{name}".encode()))
        answer = raw.read_answer()
    assert answer.status in (400, 404), answer
    assert b"root:" not in answer.body and b"below" != answer.body


def test_two_ranges_in_two_headers_are_refused(showing):
    with RawConnection(showing.port) as raw:
        raw.send(request_bytes(b"GET", b"/demo/short.jpg", [b"Range: bytes=0-1", b"Range: bytes=2-3"]))
        assert raw.read_answer().status == 400


def test_a_directory_without_titles_ends_the_start_with_what_to_do(tmp_path):
    done = subprocess.run([binary(), "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0",
                           "--demo", str(tmp_path)], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 1 and "tools/demo-titles" in done.stderr


# ---- What the page asks for ---------------------------------------------------------------------


def test_the_cluster_tells_of_every_slot_when_asked(server, account):
    assert "slot_reports" not in server.get("/v1/cluster")
    before = server.get("/v1/cluster?all_slots=true")["slot_reports"]
    assert len(before) == 4096
    assert server.post_reports(report(account)).status == 204
    after = server.get("/v1/cluster?all_slots=true")["slot_reports"]
    assert sum(after) - sum(before) == 1 and sum(a != b for a, b in zip(after, before)) == 1
    assert_problem(server.request("GET", "/v1/cluster?all_slots=maybe"), 400)


def test_the_flag_sets_the_stream_limit(launch):
    small = launch(arguments=["--stream-limit", "1"])
    assert small.put("a", report("a", view="v-1", device="tv", state="starting")).status == 201
    assert small.put("a", report("a", view="v-2", device="phone", state="starting")).status == 409
