// CMCD bodies: what a record tells, what is dropped, and lines as the three players really send
// them.
#include "ingest/cmcd.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/ids.h"

namespace playhead {
namespace {

constexpr CmcdOrigin kOrigin{.account = "acct-1", .profile = "p1", .device = "tv-1"};

class Cmcd : public ::testing::Test {
 protected:
  const Reports& read(std::string_view body, const CmcdOrigin& origin = kOrigin) {
    return parser_.reports(body, origin);
  }
  // The only report of `body`.
  Report one(std::string_view body, const CmcdOrigin& origin = kOrigin) {
    const Reports& got = read(body, origin);
    EXPECT_EQ(got.reports.size(), 1U) << body;
    return got.reports.empty() ? Report{} : got.reports.front();
  }
  // A record with all that is required, and `more`.
  static std::string record(std::string_view more = "") {
    return R"(cid="clip",e=t,sid="s1",ts=1795467742208,v=2)" + std::string(more);
  }
  void expect_dropped(std::string_view body, const CmcdOrigin& origin = kOrigin) {
    const Reports& got = read(body, origin);
    EXPECT_TRUE(got.reports.empty()) << body;
    EXPECT_EQ(got.dropped, 1U) << body;
    EXPECT_TRUE(got.rejected.empty());
  }

