// The store on the machine's own disk: a RocksDB instance without a log of its own, for the journal
// is kept until settle() has returned.
//
// Operation: writes go through one writer thread, reads through a few reader threads, settles
// through
//   one more, which flushes all column families as one. purge() has a thread of its own, for it
//   rewrites files. The try_* reads look into memory only and run on the caller's thread. On disk:
//   docs/formats.md, "Keys".
// Concurrency: as the port says. The store outlives every Task that it gave.
// Faults: on a full disk writes and settles fail until there is space; after any other failed flush
// they
//   fail until the process starts anew. Reads go on. Nothing is lost: the journal still has it.
// Invariant: all column families hold the same set of changes after a crash (atomic flush).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "store/archive.h"
#include "store/backups.h"
#include "store/store.h"

namespace rocksdb {
class Env;
}

namespace playhead {

/// The defaults suit a machine with 2 GB of memory.
struct RocksStoreOptions {
  std::string path;                                ///< a directory of its own; made if missing
  std::uint64_t block_cache_bytes = 256ULL << 20;  ///< blocks, indexes and filters read
  std::uint64_t memtable_bytes_max = 64ULL << 20;  ///< rows not flushed yet, all families
  std::string compression = "lz4";                 ///< of rows on disk: "lz4" or "none"
  std::uint32_t retention_days = 0;  ///< older rows are not kept; 0: everything is, for ever
  const Clock* clock = nullptr;      ///< of the retention; outlives the store
  std::uint32_t reader_threads = 4;
  std::uint32_t background_threads = 2;       ///< of flushes and compactions
  std::uint32_t waiting_reads_max = 8'192;    ///< more: overloaded
  std::uint32_t waiting_writes_max = 1'024;   ///< more: overloaded
  std::uint32_t waiting_settles_max = 1'024;  ///< more: overloaded
  rocksdb::Env* env = nullptr;                ///< a disk with faults, for tests; outlives the store
};

/// What the store did since it was opened, and what it holds. For /metrics.
struct RocksStoreFigures {
  std::uint64_t writes = 0, write_errors = 0;
  std::uint64_t reads = 0;
  std::uint64_t tries = 0, try_misses = 0;  ///< reads from memory only; those that would block
  std::uint64_t settles = 0, flushes = 0;   ///< asked for; done (several may share one)
  std::uint64_t refused = 0;                ///< answered with overloaded
  std::uint64_t slots_purged = 0;           ///< rewritten, because something there was erased
  std::uint64_t disk_bytes = 0;
  std::uint64_t memtable_bytes = 0, cache_bytes = 0;
};

class RocksStore : public Store, public Archive {
 public:
  /// Opens or makes the store in `options.path`.
  ///
  /// Errors: unavailable (in use by another process, or the disk refuses),
  ///   corrupt (damage, or a newer format; the detail says what to do).
  static Result<std::unique_ptr<RocksStore>> open(const RocksStoreOptions& options);

  virtual RocksStoreFigures figures() const = 0;

  /// Backups of this store, which must outlive them. Makes the directory if it is missing.
  /// Errors: unavailable.
  virtual Result<std::unique_ptr<Backups>> open_backups(const BackupOptions& options) = 0;
};

/// What lies in a store's directory.
struct StoreReport {
  std::uint64_t views = 0, active = 0, history = 0, profiles = 0, titles = 0;  ///< rows
  std::uint64_t erasures = 0;  ///< accounts and profiles that were erased
  std::uint64_t disk_bytes = 0;
  std::uint64_t damaged = 0;        ///< things found wrong
  std::vector<std::string> damage;  ///< the first kStoreDamageMax of them, each in a sentence

  bool sound() const { return damaged == 0; }
};
inline constexpr std::size_t kStoreDamageMax = 100;

/// Reads and decodes every row of a store, and checks that each index entry has its view. Changes
/// nothing. Damage is no error but reported.
///
/// Errors: not_found (no store there), unavailable (in use by another process, or unreadable).
Result<StoreReport> check_store(const std::string& path);

}  // namespace playhead
