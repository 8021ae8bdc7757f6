// A few nodes in one thread, over rows in memory and a clock that the test sets.
//
// After each step no two nodes may answer for one slot as fresh: whatever a test is about.
#include "cluster/lease_keeper.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <exception>
#include <functional>
#include <utility>

#include "base/prng.h"
#include "cluster/lease_rows_contract.h"
#include "cluster/memory_rows.h"

namespace playhead {
namespace {

using Call = MemoryRows::Call;
using Fate = MemoryRows::Fate;

// One for all nodes of a test, but for how far each one's wall clock is off.
struct Time {
  Millis boottime_ms = 100'000;
  static constexpr std::int64_t kWallMs = 1'700'000'000'000;
};
class OffClock final : public Clock {
 public:
  explicit OffClock(const Time& time) : time_(time) {}
  Instant now() const override { return {Time::kWallMs + time_.boottime_ms + off_ms}; }
  Millis monotonic_ms() const override { return time_.boottime_ms; }

  Millis off_ms = 0;

 private:
  const Time& time_;
};

// Knows which slots it was given, and what it was asked to let go of.
class Work final : public LeaseListener {
 public:
  SlotSet slots, flushed;
  int flushes = 0, flushes_to_fail = 0;
  bool holds_flushes = false;
  Event release;
  std::function<void(const SlotSet&)> on_flush = [](const SlotSet&) {};
  std::function<void()> on_gained = [] {};
  std::function<void()> on_changed_map = [] {};

  void gained(const SlotSet& more, const SlotMap& map) override {
    for (std::uint16_t slot = 0; slot < kSlots; ++slot)
      EXPECT_TRUE(!more[slot] || map.epoch_of(slot) > 0) << slot;
    EXPECT_TRUE((slots & more & ~flushed).none()) << "it has them";
    slots |= more;
    flushed &= ~more;
    on_gained();
  }
  void lost(const SlotSet& fewer) override {
    EXPECT_EQ(fewer & ~slots, SlotSet()) << "it never had them";
    slots &= ~fewer;
    flushed &= ~fewer;
  }
  void changed_map(const SlotMap& /*map*/) override { on_changed_map(); }
  Task<Result<void>> flush(SlotSet which) override {
    ++flushes;
    EXPECT_EQ(which & ~slots, SlotSet());
    on_flush(which);
    if (holds_flushes) co_await release.wait();
    if (flushes <= flushes_to_fail) co_return fail(Errc::kUnavailable, "the store is away");
    flushed |= which & slots;
    co_return Result<void>{};
  }
};

struct Member {
  MemoryRows rows;
  Work work;
  OffClock clock;
  LeaseKeeper keeper;
  bool sleeps = false;  // SIGSTOP, or the machine is suspended

  Member(RowsTable& table, const Time& time, Executor executor, LeaseKeeperOptions options,
         std::uint64_t seed)
      : rows(table), clock(time), keeper(std::move(options), rows, work, clock, executor, seed) {}

  std::size_t fresh_count() const {
    std::size_t out = 0;
    for (std::uint16_t slot = 0; slot < kSlots; ++slot) out += is_fresh(slot);
    return out;
  }
  // Its share of two, as near as the balance goes.
  bool has_half() const {
    const std::size_t slots = fresh_count();
    return slots > kSlots * 45 / 100 && slots < kSlots * 55 / 100;
  }
  bool is_fresh(std::uint16_t slot) const {
    return keeper.fresh().fresh_epoch(slot, clock.monotonic_ms()) != 0;
  }
};

class LeaseKeeping : public testing::Test {
 protected:
  Member& join(const std::string& name, LeaseKeeperOptions options = {}) {
    options.node = name;
    options.http_address = name + ":8080";
    options.peer_address = name + ":7411";
    // Most of these tests have no time for sixteen rounds.
    options.lease.balance.gives_max = kSlots;
    return *members_.emplace_back(std::make_unique<Member>(table_, time_, context_.get_executor(),
                                                           std::move(options), ++seed_));
  }

  void play(Millis span_ms) {
    for (const Millis end_ms = time_.boottime_ms + span_ms; time_.boottime_ms < end_ms;) {
      time_.boottime_ms += kStepMs;
      for (const auto& member : members_)
        if (!member->sleeps) member->keeper.step();
      context_.restart();
      context_.poll();
      expect_one_owner();
    }
  }
  bool play_until(const std::function<bool()>& condition, Millis within_ms = 30'000) {
    const Millis end_ms = time_.boottime_ms + within_ms;
    while (!condition() && time_.boottime_ms < end_ms) play(kStepMs);
    return condition();
  }

