// Reading recordings, and moving them in time.
#include "cli/recording.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace playhead {
namespace {

constexpr const char* kReport =
    R"({"account":"a1","profile":"p1","title":"t1","view":"v1","device":"tv-1","state":"playing",)"
    R"("at":"2026-11-23T20:15:30.250Z","sent_at":"2026-11-23T20:15:30.300Z",)"
    R"("started_at":"2026-11-23T19:50:02.000Z","playhead_ms":1234567,"custom":{"a":[1,"x"]}})";

constexpr const char* kRequest =
    R"({"at":1795468126867,"method":"POST","path":"/v1/cmcd?run=1&token=secret",)"
    R"("headers":{"content-type":"application/cmcd","authorization":"Bearer secret"},)"
    R"("body":"cid=\"t\",e=t,pt=0,sid=\"s\",ts=1795468126861,v=2\ne=ps,sid=\"s\",ts=1795468126940,v=2\n"})";

std::vector<Post> parse(std::string_view text, const Recast& recast = {}) {
  auto posts = parse_recording(text, "test.jsonl", recast);
  EXPECT_TRUE(posts) << posts.error().detail;
  return posts ? *std::move(posts) : std::vector<Post>();
}

std::string error_of(std::string_view text) {
  const auto posts = parse_recording(text, "test.jsonl", {});
  return posts ? "" : posts.error().detail;
}

TEST(Recording, ReadsOneReportALine) {
  const auto posts = parse(std::string(kReport) + "\r\n\n" + kReport + "\n");
  ASSERT_EQ(posts.size(), 2u);
  EXPECT_EQ(posts[0].target, "/v1/reports");
  EXPECT_EQ(posts[0].content_type, "application/x-ndjson");
  EXPECT_EQ(format_rfc3339(posts[0].at), "2026-11-23T20:15:30.250Z");
  EXPECT_EQ(posts[0].reports, 1u);
  EXPECT_FALSE(posts[0].is_cmcd());
}

TEST(Recording, ReadsRequestsWithoutTheirCredentials) {
  const auto posts = parse(kRequest);
  ASSERT_EQ(posts.size(), 1u);
  EXPECT_EQ(posts[0].at.ms, 1795468126867);
  EXPECT_EQ(posts[0].target, "/v1/cmcd?run=1");
  EXPECT_EQ(posts[0].content_type, "application/cmcd");
  EXPECT_EQ(posts[0].reports, 2u);
  EXPECT_TRUE(posts[0].is_cmcd());
}

TEST(Recording, SkipsRequestsThatPostNothing) {
  EXPECT_TRUE(
      parse(R"({"at":1,"method":"OPTIONS","path":"/v1/cmcd","headers":{},"body":""})").empty());
  EXPECT_TRUE(
      parse(R"({"at":1,"method":"POST","path":"/v1/cmcd","headers":{},"body":"\n"})").empty());
}

