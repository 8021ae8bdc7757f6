// Slots' accounts on their way from one node to the next (shard/handed.h).
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/slot_map.h"
#include "runtime/task.h"
#include "shard/handed.h"
#include "shard/shard_threads.h"

namespace playhead {

/// What a flush of slots has brought, until they are given. One thread.
class HandedSlots {
 public:
  /// A flush begins. What those before it brought, or may yet bring, counts for nothing: the node
  /// may have folded for these slots since.
  std::uint64_t begin() {
    slots_.clear();
    return ++flush_;
  }
  /// `slots` as Shard::hand_over gives them; of the flush that begin() called `flush`.
  void add(std::uint64_t flush, std::vector<HandedSlot> slots);
  /// What goes to session `to`: of slots that `after` gives it, and that in `before` were owned
  /// under the epoch for which they were flushed. Under their epochs in `after`.
  std::vector<HandedSlot> take(const SlotMap& before, const SlotMap& after, std::uint64_t to);

 private:
  std::uint64_t flush_ = 0;
  std::map<std::uint16_t, HandedSlot> slots_;
};

/// A message for their new owner.
std::string encode_handed(std::span<const HandedSlot> slots);
/// Such a message to the shards of its slots. Errors: unavailable (another format, or cut short).
Task<Result<std::string>> take_handed(ShardThreads& shards, std::string bytes);

}  // namespace playhead
