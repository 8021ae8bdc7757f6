// The contract, for what tests take for an inbox; and that its faults are what they say.
#include "store/memory_inbox.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "runtime/run_to_end.h"
#include "store/inbox_contract.h"

namespace playhead {

namespace {

struct MemoryInboxHarness {
  InboxTable table;
  MemoryInbox one{table}, two{table};

  Inbox& inbox() { return one; }
  Inbox& other() { return two; }
  template <typename T>
  T run(Task<T> task) {
    return run_to_end(std::move(task));
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, InboxContract, MemoryInboxHarness);

using Fate = MemoryInbox::Fate;

class MemoryInboxFaults : public testing::Test {
 protected:
  // What a call with that fate answers, and how much of two rows is there then.
  std::pair<std::optional<Errc>, std::size_t> append_two(Fate fate) {
    inbox_.fate = [fate](MemoryInbox::Call) { return fate; };
    const auto done = run_to_end(inbox_.append({inbox_row(5, 1), inbox_row(5, 2)}));
    return {done ? std::nullopt : std::optional(done.error().code), table_.size()};
  }

  InboxTable table_;
  MemoryInbox inbox_{table_};
};

TEST_F(MemoryInboxFaults, LoseACallOrItsAnswerOrHalfOfIt) {
  EXPECT_EQ(append_two(Fate::kRefused), std::pair(std::optional(Errc::kOverloaded), 0uz));
  EXPECT_EQ(append_two(Fate::kFailed), std::pair(std::optional(Errc::kUnavailable), 0uz));
  EXPECT_EQ(append_two(Fate::kHalfDone), std::pair(std::optional(Errc::kUnavailable), 1uz));
  EXPECT_EQ(append_two(Fate::kFailedLate), std::pair(std::optional(Errc::kUnavailable), 2uz));
}

TEST_F(MemoryInboxFaults, HoldARequestOrAnAnswerUntilItIsReleased) {
  boost::asio::io_context context;
  for (const auto& [fate, there] : {std::pair(Fate::kHeldRequest, 0uz), {Fate::kHeldAnswer, 1uz}}) {
    table_.clear();
    const Fate chosen = fate;
    inbox_.fate = [chosen](MemoryInbox::Call) { return chosen; };
    bool answered = false;
    boost::asio::co_spawn(context, inbox_.append({inbox_row(5, 1)}),
                          [&](const std::exception_ptr&, const Result<void>&) { answered = true; });
    context.poll();
    context.restart();
    EXPECT_FALSE(answered);
    EXPECT_EQ(inbox_.held(), 1u);
    EXPECT_EQ(table_.size(), there);
    inbox_.release_all();
    context.poll();
    context.restart();
    EXPECT_TRUE(answered);
    EXPECT_EQ(table_.size(), 1u);
  }
}

}  // namespace
}  // namespace playhead
