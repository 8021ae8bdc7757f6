// Each setting that differs from RocksDB's own default, with its reason.
#include "journal/rocksdb/database.h"

#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

namespace playhead {

rocksdb::Options journal_database_options(const RocksJournalOptions& options) {
  rocksdb::Options out;
  if (options.env != nullptr) out.env = options.env;
  out.create_if_missing = true;

  // A record that a crash cut short at the end is dropped, damage before it refuses to open. The
  // default, kPointInTimeRecovery, would silently drop all that follows a flipped byte.
  out.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  out.recycle_log_file_num = 0;  // 7.8.3 hung in opening after a kill with recycled files

  // Frames are written once, read once and dropped in order: nothing to compact, so files stay in
  // level 0 until they are deleted whole, and their number must never slow or stop a write.
  out.disable_auto_compactions = true;
  out.level0_file_num_compaction_trigger = 1 << 28;
  out.level0_slowdown_writes_trigger = 1 << 29;
  out.level0_stop_writes_trigger = 1 << 30;
  out.soft_pending_compaction_bytes_limit = 0;
  out.hard_pending_compaction_bytes_limit = 0;
  out.compression = rocksdb::kNoCompression;

  // Smaller memtables mean shorter pauses when one is full: measured 14-16 ms at 8-16 MiB, 27 ms at
  // 64 MiB.
  out.write_buffer_size = options.write_buffer_bytes;
  out.max_write_buffer_number = 6;
  out.max_background_jobs = 2;
  out.allow_concurrent_memtable_write = false;  // there is one writer
  out.avoid_unnecessary_blocking_io = true;     // files are deleted in the background

  rocksdb::BlockBasedTableOptions table;
  table.no_block_cache = true;  // a frame is read at most once a start
  table.block_size = 64 << 10;
  table.checksum = rocksdb::kXXH3;
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));

  out.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  out.keep_log_file_num = 4;
  out.max_log_file_size = 4 << 20;
  out.stats_dump_period_sec = 0;
  out.stats_persist_period_sec = 0;
  return out;
}

}  // namespace playhead