  Millis now_ms() const { return time_.boottime_ms; }

  boost::asio::io_context context_;
  RowsTable table_;
  Time time_;
  std::vector<std::unique_ptr<Member>> members_;

 private:
  static constexpr Millis kStepMs = 20;

  void expect_one_owner() {
    SlotSet fresh;
    for (const auto& member : members_) {
      for (std::uint16_t slot = 0; slot < kSlots; ++slot) {
        if (!member->is_fresh(slot)) continue;
        ASSERT_FALSE(fresh[slot]) << "slot " << slot << " has two at " << now_ms();
        fresh.set(slot);
      }
    }
  }

  std::uint64_t seed_ = 0;
};

struct MemoryHarness {
  RowsTable table;
  MemoryRows memory{table};

  LeaseRows& rows() { return memory; }
  template <typename T>
  T run(Task<T> task) {
    boost::asio::io_context context;
    std::optional<T> result;
    boost::asio::co_spawn(context, std::move(task), [&](const std::exception_ptr& error, T value) {
      if (error) std::rethrow_exception(error);
      result = std::move(value);
    });
    context.run();
    return std::move(result).value();
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, LeaseRowsContract, MemoryHarness);

TEST_F(LeaseKeeping, JoinsAndIsGivenAllSlotsOfAClusterOfOne) {
  Member& a = join("a");
  EXPECT_EQ(a.keeper.status()->session, 0u);
  EXPECT_EQ(a.fresh_count(), 0u);
  play(10'000);
  EXPECT_EQ(a.fresh_count(), kSlots);
  EXPECT_EQ(a.work.slots.count(), kSlots);
  EXPECT_EQ(a.keeper.fresh().fresh_epoch(7, now_ms()), 1u);
  EXPECT_EQ(a.keeper.fresh().fresh_epoch(7, now_ms() + 3'000), 0u) << "without a renewal";
  const auto status = a.keeper.status();
  EXPECT_NE(status->session, 0u);
  EXPECT_EQ(status->map->version(), 1u);
  ASSERT_EQ(status->nodes->size(), 1u);
  EXPECT_EQ(status->nodes->at(0).note.http_address, "a:8080");
  EXPECT_EQ(status->nodes->at(0).note.peer_address, "a:7411");
  EXPECT_EQ(status->uncertain + status->late, 0u);
  EXPECT_EQ(status->last_error, "");
}

TEST_F(LeaseKeeping, SaysWithEachRenewalWhenItWasSentAndWhenTheOneBeforeWasAnswered) {
  join("a");
  play(10'000);
  const NodeEntry& entry = table_.nodes.at("a");
  EXPECT_GT(entry.note.sent.ms, Time::kWallMs + now_ms() - 1'100);
  EXPECT_EQ(entry.note.answered_renewal + 1, entry.row.renewal);
  EXPECT_GE(entry.note.sent, entry.note.answered);
  EXPECT_GT(entry.note.answered.ms, entry.note.sent.ms - 1'100);
}

TEST_F(LeaseKeeping, GivesANewNodeItsShareOnceThatIsFlushed) {
  Member& a = join("a");
  play(10'000);
  a.work.holds_flushes = true;
  a.work.on_flush = [&](const SlotSet& slots) {
    for (std::uint16_t slot = 0; slot < kSlots; ++slot)
      EXPECT_FALSE(slots[slot] && a.is_fresh(slot)) << slot << ": withdrawn before";
  };
  Member& b = join("b");
  ASSERT_TRUE(play_until([&] { return a.work.flushes > 0; }));
  play(5'000);
  EXPECT_EQ(table_.map->version(), 1u) << "not before the flush is done";
  EXPECT_EQ(a.work.flushes, 1);
  a.work.release.signal();
  ASSERT_TRUE(play_until([&] { return b.has_half(); }));
  EXPECT_TRUE(a.has_half());
  EXPECT_EQ(a.work.slots & b.work.slots, SlotSet());
}

TEST_F(LeaseKeeping, LooksAtOnceWhenItIsToldThatTheMapHasChanged) {
  Member& a = join("a");
  play(10'000);
  Millis changed_ms = 0, gained_ms = 0;
  Member& b = join("b");
  b.work.on_gained = [&] { gained_ms = time_.boottime_ms; };
  a.work.on_changed_map = [&] {
    changed_ms = time_.boottime_ms;
    b.keeper.look();
  };
  ASSERT_TRUE(play_until([&] { return b.has_half(); }));
  EXPECT_GT(changed_ms, 0);
  EXPECT_EQ(gained_ms, changed_ms);
}

TEST_F(LeaseKeeping, RepeatsAFlushThatFailedUntilItIsDone) {
  Member& a = join("a");
  play(10'000);
  a.work.flushes_to_fail = 3;
  Member& b = join("b");
  ASSERT_TRUE(play_until([&] { return a.work.flushes == 3; }));
  EXPECT_EQ(table_.map->version(), 1u);
  EXPECT_EQ(a.keeper.status()->last_error, "the store is away");
  ASSERT_TRUE(play_until([&] { return b.has_half(); }));
  EXPECT_EQ(a.work.flushes, 4);
}

TEST_F(LeaseKeeping, StaysFreshThroughRenewalsOfUncertainFate) {
  Member& a = join("a");
  play(10'000);
  for (const Fate fate : {Fate::kFailed, Fate::kFailedLate}) {
    int uncertain = 0;
    a.rows.fate = [&](Call call) {
      const bool strikes = call == Call::kChangeRow && ++uncertain % 2 == 1;
      return strikes ? fate : Fate::kAnswered;
    };
    for (int i = 0; i < 100; ++i) {
      play(100);
      EXPECT_EQ(a.fresh_count(), kSlots) << "they are read, and known";
    }
    EXPECT_GT(uncertain, 10);
  }
  EXPECT_EQ(a.keeper.status()->last_error, "a test's failure");
  EXPECT_GT(a.keeper.status()->uncertain, 10u);
}

TEST_F(LeaseKeeping, TakesAnOrderForUncertainAfterItsTimeAndForgetsTheLateAnswer) {
  Member& a = join("a");
  play(10'000);
  a.rows.fate = [&](Call call) {
    return call == Call::kChangeRow && a.rows.held() == 0 ? Fate::kHeldAnswer : Fate::kAnswered;
  };
  ASSERT_TRUE(play_until([&] { return a.rows.held() == 1; }));
  const std::uint64_t calls = a.rows.calls();
  play(900);
  EXPECT_EQ(a.keeper.status()->uncertain, 0u);
  play(200);
  EXPECT_EQ(a.keeper.status()->uncertain, 1u);
  EXPECT_GT(a.rows.calls(), calls) << "it reads what the row is";
  play(10'000);
  EXPECT_EQ(a.fresh_count(), kSlots) << "and goes on";
  EXPECT_EQ(a.keeper.status()->late, 0u);
  const NodeRow row = table_.nodes.at("a").row;
  a.rows.fate = [](Call) { return Fate::kAnswered; };
  a.rows.release_all();
  play(20);
  EXPECT_EQ(a.rows.held(), 0u);
  play(2'000);
  EXPECT_EQ(a.keeper.status()->late, 1u);
  EXPECT_EQ(a.keeper.status()->uncertain, 1u);
  EXPECT_EQ(table_.nodes.at("a").row.session, row.session);
  EXPECT_EQ(a.fresh_count(), kSlots);
}

TEST_F(LeaseKeeping, StopsAnsweringWhenItsRenewalsDoNotArriveAndNobodyTakesOverBefore) {
  Member& a = join("a");
  Member& b = join("b");
  ASSERT_TRUE(play_until([&] { return b.has_half(); }));
  a.rows.fate = [](Call) { return Fate::kHeldRequest; };
  ASSERT_TRUE(play_until([&] { return a.fresh_count() == 0; }));
  EXPECT_TRUE(b.has_half());
  ASSERT_TRUE(play_until([&] { return b.fresh_count() == kSlots; }));
  a.rows.fate = [](Call) { return Fate::kAnswered; };
  a.rows.release_all();  // all at once, seconds late
  ASSERT_TRUE(play_until([&] { return a.has_half(); })) << "another session";
}

TEST_F(LeaseKeeping, SendsNoMoreCallsThanItMayWhileNoneIsAnswered) {
  LeaseKeeperOptions options;
  options.in_flight_max = 3;
  Member& a = join("a", options);
  play(10'000);
  a.rows.fate = [](Call) { return Fate::kHeldAnswer; };
  const std::uint64_t calls = a.rows.calls();
  play(60'000);
  EXPECT_EQ(a.rows.calls(), calls + 3);
  EXPECT_EQ(a.rows.held(), 3u);
  EXPECT_EQ(a.fresh_count(), 0u);
  EXPECT_EQ(a.keeper.status()->last_error, "too many calls to the cluster's rows are under way");
  a.rows.fate = [](Call) { return Fate::kAnswered; };
  a.rows.release_all();
  ASSERT_TRUE(play_until([&] { return a.fresh_count() == kSlots; }));
}

TEST_F(LeaseKeeping, AnswersForNothingWhenItWakesFromALongSleep) {
  Member& a = join("a");
  Member& b = join("b");
  ASSERT_TRUE(play_until([&] { return b.has_half(); }));
  const std::uint64_t session = a.keeper.status()->session;
  a.sleeps = true;
  ASSERT_TRUE(play_until([&] { return b.fresh_count() == kSlots; }));
  play(20'000);
  EXPECT_GT(a.work.slots.count(), 0u) << "it has not heard of it";
  EXPECT_EQ(a.fresh_count(), 0u) << "before it has done anything";
  a.sleeps = false;
  play(100);
  EXPECT_EQ(a.work.slots.count(), 0u);
  ASSERT_TRUE(play_until([&] { return a.has_half(); }));
  EXPECT_NE(a.keeper.status()->session, session);
}

TEST_F(LeaseKeeping, HandsAllOverAtOnceWhenItLeaves) {
  Member& a = join("a");
  Member& b = join("b");
  ASSERT_TRUE(play_until([&] { return b.has_half(); }));
  const Millis left_ms = now_ms();
  a.keeper.leave();
  ASSERT_TRUE(play_until([&] { return a.keeper.done(); }));
  EXPECT_TRUE(table_.nodes.at("a").row.over);
  ASSERT_TRUE(play_until([&] { return b.fresh_count() == kSlots; }));
  EXPECT_LT(now_ms() - left_ms, 2'000) << "nobody had to wait for a lease to run out";
  EXPECT_EQ(a.work.slots.count(), 0u);
  EXPECT_EQ(a.work.flushes, 1);
  const std::uint64_t calls = a.rows.calls();
  play(10'000);
  EXPECT_EQ(a.rows.calls(), calls) << "it is gone";
}

TEST_F(LeaseKeeping, GoesWithoutHandingOverIfThatTakesTooLong) {
  Member& a = join("a");
  Member& b = join("b");
  ASSERT_TRUE(play_until([&] { return b.has_half(); }));
  a.work.holds_flushes = true;
  a.keeper.leave();
  play(LeaseKeeperOptions().leave_max_ms - 1'000);
  EXPECT_FALSE(a.keeper.done());
  EXPECT_GT(a.work.slots.count(), 0u);
  play(1'100);
  EXPECT_TRUE(a.keeper.done());
  EXPECT_EQ(a.work.slots.count(), 0u);
  EXPECT_FALSE(table_.nodes.at("a").row.over);
  ASSERT_TRUE(play_until([&] { return b.fresh_count() == kSlots; }));
}

TEST_F(LeaseKeeping, GoesSoonIfTheRowsAreAway) {
  Member& a = join("a");
  ASSERT_TRUE(play_until([&] { return a.fresh_count() == kSlots; }));
  a.rows.fate = [](Call) { return Fate::kFailed; };
  a.keeper.leave();
  play(LeaseKeeperOptions().leave_without_lease_ms);
  EXPECT_FALSE(a.keeper.done()) << "its lease lasts";
  play(LeaseOptions().lease_ms + 100);
  EXPECT_TRUE(a.keeper.done());
  EXPECT_FALSE(table_.nodes.at("a").row.over);
}

TEST_F(LeaseKeeping, WithdrawsAllAtAStopAndSaysNothingToOthers) {
  Member& a = join("a");
  Member& b = join("b");
  ASSERT_TRUE(play_until([&] { return b.has_half(); }));
  a.keeper.stop();
  play(20);
  EXPECT_TRUE(a.keeper.done());
  EXPECT_EQ(a.fresh_count(), 0u);
  EXPECT_EQ(a.work.slots.count(), 0u);
  EXPECT_EQ(a.work.flushes, 0);
  EXPECT_FALSE(table_.nodes.at("a").row.over);
  const std::uint64_t calls = a.rows.calls();
  ASSERT_TRUE(play_until([&] { return b.fresh_count() == kSlots; }));
  EXPECT_EQ(a.rows.calls(), calls);
}

TEST_F(LeaseKeeping, GivesItsSlotsAwayWhileItsClockIsFarOffAndGetsThemBack) {
  Member& a = join("a");
  Member& b = join("b");
  Member& c = join("c");
  ASSERT_TRUE(play_until([&] { return c.fresh_count() > 1'000; }));
  a.clock.off_ms = 3'000;
  ASSERT_TRUE(play_until([&] { return a.fresh_count() == 0; }));
  ASSERT_TRUE(play_until([&] { return b.fresh_count() + c.fresh_count() == kSlots; }));
  EXPECT_GT(a.keeper.status()->skew_ms, 500);
  EXPECT_NE(a.keeper.status()->session, 0u) << "it is a member";
  EXPECT_EQ(b.keeper.status()->skew_ms, 0);
  a.clock.off_ms = 0;
  ASSERT_TRUE(play_until([&] { return a.fresh_count() > 1'000; }));
}

TEST_F(LeaseKeeping, KeepsItsSlotsFromANewcomerUntilItMayGive) {
  Member& a = join("a");
  play(10'000);
  a.keeper.set_loads(SlotLoads(kSlots, 1), false);
  Member& b = join("b");
  play(20'000);
  EXPECT_EQ(a.fresh_count(), kSlots);
  a.keeper.set_loads(SlotLoads(kSlots, 1), true);
  ASSERT_TRUE(play_until([&] { return b.has_half(); }));
}

TEST_F(LeaseKeeping, DividesTheSlotsByTheLoadsThatItIsTold) {
  Member& a = join("a");
  play(10'000);
  SlotLoads loads(kSlots, 1);
  loads[7] = 4'095;  // as much as all others
  a.keeper.set_loads(loads);
  Member& b = join("b");
  b.keeper.set_loads(loads);
  ASSERT_TRUE(play_until([&] { return b.fresh_count() > 0; }));
  play(10'000);
  const std::size_t with_it = (a.is_fresh(7) ? a : b).fresh_count();
  EXPECT_LT(with_it, kSlots / 3) << "the loads count";
  EXPECT_EQ(a.fresh_count() + b.fresh_count(), kSlots);
  EXPECT_EQ(a.work.slots.count(), a.fresh_count());
  EXPECT_EQ(b.work.slots.count(), b.fresh_count());
}

// Goal: whatever becomes of calls and processes, two nodes never answer for one slot (see play()),
// and once that is over, each slot is answered for.
// Method: two minutes in which calls fail, arrive late or are answered late, in any order, and
// nodes sleep.
TEST_F(LeaseKeeping, HasOneOwnerOfEachSlotAtMostWhateverBecomesOfItsCalls) {
  Prng prng(1);
  for (const char* name : {"a", "b", "c"}) join(name);
  for (const auto& member : members_)
    member->rows.fate = [&prng](Call) {
      if (!prng.chance(150)) return Fate::kAnswered;
      return std::array{Fate::kFailed, Fate::kFailedLate, Fate::kHeldRequest,
                        Fate::kHeldAnswer}[prng.below(4)];
    };
  int sleeps = 0;
  for (const Millis end_ms = now_ms() + 120'000; now_ms() < end_ms; play(100)) {
    for (const auto& member : members_) {
      if (prng.chance(member->sleeps ? 25 : 5)) sleeps += member->sleeps = !member->sleeps;
      if (prng.chance(50)) member->rows.release(prng.below(4));
    }
  }
  std::uint64_t uncertain = 0, late = 0;
  for (const auto& member : members_) {
    member->sleeps = false;
    member->rows.fate = [](Call) { return Fate::kAnswered; };
    member->rows.release_all();
    uncertain += member->keeper.status()->uncertain;
    late += member->keeper.status()->late;
  }
  std::printf("%llu orders in doubt, %llu late answers, %d sleeps, version %llu of the map\n",
              static_cast<unsigned long long>(uncertain), static_cast<unsigned long long>(late),
              sleeps, static_cast<unsigned long long>(table_.map->version()));
  EXPECT_GT(uncertain, 100u);
  EXPECT_GT(late, 10u);
  EXPECT_GT(sleeps, 3);
  EXPECT_TRUE(play_until([&] {
    std::size_t fresh = 0;
    for (const auto& member : members_) fresh += member->fresh_count();
    return fresh == kSlots;
  }));
}

// What run() does by itself, on the machine's clock.
TEST(LeaseKeeper, RunsUntilItHasLeftInOrder) {
  boost::asio::io_context context;
  RowsTable table;
  MemoryRows rows(table);
  Work work;
  const SystemClock clock;
  LeaseKeeperOptions options;
  options.node = "a";
  options.lease.first_map_after_ms = 0;
  LeaseKeeper keeper(options, rows, work, clock, context.get_executor(), 1);
  SlotSet had;
  work.on_gained = [&] {
    had = work.slots;
    keeper.leave();
  };
  std::optional<bool> left;
  boost::asio::co_spawn(context, keeper.run(), [&](const std::exception_ptr& error, bool in_order) {
    if (error) std::rethrow_exception(error);
    left = in_order;
  });
  context.run();
  EXPECT_EQ(left, true);
  EXPECT_EQ(had.count(), kSlots);
  EXPECT_EQ(work.slots.count(), 0u);
  EXPECT_TRUE(table.nodes.at("a").row.over);
}

}  // namespace
}  // namespace playhead
