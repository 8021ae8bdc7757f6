// What a node that gives slots away has of them, and to whom it may go.
#include "service/handed_slots.h"

#include <gtest/gtest.h>

namespace playhead {
namespace {

constexpr std::uint16_t kSlot = 7;
const Owner kA{.node = "a", .session = 1}, kB{.node = "b", .session = 2};

SlotMap given_to(const SlotMap& map, const Owner& owner) {
  const Move move{.slot = kSlot, .to = 0};
  return map.with(std::span(&move, 1), std::span(&owner, 1));
}

std::vector<HandedSlot> flushed(const SlotMap& map) {
  return {{.slot = kSlot, .epoch = map.epoch_of(kSlot), .accounts = "its accounts"}};
}

const SlotMap kOfA = given_to(SlotMap(), kA);
const SlotMap kOfB = given_to(kOfA, kB);

TEST(HandedSlots, GoToTheNextOwnerUnderHisEpochAndOnlyOnce) {
  HandedSlots handed;
  handed.add(handed.begin(), flushed(kOfA));
  EXPECT_TRUE(handed.take(kOfA, kOfB, 3).empty()) << "another node";
  const auto his = handed.take(kOfA, kOfB, kB.session);
  ASSERT_EQ(his.size(), 1u);
  EXPECT_EQ(his.front().epoch, kOfB.epoch_of(kSlot));
  EXPECT_EQ(his.front().accounts, "its accounts");
  EXPECT_TRUE(handed.take(kOfA, kOfB, kB.session).empty());
}

TEST(HandedSlots, StayWhileOtherSlotsChangeHands) {
  HandedSlots handed;
  handed.add(handed.begin(), flushed(kOfA));
  const Move other{.slot = kSlot + 1, .to = 0};
  const SlotMap same = kOfA.with(std::span(&other, 1), std::span(&kB, 1));
  EXPECT_TRUE(handed.take(kOfA, same, kB.session).empty());
  EXPECT_EQ(handed.take(same, given_to(same, kB), kB.session).size(), 1u);
}

// Its answer comes when the slot has been lost, and is this node's again under another epoch.
TEST(HandedSlots, OfAFormerTimeGoToNobody) {
  HandedSlots handed;
  handed.add(handed.begin(), flushed(kOfA));
  const SlotMap again = given_to(kOfB, kA);
  EXPECT_TRUE(handed.take(again, given_to(again, kB), kB.session).empty());
}

// The slot has been this node's all the while, and it may have folded for it in between.
TEST(HandedSlots, OfAnEarlierFlushGoToNobody) {
  HandedSlots handed;
  const std::uint64_t first = handed.begin();
  handed.add(first, flushed(kOfA));
  const std::uint64_t second = handed.begin();
  handed.add(first, flushed(kOfA));  // late
  handed.add(second, {});
  EXPECT_TRUE(handed.take(kOfA, kOfB, kB.session).empty());
}

}  // namespace
}  // namespace playhead
