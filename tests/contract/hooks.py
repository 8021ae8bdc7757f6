"""What the contract says in words and a schema can't: schemathesis' hooks.

Times are drawn from the last 30 days, and the contract's examples are moved there with them; text
bodies are drawn as what they hold; a failure is let pass only for the reasons in `filter_failure`.
"""

import datetime
import json
import re

import schemathesis
from hypothesis import strategies as st
from schemathesis.core import NotSet
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData

# Reports are taken for 30 days (late_limit). Shrinking goes to 0, which is now.
AGE_MS_MAX = 29 * 24 * 3_600_000
# The latest time among the contract's examples: the evening they tell of, told as if just over.
EXAMPLES_END = datetime.datetime(2026, 11, 23, 20, 51, 31, tzinfo=datetime.timezone.utc)
NOW = datetime.datetime.now(datetime.timezone.utc)

MILLISECONDS = {"sequence", "watched_ms", "playhead_ms", "duration_ms", "credits_ms", "shortest_ms",
                "interval_ms", "clock_offset_ms"}
REPORTS = {"postReports", "putView"}
# Of several records the good ones are kept, and the others listed.
LISTING = {"postReports", "importAccount", "importAll"}


def rfc3339(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


ages_ms = st.integers(0, AGE_MS_MAX)
times = ages_ms.map(lambda age: rfc3339(NOW - datetime.timedelta(milliseconds=age)))
ids = st.from_regex(r"[A-Za-z0-9._~:@-]{1,128}", fullmatch=True)
states = st.sampled_from(["starting", "playing", "paused", "seeking", "rebuffering", "ad", "stopped",
                          "completed", "failed"])
reports = st.fixed_dictionaries(
    {"account": ids, "profile": ids, "title": ids, "view": ids, "state": states, "at": times},
    optional={"playhead_ms": st.integers(0, 2**53), "duration_ms": st.integers(0, 2**53),
              "device": ids, "series": ids, "sequence": st.integers(0, 2**32 - 1)})
registers = st.fixed_dictionaries(
    {"account": st.just("acct-1"), "profile": ids, "title": ids, "at": times,
     "playhead_ms": st.integers(0, 2**53)}, optional={"watched": st.booleans()})
register_lines = st.lists(registers.map(json.dumps), min_size=1, max_size=5).map("\n".join)
lines = st.lists(reports.map(json.dumps), min_size=1, max_size=5).map("\n".join)
cmcd = st.lists(
    st.builds('e={},sta={},cid="{}",sid="{}",sn={},pt={},ts={},v=2'.format,
              st.sampled_from(["ps", "t", "m"]), st.sampled_from("spkrawedfq"), ids, ids,
              st.integers(0, 10_000), st.integers(0, 10_000_000),
              ages_ms.map(lambda age: int(NOW.timestamp() * 1000) - age)),
    min_size=1, max_size=5).map("\n".join)

for name, strategy in (
        ("date-time", times),
        ("report-lines", lines),
        ("register-lines", register_lines),
        ("beacon", lines | st.lists(reports, min_size=1, max_size=5).map(json.dumps)),
        ("cmcd", cmcd)):
    schemathesis.openapi.format(name, strategy)


@schemathesis.serializer("application/x-ndjson", "application/cmcd", "text/cmcd")
def as_it_is(_, value):
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")


@schemathesis.hook
def before_load_schema(_, raw_schema):
    """Names what is in text, and moves the times of all examples, by as much for each."""
    reports_taken = raw_schema["paths"]["/v1/reports"]["post"]["requestBody"]["content"]
    reports_taken["application/x-ndjson"]["schema"]["format"] = "report-lines"
    reports_taken["text/plain"]["schema"]["format"] = "beacon"
    for path in ("/v1/import", "/v1/accounts/{account}/import"):
        taken = raw_schema["paths"][path]["post"]["requestBody"]["content"]["application/x-ndjson"]
        taken["schema"]["format"] = "register-lines"
    raw_schema["components"]["schemas"]["CmcdBody"]["format"] = "cmcd"
    # OpenAPI 3.1 has a schema for the whole stream only; schemathesis applies it to each event.
    stream = raw_schema["paths"]["/v1/accounts/{account}/viewers/stream"]["get"]["responses"]["200"]
    events = stream["content"]["text/event-stream"]
    events["schema"] = {
        "type": "object",
        "required": ["id", "event", "data"],
        "properties": {
            "id": {"type": "string"},
            "event": {"enum": ["snapshot", "view", "end"]},
            "data": {**events["schema"], "description": "One event's data."},
        },
    }
    shift = NOW - EXAMPLES_END

    def moved(found):
        text = found.group()
        if text.isdigit():
            return str(int(text) + int(shift.total_seconds() * 1000))
        return rfc3339(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) + shift)

    def walk(node):
        if isinstance(node, dict):
            return {key: walk(value) for key, value in node.items()}
        if isinstance(node, list):
            return [walk(value) for value in node]
        if isinstance(node, str):
            return re.sub(r"2026-11-2\d[T ][\d:]{8}\.\d{3}Z|(?<=ts=)\d{13}", moved, node)
        return node

    raw_schema.update(walk(raw_schema))


@schemathesis.hook
def map_case(_, case):
    """Makes a case that is good by its schema good by the contract's words, too."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return case
    # A cursor is what an answer said, and fits that list only. Paging is tested in tests/api.
    if case.query and "cursor" in case.query:
        case.query = {name: value for name, value in case.query.items() if name != "cursor"}
    case.body = as_json_of_the_contract(case.body)
    if case.operation.definition.raw.get("operationId") == "importAccount":
        case.body = without_account(case.body)
    return case


def without_account(body):
    """Records of the path's own account need not say it."""
    if isinstance(body, list):
        return [without_account(one) for one in body]
    if isinstance(body, dict):
        return {name: value for name, value in body.items() if name != "account"}
    return body


def as_json_of_the_contract(value, name=""):
    """Integers without fraction ("1.0" is one to JSON Schema), and none beyond 64 bits."""
    if isinstance(value, dict):
        return {key: as_json_of_the_contract(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [as_json_of_the_contract(one) for one in value]
    if isinstance(value, float) and name in MILLISECONDS:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        return value % 2**63
    return value


@schemathesis.hook
def filter_failure(_, failure, case, response):
    """False lets a failure pass."""
    operation = case.operation.definition.raw.get("operationId")
    problem = kind_of(response)
    if isinstance(failure, RejectedPositiveData) and operation in REPORTS:
        # What an earlier request did to the view or the account decides: 410 and 422.
        return problem not in ("view-terminated", "view-conflict", "erased")
    if isinstance(failure, RejectedPositiveData) and operation in LISTING:
        # As many as may be listed may still be too many bytes; no schema says when a time has not come yet.
        return problem != "too-large" and b"has not come yet" not in response.content
    if isinstance(failure, AcceptedNegativeData):
        # A bad body was looked for, and none was sent where none is needed.
        if operation == "terminateView" and isinstance(case.body, NotSet):
            return False
        # Too many of something is told apart from something wrong.
        if problem == "too-large":
            return False
        # Of an array the good reports are kept, and the others listed.
        if operation in LISTING and response.status_code == 200:
            return not response.json()["rejected"]
        # Players storm when they are refused: what is bad in their records is dropped.
        if operation == "postCmcd" and response.status_code == 204:
            return False
    return True


def kind_of(response):
    """Of a problem, the end of its type."""
    if response.headers.get("content-type", [""])[0] != "application/problem+json":
        return None
    return response.json()["type"].removeprefix("/problems/")
