// All shards of this process, each on its own thread, and the way between them.
//
// Concurrency: owner_of() from any thread; shard(i) may be touched on thread i only.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "runtime/threads.h"
#include "shard/shard.h"

namespace playhead {

class ShardThreads {
 public:
  explicit ShardThreads(Threads& threads) : threads_(threads) {}

  /// Makes one shard a thread. `parts` holds what all share; index, count and executor are set
  /// here.
  void make(ShardParts parts, const ShardOptions& options);

  std::size_t count() const { return shards_.size(); }
  Threads& threads() { return threads_; }
  Shard& shard(std::size_t index) { return *shards_[index]; }
  /// The shard that holds the account.
  std::size_t owner_of(std::string_view tenant, std::string_view account) const {
    return slot_of(tenant, account) % shards_.size();
  }

 private:
  Threads& threads_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace playhead
