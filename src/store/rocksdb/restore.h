// A store out of a backup, and what was erased since done to it again.
//
// Operation: gather marks with read_marks() and BackupDirectory::marks(), restore(), reapply(). No
//   server uses the directories meanwhile: the caller sees to that.
// Concurrency: one thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "store/backups.h"

namespace playhead {

/// Until when things are erased, by erasure_key(). In order of keys an account comes before its
/// profiles.
using Marks = std::map<std::string, Instant>;
/// Of two marks of the same thing the later one counts.
void add_mark(Marks& marks, const std::string& key, Instant through);

/// The marks of the store in `path`. Errors: unavailable, corrupt.
Result<Marks> read_marks(const std::string& path);

class BackupDirectory {
 public:
  /// Errors: not_found (no backup in `path`), unavailable.
  static Result<BackupDirectory> open(const std::string& path);
  BackupDirectory(BackupDirectory&&) noexcept;
  ~BackupDirectory();

  /// Oldest first, never empty.
  const std::vector<Backup>& list() const { return backups_; }
  /// Those that can't be used.
  std::vector<std::uint32_t> damaged() const;
  /// The marks that the store had when the backup was made. Errors: unavailable, corrupt.
  Result<Marks> marks(std::uint32_t id) const;
  /// Verifies the backup's checksums, and copies it to `path`, whatever is there.
  /// Errors: corrupt (damaged; the detail says so), unavailable.
  Result<void> restore(std::uint32_t id, const std::string& path) const;

 private:
  struct Engine;
  BackupDirectory(std::string path, std::unique_ptr<Engine> engine);

  std::string path_;
  std::unique_ptr<Engine> engine_;
  std::vector<Backup> backups_;
};

struct Reapplied {
  std::size_t marks = 0;   ///< that the store did not know, and does now
  std::size_t erased = 0;  ///< those of which it had something, which is gone
};

/// Does to the store in `path` every erasure that it does not know, and rewrites its files: of what
/// was erased no byte is left there. Errors: unavailable, corrupt.
Result<Reapplied> reapply(const std::string& path, const Marks& marks);

}  // namespace playhead
