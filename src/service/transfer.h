// Data out and data in: all that is held on an account, page by page, and what other services or an
// export of ours hold, as if it had been reported at its time.
//
// Operation: what is imported goes past the journal into the store, which is flushed before it is
//   answered as durable; nobody's stream or limit learns of it. Imports keep to a pace and are few
//   at a time, so that viewers do not wait for them.
// Concurrency: every call from any shard thread.
// Invariants:
//  1. An import never takes the place of a view that is there, nor of a newer position or mark.
//  2. Repeating it changes nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ingest/import_json.h"
#include "ingest/parsed.h"
#include "runtime/clock.h"
#include "runtime/task.h"
#include "service/answers.h"
#include "service/options.h"
#include "shard/shard_threads.h"
#include "store/archive.h"

namespace playhead {

struct ImportOutcome {
  std::uint64_t imported = 0;       ///< records that changed something
  std::uint64_t already_there = 0;  ///< records of which all was known
  std::vector<BadReport> rejected;  ///< by place, from 0
  std::uint64_t ignored = 0;        ///< unknown fields
};

/// What transfers did since the start. For /metrics.
struct TransferFigures {
  std::uint64_t imported = 0, already_there = 0, rejected = 0, refused = 0, exported = 0;
};

/// Where a page of an export goes on: behind this view, or behind this title once `titles`.
struct ExportPlace {
  bool titles = false;
  std::string view;
  std::optional<TitlePlace> title;
};

struct ExportPage {
  std::vector<StoredView> views;
  std::vector<TitleRow> titles;
  std::optional<ExportPlace> next;
};

class Transfer {
 public:
  Transfer(ShardThreads& shards, Store& store, Archive& archive, const Clock& clock,
           ShardOptions shard, TransferOptions options);

  /// Takes what can be taken of `records`, which has begun; the rest is listed. Unless `durable`,
  /// it is readable when this returns, and durable with the next import that is. Errors: overloaded
  /// (others import), unavailable. Then a part may be there: repeat it.
  Task<Result<ImportOutcome>> import(std::string tenant, ImportParser records, bool durable);

  /// Up to `limit` records of the account: all views, then all titles.
  Task<Result<Answer<ExportPage>>> page(AccountRef account, ExportPlace from, std::size_t limit);

  const TransferOptions& options() const { return options_; }
  TransferFigures figures() const;

 private:
  class Turn;
  struct Slice;

  Task<Result<void>> take(Slice slice, ImportOutcome& outcome);
  Task<Result<void>> leave_out_known(Slice& slice);
  Task<> keep_pace(std::size_t records);
  Task<Result<ExportPage>> views_page(AccountRef account, std::string after, std::size_t limit);
  Task<Result<ExportPage>> titles_page(AccountRef account, std::optional<TitlePlace> after,
                                       std::size_t limit);

  ShardThreads& shards_;
  Store& store_;
  Archive& archive_;
  const Clock& clock_;
  ShardOptions shard_;
  TransferOptions options_;
  /// Shared with imports that a stop has cut off: they go with their threads, after this.
  const std::shared_ptr<std::atomic<std::uint32_t>> at_work_ =
      std::make_shared<std::atomic<std::uint32_t>>(0);
  std::atomic<std::int64_t> free_at_us_ = 0;  ///< on the monotonic clock: when the pace allows more
  std::atomic<std::uint64_t> imported_ = 0, already_there_ = 0, rejected_ = 0, refused_ = 0,
                             exported_ = 0;
};

}  // namespace playhead
