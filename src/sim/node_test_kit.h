// A node of a cluster that owns all slots or none, by the virtual clock, before a store and an
// inbox that outlive it.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <deque>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/fresh_slots.h"
#include "cluster/routing_test_kit.h"
#include "service/fold_parts.h"
#include "service/load_exchange.h"
#include "sim/model.h"
#include "sim/process.h"
#include "store/memory_inbox.h"

namespace playhead::testing {

/// A node as it comes out of the box, which owns all slots.
class NodeTest : public ::testing::Test {
 protected:
  static constexpr Millis kSecond = 1'000, kMinute = 60 * kSecond;
  static constexpr Millis kHeartbeat = 10 * kSecond;
  static constexpr Millis kPlayed = 50 * kMinute, kPauseAfter = 20 * kMinute, kPaused = 3 * kMinute;
  static constexpr Millis kExpiry = 3 * kHeartbeat;
  static constexpr int kViews = 60;
  static constexpr Millis kStartsWithin = 10 * kMinute;
  static inline const ProfileRef kProfile{std::string(sim::kTenant), "0", "p"};

  void SetUp() override {
    faults_.set_calm(true);
    rows_.share();
    boot();
    own_all();
    tick();
    step();
  }
  void TearDown() override { process_->kill(); }

  void watch(int number) {
    const Millis begins = kStartsWithin * number / kViews;
    timeline_.in(begins, [this, number] { next(number, 0); });
  }
  void watch_all_of(int count) {
    timeline_.in(0, [this, count] {
      for (int number = 0; number < count; ++number) next(number, 0);
    });
  }
  // Kills the node; the next one owns nothing yet, and has nothing but the store.
  void replace() {
    process_->kill();
    process_.reset();
    fresh_.withdraw();
    boot();
  }
  // The same node again, with its journal.
  void restart() {
    process_->kill();
    process_.reset();
    fresh_.withdraw();
    boot_on(disks_.back());
  }
  void own_all() {
    const Owner me{.node = "node-1", .session = 1};
    std::vector<Move> moves;
    for (std::uint16_t slot = 0; slot < kSlots; ++slot) moves.push_back({.slot = slot, .to = 0});
    const SlotMap map = SlotMap().with(moves, std::span(&me, 1));
    fresh_.publish(map.slots_of(me.session), map, std::numeric_limits<Millis>::max());
    std::vector<SlotEpoch> slots;
    for (std::uint16_t slot = 0; slot < kSlots; ++slot)
      slots.push_back({.slot = slot, .epoch = map.epoch_of(slot)});
    boost::asio::post(process_->shards().threads().executor(0),
                      [this, slots] { process_->shards().shard(0).gain(slots); });
    process_->pump();
  }
  // Of all slots, as long as the lease lasts. Whether it was done within that time.
  bool hand_over(Millis within) {
    fresh_.publish(SlotSet(), SlotMap(), std::numeric_limits<Millis>::max());
    std::vector<std::uint16_t> all(kSlots);
    std::iota(all.begin(), all.end(), std::uint16_t{0});
    handed_ = false;
    process_->start(0, process_->shards().shard(0).hand_over(all),
                    [this](const std::vector<HandedSlot>&) { handed_ = true; });
    process_->pump();
    run(within);
    return handed_;
  }
  std::optional<Playhead> position() {
    const auto answer = process_->run(0, process_->service().progress(kProfile, {"t"}));
    return answer && !answer->value.empty() ? answer->value.front().playhead : std::nullopt;
  }
  bool is_stale() {
    const auto answer = process_->run(0, process_->service().progress(kProfile, {"t"}));
    return !answer || answer->stale;
  }
  std::optional<Playhead> on_the_page() {
    const auto answer = process_->run(0, process_->service().progress_page(kProfile, "", "", 10));
    const bool any = answer && !answer->value.items.empty();
    return any ? answer->value.items.front().playhead : std::nullopt;
  }
  // What its player is told of a report.
  bool is_unstored(State state, Instant at, std::string_view view = "v") {
    Report report{.account = "0", .profile = "p", .title = "t", .view = view, .device = view};
    report.at = at;
    report.state = state;
    std::optional<bool> unstored;
    process_->start(0, process_->submit(0, sim::kTenant, {report}),
                    [&](const Result<BatchOutcome>& outcome) {
                      if (outcome && outcome->accepted == 1) unstored = outcome->unstored;
                    });
    run(kSecond);
    return unstored.value();
  }
  // All of it: the inbox lies there as well.
  void set_store_away(bool away) {
    rows_.set_away(away);
    inbox_.fate = [away](MemoryInbox::Call) {
      return away ? MemoryInbox::Fate::kFailed : MemoryInbox::Fate::kAnswered;
    };
  }
  // Looks into the inbox, as its owner does each second.
  void fold_inbox() {
    std::vector<InboxRow> rows;
    for (const auto& [key, record] : std::exchange(table_, {})) rows.push_back({key, record});
    const std::size_t count = rows.size();
    EXPECT_EQ(process_->run(0, fold_parts(process_->shards(), std::move(rows), PartsOf::kInbox))
                  .done.size(),
              count);
    for (std::uint16_t bucket = 0; bucket < kInboxBuckets; ++bucket)
      process_->shards().shard(0).looked(bucket, timeline_.monotonic_ms(), timeline_.now());
  }
  std::uint64_t undrained() { return process_->run(0, undrained_views(process_->shards())); }
  using Put = std::expected<PutOutcome, PutRefusal>;
  // A device's PUT under a limit of two.
  template <typename Answered>
  void ask_to_start(std::string_view view, Answered answered) {
    Report report{.account = "0", .profile = "p", .title = "t", .view = view, .device = view};
    report.at = timeline_.now();
    report.state = State::kStarting;
    process_->start(0, process_->service().put_view(std::string(sim::kTenant), report, 2, ""),
                    std::move(answered));
  }
  Put start(std::string_view view) {
    std::optional<Put> put;
    ask_to_start(view, [&](Put answer) { put = std::move(answer); });
    run(kSecond);
    return put.value();
  }
  // Which of these devices have a place within the limit, when they ask.
  std::vector<std::string_view> placed(const std::vector<std::string_view>& views) {
    std::vector<std::string_view> out;
    for (const std::string_view view : views)
      if (const auto put = start(view); put && put->checked) out.push_back(view);
    return out;
  }
  bool is_foreign() {
    return process_->shards().shard(0).is_foreign(AccountRef{kProfile.tenant, "0"});
  }
  std::size_t watching() {
    const auto answer = process_->run(0, process_->service().viewers({kProfile.tenant, "0"}));
    return answer ? answer->value.size() : 0;
  }
  std::optional<Playhead> in_history() {
    const auto answer =
        process_->run(0, process_->service().history(kProfile, {.all = true}, std::nullopt, 10));
    const bool any = answer && !answer->value.items.empty();
    return any ? answer->value.items.front().playhead : std::nullopt;
  }
  void run(Millis span) {
    const Millis until = timeline_.monotonic_ms() + span;
    while (timeline_.step(until)) process_->pump();
  }

