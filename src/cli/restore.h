// A data directory out of a backup, in which everything that was erased since is erased again.
//
// Operation: what was erased is known from the directory's own store and journal, which are
// replaced,
//   from newer backups, and from receipts.
// Concurrency: one thread; no server uses the data directory, for its lock is held.
// Invariant: killed at any point, the directory holds what it held or what was restored, and the
// same
//   call may be made again.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "store/rocksdb/restore.h"

namespace playhead {

struct RestoreWish {
  std::string from, data;             ///< directories
  std::uint32_t backup = 0;           ///< 0: the newest
  std::vector<std::string> receipts;  ///< files of them
  bool replace = false;               ///< `data` may hold something, which is deleted
  bool despite_damage = false;        ///< what is replaced may be unreadable
};

struct RestoreOutcome {
  Backup backup;
  std::size_t marks = 0;  ///< erasures that are known of, from anywhere
  Reapplied reapplied;
  bool replaced = false;
  std::vector<std::string> warnings;
};

/// `say` is called with what is begun next.
/// Errors: not_found (no such backup), invalid_argument (the directory holds data; a receipt is
/// none),
///   corrupt (the backup is damaged; so is what is replaced), unavailable (in use; the disk
///   refuses).
Result<RestoreOutcome> restore(const RestoreWish& wish,
                               const std::function<void(std::string_view)>& say);

/// Adds the marks of the receipts in `text`: JSON documents, each a receipt or an array of them.
/// How many there were. Errors: invalid_argument. Pure.
Result<std::size_t> read_receipts(std::string_view text, Marks& marks);

}  // namespace playhead
