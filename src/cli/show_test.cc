// Formats of numbers and times, and tables.
#include "cli/show.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace playhead {
namespace {

TEST(Show, GroupsDigitsOfCounts) {
  EXPECT_EQ(show_count(0), "0");
  EXPECT_EQ(show_count(999), "999");
  EXPECT_EQ(show_count(1'000), "1,000");
  EXPECT_EQ(show_count(1'234'567), "1,234,567");
}

TEST(Show, ChoosesTheUnitOfBytes) {
  EXPECT_EQ(show_bytes(1'023), "1023 bytes");
  EXPECT_EQ(show_bytes(1'024), "1.0 KiB");
  EXPECT_EQ(show_bytes(14'889'779), "14.2 MiB");
  EXPECT_EQ(show_bytes(std::uint64_t{5} << 40), "5.0 TiB");
}

TEST(Show, WritesPositionsInHoursMinutesAndSeconds) {
  EXPECT_EQ(show_position(0), "0:00:00");
  EXPECT_EQ(show_position(3'723'999), "1:02:03");
  EXPECT_EQ(show_position(std::nullopt), "-");
  EXPECT_EQ(show_position(1'234'567, 3'300'000), "0:20:34 of 0:55:00");
  EXPECT_EQ(show_position(1'234'567, std::nullopt), "0:20:34");
  EXPECT_EQ(show_position(std::nullopt, 3'300'000), "- of 0:55:00");
}

TEST(Show, LeavesTheDateOutOnlyOnTheSameDayOfTheLocalZone) {
  ::setenv("TZ", "UTC-2", 1);  // two hours ahead of UTC
  ::tzset();
  const Instant now = *parse_rfc3339("2026-11-23T21:59:00Z");
  EXPECT_EQ(show_time(parse_rfc3339("2026-11-23T20:15:30.250Z"), now), "22:15:30");
  EXPECT_EQ(show_time(parse_rfc3339("2026-11-22T21:59:59Z"), now), "2026-11-22 23:59");
  EXPECT_EQ(show_time(parse_rfc3339("2026-11-22T22:00:00Z"), now), "00:00:00");
  EXPECT_EQ(show_time(parse_rfc3339("2025-11-23T20:15:30Z"), now), "2025-11-23 22:15");
  EXPECT_EQ(show_time(std::nullopt, now), "-");
}

TEST(Show, SaysHowLongAgoInOneUnit) {
  const Instant now{1'000'000'000'000};
  EXPECT_EQ(show_ago(now - 3'900, now), "3 s ago");
  EXPECT_EQ(show_ago(now + 5'000, now), "0 s ago") << "clocks differ";
  EXPECT_EQ(show_ago(now - 120'000, now), "2 min ago");
  EXPECT_EQ(show_ago(now - 2 * 3'600'000, now), "2 h ago");
  EXPECT_EQ(show_ago(now - 48 * 3'600'000LL, now), "2 d ago");
  EXPECT_EQ(show_ago(std::nullopt, now), "-");
}

TEST(TextTable, AlignsColumnsByWhatTheyShow) {
  TextTable table({"TITLE", "STATE"});
  table.add({"got-s01e01", "playing"});
  table.add({"é", "paused"});
  EXPECT_EQ(table.text(),
            "TITLE       STATE\n"
            "got-s01e01  playing\n"
            "é           paused\n");
}

TEST(TextTable, ShowsNoControlCharacters) {
  TextTable table({"TITLE"});
  table.add({"a\x1b[2Jb\n"});
  EXPECT_EQ(table.text(), "TITLE\na?[2Jb?\n");
}

}  // namespace
}  // namespace playhead
