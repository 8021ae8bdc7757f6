// Looks into the inbox for what others took for this node's accounts, about once a second.
//
// Operation: step() reads each bucket in which a shard owns a slot, some at once, has the shards
//   fold its rows and store what has changed, and removes the rows. It can be repeated at any
//   point.
// Concurrency: step() from one place at a time.
#pragma once

#include <vector>

#include "runtime/clock.h"
#include "runtime/task.h"
#include "shard/shard_threads.h"
#include "store/inbox.h"

namespace playhead {

class InboxReader {
 public:
  InboxReader(ShardThreads& shards, Inbox& inbox, const Clock& clock)
      : shards_(shards), inbox_(inbox), clock_(clock) {}

  /// Errors: the inbox's and the store's, the first of them; the other buckets are read
  /// nevertheless.
  Task<Result<void>> step();

 private:
  static constexpr std::size_t kRowsMax = 500;  ///< of one read
  static constexpr std::size_t kBucketsAtOnce = 4;

  Task<Result<void>> read(std::uint16_t bucket);
  Task<Result<void>> fold(std::vector<InboxRow> rows);

  ShardThreads& shards_;
  Inbox& inbox_;
  const Clock& clock_;
};

}  // namespace playhead
