// Reading rows, on the thread that asks. `where` says how far a read may go: with a cache-only tier
// it ends as Incomplete where it would have to touch the disk. Thread-safe.
#pragma once

#include <rocksdb/options.h>
#include <rocksdb/status.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/rocksdb/families.h"
#include "store/store.h"

namespace playhead {

class Rows {
 public:
  /// `families` outlives it.
  explicit Rows(const Families& families) : families_(families) {}

  // Each as in the port. A status instead of a Result, for it also knows Incomplete; a row that
  // can't be decoded is Corruption.
  using Where = rocksdb::ReadTier;
  rocksdb::Status active_views(Where where, const AccountRef& account,
                               std::vector<StoredView>& out) const;
  rocksdb::Status view(Where where, const AccountRef& account, std::string_view view,
                       std::optional<StoredView>& out) const;
  rocksdb::Status erasures(Where where, const AccountRef& account, Erasures& out) const;
  rocksdb::Status titles(Where where, const ProfileRef& profile,
                         const std::vector<std::string>& titles,
                         std::vector<std::optional<TitleState>>& out) const;
  rocksdb::Status all_titles(const ProfileRef& profile, std::size_t rows_max,
                             std::vector<NamedTitle>& out) const;
  rocksdb::Status history(const ProfileRef& profile, const std::optional<HistoryKey>& after,
                          std::size_t rows_max, HistoryRows& out) const;
  rocksdb::Status profiles(const AccountRef& account, std::size_t rows_max,
                           std::vector<std::string>& out) const;

 private:
  rocksdb::Status views(Where where, const AccountRef& account,
                        const std::vector<std::string>& views, std::vector<StoredView>& out) const;
  rocksdb::Status scan_titles(Where where, const ProfileRef& profile,
                              const std::vector<std::string>& titles,
                              std::vector<std::optional<TitleState>>& out, bool& whole) const;
  rocksdb::Status get_titles(Where where, const ProfileRef& profile,
                             const std::vector<std::string>& titles,
                             std::vector<std::optional<TitleState>>& out) const;

  const Families& families_;
};

}  // namespace playhead
