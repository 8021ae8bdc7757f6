// JSON bodies: what is taken, what is refused, and how it is said. The rows of the table of bad
// input that belong to bodies are tests here.
#include "ingest/json.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace playhead {
namespace {

using Refusal = BodyError::Kind;
using enum ReportsLayout;

constexpr std::string_view kFull =
    R"({"account": "acct-1", "profile": "p1", "title": "got-s01e01", "series": "got",
        "next_title": "got-s01e02", "view": "0192f3c4-aa", "device": "tv-1", "device_type": "tv",
        "sequence": 17, "at": "2026-11-23T20:15:30.250Z", "sent_at": "2026-11-23T20:15:30.300Z",
        "started_at": "2026-11-23T19:50:02.000Z", "watched_ms": 1201000, "kind": "on_demand",
        "record": true, "state": "playing", "playhead_ms": 1234567, "duration_ms": 3300000,
        "credits_ms": 3180000})";

// The smallest report, with `more` members (each with a comma before it).
std::string report(std::string_view view = "v1", std::string_view more = "") {
  return R"({"account":"a","profile":"p","title":"t","state":"playing","at":"2026-11-23T20:15:30Z","view":")" +
         std::string(view) + "\"" + std::string(more) + "}";
}

// `report()` without the member `name`, and with `more`.
std::string report_but(std::string_view name, std::string_view more = "") {
  std::string text = report("v1", more);
  const std::size_t first = text.find('"' + std::string(name) + '"');
  std::size_t last = text.find(',', first);
  if (last == std::string::npos) last = text.size() - 1;
  text.erase(first, last + 1 - first);
  return text;
}

class Json : public ::testing::Test {
 protected:
  const Reports& taken(std::string_view body, ReportsLayout layout = kJson) {
    const auto result = parser_.reports(body, layout);
    if (result) return **result;
    ADD_FAILURE() << result.error().detail << " in " << body;
    return none_;
  }
  BodyError refused(std::string_view body, ReportsLayout layout = kJson) {
    const auto result = parser_.reports(body, layout);
    if (!result) return result.error();
    ADD_FAILURE() << "taken: " << body;
    return {Refusal::kTooMany, "taken"};
  }
  void expect_malformed(std::string_view body, ReportsLayout layout = kJson) {
    EXPECT_EQ(refused(body, layout).kind, Refusal::kMalformed) << body.substr(0, 200);
  }
  void expect_unprocessable(const std::string& body, std::string_view names) {
    const BodyError error = refused(body);
    EXPECT_EQ(error.kind, Refusal::kUnprocessable) << body;
    EXPECT_TRUE(error.detail.starts_with(names)) << error.detail;
  }

  JsonParser parser_{IngestOptions{.batch_reports_max = 5, .acts_max = 3, .titles_max = 3}};
  Reports none_;
};

TEST_F(Json, ReadsEveryFieldOfAReport) {
  const Reports& got = taken(kFull);
  ASSERT_EQ(got.reports.size(), 1U);
  EXPECT_FALSE(got.batch);
  EXPECT_EQ(got.ignored, 0U);
  const Report& report = got.reports.front();
  EXPECT_EQ(report.account, "acct-1");
  EXPECT_EQ(report.profile, "p1");
  EXPECT_EQ(report.title, "got-s01e01");
  EXPECT_EQ(report.series, "got");
  EXPECT_EQ(report.next_title, "got-s01e02");
  EXPECT_EQ(report.view, "0192f3c4-aa");
  EXPECT_EQ(report.device, "tv-1");
  EXPECT_EQ(report.device_type, "tv");
  EXPECT_EQ(report.sequence, 17U);
  EXPECT_EQ(format_rfc3339(report.at), "2026-11-23T20:15:30.250Z");
  EXPECT_EQ(format_rfc3339(report.sent_at.value()), "2026-11-23T20:15:30.300Z");
  EXPECT_EQ(format_rfc3339(report.started_at.value()), "2026-11-23T19:50:02.000Z");
  EXPECT_EQ(report.watched, 1'201'000);
  EXPECT_EQ(report.playhead, 1'234'567);
  EXPECT_EQ(report.duration, 3'300'000);
  EXPECT_EQ(report.credits, 3'180'000);
  EXPECT_EQ(report.kind, Kind::kOnDemand);
  EXPECT_EQ(report.state, State::kPlaying);
  EXPECT_TRUE(report.record);
  EXPECT_FALSE(report.cmcd);
}

