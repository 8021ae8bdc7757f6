// RFC 3339 in and out, against literal moments (date -u -d ... +%s%3N gives the same).
#include "base/time.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <string>

namespace playhead {
namespace {

// The same cases in each run, unless the environment asks for others.
[[maybe_unused]] const int kSeeded = setenv("RC_PARAMS", "seed=1 max_success=1000", 0);

std::int64_t parsed_ms(std::string_view text) {
  const auto at = parse_rfc3339(text);
  EXPECT_TRUE(at) << text;
  return at ? at->ms : 0;
}

TEST(Time, FormatsInUtcWithMilliseconds) {
  EXPECT_EQ(format_rfc3339(Instant{1795464930250}), "2026-11-23T20:15:30.250Z");
  EXPECT_EQ(format_rfc3339(Instant{0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(Instant{-1}), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_rfc3339(Instant{951782400000}), "2000-02-29T00:00:00.000Z");
}

TEST(Time, ClampsYearsThatRfc3339DoesNotHave) {
  EXPECT_EQ(format_rfc3339(kNever), "0000-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(Instant{-62167219200001}), "0000-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(Instant{253402300800000}), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(format_rfc3339(Instant{std::numeric_limits<std::int64_t>::max()}),
            "9999-12-31T23:59:59.999Z");
}

TEST(Time, ReadsWhatTheDesignShows) {
  EXPECT_EQ(parsed_ms("2026-11-23T20:15:30.250Z"), 1795464930250);
  EXPECT_EQ(parsed_ms("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parsed_ms("0000-01-01T00:00:00Z"), -62167219200000);
  EXPECT_EQ(parsed_ms("9999-12-31T23:59:59.999Z"), 253402300799999);
}

TEST(Time, ReadsLowerCaseAndASpaceBetweenDateAndTime) {
  EXPECT_EQ(parsed_ms("2026-11-23t20:15:30.250z"), 1795464930250);
  EXPECT_EQ(parsed_ms("2026-11-23 20:15:30.250Z"), 1795464930250);
}

TEST(Time, TakesOffsetsIntoAccount) {
  EXPECT_EQ(parsed_ms("2026-11-23T20:15:30.250+00:00"), 1795464930250);
  EXPECT_EQ(parsed_ms("2026-11-23T20:15:30.250-00:00"), 1795464930250);
  EXPECT_EQ(parsed_ms("2026-11-24T02:00:30.250+05:45"), 1795464930250);
  EXPECT_EQ(parsed_ms("2026-11-23T12:15:30.250-08:00"), 1795464930250);
  EXPECT_EQ(parsed_ms("2027-01-01T00:00:00+23:59"), 1798761600000 - (23 * 60 + 59) * 60'000);
}

TEST(Time, CutsFractionsToMillisecondsWithoutRounding) {
  EXPECT_EQ(parsed_ms("1970-01-01T00:00:01.5Z"), 1500);
  EXPECT_EQ(parsed_ms("1970-01-01T00:00:01.05Z"), 1050);
  EXPECT_EQ(parsed_ms("1970-01-01T00:00:01.9999999999999999999999Z"), 1999);
  EXPECT_EQ(parsed_ms("1970-01-01T00:00:01.0009+01:00"), 1000 - 3'600'000);
}

TEST(Time, CountsALeapSecondAsTheSecondAfterIt) {
  EXPECT_EQ(parsed_ms("2016-12-31T23:59:60Z"), parsed_ms("2017-01-01T00:00:00Z"));
  EXPECT_EQ(parsed_ms("2016-12-31T15:59:60.500-08:00"), parsed_ms("2017-01-01T00:00:00.500Z"));
  EXPECT_FALSE(parse_rfc3339("2016-12-31T23:59:61Z"));
}

TEST(Time, KnowsLeapYears) {
  EXPECT_TRUE(parse_rfc3339("2024-02-29T00:00:00Z"));
  EXPECT_TRUE(parse_rfc3339("2000-02-29T00:00:00Z"));
  EXPECT_FALSE(parse_rfc3339("2023-02-29T00:00:00Z"));
  EXPECT_FALSE(parse_rfc3339("1900-02-29T00:00:00Z"));
}

TEST(Time, RefusesWhatIsNotADateTime) {
  for (const std::string_view text : {"",
                                      "now",
                                      "2026-11-23",
                                      "2026-11-23T20:15:30",
                                      "2026-11-23T20:15:30.Z",
                                      "2026-11-23T20:15:30.250",
                                      "2026-11-23T20:15Z",
                                      "2026-11-23T24:00:00Z",
                                      "2026-11-23T20:60:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-04-31T00:00:00Z",
                                      "2026-11-00T00:00:00Z",
                                      "2026-1-23T20:15:30.250Z",
                                      "2026-11-23_20:15:30Z",
                                      "2026/11/23T20:15:30Z",
                                      "+026-11-23T20:15:30Z",
                                      "2026-11-23T20:15:30+0100",
                                      "2026-11-23T20:15:30+01",
                                      "2026-11-23T20:15:30+24:00",
                                      "2026-11-23T20:15:30+01:60",
                                      "2026-11-23T20:15:30ZZ",
                                      "2026-11-23T20:15:30.250Z ",
                                      " 2026-11-23T20:15:30.250Z",
                                      "1795464930250",
                                      "2026-11-23T20:15:30,250Z",
                                      "2026-11-23T-1:15:30Z"})
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  EXPECT_FALSE(parse_rfc3339(std::string_view("2026-11-23T20:15:30\0Z", 21)));
}

RC_GTEST_PROP(Time, ReadsBackEveryMomentItWrites, ()) {
  const Instant at{*rc::gen::inRange<std::int64_t>(-62167219200000, 253402300800000)};
  const auto read = parse_rfc3339(format_rfc3339(at));
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->ms == at.ms);
}

RC_GTEST_PROP(Time, NeverReadsPastTheTextOrAcceptsATruncatedOne, ()) {
  const std::string whole = "2026-11-23T20:15:30.250+05:45";
  const auto size = *rc::gen::inRange<std::size_t>(0, whole.size());
  RC_ASSERT(!parse_rfc3339(std::string(whole, 0, size)).has_value());
}

}  // namespace
}  // namespace playhead
