// How an erasure is done to rows, and how files forget them.
//
// Operation: erase() deletes the rows and leaves two things: in `erasures` until when the thing is
//   erased, under a hash; and, in the same batch, a trace of the slot. What was deleted stays in
//   files until they are rewritten: rewrite_traces() does that slot by slot, by key ranges that
//   name no id; then forget_traces() removes the traces.
// Concurrency: erase() and forget_traces() on the store's writer thread, rewrite_traces() on one
//   other.
#pragma once

#include <rocksdb/status.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/rocksdb/families.h"
#include "store/store.h"

namespace playhead {

/// Puts the deletion of all that `change` names into `batch`, in which its account must not have
/// occurred before.
rocksdb::Status erase(const Families& families, const EraseChange& change,
                      rocksdb::WriteBatch& batch);

/// A slot in which something was erased, and the number of the newest erasure there.
struct Trace {
  std::uint16_t slot = 0;
  std::string number;
};

/// Rewrites the files of all slots with a trace, until `stop`: those that are done.
rocksdb::Status rewrite_traces(const Families& families, std::atomic<bool>& stop,
                               std::vector<Trace>& done);
/// Puts the removal of `traces` into `batch`, but of those where something was erased since.
rocksdb::Status forget_traces(const Families& families, const std::vector<Trace>& traces,
                              rocksdb::WriteBatch& batch);

/// The value of a row of `erasures`.
std::string through_row(Instant through);
std::optional<Instant> read_through(std::string_view row);

}  // namespace playhead
