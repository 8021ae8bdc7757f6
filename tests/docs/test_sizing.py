"""Goal: the figures of docs/cluster.md, "Sizing", are those that bench/sizing computes."""

import subprocess

import pytest

from harness.server import ROOT

PAGE = (ROOT / "docs/cluster.md").read_text()
BEGIN, END = "<!-- made by bench/sizing -->\n", "<!-- end -->"


def sizing(*options):
    return subprocess.run([ROOT / "bench/sizing", *options], capture_output=True, text=True, timeout=30)


def test_the_page_has_what_the_script_prints():
    printed = sizing()
    assert printed.returncode == 0, printed.stderr
    assert PAGE.partition(BEGIN)[2].partition(END)[0].strip() == printed.stdout.strip()


def test_each_figure_has_an_option():
    helped = sizing("--help")
    assert helped.returncode == 0 and "--row-cpu-us" in helped.stdout and "% of the members" in helped.stdout, helped


def test_ten_times_the_members_take_ten_times_the_reports():
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in sizing("--members", "1000000", "10000000").stdout.splitlines() if line.startswith("| ")]
    column = rows[0].index("reports a second")
    few, many = (int(row[column].replace(",", "")) for row in rows[1:])
    assert many == 10 * few > 0


@pytest.mark.parametrize("option", ["--peak-percent", "--reports-a-row"])
def test_what_can_not_be_is_refused(option):
    refused = sizing(option, "0")
    assert refused.returncode == 2 and option in refused.stderr, refused
