// The port that shards write through and read from. Adapters: store/rocksdb, later store/cassandra,
// and sim/sim_store.
//
// Concurrency: every call from any thread; a Task resumes on the executor it was awaited from.
// Invariants:
//  1. A change is written whole. Of a failed set a part may have landed; repeating it is safe.
//  2. What write() took survives a crash only once a settle() that began after it has returned
//     (RocksDB without a log of its own). The journal is kept until then.
//  3. Titles are merged (TitleState::merge), views replaced: a view has one writer.
//  4. The changes of one write() are made in their order, and one write() after the other.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "record/erasure.h"
#include "record/ids.h"
#include "record/stored.h"
#include "runtime/clock.h"
#include "runtime/task.h"
#include "viewing/title.h"

namespace playhead {

struct AccountRef {
  std::string tenant, account;
  friend bool operator==(const AccountRef&, const AccountRef&) = default;
};

struct ProfileRef {
  std::string tenant, account, profile;
  friend bool operator==(const ProfileRef&, const ProfileRef&) = default;
};

/// A view's row, replaced whole; also its places in `history` (by profile and keyed start),
/// `active` (while `view.active`) and `profiles`.
struct ViewChange {
  StoredView view;
  bool first = true;  ///< its index entries may not be there yet
  /// It is active, as it was when it was last written whole, so it has the same places.
  /// `view()` and `active_views()` give all of it then; `history()` may give the view as it was
  /// last written whole, until it is again. A store may write it whole nonetheless, and does if it
  /// is `first`.
  bool position_only = false;
  /// On the monotonic clock: from then on another may own the view, and what has not been sent must
  /// not be.
  Millis until_ms = std::numeric_limits<Millis>::max();
};

/// Merged into the title's row. One with an act also makes its profile known (`profiles`).
struct TitleChange {
  ProfileRef profile;
  std::string title;
  TitleState delta;
  /// Taken by who does not know what was erased, as of a journal that is read late: one that tells
  /// only of before an erasure is not to be written.
  bool unless_erased = false;
};

/// Removes every row of the account, or of one profile, and remembers until when for ever
/// (erasures()). Repeating it is harmless as long as what was written since is written again; an
/// adapter that is an Archive leaves what came since, which nothing else holds.
struct EraseChange {
  AccountRef account;
  std::string profile;  ///< empty: the whole account
  Instant through;
};

using Change = std::variant<ViewChange, TitleChange, EraseChange>;

/// Where a page of history goes on: behind this row.
struct HistoryKey {
  Instant keyed_start;  ///< newest first
  std::string view;     ///< ascending among equals
};

struct HistoryRows {
  std::vector<StoredView> views;  ///< newest keyed start first
  bool more = false;              ///< rows may follow the last one, of which there is one then
  /// Given from a copy, which holds what the store had then and perhaps nothing since: no answer
  /// with them is fresh. None: as the store has them.
  std::optional<Instant> as_of;
};

class Store {
 public:
  virtual ~Store() = default;

  /// Makes `changes` readable, and durable by the next settle().
  /// Errors: unavailable, overloaded.
  virtual Task<Result<void>> write(std::vector<Change> changes) = 0;

  /// When it returns, all that was written before its call survives a crash.
  virtual Task<Result<void>> settle() = 0;

  /// Rewrites what still holds erased rows, so that when it returns no file holds anything of what
  /// was erased before its call. How many slots there were to rewrite. Takes long.
  /// Errors: unavailable.
  virtual Task<Result<std::size_t>> purge() = 0;

  /// The views of the account that were active when last written.
  virtual Task<Result<std::vector<StoredView>>> active_views(AccountRef account) = 0;

  /// One view; nothing if it was never written.
  virtual Task<Result<std::optional<StoredView>>> view(AccountRef account, std::string view) = 0;

  /// The rows of the named titles, in their order; nothing where there is none.
  virtual Task<Result<std::vector<std::optional<TitleState>>>> titles(
      ProfileRef profile, std::vector<std::string> titles) = 0;

  /// All the profile's titles, at most `rows_max`.
  virtual Task<Result<std::vector<NamedTitle>>> all_titles(ProfileRef profile,
                                                           std::size_t rows_max) = 0;

  /// Up to `rows_max` rows of history behind `after` (from the newest if absent).
  virtual Task<Result<HistoryRows>> history(ProfileRef profile, std::optional<HistoryKey> after,
                                            std::size_t rows_max) = 0;

  /// The account's profiles in byte order, at most `rows_max`.
  virtual Task<Result<std::vector<std::string>>> profiles(AccountRef account,
                                                          std::size_t rows_max) = 0;

  /// What was erased of the account.
  virtual Task<Result<Erasures>> erasures(AccountRef account) = 0;

  /// `view` is older than is kept: it is not to be shown any more, though view() may still know it
  /// for the fold, which must not take it for one that never was.
  virtual bool is_over(const StoredView&) const { return false; }

  // The same reads from memory only, for the shard's own thread: nothing when they would block.
  virtual std::optional<Result<std::vector<StoredView>>> try_active_views(
      const AccountRef& account) = 0;
  virtual std::optional<Result<Erasures>> try_erasures(const AccountRef& account) = 0;
  virtual std::optional<Result<std::optional<StoredView>>> try_view(const AccountRef& account,
                                                                    std::string_view view) = 0;
  virtual std::optional<Result<std::vector<std::optional<TitleState>>>> try_titles(
      const ProfileRef& profile, const std::vector<std::string>& titles) = 0;
};

}  // namespace playhead
