// What exports and imports need of a store beside what shards do: all that is held on an account,
// page by page, and rows that go in only where there is nothing yet. Adapter: store/rocksdb.
//
// Concurrency: every call from any thread; a Task resumes on the executor it was awaited from.
// Invariant: add() and Store::write() are made one after the other: what add() finds absent is so.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/store.h"

namespace playhead {

/// What became of a row.
enum class Added : std::uint8_t {
  kNew,     ///< written; a title's row has changed by it
  kThere,   ///< the view was there, or the title's row knew all of it
  kErased,  ///< it was imported no later than its profile was erased
};

/// A row of a title with whose it is.
struct TitleRow {
  std::string profile, title;
  TitleState state;
};

/// Where the titles of an account go on: behind this one. They lie by the length of the profile's
/// id, then by profile and title.
struct TitlePlace {
  std::string profile, title;

  friend bool operator<(const TitlePlace& a, const TitlePlace& b) {
    const std::size_t left = a.profile.size(), right = b.profile.size();
    return std::tie(left, a.profile, a.title) < std::tie(right, b.profile, b.title);
  }
};

class Archive {
 public:
  virtual ~Archive() = default;

  /// Writes views that are not there, and titles' rows that change. All or none; readable when it
  /// returns, durable by the next Store::settle(). `rows` carry when they were imported.
  /// Errors: unavailable, overloaded.
  virtual Task<Result<std::vector<Added>>> add(std::vector<Change> rows) = 0;

  /// Up to `rows_max` views of the account behind the view `after`, in byte order.
  virtual Task<Result<std::vector<StoredView>>> account_views(AccountRef account, std::string after,
                                                              std::size_t rows_max) = 0;
  /// Up to `rows_max` rows of titles of the account behind `after`.
  virtual Task<Result<std::vector<TitleRow>>> account_titles(AccountRef account,
                                                             std::optional<TitlePlace> after,
                                                             std::size_t rows_max) = 0;
};

}  // namespace playhead
