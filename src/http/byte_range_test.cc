// Ranges as RFC 9110 has them, and as attackers would.
#include "http/byte_range.h"

#include <gtest/gtest.h>

#include <string>

namespace playhead {
namespace {

using Kind = ByteRange::Kind;

void expect_part(std::string_view header, std::uint64_t size, std::uint64_t first,
                 std::uint64_t last) {
  const ByteRange range = byte_range(header, size);
  EXPECT_EQ(range.kind, Kind::kPart) << header;
  EXPECT_EQ(range.first, first) << header;
  EXPECT_EQ(range.last, last) << header;
}

TEST(ByteRange, IsAPartThatNeverGoesBeyondTheEnd) {
  expect_part("bytes=0-0", 10, 0, 0);
  expect_part("bytes=0-", 10, 0, 9);
  expect_part("bytes=3-5", 10, 3, 5);
  expect_part("bytes=3-99", 10, 3, 9);
  expect_part("bytes=9-", 10, 9, 9);
  expect_part("bytes=3-99999999999999999999999", 10, 3, 9);
  expect_part("BYTES=3-4", 10, 3, 4);
}

TEST(ByteRange, CountsFromTheEndWhereOnlyALengthIsGiven) {
  expect_part("bytes=-1", 10, 9, 9);
  expect_part("bytes=-10", 10, 0, 9);
  expect_part("bytes=-11", 10, 0, 9);
  expect_part("bytes=-99999999999999999999999", 10, 0, 9);
}

TEST(ByteRange, IsBeyondWhereNoByteOfItIsThere) {
  for (const char* header : {"bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999-"})
    EXPECT_EQ(byte_range(header, 10).kind, Kind::kBeyond) << header;
  for (const char* header : {"bytes=0-", "bytes=0-0", "bytes=-1"})
    EXPECT_EQ(byte_range(header, 0).kind, Kind::kBeyond) << header;
}

TEST(ByteRange, IsPassedOverWhereItIsMalformedOrSeveral) {
  for (const char* header :
       {"", "bytes", "bytes=", "bytes=-", "bytes=5-3", "bytes=a-", "bytes=1-b", "bytes=+1-2",
        "bytes=1--2", "bytes=0-1,3-4", "bytes=0-1, -1", "bytes =0-1", "bytes=0x1-2", "lines=0-1",
        " bytes=0-1", "bytes=0 -1", "bytes=-1-2"})
    EXPECT_EQ(byte_range(header, 10).kind, Kind::kWhole) << header;
}

}  // namespace
}  // namespace playhead
