// The steady checkpoint of this process: shards hand changed views to the store, the store settles,
// the journal lets go of what it no longer needs. One implementation for the server and the
// simulation.
//
// Concurrency: made once; step() and finish() awaited on any one shard thread, one at a time; what
//   is said of drop_if_due() holds for finish_unsettled(), too.
// Invariant: a frame is noted as stored only if every shard's low water lies above it, and dropped
//   only when every shard's low water, read before a settle() that
//   succeeded, lies above it.
#pragma once

#include "journal/journal.h"
#include "runtime/clock.h"
#include "shard/options.h"
#include "shard/shard_threads.h"
#include "store/store.h"

namespace playhead {

class Checkpointer {
 public:
  Checkpointer(ShardThreads& shards, Journal& journal, Store& store, const Clock& clock,
               const ShardOptions& options);

  /// The slots that are due, on every shard; now and then also the settling and the drop. To be
  /// called about every second. Errors: unavailable; nothing is lost, the journal keeps more.
  Task<Result<void>> step();
  // The two halves of step(), for a store that takes long to settle: each is awaited by itself,
  // and may be while the other one is.
  Task<Result<void>> hand_over();
  Task<Result<void>> drop_if_due();
  /// Hands over everything and drops the journal, for a clean stop. Errors: as step().
  Task<Result<void>> finish();
  /// The same for a store that takes long to settle: the journal keeps all that, and notes that the
  /// next start need not read it.
  Task<Result<void>> finish_unsettled();

 private:
  Task<Result<void>> hand_over_all();
  Task<FrameNumber> low_water();
  Task<Result<void>> sweep(bool all);
  Task<Result<void>> roll_if_erased();
  Task<Result<void>> drop();

  ShardThreads& shards_;
  Journal& journal_;
  Store& store_;
  const Clock& clock_;
  Millis settle_interval_ms_;
  std::uint64_t journal_bytes_high_;
  Millis settled_ms_;
  std::uint64_t erasures_ = 0;  ///< that the journal has been rolled for
};

}  // namespace playhead
