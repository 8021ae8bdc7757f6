// Retention by age: rows of what began, or was last touched, longer ago than is kept are not shown
// any more, and leave the files as these are compacted.
//
// A view's age counts from its start as first stored, which its place in history names too; an
// active view has none. A title's counts from its newest register.
// Concurrency: any thread.
#pragma once

#include <rocksdb/compaction_filter.h>

#include <memory>
#include <string_view>

#include "record/stored.h"
#include "runtime/clock.h"

namespace playhead {

class Retention {
 public:
  /// Keeps everything if `days` is 0. `clock` outlives it.
  Retention(const Clock* clock, std::uint32_t days) : clock_(clock), days_(days) {}

  bool limited() const { return days_ > 0; }
  /// What is older than this is not kept; kNever: everything is.
  Instant oldest() const;

  static bool is_over(const StoredView& view, Instant oldest);
  static bool is_over(const TitleState& title, Instant oldest);

 private:
  const Clock* clock_;
  std::uint32_t days_;
};

/// Which rows a compaction drops, by their family.
enum class RowKind : std::uint8_t { kView, kHistory, kTitle };
std::shared_ptr<rocksdb::CompactionFilterFactory> retention_filter(const Retention& retention,
                                                                   RowKind kind);

}  // namespace playhead
