// Goal: a part goes to the node that owns its slot, and to the inbox unless that says it has it.
#include "service/direct_inbox.h"

#include <gtest/gtest.h>

#include "cluster/routing_test_kit.h"
#include "runtime/run_to_end.h"
#include "store/memory_inbox.h"

namespace playhead {
namespace {

constexpr std::uint16_t kMine = 1, kOthers = 2, kNobodys = 3;

struct StillClock final : Clock {
  Instant now() const override { return {0}; }
  Millis monotonic_ms() const override { return 0; }
};

struct ScriptedPeers final : Peers {
  std::function<Result<std::string>(const std::string&)> answer;
  std::vector<std::size_t> sizes;  // of the calls, in bytes
  Task<Result<std::string>> ask(std::string address, PeerCall call, std::string bytes,
                                Deadline) override {
    EXPECT_EQ(address, "b:1");
    EXPECT_EQ(call, PeerCall::kParts);
    sizes.push_back(bytes.size());
    co_return answer(bytes);
  }
};

// Of "a", which owns kMine; "b" owns kOthers.
class DirectInboxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::array nodes = {Owner{.node = "a", .session = 1}, Owner{.node = "b", .session = 2}};
    const std::array moves = {Move{.slot = kMine, .to = 0}, Move{.slot = kOthers, .to = 1}};
    const LeaseStatus status = status_of(nodes, moves);
    routing_.update(status);
    fresh_.publish(status.map->slots_of(1), *status.map, 1'000);
  }
  static InboxRow row(std::uint16_t slot, std::size_t number) {
    std::string id = std::to_string(number);
    id.resize(kInboxIdBytes, '.');
    return {.key = {.slot = slot, .id = id}, .record = "a part"};
  }
  static std::vector<InboxRow> rows_of_others(std::size_t count) {
    std::vector<InboxRow> rows;
    for (std::size_t i = 0; i < count; ++i) rows.push_back(row(kOthers, i));
    return rows;
  }
  void append(std::vector<InboxRow> rows) {
    EXPECT_TRUE(run_to_end(direct_.append(std::move(rows))).has_value());
  }

  FreshSlots fresh_;
  Routing routing_{"a", fresh_};
  StillClock clock_;
  InboxTable table_;
  MemoryInbox inbox_{table_};
  ScriptedPeers peers_;
  DirectInbox direct_{inbox_, routing_, peers_, clock_};
};

TEST_F(DirectInboxTest, GivesAnOwnerHisPartsAndTheInboxAllOthers) {
  peers_.answer = [](const std::string&) { return std::string{'\1', '\0'}; };
  append({row(kMine, 1), row(kOthers, 2), row(kNobodys, 3)});
  EXPECT_EQ(peers_.sizes.size(), 1u);
  ASSERT_EQ(table_.size(), 2u);
  EXPECT_TRUE(table_.contains(row(kMine, 1).key));
  EXPECT_TRUE(table_.contains(row(kNobodys, 3).key));
}

TEST_F(DirectInboxTest, PutsIntoTheInboxWhatTheOwnerDoesNotSayHeHas) {
  const std::string only_the_second{'\1', '\1'};
  for (const std::string& said :
       {only_the_second, std::string(), std::string("\2\0", 2), std::string("\1\x09", 2)}) {
    table_.clear();
    peers_.answer = [&](const std::string&) { return said; };
    append(rows_of_others(2));
    EXPECT_EQ(table_.size(), said == only_the_second ? 1u : 2u);
    EXPECT_TRUE(table_.contains(row(kOthers, 0).key));
  }
}

TEST_F(DirectInboxTest, AsksAnOwnerWhoIsSilentNoMoreForTheseParts) {
  peers_.answer = [](const std::string&) { return fail(Errc::kUnavailable, "silent"); };
  append(rows_of_others(3 * DirectInbox::kPartsMax));
  EXPECT_EQ(peers_.sizes.size(), 1u);
  EXPECT_EQ(table_.size(), 3 * DirectInbox::kPartsMax);
  EXPECT_NE(routing_.owner_of(kOthers, 0), nullptr) << "of his players' reports that says nothing";
}

TEST_F(DirectInboxTest, GivesNoMoreAtOnceThanItsLimit) {
  peers_.answer = [](const std::string&) { return std::string(1, '\1'); };
  append(rows_of_others(2 * DirectInbox::kPartsMax + 1));
  ASSERT_EQ(peers_.sizes.size(), 3u);
  EXPECT_LT(peers_.sizes.back(), peers_.sizes.front() / 10);
}

}  // namespace
}  // namespace playhead
