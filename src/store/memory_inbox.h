// The inbox in memory, with a way to it on which what tests want goes wrong. For test programs
// only.
//
// Concurrency: one thread. Its Tasks are gone with it: it goes before their loop does.
#pragma once

#include <functional>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/event.h"
#include "store/inbox.h"

namespace playhead {

/// What all nodes share.
using InboxTable = std::map<InboxKey, std::string>;

/// One node's way to the table.
class MemoryInbox final : public Inbox {
 public:
  enum class Call : std::uint8_t { kAppend, kRead, kRemove };
  enum class Fate : std::uint8_t {
    kAnswered,
    kHeldRequest,  ///< it arrives when it is released
    kHeldAnswer,   ///< it is done at once, and the answer comes when it is released
    kRefused,      ///< not done: overloaded
    kFailed,       ///< not done, and the caller can't know
    kFailedLate,   ///< done, and the caller can't know
    kHalfDone,     ///< done for every other row, and the caller can't know
  };

  explicit MemoryInbox(InboxTable& table) : table_(table) {}

  /// Asked for each call.
  std::function<Fate(Call)> fate = [](Call) { return Fate::kAnswered; };

  std::size_t held() const { return held_.size(); }
  std::uint64_t calls() const { return calls_; }
  void release_first() { held_.front().signal(); }
  void release_all() {
    for (Event& event : held_) event.signal();
  }

  Task<Result<void>> append(std::vector<InboxRow> rows) override {
    if (auto checked = check_inbox_rows(rows); !checked) co_return checked;
    const Arrival arrival = co_await arrive(Call::kAppend);
    for (std::size_t i = arrival.first; i < rows.size(); i += arrival.step)
      table_.try_emplace(std::move(rows[i].key), std::move(rows[i].record));
    co_return co_await answer(arrival.fate);
  }

  Task<Result<std::vector<InboxRow>>> read(std::uint16_t bucket, std::optional<InboxKey> after,
                                           std::size_t rows_max) override {
    const Arrival arrival = co_await arrive(Call::kRead);
    std::vector<InboxRow> out;
    auto place = after ? table_.upper_bound(*after) : table_.begin();
    for (; place != table_.end() && out.size() < rows_max; ++place)
      if (inbox_bucket(place->first.slot) == bucket) out.push_back({place->first, place->second});
    if (auto answered = co_await answer(arrival.fate); !answered)
      co_return std::unexpected(std::move(answered.error()));
    co_return out;
  }

  Task<Result<void>> remove(std::vector<InboxKey> rows) override {
    const Arrival arrival = co_await arrive(Call::kRemove);
    for (std::size_t i = arrival.first; i < rows.size(); i += arrival.step) table_.erase(rows[i]);
    co_return co_await answer(arrival.fate);
  }

 private:
  // What becomes of a call: it does each `step`th of its rows from `first` on.
  struct Arrival {
    Fate fate = Fate::kAnswered;
    std::size_t first = 0, step = 1;
  };

  Task<Arrival> arrive(Call what) {
    ++calls_;
    const Fate fated = fate(what);
    if (fated == Fate::kHeldRequest) co_await hold();
    const bool lost = fated == Fate::kFailed || fated == Fate::kRefused;
    co_return Arrival{.fate = fated,
                      .first = lost ? std::numeric_limits<std::size_t>::max() : 0,
                      .step = fated == Fate::kHalfDone ? 2u : 1u};
  }

  Task<Result<void>> answer(Fate fated) {
    if (fated == Fate::kHeldAnswer) co_await hold();
    if (fated == Fate::kRefused) co_return fail(Errc::kOverloaded, "a test's refusal");
    if (fated == Fate::kFailed || fated == Fate::kFailedLate || fated == Fate::kHalfDone)
      co_return fail(Errc::kUnavailable, "a test's failure");
    co_return Result<void>{};
  }

  Task<> hold() {
    const auto here = held_.emplace(held_.end());
    co_await here->wait();
    held_.erase(here);
  }

  InboxTable& table_;
  std::list<Event> held_;
  std::uint64_t calls_ = 0;
};

}  // namespace playhead
