// Who owns what, what may follow what, and the bytes of it.
#include "cluster/slot_map.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace playhead {
namespace {

const std::vector<Owner> kThree = {{.node = "node-1", .session = 11},
                                   {.node = "node-2", .session = 22},
                                   {.node = "node-3", .session = 33}};

// Everything to the three, one after the other.
SlotMap dealt() {
  std::vector<Move> moves;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot)
    moves.push_back({.slot = slot, .to = static_cast<std::uint16_t>(slot % 3)});
  return SlotMap().with(moves, kThree);
}

std::string bytes_of(const SlotMap& map) {
  std::string out;
  encode(out, map);
  return out;
}

TEST(SlotMap, GivesEachMovedSlotTheVersionAsItsEpoch) {
  const SlotMap first = dealt();
  const SlotMap second = first.with(std::vector<Move>{{.slot = 5, .to = 0}}, kThree);
  EXPECT_EQ(second.version(), 2u);
  EXPECT_EQ(*second.owner_of(5), kThree[0]);
  EXPECT_EQ(second.epoch_of(5), 2u);
  EXPECT_EQ(second.epoch_of(6), 1u);
  EXPECT_EQ(changed_slots(first, second), SlotSet().set(5));
  EXPECT_EQ(first.slots_of(33).count(), second.slots_of(33).count() + 1);
  EXPECT_TRUE(check_successor(first, second));
}

TEST(SlotMap, ForgetsAnOwnerWithItsLastSlot) {
  std::vector<Move> moves;
  const SlotMap map = dealt();
  for (std::uint16_t slot = 2; slot < kSlots; slot += 3) moves.push_back({.slot = slot, .to = 0});
  EXPECT_EQ(map.owners().size(), 3u);
  const SlotMap without = map.with(moves, kThree);
  EXPECT_EQ(without.owners().size(), 2u);
  EXPECT_TRUE(without.slots_of(33).none());
}

TEST(SlotMap, IsNotFollowedByOneThatSkipsAVersionOrKeepsAnEpoch) {
  const SlotMap map = dealt();
  EXPECT_FALSE(check_successor(map, map));
  EXPECT_FALSE(check_successor(map, map.with({}, {}).with({}, {})));
  EXPECT_TRUE(check_successor(map, map.with({}, {})));
  EXPECT_FALSE(check_successor(map, SlotMap().with({}, {}).with({}, {}))) << "owners are lost";
  // Another owner under the same epoch.
  std::vector<Move> moves;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot) moves.push_back({.slot = slot, .to = 0});
  EXPECT_FALSE(check_successor(map, SlotMap().with(moves, kThree).with({}, {})));
}

TEST(SlotMap, ComesBackFromItsBytes) {
  Prng prng(1);
  SlotMap map;
  EXPECT_EQ(*decode_slot_map(bytes_of(map)), map);
  for (int i = 0; i < 100; ++i) {
    std::vector<Move> moves;
    const std::size_t first = prng.below(kSlots), count = prng.below(kSlots - first);
    for (std::size_t slot = first; slot < first + count; ++slot)
      moves.push_back({.slot = static_cast<std::uint16_t>(slot),
                       .to = static_cast<std::uint16_t>(prng.below(3))});
    map = map.with(moves, kThree);
    const auto back = decode_slot_map(bytes_of(map));
    ASSERT_TRUE(back);
    ASSERT_EQ(*back, map);
  }
}

TEST(SlotMap, IsRefusedCutShortOrWithBytesLeftOver) {
  const std::string whole = bytes_of(dealt());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_slot_map(std::string_view(whole).substr(0, size))) << size;
  EXPECT_FALSE(decode_slot_map(whole + '\0'));
}

// What lies in Cassandra: if this fails, the format has changed, and needs a new number.
TEST(SlotMap, KeepsTheBytesThatDocsFormatsDescribes) {
  const SlotMap map = SlotMap()
                          .with(std::vector<Move>{{.slot = 0, .to = 0}}, kThree)
                          .with(std::vector<Move>{{.slot = 2, .to = 1}}, kThree);
  EXPECT_EQ(bytes_of(map), std::string("\x01"                          // format
                                       "\x02"                          // version
                                       "\x02"                          // owners
                                       "\x06node-1\x0b\0\0\0\0\0\0\0"  //
                                       "\x06node-2\x16\0\0\0\0\0\0\0"  //
                                       "\x01\x01\x01"                  // slot 0: 1st, one ago
                                       "\x01\x00\x02"                  // slot 1: nobody's
                                       "\x01\x02\x00"                  // slot 2: 2nd, now
                                       "\xfd\x1f\x00\x02"              // 4093: nobody's
                                       "\x00",                         // extension
                                       3 + 15 + 15 + 9 + 4 + 1));
}

TEST(SlotMap, OfANewerReleaseIsRefusedByName) {
  std::string newer = bytes_of(dealt());
  newer[0] = 2;
  const auto map = decode_slot_map(newer);
  ASSERT_FALSE(map);
  EXPECT_NE(map.error().detail.find("newer release (format 2)"), std::string::npos);
}

}  // namespace
}  // namespace playhead
