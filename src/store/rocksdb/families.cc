// Each setting that differs from RocksDB's own default, with its reason; and the merge of titles.
#include "store/rocksdb/families.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include "journal/rocksdb/status.h"
#include "record/stored.h"
#include "store/rocksdb/keys.h"

namespace playhead {
namespace {

constexpr std::uint64_t kRewrittenAfterSeconds = 7 * 86'400;

// TitleState::merge over encoded rows. A row that can't be decoded fails the read or the
// compaction: damage is never merged away.
class TitleMerge final : public rocksdb::AssociativeMergeOperator {
 public:
  const char* Name() const override { return "playhead.TitleState"; }

  bool Merge(const rocksdb::Slice&, const rocksdb::Slice* existing, const rocksdb::Slice& value,
             std::string* merged, rocksdb::Logger*) const override {
    auto state = decode_title(value.ToStringView());
    if (!state) return false;
    if (existing != nullptr) {
      const auto known = decode_title(existing->ToStringView());
      if (!known) return false;
      state->merge(*known);
    }
    merged->clear();
    encode(*merged, *state);
    return true;
  }
};

// What the filters of scans are made of: all of an account, or all of a profile.
class KeyPrefix final : public rocksdb::SliceTransform {
 public:
  KeyPrefix(const char* name, std::size_t (*bytes)(std::string_view))
      : name_(name), bytes_(bytes) {}
  const char* Name() const override { return name_; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return {key.data(), bytes_(key.ToStringView())};
  }
  bool InDomain(const rocksdb::Slice& key) const override {
    return bytes_(key.ToStringView()) != 0;
  }

 private:
  const char* const name_;
  std::size_t (*const bytes_)(std::string_view);
};

rocksdb::DBOptions database_options(const RocksStoreOptions& options) {
  rocksdb::DBOptions out;
  if (options.env != nullptr) out.env = options.env;
  out.create_if_missing = true;
  out.create_missing_column_families = true;
  out.atomic_flush = true;  // there is no log: a flush is all that a crash leaves
  out.db_write_buffer_size = options.memtable_bytes_max;
  out.max_background_jobs = static_cast<int>(options.background_threads);
  out.max_open_files = 512;      // the rest of the process's descriptors are for connections
  out.bytes_per_sync = 1 << 20;  // a long flush must not end in one long sync beside the journal's
  out.allow_concurrent_memtable_write = false;  // there is one writer
  out.avoid_unnecessary_blocking_io = true;
  // The manifest names the first and last key of each file. It is written anew with each flush, so
  // that ids which were erased don't stay in it.
  out.max_manifest_file_size = 1;
  out.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  out.keep_log_file_num = 4;
  out.max_log_file_size = 4 << 20;
  out.stats_dump_period_sec = 0;
  out.stats_persist_period_sec = 0;
  return out;
}

rocksdb::ColumnFamilyOptions family_options(const RocksStoreOptions& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 8 << 10;
  // Indexes and filters live in the cache too, in parts, so that memory has one bound however large
  // the store grows.
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.pin_top_level_index_and_filter = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.checksum = rocksdb::kXXH3;

  rocksdb::ColumnFamilyOptions out;
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  out.write_buffer_size = options.memtable_bytes_max / 2;
  out.max_write_buffer_number = 4;
  out.memtable_prefix_bloom_size_ratio = 0.02;
  out.memtable_whole_key_filtering = true;
  out.level_compaction_dynamic_level_bytes = true;
  out.compression =
      options.compression == "none" ? rocksdb::kNoCompression : rocksdb::kLZ4Compression;
  return out;
}

std::vector<rocksdb::ColumnFamilyDescriptor> descriptors(
    const RocksStoreOptions& options, const std::shared_ptr<rocksdb::Cache>& cache,
    const Retention& retention) {
  auto plain = family_options(options, cache);
  // Rows that nothing is written near to would never be looked at.
  if (retention.limited()) plain.periodic_compaction_seconds = kRewrittenAfterSeconds;
  auto views = plain;
  views.compaction_filter_factory = retention_filter(retention, RowKind::kView);
  auto by_account = plain;
  by_account.prefix_extractor =
      std::make_shared<KeyPrefix>("playhead.Account", account_prefix_bytes);
  auto by_profile = plain;
  by_profile.prefix_extractor =
      std::make_shared<KeyPrefix>("playhead.Profile", profile_prefix_bytes);
  auto history = by_profile;
  history.compaction_filter_factory = retention_filter(retention, RowKind::kHistory);
  auto titles = by_profile;
  titles.compaction_filter_factory = retention_filter(retention, RowKind::kTitle);
  titles.merge_operator = std::make_shared<TitleMerge>();
  auto erasures = plain;
  erasures.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(kErasurePrefixBytes));
  return {{rocksdb::kDefaultColumnFamilyName, plain},
          {"views", views},
          {"active", by_account},
          {"history", history},
          {"profiles", by_account},
          {"titles", titles},
          {"erasures", erasures}};
}

Error damaged(const std::string& path, const std::string& what) {
  return {Errc::kCorrupt,
          "the store in " + path + " is damaged: " + what +
              "; `playhead check` shows what is readable; restore the data directory "
              "from a copy"};
}

}  // namespace

