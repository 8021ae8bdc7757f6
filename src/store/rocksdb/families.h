// The store's RocksDB: its column families and settings, for the store itself and for its check.
//
// views     account_key(view)  -> the view's row
// active    account_key(view)  -> nothing; while the view counts for viewers and limits
// history   history_key()      -> nothing; views with `record`
// profiles  account_key(profile) -> nothing
// titles    title_key()        -> the title's registers, merged
// erasures  erasure_key()      -> until when a thing is erased
// default   "format"           -> the version of all this
//           "retention"        -> the days that the last server kept, in digits; see retention.h
//           trace_key()        -> a number of that erasure; see erase.h
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/rocksdb/retention.h"
#include "store/rocksdb/rocks_store.h"

namespace playhead {

inline constexpr std::uint8_t kStoreFormat = 1;
inline constexpr char kStoreFormatKey[] = "format";
inline constexpr char kRetentionKey[] = "retention";

/// A RocksDB with its families, closed in the right order.
class Families {
 public:
  enum class Access { kWrite, kReadOnly };

  /// Errors: unavailable, corrupt (damage, or a newer format).
  static Result<Families> open(const RocksStoreOptions& options, Access access);

  Families(Families&&) = default;
  Families& operator=(Families&&) = delete;
  ~Families();

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* meta() const { return handles_[0]; }
  rocksdb::ColumnFamilyHandle* views() const { return handles_[1]; }
  rocksdb::ColumnFamilyHandle* active() const { return handles_[2]; }
  rocksdb::ColumnFamilyHandle* history() const { return handles_[3]; }
  rocksdb::ColumnFamilyHandle* profiles() const { return handles_[4]; }
  rocksdb::ColumnFamilyHandle* titles() const { return handles_[5]; }
  rocksdb::ColumnFamilyHandle* erasures() const { return handles_[6]; }
  const std::vector<rocksdb::ColumnFamilyHandle*>& all() const { return handles_; }
  const Retention& retention() const { return retention_; }
  const rocksdb::Cache& cache() const { return *cache_; }

 private:
  explicit Families(const Retention& retention) : retention_(retention) {}
  Result<void> check_format(Access access, const std::string& path);
  Result<void> note_retention(std::uint32_t days);

  Retention retention_;
  std::shared_ptr<rocksdb::Cache> cache_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

}  // namespace playhead