TEST_F(Json, LeavesAbsentFieldsEmpty) {
  const Report& got = taken(report()).reports.at(0);
  EXPECT_EQ(got.series, "");
  EXPECT_EQ(got.device, "");
  EXPECT_EQ(got.sequence, 0U);
  EXPECT_FALSE(got.playhead || got.duration || got.credits || got.watched || got.sent_at);
  EXPECT_TRUE(got.record);
}

TEST_F(Json, ReadsEveryStateAndKind) {
  for (const std::string_view name : {"starting", "playing", "paused", "seeking", "rebuffering",
                                      "ad", "stopped", "completed", "failed"}) {
    const std::string body = report_but("state", R"(,"state":")" + std::string(name) + '"');
    EXPECT_EQ(name_of(taken(body).reports.at(0).state), name);
  }
  EXPECT_EQ(taken(report("v", R"(,"kind":"live","record":false)")).reports.at(0).kind, Kind::kLive);
  EXPECT_FALSE(taken(report("v", R"(,"kind":"live","record":false)")).reports.at(0).record);
}

TEST_F(Json, CountsUnknownFieldsAndTakesTheReport) {
  const Reports& got =
      taken(report("v1", R"(,"bitrate":4,"x":{"y":[1,{"z":null}]},"playheadMs":1)"));
  EXPECT_EQ(got.reports.size(), 1U);
  EXPECT_EQ(got.ignored, 3U);
}

TEST_F(Json, NamesTheRequiredFieldThatIsMissing) {
  for (const std::string_view name : {"account", "profile", "title", "state", "at"})
    expect_unprocessable(report_but(name), std::string(name) + " is missing");
  expect_unprocessable(R"({"account":"a","profile":"p","title":"t","state":"ad",)"
                       R"("at":"2026-11-23T20:15:30Z"})",
                       "view is missing");
  expect_unprocessable("{}", "account is missing");
}

TEST_F(Json, CallsNumbersOutOfRangeUnprocessable) {
  for (const std::string_view name : {"playhead_ms", "duration_ms", "credits_ms", "watched_ms"}) {
    for (const std::string_view value :
         {"-1", "9007199254740993", "-9223372036854775808", "18446744073709551615"}) {
      const std::string more = ",\"" + std::string(name) + "\":" + std::string(value);
      expect_unprocessable(report("v1", more), name);
    }
    const std::string most = ",\"" + std::string(name) + "\":9007199254740992";
    EXPECT_EQ(taken(report("v1", most)).reports.size(), 1U);
  }
  expect_unprocessable(report("v1", R"(,"sequence":4294967296)"), "sequence");
  expect_unprocessable(report("v1", R"(,"sequence":-1)"), "sequence");
  EXPECT_EQ(taken(report("v1", R"(,"sequence":4294967295)")).reports.at(0).sequence, 4294967295U);
}

TEST_F(Json, RefusesAStateOfANewerClientAsUnprocessable) {
  expect_unprocessable(report_but("state", R"(,"state":"dreaming")"), "state");
  expect_unprocessable(report("v1", R"(,"kind":"hologram")"), "kind");
}

TEST_F(Json, RefusesWrongTypesByName) {
  for (const auto& [name, value] : std::initializer_list<std::pair<std::string, std::string>>{
           {"series", "1"},
           {"series", "null"},
           {"device", "[]"},
           {"kind", "0"},
           {"record", "1"},
           {"record", "\"true\""},
           {"sequence", "\"17\""},
           {"sequence", "1.0"},
           {"playhead_ms", "1234.0"},
           {"playhead_ms", "1e3"},
           {"playhead_ms", "\"1234\""},
           {"playhead_ms", "null"},
           {"duration_ms", "true"},
           {"sent_at", "1795467742208"},
           {"started_at", "\"yesterday\""},
           {"started_at", "\"2026-02-30T00:00:00Z\""}}) {
    const BodyError error = refused(report("v1", ",\"" + name + "\":" + value));
    EXPECT_EQ(error.kind, Refusal::kMalformed) << name << value;
    EXPECT_TRUE(error.detail.starts_with(name + " must be")) << error.detail;
  }
}

