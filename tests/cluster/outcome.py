"""What one fault did, and the table of all of them for docs/cluster.md."""

import dataclasses
import pathlib
import statistics

from cluster.check import Away

OWNED_S_MEDIAN_MAX = 6.0  # until all slots are owned and answering, after an owner was killed
BEGIN, END = "<!-- made by tests/cluster/run --table -->", "<!-- end -->"


@dataclasses.dataclass
class Outcome:
    """Of one fault."""

    fault: str
    detail: str = ""
    # From the fault until nodes that run own all slots, and until no reader was refused any more either. Of a ring's
    # faults and a rolling restart: from their end.
    owned_s: float | None = None
    answering_s: float | None = None
    stale_s: float = 0.0  # until no answer said stale, for the longest of the accounts that were looked at
    stale_median_s: float = 0.0
    drained_s: float | None = None  # from the fault's end until the inbox is empty, and nothing acknowledged is missing
    settled_s: float | None = None  # from then, and all report again, until nothing is stale at any node
    reports: int = 0  # acknowledged, from the fault until all had settled
    rate: float = 0.0  # of them, a second
    unstored: int = 0  # of them, those that were acknowledged so
    again: int = 0  # of them, those that needed more than one try
    failed_tries: dict = dataclasses.field(default_factory=dict)
    refusals: dict = dataclasses.field(default_factory=dict)  # what answers to failed tries said
    tries_most: int = 0
    acknowledged_s: float = 0.0  # the longest that a report took, with all its tries
    again_s: float = 0.0  # the longest of those that needed more than one try
    slowest: str = ""  # where and when that was, and how many others were slow
    tries_max: int | None = None  # what the fault may cost a report; else any number
    seconds_max: float | None = None
    gap_s: float = 0.0  # the longest in which nothing was acknowledged
    gap_ended_s: float = 0.0  # after the fault
    away: Away = dataclasses.field(default_factory=Away)
    read: int = 0
    read_failed: dict = dataclasses.field(default_factory=dict)  # what nodes did with readers that had to answer
    too_old: int = 0
    checked: int = 0  # views, in the end
    stale_left: int = 0  # accounts then: their slots moved after their players fell silent, for the check
    cores: dict = dataclasses.field(default_factory=dict)  # of the machine, by whom they were used
    faults: list = dataclasses.field(default_factory=list)

    def count(self, word):
        return sum(line.startswith(word) for line in self.faults)

    def line(self):
        def seconds(value):
            return "-" if value is None else f"{value:.1f} s"
        failed = ", ".join(f"{count} {met}" for met, count in sorted(self.failed_tries.items())) or "none"
        return (f"{self.fault} {self.detail}: owned {seconds(self.owned_s)}, answering {seconds(self.answering_s)}, "
                f"stale until {seconds(self.stale_s)}, drained {seconds(self.drained_s)}, settled "
                f"{seconds(self.settled_s)}; {self.reports} reports, {self.rate:.0f} a second, {self.unstored} of them "
                f"unstored, {self.again} again, at most {self.tries_most} tries and {self.acknowledged_s:.1f} s "
                f"({self.slowest}; those again {self.again_s:.1f} s), pause {self.gap_s:.1f} s until "
                f"{self.gap_ended_s:.0f} s; bodies that failed: {failed}; {self.away.views} views looked at while away, {self.away.behind} behind, by at most "
                f"{self.away.behind_longest_ms} ms; "
                f"{self.checked} views checked, {self.stale_left} accounts stale then; {cores_text(self.cores)}: "
                f"{f'{len(self.faults)} FAULTS' if self.faults else 'ok'}")


def cores_text(cores):
    return "processors: " + ", ".join(f"{group} {used:.2f}" for group, used in sorted(cores.items()))


COLUMNS = (
    "fault", "times", "reports acknowledged, a second", "unstored", "sent again: reports, longest",
    "tries of one, its time: most",
    "nothing acknowledged for: longest", "slots owned and answering: median, longest",
    "stale: median account, longest", "missing while away: views, oldest", "drained after: median, longest", "lost",
    "`stale: false` too old")


def table_of(outcomes):
    """Markdown, a row for each kind of fault."""
    rows = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for fault in dict.fromkeys(outcome.fault for outcome in outcomes):
        rows.append(_row([outcome for outcome in outcomes if outcome.fault == fault]))
    return "\n".join(rows)


def _spread(values):
    known = [value for value in values if value is not None]
    return f"{statistics.median(known):.1f} s, {max(known):.1f} s" if known else "-"


def _row(some):
    looked_at = sum(outcome.away.views for outcome in some)
    missing = (f"{sum(outcome.away.behind for outcome in some):,} of {looked_at:,}, "
               f"{max(outcome.away.behind_longest_ms for outcome in some) / 1000:.1f} s" if looked_at else "-")
    cells = [
        some[0].fault, len(some), f"{sum(outcome.reports for outcome in some):,}, "
        f"{statistics.median(outcome.rate for outcome in some):,.0f}",
        f"{sum(outcome.unstored for outcome in some):,}",
        f"{sum(outcome.again for outcome in some):,}, {max(outcome.again_s for outcome in some):.1f} s",
        f"{max(outcome.tries_most for outcome in some)}, {max(outcome.acknowledged_s for outcome in some):.1f} s",
        f"{max(outcome.gap_s for outcome in some):.1f} s",
        _spread(outcome.answering_s for outcome in some),
        f"{statistics.median(outcome.stale_median_s for outcome in some):.1f} s, "
        f"{max(outcome.stale_s for outcome in some):.1f} s",
        missing, _spread(outcome.drained_s for outcome in some), sum(outcome.count("LOST") for outcome in some),
        f"{sum(outcome.too_old for outcome in some)} of {sum(outcome.read for outcome in some):,}",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def too_slow(outcomes):
    """Lines: whether owners that were killed were followed too late. A median, so that one case may be slow."""
    owned = [outcome.answering_s for outcome in outcomes
             if outcome.fault == "kill -9 of an owner" and outcome.answering_s is not None]
    if owned and statistics.median(owned) > OWNED_S_MEDIAN_MAX:
        return [f"slots of a killed owner were owned and answering after {statistics.median(owned):.1f} s (median), "
                f"which may be {OWNED_S_MEDIAN_MAX:.0f} s"]
    return []


def put_into(path, text):
    """Replaces what stands between the marks in that file; a file that is not there becomes the text alone."""
    path = pathlib.Path(path)
    page = path.read_text() if path.exists() else f"{BEGIN}\n{END}\n"
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} lacks the marks {BEGIN} and {END}")
    path.write_text(f"{head}{BEGIN}\n{text.strip()}\n{END}{tail}")