  bool silent_ = false, handed_ = false;
  std::uint64_t reports_ = 0, acknowledged_ = 0;
  sim::Timeline timeline_;
  sim::Faults faults_{{}, 1};
  std::deque<sim::Disk> disks_;
  sim::Rows rows_{faults_};
  InboxTable table_;
  MemoryInbox inbox_{table_};
  FreshSlots fresh_;
  std::unique_ptr<sim::Process> process_;

 private:
  void boot() { boot_on(disks_.emplace_back(faults_)); }
  void boot_on(sim::Disk& disk) {
    ShardOptions options;
    options.checkpoint_interval_ms = kClusterCheckpointMs;
    process_ = std::make_unique<sim::Process>(sim::Process::Parts{.timeline = &timeline_,
                                                                  .faults = &faults_,
                                                                  .disk = &disk,
                                                                  .rows = &rows_,
                                                                  .boot = ++boots_,
                                                                  .shards = 1,
                                                                  .options = options,
                                                                  .inbox = &inbox_,
                                                                  .fresh = &fresh_,
                                                                  .others = {.inbox = &inbox_}});
  }
  void tick() {
    process_->tick();
    timeline_.in(100, [this] { tick(); });
  }
  void step() {
    process_->checkpoint();
    timeline_.in(kSecond, [this] { step(); });
  }

  // The view's report of this moment, and the one after it.
  void next(int number, Millis at) {
    if (silent_) return;
    const bool over = at >= kPlayed + kPaused;
    const bool paused = at >= kPauseAfter && at < kPauseAfter + kPaused;
    const Millis played = at - std::clamp<Millis>(at - kPauseAfter, 0, kPaused);
    const std::string name = std::to_string(number);
    texts_.push_back(name);
    Report report{
        .account = texts_.back(), .profile = "p", .title = "t", .view = "v", .device = "d"};
    report.at = timeline_.now();
    report.state = over ? State::kStopped : paused ? State::kPaused : State::kPlaying;
    if (at == 0) report.state = State::kStarting;
    report.playhead = played;
    report.duration = kPlayed + kMinute;
    ++reports_;
    process_->start(0, process_->submit(0, sim::kTenant, {report}),
                    [this](const Result<BatchOutcome>& outcome) {
                      acknowledged_ += outcome ? outcome->accepted : 0;
                    });
    if (!over) timeline_.in(kHeartbeat, [this, number, at] { next(number, at + kHeartbeat); });
  }

  std::uint64_t boots_ = 0;
  std::deque<std::string> texts_;
};

}  // namespace playhead::testing