TEST(Recording, ReadsReportsInsideRecordedRequests) {
  const auto posts = parse(
      R"({"at":1795468126867,"method":"POST","path":"/v1/reports","headers":{"content-type":"application/json"},)"
      R"("body":"[{\"state\":\"playing\",\"at\":\"2026-11-23T20:15:30Z\"},{\"state\":\"paused\",\"at\":\"2026-11-23T20:15:31Z\"}]"})");
  ASSERT_EQ(posts.size(), 1u);
  EXPECT_EQ(posts[0].reports, 2u);
  EXPECT_EQ(posts[0].at.ms, 1795468126867) << "a request has a time of its own";
  EXPECT_EQ(posts[0].body,
            "{\"state\":\"playing\",\"at\":\"2026-11-23T20:15:30.000Z\"}\n"
            "{\"state\":\"paused\",\"at\":\"2026-11-23T20:15:31.000Z\"}\n");
}

TEST(Recording, NamesTheLineThatCannotBeRead) {
  EXPECT_EQ(error_of(std::string(kReport) + "\n\nnonsense\n"), "test.jsonl:3: not a JSON object");
  EXPECT_EQ(error_of(R"({"state":"playing"})"), "test.jsonl:1: a report without \"at\"");
  EXPECT_EQ(error_of(R"({"state":"playing","at":"yesterday"})"),
            "test.jsonl:1: \"at\" is no RFC 3339 time: 'yesterday'");
  EXPECT_TRUE(error_of(R"({"wall":1})").starts_with("test.jsonl:1: neither a report"));
  EXPECT_NE(error_of(R"({"at":"x","method":"POST","path":"/v1/cmcd","body":"e=t"})"), "");
  EXPECT_NE(error_of(R"({"at":1,"method":"POST","path":"v1/cmcd","body":"e=t"})"), "");
  EXPECT_NE(error_of(R"({"at":1,"method":"POST","path":"/a\r\nX: y","body":"e=t"})"), "");
}

TEST(Recording, GivesReportsTheOwnerThatIsAskedFor) {
  const auto posts =
      parse(kReport, {.account = "a2", .profile = "p2", .device = "phone", .view_suffix = "-7"});
  ASSERT_EQ(posts.size(), 1u);
  EXPECT_EQ(posts[0].body,
            R"({"title":"t1","view":"v1-7","state":"playing","at":"2026-11-23T20:15:30.250Z",)"
            R"("started_at":"2026-11-23T19:50:02.000Z","playhead_ms":1234567,)"
            R"("custom":{"a":[1,"x"]},"account":"a2","profile":"p2","device":"phone"})"
            "\n");
}

TEST(Recording, GivesRequestsTheOwnerThatIsAskedFor) {
  EXPECT_EQ(retarget("/v1/cmcd", {.account = "a", .profile = "p", .device = "d"}),
            "/v1/cmcd?account=a&profile=p&device=d");
  EXPECT_EQ(retarget("/v1/cmcd?account=old&stop=410&Token=x&profile=kid&access_token=y",
                     {.account = "a"}),
            "/v1/cmcd?stop=410&profile=kid&account=a");
  EXPECT_EQ(retarget("/v1/cmcd?token=x", {}), "/v1/cmcd");
}

TEST(Shift, MovesTheTimesOfReportsAndLeavesOutWhenTheyWereSent) {
  auto posts = parse(kReport);
  shift(posts[0], 3'600'000);
  EXPECT_EQ(format_rfc3339(posts[0].at), "2026-11-23T21:15:30.250Z");
  EXPECT_NE(posts[0].body.find(R"("at":"2026-11-23T21:15:30.250Z")"), std::string::npos);
  EXPECT_NE(posts[0].body.find(R"("started_at":"2026-11-23T20:50:02.000Z")"), std::string::npos);
  EXPECT_EQ(posts[0].body.find("sent_at"), std::string::npos);
  EXPECT_EQ(posts[0].reports, 1u);
}

TEST(Shift, MovesTheTimesOfCmcdRecords) {
  auto posts = parse(kRequest);
  shift(posts[0], 1'000);
  EXPECT_EQ(posts[0].at.ms, 1795468127867);
  EXPECT_EQ(posts[0].body,
            "cid=\"t\",e=t,pt=0,sid=\"s\",ts=1795468127861,v=2\n"
            "e=ps,sid=\"s\",ts=1795468127940,v=2\n");
}

TEST(RewriteCmcd, MovesAPlayheadOnlyWhereItIsADate) {
  EXPECT_EQ(rewrite_cmcd("pt=1795468126861,ts=1795468126861", 5, {}),
            "pt=1795468126866,ts=1795468126866");
  EXPECT_EQ(rewrite_cmcd("pt=90000,ts=1795468126861", 5, {}), "pt=90000,ts=1795468126866");
}

TEST(RewriteCmcd, TouchesNothingButMembersOfThatName) {
  EXPECT_EQ(rewrite_cmcd(R"(cid="a,ts=1\",ts=2",com.x-ts=3,tsx=4,url="ts=5",ts=10)", 1, {}),
            R"(cid="a,ts=1\",ts=2",com.x-ts=3,tsx=4,url="ts=5",ts=11)");
  EXPECT_EQ(rewrite_cmcd("bl=(1;v,ts=7 2;a),ts=10;x", 1, {}), "bl=(1;v,ts=7 2;a),ts=11;x");
}

TEST(RewriteCmcd, LeavesWhatIsBrokenAndGoesOnAtTheNextRecord) {
  EXPECT_EQ(
      rewrite_cmcd("ts=1.5,e=t\nts=abc\nts=\nts=-1\ncid=\"open,ts=1\nbl=(1,ts=1\n, ts=10", 1, {}),
      "ts=1.5,e=t\nts=abc\nts=\nts=-1\ncid=\"open,ts=1\nbl=(1,ts=1\n, ts=11");
}

TEST(RewriteCmcd, PutsTheSuffixBehindEachViewOnly) {
  EXPECT_EQ(rewrite_cmcd("sid=\"a\\\"b\",cid=\"c\"\nsid=\"a\",ts=1", 0, "-7"),
            "sid=\"a\\\"b-7\",cid=\"c\"\nsid=\"a-7\",ts=1");
}

TEST(Merge, PutsNeighbouringReportsTogetherUpToTheLimit) {
  std::string text;
  for (int i = 0; i < 5; ++i) text += std::string(kReport) + "\n";
  text += std::string(kRequest) + "\n" + kReport + "\n";
  const auto posts = merge(parse(text), 3);
  ASSERT_EQ(posts.size(), 4u);
  EXPECT_EQ(posts[0].reports, 3u);
  EXPECT_EQ(std::ranges::count(posts[0].body, '\n'), 3);
  EXPECT_EQ(posts[1].reports, 2u);
  EXPECT_TRUE(posts[2].is_cmcd()) << "never with CMCD, and never out of order";
  EXPECT_EQ(posts[3].reports, 1u);
}

}  // namespace
}  // namespace playhead
