// The cluster's rows in memory, with a way to them on which what tests want goes wrong. For test
// programs only.
//
// Concurrency: one thread. Its Tasks are gone with it: it goes before their loop does.
#pragma once

#include <functional>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/lease_rows.h"
#include "runtime/event.h"

namespace playhead {

/// What all nodes share.
struct RowsTable {
  std::map<std::string, NodeEntry> nodes;
  std::shared_ptr<const SlotMap> map = std::make_shared<const SlotMap>();
};

/// One node's way to the table.
class MemoryRows final : public LeaseRows {
 public:
  enum class Call : std::uint8_t { kReadMap, kReadRows, kChangeRow, kChangeMap };
  enum class Fate : std::uint8_t {
    kAnswered,
    kHeldRequest,  ///< it arrives when it is released
    kHeldAnswer,   ///< it is done at once, and the answer comes when it is released
    kFailed,       ///< not done, and uncertain
    kFailedLate,   ///< done, and uncertain
  };

  explicit MemoryRows(RowsTable& table) : table_(table) {}

  /// Asked for each call.
  std::function<Fate(Call)> fate = [](Call) { return Fate::kAnswered; };

  std::size_t held() const { return held_.size(); }
  std::uint64_t calls() const { return calls_; }
  void release_all() {
    for (Event& event : held_) event.signal();
  }
  /// The one that is held longest but for `after` others.
  void release(std::size_t after) {
    if (after < held_.size())
      std::next(held_.begin(), static_cast<std::ptrdiff_t>(after))->signal();
  }

  Task<Result<std::shared_ptr<const SlotMap>>> read_map() override {
    using Read = std::shared_ptr<const SlotMap>;
    return call<Read>(Call::kReadMap,
                      [this] { return table_.map->version() == 0 ? Read() : table_.map; });
  }

  Task<Result<std::vector<NodeEntry>>> read_rows() override {
    return call<std::vector<NodeEntry>>(Call::kReadRows, [this] {
      std::vector<NodeEntry> out;
      for (const auto& [name, entry] : table_.nodes) out.push_back(entry);
      return out;
    });
  }

  Task<Result<bool>> change_row(std::optional<NodeRow> from, NodeRow to,
                                std::optional<NodeNote> note) override {
    return call<bool>(Call::kChangeRow, [this, from = std::move(from), to = std::move(to),
                                         note = std::move(note)] {
      const auto known = table_.nodes.find(to.node);
      const auto is = known == table_.nodes.end() ? std::nullopt : std::optional(known->second.row);
      if (is != from) return false;
      NodeEntry& entry = table_.nodes[to.node];
      entry.row = to;
      if (note) entry.note = *note;
      return true;
    });
  }

  Task<Result<bool>> change_map(std::shared_ptr<const SlotMap> to) override {
    return call<bool>(Call::kChangeMap, [this, to = std::move(to)] {
      if (to->version() != table_.map->version() + 1) return false;
      table_.map = to;
      return true;
    });
  }

 private:
  template <typename T>
  Task<Result<T>> call(Call what, std::function<T()> work) {
    ++calls_;
    const Fate fated = fate(what);
    if (fated == Fate::kFailed) co_return fail(Errc::kUnavailable, "a test's failure");
    if (fated == Fate::kHeldRequest) co_await hold();
    T out = work();
    if (fated == Fate::kFailedLate) co_return fail(Errc::kUnavailable, "a test's failure");
    if (fated == Fate::kHeldAnswer) co_await hold();
    co_return out;
  }

  Task<> hold() {
    const auto here = held_.emplace(held_.end());
    co_await here->wait();
    held_.erase(here);
  }

  RowsTable& table_;
  std::list<Event> held_;
  std::uint64_t calls_ = 0;
};

}  // namespace playhead
