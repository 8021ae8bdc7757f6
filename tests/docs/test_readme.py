"""Goal: the README and docs/ say what is so.

Every example of README.md is run against a server, in order, as a user would paste it; links lead
somewhere; the files, functions, options and defaults that docs/architecture.md names are there.
"""

import functools
import os
import pathlib
import re
import subprocess
import xml.dom.minidom

import pytest

from docs.readme import ADDRESS, BINARY, Broken, Example, Shell, blocks_of, examples_of, faults_of, MARKER
from harness import Server, binary
from harness.server import PATIENCE_S, ROOT

# Fewer would mean that examples lost their marks, and this test its meaning.
EXAMPLES_MIN = 10
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("**/*.md"))]
# Made by building and running; not in the repository.
MADE = {"build", "data", "node_modules"}


def read(path):
    return (ROOT / path).read_text()


def test_every_example_of_the_readme_does_what_it_says(tmp_path):
    examples = examples_of(read("README.md"))
    assert len(examples) >= EXAMPLES_MIN
    # As script/server starts one.
    server = Server(tmp_path / "server", arguments=["--stream-limit", "2"])
    shell = Shell(server, tmp_path)
    try:
        faults = [f"{example}: {fault}" for example in examples for fault in shell.run(example)]
        assert not faults, "\n".join(faults)
        assert any(example.background for example in examples) and shell.close() == []
        assert server.stop() == 0
        check = f"{BINARY} check --data data"
        assert f"`{check}`" in read("README.md")
        done = subprocess.run([binary(), "check", "--data", str(server.data)], capture_output=True, text=True,
                              timeout=PATIENCE_S)
        assert done.returncode == 0 and "nothing is damaged" in done.stdout, done
    finally:
        shell.close()
        server.close()


def test_commands_that_are_not_run_here_are_scripts_that_are_there():
    text = read("README.md")
    run = {example.line for example in examples_of(text)}
    commands = [line.split("#")[0].split()[0] for opened, _, language, body in blocks_of(text)
                if language == "sh" and opened not in run for line in body.splitlines()]
    assert commands == ["script/server", "script/test"]
    assert all(os.access(ROOT / command, os.X_OK) for command in commands)
    assert f"listen={ADDRESS}" in read("script/server") and "data=$root/data" in read("script/server")
    assert "stream_limit=2\n" in read("script/server")
    done = subprocess.run([ROOT / "script/test", "--list"], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0 and "tools/black-box" in done.stdout, done


@pytest.mark.parametrize("text", [
    "<!-- run -->\n```sh\ntrue\n```\nprose",                       # promises nothing
    "<!-- run -->\n```sh\ntrue\n```\nprose\n```json\n{}\n```",     # what follows is not its output
    "<!-- run: it -->\nprose\n```sh\ntrue\n```",                   # nothing to run
    "<!-- run: it -->\n```json\n{}\n```",
    "<!-- run in the background -->\n```sh\ntrue\n```",
    "<!-- ran: it -->\n```sh\ntrue\n```",                          # no marker
    "<!-- run: it -->\n```sh\ntrue",                               # no end
])
def test_a_readme_that_is_wrong_in_itself_is_refused(text):
    with pytest.raises(Broken):
        examples_of(text)


def example_of(text):
    [example] = examples_of(text)
    return example


@pytest.mark.parametrize("expected, output, good", [
    ('{"a": [{"b": 1}], "c": null}', '{"a": [{"b": 1, "d": 2}], "c": null, "e": 3}', True),
    ('{"a": [{"b": 1}]}', '{"a": [{"b": 2}]}', False),
    ('{"a": [{"b": 1}]}', '{"a": [{"b": 1}, {"b": 1}]}', False),
    ('{"a": [1, 2]}', '{"a": [2, 1]}', False),
    ('{"a": false}', '{"a": 0}', False),
    ('{"a": null}', '{}', False),
    ('{}', 'no JSON', False),
])
def test_json_must_hold_every_member_that_is_named(expected, output, good):
    example = example_of(f"<!-- run -->\n```sh\ntrue\n```\n```json\n{expected}\n```")
    assert (faults_of(example, output) == []) == good


@pytest.mark.parametrize("output, good", [
    ("A B  C\nx   y z\n", True), ("A  B\n  x y\n", True), ("A B\nx  w\n", False), ("", False),
])
def test_text_must_hold_every_line_however_wide_the_spaces(output, good):
    example = example_of("<!-- run -->\n```sh\ntrue\n```\n```text\nA  B\nx y\n```")
    assert (faults_of(example, output) == []) == good


@pytest.mark.parametrize("mark, script, wrong", [
    ("run: is here", "echo it is here", False),
    ("run: is here", "echo it is gone", True),
    ("run: is here", "echo it is here; false", True),
    ("run: is here", "false; echo it is here", True),
    ("run in the background: is here", "echo it is here; exec sleep 60", False),
    ("run in the background: is here", "echo it is here", True),  # it ended
])
def test_an_example_that_fails_is_seen(tmp_path, server, mark, script, wrong):
    shell = Shell(server, tmp_path)
    example = Example(1, MARKER.fullmatch(f"<!-- {mark} -->"), script)
    faults = shell.run(example)
    if example.background:
        shell.left_running[0][1].poll() if not wrong else shell.left_running[0][1].wait(PATIENCE_S)
    assert bool(faults + shell.close()) == wrong


def test_a_script_meets_the_server_and_the_program_under_test(tmp_path, server):
    shell = Shell(server, tmp_path)
    assert shell.here(f"curl http://{ADDRESS}/livez") == f"curl {server.url}/livez"
    assert shell.here(f"{BINARY} viewers --account a").endswith(f" viewers --account a --server {server.url}")


# ---- Links and names ----------------------------------------------------------------------------


def prose_of(page):
    """The page without its fenced blocks."""
    lines = page.read_text().split("\n")
    for opened, closed, _, _ in blocks_of(page.read_text()):
        lines[opened - 1:closed] = [""] * (closed - opened + 1)
    return "\n".join(lines)


def spans_of(page):
    """What stands in backquotes."""
    return re.findall(r"`([^`\n]+)`", prose_of(page))


def anchors_of(page):
    headings = re.findall(r"^#+ (.+)$", prose_of(page), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def path_in(span):
    """The path that a span begins with, if it looks like one."""
    word = span.split()[0]
    return word if re.fullmatch(r"[\w.-]+(/[\w.*-]+)+/?|[\w-]+\.(cc|h|md|py|svg|txt|yaml)", word) else None


def is_there(path, folders):
    return any(any(folder.glob(path.rstrip("/"))) for folder in folders)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_in_backquotes_are_there(page):
    tops = {path.name for path in ROOT.iterdir() if path.is_dir()} - MADE
    for span in spans_of(page):
        path = path_in(span)
        if path and "/" in path and path.split("/")[0] in tops:
            assert is_there(path, [ROOT]), span


ARCHITECTURE = ROOT / "docs/architecture.md"


@functools.cache
def sources():
    """Path to text of all that is compiled, and of what says how."""
    files = [path for end in ("cc", "h") for path in (ROOT / "src").rglob(f"*.{end}")]
    files += [ROOT / "CMakeLists.txt", *(ROOT / "cmake").glob("*.cmake")]
    return {path: path.read_text() for path in files if not path.name.endswith("_test.cc")}


def is_known(name):
    """Whether the sources have it: a word of theirs, or Class::member."""
    owner, _, member = name.rpartition("::")
    if not owner:
        return any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) for text in sources().values())
    if any(re.search(rf"\b{re.escape(name)}\b", text) for text in sources().values()):
        return True
    return any(re.search(rf"\b(class|struct) {owner}\b", text) and re.search(rf"\b{member}\(", text)
               for path, text in sources().items() if path.suffix == ".h")


