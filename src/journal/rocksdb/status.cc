// RocksDB says most things in a text only: a lock that is held is an I/O error like any other.
#include "journal/rocksdb/status.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace playhead {
namespace {

bool says_locked(const rocksdb::Status& status) {
  if (!status.IsIOError()) return false;
  const std::string text = status.ToString();
  return text.find("lock file") != std::string::npos || text.find("lock hold") != std::string::npos;
}

Error in_use(const std::string& path) {
  return {Errc::kUnavailable, "data directory is in use by another playhead (" + path +
                                  "); stop that one, or choose another directory"};
}

}  // namespace

Error error_of(const rocksdb::Status& status, std::string_view what) {
  return {status.IsCorruption() ? Errc::kCorrupt : Errc::kUnavailable,
          std::string(what) + ": " + status.ToString()};
}

Error open_error(const rocksdb::Status& status, std::string_view part, const std::string& path) {
  if (says_locked(status)) return in_use(path);
  const std::string what = "open the " + std::string(part) + " in " + path;
  if (status.IsIOError() || status.IsTimedOut() || status.IsBusy()) return error_of(status, what);
  return {Errc::kCorrupt, what + ": " + status.ToString()};
}

Result<void> sync_directory(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  // Some file systems have nothing to sync in a directory, and say so.
  if (synced || error == EINVAL || error == EROFS) return {};
  return fail(Errc::kUnavailable, "sync directory " + path + ": " + std::strerror(error));
}

Result<void> make_directory(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  if (error) return fail(Errc::kUnavailable, "make " + path + ": " + error.message());
  if (std::filesystem::is_directory(absolute, error)) return {};
  const auto parent =
      absolute.has_filename() ? absolute.parent_path() : absolute.parent_path().parent_path();
  if (auto made = make_directory(parent.string()); !made) return made;
  if (!std::filesystem::create_directory(absolute, error) && error)
    return fail(Errc::kUnavailable, "make " + path + ": " + error.message());
  return sync_directory(parent.string());
}

bool has_lost_current(const std::string& path) {
  std::error_code error;
  if (std::filesystem::exists(path + "/CURRENT", error)) return false;
  for (std::filesystem::directory_iterator file(path, error), end; !error && file != end;
       file.increment(error)) {
    const auto kind = file->path().extension();
    if (kind == ".sst" || kind == ".log") return true;
  }
  return false;
}

void DirectoryLock::Unlock::operator()(rocksdb::FileLock* lock) const {
  rocksdb::Env::Default()->UnlockFile(lock).PermitUncheckedError();
}

Result<DirectoryLock> DirectoryLock::take(const std::string& path, std::string_view part) {
  std::error_code error;
  if (has_lost_current(path)) return fail(Errc::kCorrupt, path + ": " + std::string(kLostCurrent));
  if (!std::filesystem::exists(path + "/CURRENT", error))
    return fail(Errc::kNotFound, "there is no " + std::string(part) + " in " + path);
  return hold(path);
}

Result<DirectoryLock> DirectoryLock::hold(const std::string& path) {
  DirectoryLock taken;
  rocksdb::FileLock* lock = nullptr;
  const auto status = rocksdb::Env::Default()->LockFile(path + "/LOCK", &lock);
  taken.lock_.reset(lock);
  if (status.ok()) return taken;
  if (says_locked(status)) return std::unexpected(in_use(path));
  return std::unexpected(error_of(status, "lock " + path));
}

}  // namespace playhead