TEST_F(Json, RefusesIdsOutsideTheAlphabet) {
  const std::string longest(128, 'x');
  EXPECT_EQ(taken(report(longest)).reports.at(0).view, longest);
  EXPECT_EQ(taken(report("AZaz09._~:@-")).reports.at(0).view, "AZaz09._~:@-");
  EXPECT_EQ(taken(report("\\u0041")).reports.at(0).view, "A");
  for (const std::string& id : {std::string(), longest + "x", std::string(10'000, 'x'),
                                std::string("../x"), std::string("a b"), std::string("\\u0000"),
                                std::string("a%00"), std::string("caf\xc3\xa9")}) {
    const BodyError error = refused(report(id));
    EXPECT_EQ(error.kind, Refusal::kMalformed);
    EXPECT_TRUE(error.detail.starts_with("view must be 1 to 128 bytes")) << error.detail;
    EXPECT_LT(error.detail.size(), 200U) << "what was sent is not repeated";
  }
}

TEST_F(Json, RefusesWhatIsNoJson) {
  for (const std::string_view body : {"",
                                      " ",
                                      "\n",
                                      "{",
                                      "[",
                                      "{]",
                                      "nonsense",
                                      "null",
                                      "7",
                                      "\"text\"",
                                      "{}{}",
                                      "[1,]",
                                      R"({"account":"a",})",
                                      R"({'account':'a'})",
                                      "{\"account\":\"a\x01\"}",
                                      "\xef\xbb\xbf{}",
                                      R"({"account" "a"})",
                                      R"({"a":tru})",
                                      R"({"a":01})",
                                      R"({"a":"\x"})",
                                      R"({"a":"\u12"})"})
    expect_malformed(body);
  for (std::size_t cut = 0; cut < kFull.size(); ++cut) expect_malformed(kFull.substr(0, cut));
}

TEST_F(Json, RefusesNumbersThatAreNone) {
  for (const std::string_view value :
       {"NaN", "Infinity", "-Infinity", "1e999", "-1e999", "+1", "0x5", ".5", "5."})
    expect_malformed(report("v1", R"(,"playhead_ms":)" + std::string(value)));
  expect_malformed(report("v1", R"(,"unknown":1e999)"));
}

TEST_F(Json, CallsIntegersBeyond64BitsUnprocessable) {
  for (const std::string_view value :
       {"18446744073709551616", "1000000000000000000000000000000", "-9223372036854775809"}) {
    const std::string body = report("v1", R"(,"x":"\"1","playhead_ms":)" + std::string(value));
    EXPECT_EQ(refused(body).kind, Refusal::kUnprocessable);
    EXPECT_EQ(refused(body).detail, "the body holds an integer beyond all ranges");
    const Reports& lines = taken(report("v0") + "\n" + body, kNdjson);
    ASSERT_EQ(lines.rejected.size(), 1U);
    EXPECT_EQ(lines.rejected[0].error.code, Errc::kUnprocessable);
  }
  const std::string in_text = R"(,"x":"\"18446744073709551616","y":)";
  expect_malformed(report("v1", in_text + "1e999"));
  expect_malformed(report("v1", in_text + "18446744073709551616.5e999"));
}

