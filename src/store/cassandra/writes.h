// Changes as batches of CQL: each of one partition, so that it is one mutation in Cassandra and
// what it says of a change is written whole. Pure, but for the clock.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "runtime/clock.h"
#include "store/cassandra/session.h"
#include "store/cassandra/statements.h"
#include "store/store.h"

namespace playhead {

/// Timestamps for rows that have one writer: the wall clock, but always later than any it gave and
/// any it was shown. Thread-safe.
class WriteClock {
 public:
  explicit WriteClock(const Clock& clock) : clock_(clock) {}

  std::int64_t next_us();
  /// A timestamp that was read from a row.
  void observe(std::int64_t timestamp_us);

 private:
  const Clock& clock_;
  std::atomic<std::int64_t> last_us_ = 0;
};

/// `rows` come after all of `places` have been written.
struct Writes {
  std::vector<CqlBatch> places;  ///< in history, and titles: each stands for itself
  std::vector<CqlBatch> rows;    ///< of views, with what else the account's partition has of them
  std::uint64_t changed = 0;     ///< rows of tables; a title's cells are one
};

/// The generation in which a profile's titles are written: see erasing.h.
using GenerationOf = std::function<std::int64_t(const ProfileRef&)>;

/// Up to when a profile's things were erased: what is said of a title until then is not written.
using ErasedThrough = std::function<Instant(const ProfileRef&)>;

/// `changes` has no erasures.
Writes writes_of(std::span<const Change> changes, const Statements& statements, WriteClock& clock,
                 const GenerationOf& generation_of, const ErasedThrough& erased_through);

/// Statements of one partition as batches that are not too large, in their order.
std::vector<CqlBatch> batches_of(CqlBatch statements);

/// The year whose partition of `history` holds a view that started then.
std::int32_t history_year(Instant keyed_start);

}  // namespace playhead
