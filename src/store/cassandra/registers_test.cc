// What Cassandra does with two writes of a cell, done here: the greater (timestamp, bytes) stays.
// It must come to the same as TitleState::merge.
#include "store/cassandra/registers.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <map>
#include <tuple>

#include "store/cassandra/registers_test_kit.h"

namespace playhead {
namespace {

// A row of `progress` as one replica keeps it.
class Row {
 public:
  void write(const TitleState& delta) {
    for (const Register which : kRegisters) {
      const auto cell = encode_register(which, delta);
      if (!cell) continue;
      Cell& mine = cells_[which];
      const auto key = [](const Cell& of) { return std::tie(of.timestamp_us, of.bytes); };
      if (mine.bytes.empty() || key(*cell) > key(mine)) mine = *cell;
    }
  }
  Result<TitleState> read() const {
    TitleState out;
    for (const auto& [which, cell] : cells_)
      if (auto merged = merge_register(which, cell.bytes, out); !merged)
        return std::unexpected(merged.error());
    return out;
  }

 private:
  std::map<Register, Cell> cells_;
};

RC_GTEST_PROP(Registers, KeptByTimestampAndBytesAreTheMerge, ()) {
  const auto deltas = *rc::gen::container<std::vector<TitleState>>(gen_title_state());
  Row row;
  TitleState expected;
  for (const TitleState& delta : deltas) {
    row.write(delta);
    expected.merge(delta);
  }
  const auto read = row.read();
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == expected);
}

TEST(Registers, AreEqualAtTimesBeyondWhatCassandraCanSayAndDecidedByTheirBytes) {
  for (const auto& [older, newer] : {std::pair(std::numeric_limits<std::int64_t>::max() - 1,
                                               std::numeric_limits<std::int64_t>::max()),
                                     std::pair(std::numeric_limits<std::int64_t>::min(),
                                               std::numeric_limits<std::int64_t>::min() + 1)}) {
    TitleState a, b;
    a.position = {.moved = Instant{older}, .act = true, .playhead = 7};
    b.position = {.moved = Instant{newer}, .act = true, .playhead = 5};
    const auto cell_a = encode_register(Register::kPosition, a);
    const auto cell_b = encode_register(Register::kPosition, b);
    ASSERT_TRUE(cell_a && cell_b);
    EXPECT_EQ(cell_a->timestamp_us, cell_b->timestamp_us);
    EXPECT_LT(cell_a->bytes, cell_b->bytes);
  }
}

TEST(Registers, KeepWhatTheyAreMadeOf) {
  TitleState title;
  title.position = {.moved = Instant{1'700'000'000'123},
                    .act = false,
                    .view = std::string("v\0x", 3),
                    .cursor = {Instant{-5}, 17, 0xdeadbeef},
                    .at_end = true,
                    .cleared = true,
                    .device = "",
                    .playhead = -1};
  const auto cell = encode_register(Register::kPosition, title);
  ASSERT_TRUE(cell);
  EXPECT_EQ(cell->timestamp_us, 1'700'000'000'123'000);
  TitleState read;
  ASSERT_TRUE(merge_register(Register::kPosition, cell->bytes, read));
  EXPECT_EQ(read, title);
}

TEST(Registers, HoldNothingWhereNothingIsSaid) {
  for (const Register which : kRegisters) EXPECT_FALSE(encode_register(which, TitleState{}));
}

TEST(Registers, SayCorruptForBytesThatAreCutShortOrNewer) {
  TitleState title;
  title.position = {.moved = Instant{1}, .view = "v1", .device = "tv", .playhead = 2};
  std::string bytes = encode_register(Register::kPosition, title)->bytes;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    TitleState read;
    const auto merged = merge_register(Register::kPosition, bytes.substr(0, size), read);
    ASSERT_FALSE(merged) << size;
    EXPECT_EQ(merged.error().code, Errc::kCorrupt);
  }
  TitleState read;
  EXPECT_FALSE(merge_register(Register::kPosition, bytes + bytes.back(), read))
      << "bytes left over";
  bytes.back() = 2;
  const auto newer = merge_register(Register::kPosition, bytes, read);
  ASSERT_FALSE(newer);
  EXPECT_NE(newer.error().detail.find("newer release"), std::string::npos);
  EXPECT_EQ(read, TitleState{});
}

}  // namespace
}  // namespace playhead
