// What a RocksDB status means to us, and what both adapters do with a data directory. Thread-safe.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/status.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace playhead {

/// `status`, which is not ok, of the work `what` ("write frame 7"). Damage is corrupt, all else
/// unavailable.
Error error_of(const rocksdb::Status& status, std::string_view what);

/// `status` of opening the database of the `part` ("journal", "store") in `path`: adds what to do.
Error open_error(const rocksdb::Status& status, std::string_view part, const std::string& path);

/// True where a database's files are, but not the one that leads to them: opened for writing it
/// would be made anew, and they deleted.
bool has_lost_current(const std::string& path);
inline constexpr std::string_view kLostCurrent =
    "the file CURRENT, which leads to the others, is missing";

/// Makes the directory and syncs its parents' entries, so that a power cut does not take it away.
/// Errors: unavailable.
Result<void> make_directory(const std::string& path);

/// Makes what was made, renamed or removed in the directory survive a power cut.
/// Errors: unavailable.
Result<void> sync_directory(const std::string& path);

/// Holds a directory's lock, for a database without opening it: nobody writes meanwhile.
class DirectoryLock {
 public:
  /// Errors: not_found (no database in `path`), corrupt (has_lost_current()), unavailable (in use
  /// by another process).
  static Result<DirectoryLock> take(const std::string& path, std::string_view part);
  /// Of any directory. Errors: unavailable (in use by another process, or no such directory).
  static Result<DirectoryLock> hold(const std::string& path);

 private:
  struct Unlock {
    void operator()(rocksdb::FileLock* lock) const;
  };
  std::unique_ptr<rocksdb::FileLock, Unlock> lock_;
};

}  // namespace playhead
