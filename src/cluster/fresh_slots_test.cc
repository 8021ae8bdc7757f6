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
// Method: two leases come and go while a thread asks for slots of the first at a moment at which
// only the second lasts, and of the second.
TEST(FreshSlots, NeverMixTwoLeases) {
  constexpr int kRounds = 2'000;
  const auto map = map_of(SlotMap(), "a", kSlots);
  SlotSet low, high;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot) (slot < kSlots / 2 ? low : high).set(slot);
  FreshSlots fresh;
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> seen{0};
  std::uint64_t mixed = 0;
  std::thread reader([&] {
    for (std::uint16_t slot = 0; !over; slot = static_cast<std::uint16_t>((slot + 1) % kSlots)) {
      mixed += fresh.fresh_epoch(slot % (kSlots / 2), 15) != 0;
      seen += fresh.fresh_epoch(slot, 15) != 0;
    }
  });
  for (int round = 0; round < kRounds || seen < kSlots; ++round) {
    fresh.publish(low, *map, 10);
    fresh.withdraw();
    fresh.publish(high, *map, 20);
    fresh.withdraw();
  }
  over = true;
  reader.join();
  EXPECT_EQ(mixed, 0u);
}

}  // namespace
}  // namespace playhead
