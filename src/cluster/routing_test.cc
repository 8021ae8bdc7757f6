// Goal: who is asked on an account's slot.
#include "cluster/routing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "cluster/routing_test_kit.h"

namespace playhead {
namespace {

constexpr std::uint16_t kMine = 1, kOthers = 2, kNobodys = 3;
constexpr Millis kLeaseEnd = 1'000;

// Of "a", which owns kMine; "b" owns kOthers, "c" nothing, and "d" has gone.
class RoutingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::array nodes = {Owner{.node = "a", .session = 1}, Owner{.node = "b", .session = 2},
                              Owner{.node = "c", .session = 3}, Owner{.node = "d", .session = 4}};
    const std::array moves = {Move{.slot = kMine, .to = 0}, Move{.slot = kOthers, .to = 1}};
    LeaseStatus status = status_of(nodes, moves);
    auto entries = std::make_shared<std::vector<NodeEntry>>(*status.nodes);
    entries->back().row.over = true;
    status.nodes = std::move(entries);
    routing_.update(status);
    fresh_.publish(status.map->slots_of(1), *status.map, kLeaseEnd);
  }
  std::string asked(std::uint16_t slot, Millis now_ms) {
    const PeerNode* node = routing_.whom_to_ask(slot, now_ms);
    return node == nullptr ? "" : node->node;
  }

  FreshSlots fresh_;
  Routing routing_{"a", fresh_};
};

TEST_F(RoutingTest, OwnersAreAsked) {
  EXPECT_EQ(asked(kMine, 0), "");
  EXPECT_EQ(asked(kOthers, 0), "b");
  EXPECT_EQ(asked(kNobodys, 0), "");
}

TEST_F(RoutingTest, ASilentOwnerIsLeftAloneForAWhile) {
  Routing::fell_silent(*routing_.whom_to_ask(kOthers, 0), 0);
  EXPECT_EQ(asked(kOthers, Routing::kSilenceMs - 1), "");
  EXPECT_EQ(asked(kOthers, Routing::kSilenceMs), "b");
}

TEST_F(RoutingTest, WithoutALeaseAnyOtherNodeThatAnswersIsAsked) {
  EXPECT_EQ(asked(kMine, kLeaseEnd - 1), "");
  EXPECT_EQ(asked(kOthers, kLeaseEnd), "b");
  PeerNode* first = routing_.whom_to_ask(kMine, kLeaseEnd);
  ASSERT_NE(first, nullptr);
  EXPECT_TRUE(first->node == "b" || first->node == "c") << first->node;
  Routing::fell_silent(*first, kLeaseEnd);
  PeerNode* second = routing_.whom_to_ask(kMine, kLeaseEnd);
  ASSERT_NE(second, nullptr);
  EXPECT_NE(second, first);
  Routing::fell_silent(*second, kLeaseEnd);
  EXPECT_EQ(asked(kMine, kLeaseEnd), "") << "then it takes all by itself";
}

// As when the store is away for all: what a node gave away of its own would lie in the wrong
// journal.
TEST_F(RoutingTest, WithoutALeaseAnywhereEachTakesItsOwn) {
  EXPECT_TRUE(routing_.may_take(kOthers, "c", kLeaseEnd - 1)) << "to bring it to its owner";
  EXPECT_FALSE(routing_.may_take(kOthers, "c", kLeaseEnd));
  EXPECT_TRUE(routing_.may_take(kMine, "c", kLeaseEnd));
  while (PeerNode* other = routing_.whom_to_ask(kMine, kLeaseEnd))
    Routing::gave_back(*other, kLeaseEnd);
  EXPECT_EQ(asked(kOthers, kLeaseEnd), "b") << "of what is its own it is asked nonetheless";
  EXPECT_NE(asked(kMine, kLeaseEnd + Routing::kSilenceMs), "") << "it may have got one meanwhile";
}

// As when the store is back, and one node gets its lease sooner than another.
TEST_F(RoutingTest, WhatIsTheSendersOwnGoesBackToHim) {
  EXPECT_FALSE(routing_.may_take(kOthers, "b", 0));
  EXPECT_TRUE(routing_.may_take(kMine, "b", 0));
  EXPECT_TRUE(routing_.may_take(kNobodys, "b", 0)) << "his session may be over";
}

}  // namespace
}  // namespace playhead