  CmcdParser parser_{IngestOptions{.batch_reports_max = 4}};
};

TEST_F(Cmcd, ReadsARecordOfAReporterWithPositions) {
  const Report got =
      one(R"(cid="test-clip-90s",com.example-account="acc-42",com.example-profile="kid-1",e=ps,)"
          R"(pt=61571,sid="2e3e2668-663b-4253-8832-586298f4054c",sn=14,sta=p,ts=1795468165599,v=2)",
          {});
  EXPECT_EQ(got.account, "acc-42");
  EXPECT_EQ(got.profile, "kid-1");
  EXPECT_EQ(got.device, "");
  EXPECT_EQ(got.title, "test-clip-90s");
  EXPECT_EQ(got.view, "2e3e2668-663b-4253-8832-586298f4054c");
  EXPECT_EQ(got.sequence, 14U);
  EXPECT_EQ(got.at.ms, 1795468165599);
  EXPECT_EQ(got.playhead, 61'571);
  EXPECT_EQ(got.state, State::kPlaying);
  EXPECT_EQ(got.kind, Kind::kOnDemand);
  EXPECT_TRUE(got.cmcd);
  EXPECT_TRUE(got.record);
  EXPECT_FALSE(got.duration || got.sent_at || got.started_at || got.watched || got.credits);
}

TEST_F(Cmcd, ReadsTheBatchOfAnUnmodifiedPlayer) {
  const Reports& got = read(
      "cid=\"test-clip-90s\",e=t,sf=h,sid=\"b02b58cc\",sn=0,ts=1795467742208,v=2\n"
      "br=(366),cid=\"test-clip-90s\",e=ps,mtp=(500),sf=h,sid=\"b02b58cc\",sn=2,sta=s,"
      "ts=1795467742237,v=2\n"
      "bl=(0;v 0;a),cid=\"test-clip-90s\",e=rr,msd=6,ot=m,rc=200,sid=\"b02b58cc\",sn=3,sta=s,"
      "ts=1795467995886,ttfb=1795467994337,url=\"http://localhost:18801/media/manifest.mpd\",v=2\n"
      "bg,br=(364),cid=\"test-clip-90s\",e=b,sf=d,sid=\"b02b58cc\",sn=65,st=v,ts=1795468105866,v="
      "2\n");
  ASSERT_EQ(got.reports.size(), 3U);
  EXPECT_TRUE(got.batch);
  EXPECT_TRUE(got.places.empty());
  EXPECT_EQ(got.reports[0].state, State::kKeep) << "no sta: the state stays";
  EXPECT_EQ(got.reports[1].state, State::kStarting);
  EXPECT_EQ(got.reports[2].sequence, 65U);
  EXPECT_EQ(got.reports[2].kind, Kind::kOnDemand);
  EXPECT_EQ(got.dropped, 0U);
  EXPECT_EQ(got.ignored, 1U) << "the rr";
  for (const Report& report : got.reports) {
    EXPECT_FALSE(report.playhead);
    EXPECT_FALSE(report.duration);
    EXPECT_EQ(report.account, "acct-1");
  }
}

TEST_F(Cmcd, MapsEveryState) {
  const std::pair<char, State> states[] = {{'s', State::kStarting},    {'d', State::kStarting},
                                           {'p', State::kPlaying},     {'k', State::kSeeking},
                                           {'r', State::kRebuffering}, {'w', State::kRebuffering},
                                           {'a', State::kPaused},      {'e', State::kCompleted},
                                           {'f', State::kFailed},      {'q', State::kStopped}};
  for (const auto& [letter, state] : states)
    EXPECT_EQ(one(record(",sta=" + std::string(1, letter))).state, state) << letter;
  EXPECT_EQ(one(record()).state, State::kKeep);
  EXPECT_EQ(one(record(",sta=zz")).state, State::kKeep);
  EXPECT_EQ(read(record(",sta=zz")).ignored, 1U);
}

TEST_F(Cmcd, TakesKeysInAnyOrder) {
  const Report got = one(R"(v=2,ts=1795467742208,sta=a,sn=7,sid="s1",pt=5,e=ps,cid="clip")");
  EXPECT_EQ(got.state, State::kPaused);
  EXPECT_EQ(got.playhead, 5);
}

TEST_F(Cmcd, LetsTheLastOfRepeatedKeysWin) {
  const Report got = one(record(R"(,sid="s2",pt=1,pt=2,sta=p,sta=a,st=l,st=v,sn=4,sn=5)"));
  EXPECT_EQ(got.view, "s2");
  EXPECT_EQ(got.playhead, 2);
  EXPECT_EQ(got.state, State::kPaused);
  EXPECT_EQ(got.kind, Kind::kOnDemand);
  EXPECT_EQ(got.sequence, 5U);
}

TEST_F(Cmcd, DropsRecordsWithoutWhatIsRequired) {
  for (const std::string_view line :
       {R"(e=t,sid="s1",ts=1795467742208,v=2)", R"(cid="clip",sid="s1",ts=1795467742208,v=2)",
        R"(cid="clip",e=t,ts=1795467742208,v=2)", R"(cid="clip",e=t,sid="s1",v=2)",
        R"(cid="clip",e=t,sid="s1",ts=1795467742208)",
        R"(cid="",e=t,sid="s1",ts=1795467742208,v=2)",
        R"(cid="clip",e=t,sid="",ts=1795467742208,v=2)",
        R"(cid=7,e=t,sid="s1",ts=1795467742208,v=2)",
        R"(cid="clip",e,sid="s1",ts=1795467742208,v=2)"})
    expect_dropped(line);
}

TEST_F(Cmcd, DropsOtherVersions) {
  for (const std::string_view version : {",v=1", ",v=3", ",v=999999999999999999", ",v=\"2\"", ",v"})
    expect_dropped(record(version));
}

TEST_F(Cmcd, DropsTimesThatAreNone) {
  for (const std::string_view time :
       {",ts=-1", ",ts=253402300800000", ",ts=x", ",ts=9999999999999999"})
    expect_dropped(record(time));
}

TEST_F(Cmcd, DropsBrokenLinesAndKeepsTheOthers) {
  for (const std::string_view broken :
       {R"(cid="clip)", "e=", "=t", "e=t,,v=2", "e=t,", ",e=t", "bl=(1 2", "e=?2", "e=t x", "pt=1.",
        "pt=-", "a=:YQ==", "e=t;=1", "{\"account\":1}", "\x01", "e=\"\\", "1a=2", "e=(((("}) {
    const Reports& got = read(std::string(broken) + "\n" + record());
    EXPECT_EQ(got.reports.size(), 1U) << broken;
    EXPECT_EQ(got.dropped, 1U) << broken;
  }
}

TEST_F(Cmcd, SkipsWhatDictionariesMayHold) {
  for (const std::string_view more :
       {",bg", ",bg=?0", ",bg=?1", ",bl=(0;v 0;a)", ",ec=(\"a,b\" \"c\\\"\")", ",x=:YWJj:",
        ",y=-1.25", ",nor=(\"a\";r=\"0-9\" \"b)\")", ",z;a;b=\"c,d\";c=?0", ",  w=tok/en:*",
        ",empty=()", ",pr=1.5", ",url=\"http://h/?a=1,e=rr,b\"", ",com.example-UPPER=1"}) {
    const Reports& got = read(record(more));
    EXPECT_EQ(got.reports.size(), 1U) << more;
    EXPECT_EQ(got.ignored, 0U) << "unknown keys are no fault: " << more;
  }
}

TEST_F(Cmcd, ToleratesLineEndsOfAnyKind) {
  const std::string body = "\n\r\n" + record() + "\r\n \n" + record() + "\n\n";
  EXPECT_EQ(read(body).reports.size(), 2U);
  EXPECT_EQ(read(body).dropped, 0U);
  EXPECT_EQ(read("").reports.size(), 0U);
  EXPECT_EQ(read("").dropped, 0U);
}

TEST_F(Cmcd, IgnoresSenselessValuesOfKnownKeys) {
  for (const std::string_view more : {",sn=-1", ",sn=4294967296", ",sn=x", ",pt=-5", ",pt=\"5\"",
                                      ",pt", ",sta=(p)", ",ltc=\"x\""}) {
    const Reports& got = read(record(more));
    ASSERT_EQ(got.reports.size(), 1U) << more;
    EXPECT_EQ(got.ignored, 1U) << more;
    EXPECT_EQ(got.reports[0].sequence, 0U);
    EXPECT_FALSE(got.reports[0].playhead);
    EXPECT_EQ(got.reports[0].kind, Kind::kOnDemand);
  }
}

TEST_F(Cmcd, CutsFractions) {
  EXPECT_EQ(one(record(",pt=1234.567")).playhead, 1234);
  EXPECT_EQ(one(record(",ts=1795467742208.25")).at.ms, 1795467742208);
}

TEST_F(Cmcd, NeverTakesTheDurationOfAnObjectForTheTitles) {
  EXPECT_FALSE(one(record(",d=4004,pt=90000")).duration);
}

TEST_F(Cmcd, TakesLiveStreamsAsLiveWithoutAPlayhead) {
  for (const std::string_view more :
       {",st=l,pt=5", ",st=ll,pt=5", ",ltc=300,pt=5", ",pt=1795467742208", ",pt=100000000001",
        ",pt=1795467742208000000"}) {
    const Report got = one(record(more));
    EXPECT_EQ(got.kind, Kind::kLive) << more;
    EXPECT_FALSE(got.playhead) << more;
  }
  EXPECT_EQ(one(record(",pt=100000000000")).playhead, 100'000'000'000);
  EXPECT_EQ(one(record(",st=v,pt=5")).kind, Kind::kOnDemand);
}

TEST_F(Cmcd, EscapesBytesOutsideTheAlphabet) {
  EXPECT_EQ(one(R"(cid="a b/\"\\caf)"
                "\xc3\xa9"
                R"(",e=t,sid="{1}",ts=1795467742208,v=2)")
                .title,
            "a~20b~2F~22~5Ccaf~C3~A9");
  EXPECT_EQ(one(R"(cid=a/b,e=t,sid="{1}",ts=1795467742208,v=2)").view, "~7B1~7D");
  EXPECT_EQ(one(R"(cid=a/b,e=t,sid=s,ts=1795467742208,v=2)").title, "a~2Fb");
}

TEST_F(Cmcd, DropsIdsThatAreTooLongOnceEscaped) {
  const auto with = [](std::string_view key, const std::string& id) {
    return record("," + std::string(key) + "=\"" + id + "\"");
  };
  for (const std::string_view key : {"cid", "sid"}) {
    EXPECT_EQ(read(with(key, std::string(128, 'x'))).reports.size(), 1U);
    EXPECT_EQ(read(with(key, std::string(125, 'x') + "/")).reports.size(), 1U);
    expect_dropped(with(key, std::string(129, 'x')));
    expect_dropped(with(key, std::string(126, 'x') + "/"));
    expect_dropped(with(key, std::string(10'000, '/')));
  }
}

TEST_F(Cmcd, TakesWhoItIsFromTheOriginFirst) {
  const std::string line = record(R"(,com.example-account="a2",x-profile=p2,org.y-z-device="d2")");
  const Report got = one(line, {.account = "a1", .profile = {}, .device = {}});
  EXPECT_EQ(got.account, "a1");
  EXPECT_EQ(got.profile, "p2");
  EXPECT_EQ(got.device, "d2");
  EXPECT_EQ(one(line, {}).account, "a2");
  EXPECT_EQ(one(line, kOrigin).device, "tv-1");
}

TEST_F(Cmcd, DropsRecordsOfNobody) {
  expect_dropped(record(), {.account = "a", .profile = {}, .device = {}});
  expect_dropped(record(), {.account = {}, .profile = "p", .device = {}});
  expect_dropped(record(R"(,account="a",profile="p")"), {});
  expect_dropped(record(R"(,x-account="a/b",x-profile="p")"), {});
  expect_dropped(record(R"(,x-account=7,x-profile="p")"), {});
  EXPECT_EQ(one(record(R"(,x-account="a",x-profile="p",x-device="b a d")"), {}).device, "");
}

TEST_F(Cmcd, CountsRequestsButReadsNoFurther) {
  const Reports& got = read("e=rr,url=\"broken\n" + record() + "\n" + record(",e=rr"));
  EXPECT_EQ(got.reports.size(), 1U);
  EXPECT_EQ(got.ignored, 2U);
  EXPECT_EQ(got.dropped, 0U);
}

TEST_F(Cmcd, TakesEveryOtherEvent) {
  for (const std::string_view event : {"ps", "t", "e", "c", "b", "bc", "pr", "m", "um", "pe", "pc",
                                       "as", "ae", "abs", "abe", "sk", "ce", "h", "new"})
    EXPECT_EQ(one(record(",e=" + std::string(event))).view, "s1") << event;
}

TEST_F(Cmcd, DropsRecordsBeyondTheLimit) {
  std::string body;
  for (int i = 0; i < 7; ++i) body += record() + "\n" + record(",e=rr") + "\n";
  const Reports& got = read(body);
  EXPECT_EQ(got.reports.size(), 4U);
  EXPECT_EQ(got.dropped, 3U);
  EXPECT_EQ(got.ignored, 7U);
}

TEST_F(Cmcd, TextsOutliveTheBody) {
  std::string body = record() + "\n" + record(R"(,sid="second")");
  const Reports& got = read(body);
  std::fill(body.begin(), body.end(), '#');
  ASSERT_EQ(got.reports.size(), 2U);
  EXPECT_EQ(got.reports[0].view, "s1");
  EXPECT_EQ(got.reports[1].view, "second");
  EXPECT_EQ(got.reports[1].title, "clip");
}

// Any bytes as title and session: dropped, or ids; and every line is accounted for.
RC_GTEST_FIXTURE_PROP(Cmcd, MakesIdsOfAnyBytes, (const std::string& cid, const std::string& sid)) {
  std::string body = "e=t,ts=1,v=2";
  for (const auto& [key, text] : {std::pair{",cid=\"", cid}, std::pair{",sid=\"", sid}}) {
    body += key;
    for (const char c : text) {
      if (c == '"' || c == '\\') body += '\\';
      body += c == '\n' ? ' ' : c;
    }
    body += '"';
  }
  const Reports& got = read(body);
  RC_ASSERT(got.reports.size() + got.dropped == 1U);
  for (const Report& report : got.reports) RC_ASSERT(is_id(report.view) && is_id(report.title));
}

}  // namespace
}  // namespace playhead
