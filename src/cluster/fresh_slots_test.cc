// What other threads see of a lease.
#include "cluster/fresh_slots.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "cluster/lease_rows_contract.h"

namespace playhead {
namespace {

TEST(FreshSlots, SayTheEpochOfASlotWhileTheLeaseLasts) {
  const auto first = map_of(SlotMap(), "a", 100), second = map_of(*first, "a", 50);
  SlotSet answering;
  answering.set(7).set(70);
  FreshSlots fresh;
  EXPECT_EQ(fresh.fresh_epoch(7, -1'000), 0u);
  fresh.publish(answering, *second, 3'000);
  EXPECT_EQ(fresh.fresh_epoch(7, 2'999), 2u);
  EXPECT_EQ(fresh.fresh_epoch(70, 2'999), 1u);
  EXPECT_EQ(fresh.fresh_epoch(8, 2'999), 0u) << "it is not answered for";
  EXPECT_EQ(fresh.fresh_epoch(7, 3'000), 0u);
  fresh.withdraw();
  EXPECT_EQ(fresh.fresh_epoch(7, 2'999), 0u);
}

// Goal: nobody answers for a slot of an old lease because a new one has begun.
// Method: a lease of other slots follows on one that has ended, while a thread asks for slots of
// the old one.
TEST(FreshSlots, NeverMixTwoLeases) {
  constexpr int kRounds = 200;
  const auto map = map_of(SlotMap(), "a", kSlots);
  SlotSet low, high;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot) (slot < kSlots / 2 ? low : high).set(slot);
  std::uint64_t mixed = 0;
  for (int round = 0; round < kRounds; ++round) {
    FreshSlots fresh;
    fresh.publish(low, *map, 10);
    std::atomic<bool> asks{false}, over{false};
    std::thread reader([&] {
      for (std::uint16_t slot = 0; !over; slot = static_cast<std::uint16_t>((slot + 1) % kSlots)) {
        if (low[slot]) mixed += fresh.fresh_epoch(slot, 15) != 0;
        asks = true;
      }
    });
    while (!asks) std::this_thread::yield();
    fresh.publish(high, *map, 20);
    EXPECT_EQ(fresh.fresh_epoch(kSlots - 1, 15), 1u);
    over = true;
    reader.join();
  }
  EXPECT_EQ(mixed, 0u);
}

}  // namespace
}  // namespace playhead