Result<Families> Families::open(const RocksStoreOptions& options, Access access) {
  Families out(Retention(options.clock, options.retention_days));
  out.cache_ = rocksdb::NewLRUCache(options.block_cache_bytes);
  const auto database = database_options(options);
  const auto families = descriptors(options, out.cache_, out.retention_);
  rocksdb::DB* db = nullptr;
  if (has_lost_current(options.path))
    return std::unexpected(damaged(options.path, std::string(kLostCurrent)));
  const auto opened =
      access == Access::kWrite
          ? rocksdb::DB::Open(database, options.path, families, &out.handles_, &db)
          : rocksdb::DB::OpenForReadOnly(database, options.path, families, &out.handles_, &db);
  out.db_.reset(db);
  if (!opened.ok()) {
    Error error = open_error(opened, "store", options.path);
    if (error.code == Errc::kCorrupt) error = damaged(options.path, opened.ToString());
    return std::unexpected(std::move(error));
  }
  if (auto checked = out.check_format(access, options.path); !checked)
    return std::unexpected(std::move(checked.error()));
  if (access == Access::kWrite)
    if (auto noted = out.note_retention(options.retention_days); !noted)
      return std::unexpected(std::move(noted.error()));
  return out;
}

Families::~Families() {
  if (!db_) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_)
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  db_->Close().PermitUncheckedError();
}

// So that a check knows which rows may be gone.
Result<void> Families::note_retention(std::uint32_t days) {
  rocksdb::WriteOptions writing;
  writing.disableWAL = true;
  const auto noted = db_->Put(writing, meta(), kRetentionKey, std::to_string(days));
  if (!noted.ok()) return std::unexpected(error_of(noted, "write to the store"));
  return {};
}

// A new store gets its version with its first flush, which is atomic over all families.
Result<void> Families::check_format(Access access, const std::string& path) {
  std::string value;
  const auto status = db_->Get({}, meta(), kStoreFormatKey, &value);
  if (status.ok()) {
    if (value.size() == 1 && static_cast<std::uint8_t>(value[0]) <= kStoreFormat) return {};
    return fail(Errc::kCorrupt,
                "the store in " + path + " was written by a newer playhead; run that one");
  }
  if (!status.IsNotFound()) return std::unexpected(damaged(path, status.ToString()));
  rocksdb::ReadOptions all;
  all.total_order_seek = true;
  for (rocksdb::ColumnFamilyHandle* family : handles_) {
    const std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(all, family));
    rows->SeekToFirst();
    if (rows->Valid() || !rows->status().ok())
      return std::unexpected(damaged(path, "its format version is missing"));
  }
  if (access == Access::kReadOnly) return {};
  rocksdb::WriteOptions writing;
  writing.disableWAL = true;
  const char version = static_cast<char>(kStoreFormat);
  const auto put = db_->Put(writing, meta(), kStoreFormatKey, rocksdb::Slice(&version, 1));
  if (!put.ok()) return std::unexpected(error_of(put, "write to " + path));
  return {};
}

}  // namespace playhead