TEST_F(Json, RefusesTextThatIsNotUnicode) {
  for (const std::string_view text :
       {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", R"(\ud800)", R"(\udc00)", R"(\ud800\u0041)",
        R"(\udc00\ud800)", R"(\ud800\ud800)", R"(x\\\ud800)", R"(\ud83d\ude00\ud83d)"}) {
    expect_malformed(report("v1", R"(,"x":")" + std::string(text) + '"'));
    expect_malformed(report("v1", R"(,")" + std::string(text) + R"(":1)"));
    expect_malformed("[" + report("v1", R"(,"x":")" + std::string(text) + '"') + "]");
  }
  EXPECT_EQ(taken(report("v1", R"(,"x":"\ud83d\ude00 \\ud800 \" \/")")).ignored, 1U);
}

TEST_F(Json, RefusesDuplicateKeys) {
  for (const std::string_view more :
       {R"(,"view":"v1")", R"(,"view":"v2")", R"(,"vie\u0077":"v2")", R"(,"state":"paused")",
        R"(,"playhead_ms":1,"playhead_ms":2)", R"(,"x":1,"x":2)", R"(,"x":1,"y":1,"\u0078":2)"}) {
    const BodyError error = refused(report("v1", more));
    EXPECT_EQ(error.kind, Refusal::kMalformed);
    EXPECT_TRUE(error.detail.ends_with("is there twice")) << error.detail;
  }
}

TEST_F(Json, BoundsUnknownFields) {
  std::string more;
  for (int i = 0; i < 32; ++i) more += ",\"x" + std::to_string(i) + "\":0";
  EXPECT_EQ(taken(report("v1", more)).ignored, 32U);
  EXPECT_EQ(refused(report("v1", more + ",\"y\":0")).detail, "more than 32 unknown fields");
}

TEST_F(Json, RefusesDeepNestingWithConstantStack) {
  for (const std::string_view open : {"[", "{\"a\":"}) {
    std::string body;
    for (int i = 0; i < 100'000; ++i) body += open;
    expect_malformed(body);
    std::string closed = report("v1", ",\"x\":") + "";
    closed.pop_back();
    for (int i = 0; i < 100'000; ++i) closed += '[';
    for (int i = 0; i < 100'000; ++i) closed += ']';
    EXPECT_EQ(refused(closed + "}").detail, "the body is nested too deep");
  }
}

TEST_F(Json, TakesAnArrayAndListsWhatIsBad) {
  const std::string body = "[" + report("v0") + ", 7, " + report("v2") + "," +
                           report_but("at", R"(,"x":1)") + "," + report("v4", R"(,"y":1)") + "]";
  const Reports& got = taken(body);
  EXPECT_TRUE(got.batch);
  ASSERT_EQ(got.reports.size(), 3U);
  EXPECT_EQ(got.reports[1].view, "v2");
  EXPECT_EQ(got.places, (std::vector<std::uint32_t>{0, 2, 4}));
  EXPECT_EQ(got.ignored, 1U) << "fields of refused reports are not counted";
  ASSERT_EQ(got.rejected.size(), 2U);
  EXPECT_EQ(got.rejected[0].index, 1U);
  EXPECT_EQ(got.rejected[0].error.code, Errc::kInvalidArgument);
  EXPECT_EQ(got.rejected[1].index, 3U);
  EXPECT_EQ(got.rejected[1].error.code, Errc::kUnprocessable);
  EXPECT_EQ(got.rejected[1].error.detail, "at is missing");
}

TEST_F(Json, LeavesPlacesEmptyWhenNoneIsMissing) {
  const Reports& got = taken("[" + report("v0") + "," + report("v1") + "]");
  EXPECT_EQ(got.reports.size(), 2U);
  EXPECT_TRUE(got.places.empty());
  EXPECT_TRUE(taken("[]").batch);
  EXPECT_TRUE(taken("[]").reports.empty());
}

TEST_F(Json, ListsTheOnlyReportOfABatchByIndex) {
  for (const std::string& body : {"[" + report_but("at") + "]", report_but("at") + "\n"}) {
    const Reports& got = taken(body, body.front() == '[' ? kJson : kNdjson);
    EXPECT_TRUE(got.reports.empty());
    ASSERT_EQ(got.rejected.size(), 1U);
    EXPECT_EQ(got.rejected[0].index, 0U);
  }
}

TEST_F(Json, RefusesABatchOverTheLimit) {
  std::string array = "[" + report(), lines = report() + "\n";
  for (int i = 1; i < 5; ++i) {
    array += "," + report();
    lines += report() + "\n";
  }
  EXPECT_EQ(taken(array + "]").reports.size(), 5U);
  EXPECT_EQ(taken(lines, kNdjson).reports.size(), 5U);
  EXPECT_EQ(refused(array + ",{}]").kind, Refusal::kTooMany);
  EXPECT_EQ(refused(lines + "{}", kNdjson).kind, Refusal::kTooMany);
  EXPECT_EQ(taken(lines + "\n \r\n", kNdjson).reports.size(), 5U) << "blank lines are no reports";
}

TEST_F(Json, TakesLinesAndListsTheBrokenOnes) {
  const std::string body = report("v0") + "\r\n\n" + report("v1").substr(0, 30) + "\n" +
                           report("v2") + "\n[" + report() + "]\n" + report("v4", R"(,"z":0)");
  const Reports& got = taken(body, kNdjson);
  EXPECT_TRUE(got.batch);
  ASSERT_EQ(got.reports.size(), 3U);
  EXPECT_EQ(got.reports[0].view, "v0") << "each line's texts outlive the next line";
  EXPECT_EQ(got.reports[1].view, "v2");
  EXPECT_EQ(got.reports[2].view, "v4");
  EXPECT_EQ(got.reports[0].account, "a");
  EXPECT_EQ(got.places, (std::vector<std::uint32_t>{0, 2, 4}));
  ASSERT_EQ(got.rejected.size(), 2U);
  EXPECT_EQ(got.rejected[0].index, 1U);
  EXPECT_EQ(got.rejected[1].error.detail, "a report must be an object");
  EXPECT_EQ(got.ignored, 1U);
}

TEST_F(Json, NeverReadsTwoLinesAsOne) {
  for (const std::string_view pair : {"{\"a\":[{}\n{}]}", "{\"a\":\"\n\"}", "tru\ne", "{\n}"}) {
    const Reports& got = taken(pair, kNdjson);
    EXPECT_EQ(got.rejected.size(), 2U) << pair;
  }
}

TEST_F(Json, RefusesLinesThatAreNone) {
  expect_malformed("", kNdjson);
  expect_malformed("\n \n\r\n", kNdjson);
}

TEST_F(Json, ReadsABeaconByItsLooks) {
  EXPECT_FALSE(taken(report(), kAny).batch);
  EXPECT_FALSE(taken(" " + report() + "\n", kAny).batch);
  EXPECT_FALSE(taken(kFull, kAny).batch) << "lines within an object make no NDJSON";
  EXPECT_EQ(taken("[" + report() + ",\n" + report() + "]", kAny).reports.size(), 2U);
  EXPECT_EQ(taken(report() + "\n" + report() + "\n", kAny).reports.size(), 2U);
  EXPECT_EQ(taken(report() + "\nbroken", kAny).rejected.size(), 1U);
  expect_malformed("", kAny);
  expect_malformed("cid=\"x\",e=t", kAny);
}

TEST_F(Json, ForgetsTheBodyBefore) {
  taken("[" + report("v1", R"(,"x":1)") + ",7]");
  const Reports& got = taken(report("v2"));
  EXPECT_EQ(got.reports.size(), 1U);
  EXPECT_TRUE(got.rejected.empty() && got.places.empty());
  EXPECT_FALSE(got.batch);
  EXPECT_EQ(got.ignored, 0U);
}

TEST_F(Json, PutTakesAccountAndViewFromThePath) {
  const std::string body = R"({"profile":"p","title":"t","state":"starting",)"
                           R"("at":"2026-11-23T20:15:30Z")";
  const auto got = parser_.put(body + "}", "acct", "view-1");
  ASSERT_TRUE(got.has_value()) << got.error().detail;
  EXPECT_EQ(got->account, "acct");
  EXPECT_EQ(got->view, "view-1");
  EXPECT_EQ(got->profile, "p");
  EXPECT_TRUE(parser_.put(body + R"(,"account":"acct","view":"view-1"})", "acct", "view-1"));
  EXPECT_EQ(parser_.put(body + R"(,"account":"other"})", "acct", "view-1").error().detail,
            "account is not the one in the path");
  EXPECT_EQ(parser_.put(body + R"(,"view":"other"})", "acct", "view-1").error().kind,
            Refusal::kUnprocessable);
  EXPECT_EQ(parser_.put(body + R"(,"view":7})", "acct", "view-1").error().kind,
            Refusal::kMalformed);
  EXPECT_EQ(parser_.put("[" + body + "}]", "acct", "v").error().kind, Refusal::kMalformed);
  EXPECT_EQ(parser_.put("", "acct", "v").error().kind, Refusal::kMalformed);
  EXPECT_EQ(parser_.put("{}", "acct", "v").error().detail, "profile is missing");
}

TEST_F(Json, ReadsActs) {
  const auto got = parser_.acts(
      R"([{"title":"t1","at":"2026-11-23T20:15:30Z","playhead_ms":5,"x":1},
          {"title":"t2","at":"2026-11-23T20:15:31Z","watched":false,"hidden":true}])");
  ASSERT_TRUE(got.has_value()) << got.error().detail;
  const Acts& acts = **got;
  ASSERT_EQ(acts.acts.size(), 2U);
  EXPECT_EQ(acts.ignored, 1U);
  EXPECT_EQ(acts.acts[0].title, "t1");
  EXPECT_EQ(acts.acts[0].playhead, 5);
  EXPECT_FALSE(acts.acts[0].watched || acts.acts[0].hidden);
  EXPECT_EQ(acts.acts[1].watched, false);
  EXPECT_EQ(acts.acts[1].hidden, true);
  EXPECT_EQ(acts.acts[1].at - acts.acts[0].at, 1000);
  EXPECT_TRUE(parser_.acts("[]").value()->acts.empty());
}

TEST_F(Json, RefusesAllActsForOneBadOne) {
  const std::string good = R"({"title":"t","at":"2026-11-23T20:15:30Z","hidden":true})";
  const auto refusal = [&](const std::string& bad) {
    const auto got = parser_.acts("[" + good + "," + bad + "]");
    return got ? BodyError{Refusal::kTooMany, "taken"} : got.error();
  };
  EXPECT_EQ(refusal("7").detail, "act 1: must be an object");
  EXPECT_EQ(refusal(R"({"title":"t","at":"2026-11-23T20:15:30Z"})").detail,
            "act 1: one of playhead_ms, watched, hidden is missing");
  EXPECT_EQ(refusal(R"({"title":"t","hidden":true})").detail, "act 1: at is missing");
  EXPECT_EQ(refusal(R"({"at":"2026-11-23T20:15:30Z","hidden":true})").kind,
            Refusal::kUnprocessable);
  EXPECT_EQ(refusal(R"({"title":"t","at":"2026-11-23T20:15:30Z","playhead_ms":-1})").kind,
            Refusal::kUnprocessable);
  EXPECT_EQ(refusal(R"({"title":"t","at":"2026-11-23T20:15:30Z","watched":null})").kind,
            Refusal::kMalformed);
  EXPECT_EQ(
      refusal(R"({"title":"t","at":"2026-11-23T20:15:30Z","hidden":true,"hidden":true})").kind,
      Refusal::kMalformed);
  EXPECT_EQ(refusal(good + "," + good + "," + good).kind, Refusal::kTooMany);
  EXPECT_EQ(parser_.acts(good).error().kind, Refusal::kMalformed);
  EXPECT_EQ(parser_.acts("").error().kind, Refusal::kMalformed);
}

TEST_F(Json, ReadsTitlesInOrderWithoutRepeats) {
  EXPECT_EQ(parser_.titles(R"({"x":1,"titles":["b","a","b"]})").value(),
            (std::vector<std::string>{"b", "a"}));
  EXPECT_TRUE(parser_.titles(R"({"titles":[]})").value().empty());
  EXPECT_EQ(parser_.titles(R"({"titles":["a","b","c","d"]})").error().kind, Refusal::kTooMany);
  EXPECT_EQ(parser_.titles("{}").error().detail, "titles is missing");
  EXPECT_EQ(parser_.titles("{}").error().kind, Refusal::kUnprocessable);
  for (const std::string_view body : {"", "[]", R"({"titles":"a"})", R"({"titles":["a",1]})",
                                      R"({"titles":["a/b"]})", R"({"titles":[],"titles":[]})"})
    EXPECT_EQ(parser_.titles(body).error().kind, Refusal::kMalformed) << body;
}

TEST_F(Json, ReadsATermination) {
  const auto got =
      parser_.termination(R"({"reason":"too loud \u00e9","by_device":"phone-1","x":1})");
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->reason, "too loud \xc3\xa9");
  EXPECT_EQ(got->by_device, "phone-1");
  EXPECT_EQ(parser_.termination("").value().by_device, "");
  EXPECT_EQ(parser_.termination("{}").value().reason, "");
  EXPECT_EQ(parser_.termination(R"({"reason":"forged\nline"})").error().kind,
            Refusal::kUnprocessable);
  EXPECT_EQ(parser_.termination(R"({"reason":")" + std::string(257, 'x') + "\"}").error().kind,
            Refusal::kUnprocessable);
  for (const std::string_view body :
       {"[]", " ", R"({"by_device":""})", R"({"by_device":7})", R"({"reason":"a","reason":"b"})"})
    EXPECT_EQ(parser_.termination(body).error().kind, Refusal::kMalformed) << body;
}

// Whatever the sizes of bodies before, a report is the same in each layout.
RC_GTEST_FIXTURE_PROP(Json, ReadsTheSameInEveryLayout, ()) {
  const auto count = *rc::gen::inRange(1, 6);
  std::string array = "[", lines;
  std::vector<std::string> views;
  for (int i = 0; i < count; ++i) {
    const auto size = static_cast<std::size_t>(*rc::gen::inRange(1, 128));
    views.push_back(std::string(size, static_cast<char>('a' + i)));
    const std::string more =
        R"(,"x":")" + std::string(static_cast<std::size_t>(*rc::gen::inRange(0, 9'000)), 'x') + '"';
    const std::string one = report(views.back(), more);
    array += (i == 0 ? "" : ",") + one;
    lines += one + "\n";
  }
  for (const auto& [body, layout] :
       {std::pair{array + "]", kJson}, std::pair{array + "]", kAny}, std::pair{lines, kNdjson}}) {
    const Reports& got = taken(body, layout);
    RC_ASSERT(got.reports.size() == views.size());
    for (std::size_t i = 0; i < views.size(); ++i) RC_ASSERT(got.reports[i].view == views[i]);
  }
}

}  // namespace
}  // namespace playhead
