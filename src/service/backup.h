// Backups of the running server: all that was acknowledged before one was asked for is in it.
//
// Concurrency: every call from any shard thread; no shard's thread is blocked meanwhile.
#pragma once

#include <atomic>
#include <vector>

#include "runtime/clock.h"
#include "runtime/task.h"
#include "shard/shard_threads.h"
#include "store/backups.h"
#include "store/store.h"

namespace playhead {

class BackupService {
 public:
  /// `backups`: null where no directory is set for them.
  BackupService(ShardThreads& shards, Store& store, Backups* backups, const Clock& clock)
      : shards_(shards), store_(store), backups_(backups), clock_(clock) {}

  /// Returns when the backup is on the disk. Errors: unprocessable (no directory is set),
  /// overloaded (one is under way), unavailable.
  Task<Result<Backup>> make();
  /// Oldest first. Errors: unprocessable (no directory is set), unavailable, overloaded.
  Task<Result<std::vector<Backup>>> list();

 private:
  Task<Result<Backup>> make_now();

  ShardThreads& shards_;
  Store& store_;
  Backups* const backups_;
  const Clock& clock_;
  std::atomic<bool> busy_ = false;  ///< one at a time
};

}  // namespace playhead