def test_files_that_the_architecture_names_are_there():
    paths = [path for span in spans_of(ARCHITECTURE) if (path := path_in(span))]
    assert len(paths) > 40
    missing = [path for path in paths if not is_there(path, [ROOT, ROOT / "src"])]
    assert missing == []


def test_names_that_the_architecture_uses_are_in_the_sources():
    names = {span.rstrip("()") for span in spans_of(ARCHITECTURE)
             if not path_in(span) and re.fullmatch(r"[\w:-]+(\(\))?", span)}
    assert len(names) > 80
    assert sorted(name for name in names if not is_known(name)) == []
    assert not is_known("Shard::no_such_function") and not is_known("no_such_name_max")


def test_functions_are_in_the_files_that_the_architecture_gives_for_them():
    pairs = re.findall(r"`((?:\w+::)?\w+)` \(`([\w/]+\.(?:cc|h))`\)", prose_of(ARCHITECTURE))
    assert len(pairs) > 10
    for name, path in pairs:
        text = sources()[ROOT / "src" / path]
        assert re.search(rf"\b{name}\b", text) or re.search(rf"\b{name.split('::')[-1]}\(", text), (name, path)


def test_defaults_that_the_architecture_names_are_those_of_the_options():
    rows = re.findall(r"^\| `(\w+)` \| `([^`]*)`(?: \(([^)]*)\))? \|", read("docs/configuration.md"), flags=re.M)
    known = {name: {value.replace("_", ","), shown} for name, value, shown in rows}
    named = re.findall(r"`(\w+)` ([\d,]+\d(?: [A-Za-z]+)?|\d(?: [A-Za-z]+)?)(?=[ ,;|])", ARCHITECTURE.read_text())
    checked = [name for name, _ in named if name in known]
    assert len(checked) > 20
    assert [(name, value) for name, value in named
            if name in known and value not in known[name] and value.split()[0] not in known[name]] == []


def test_the_picture_is_self_contained():
    page = xml.dom.minidom.parse(str(ROOT / "docs/architecture.svg"))
    names = {element.tagName for element in page.getElementsByTagName("*")}
    assert "text" in names and not names & {"script", "image", "foreignObject", "use"}
    assert re.findall(r"(?:href|src)=|@import|url\((?!#)", read("docs/architecture.svg")) == []
