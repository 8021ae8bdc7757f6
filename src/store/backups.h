// The port through which copies of the store are made and listed. Adapter: store/rocksdb.
//
// Concurrency: every call from any thread; a Task resumes on the executor it was awaited from.
// Invariants:
//  1. A backup that is listed is whole: one that was cut short is never listed.
//  2. A backup holds all that was written to the store before make() was called.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "runtime/task.h"

namespace playhead {

struct BackupOptions {
  std::string directory;                            ///< empty: none are made
  std::uint32_t keep = 7;                           ///< older ones are deleted after each new one
  std::uint64_t write_bytes_per_s_max = 64U << 20;  ///< the disk is the journal's before all
};

struct Backup {
  std::uint32_t id = 0;     ///< from 1, growing
  Instant at;               ///< all that was acknowledged up to here is in it
  std::uint64_t bytes = 0;  ///< of its files, those that it shares with other backups included
  std::uint32_t files = 0;
};

/// Since the start, but for `last`.
struct BackupFigures {
  std::uint64_t made = 0, errors = 0;
  std::optional<Backup> last;
};

class Backups {
 public:
  virtual ~Backups() = default;

  /// Makes a backup that is of `at`, then deletes those that are too old.
  /// Errors: unavailable, overloaded.
  virtual Task<Result<Backup>> make(Instant at) = 0;
  /// Oldest first. Errors: unavailable.
  virtual Task<Result<std::vector<Backup>>> list() = 0;
  /// Ends the one under way with an error; later ones fail at once.
  virtual void stop() = 0;

  virtual BackupFigures figures() const = 0;
};

}  // namespace playhead
