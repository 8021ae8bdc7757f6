// Each step is made sure before the next: after a power cut, too, only what is named above is
// there.
#include "cli/data.h"

#include <filesystem>

#include "config/config.h"
#include "journal/rocksdb/rocks_journal.h"

namespace playhead {
namespace {

namespace fs = std::filesystem;

std::string restoring_path(const std::string& data) { return data + "/restoring"; }
std::string restored_path(const std::string& data) { return data + "/restored"; }

Result<void> remove(const std::string& data, const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return fail(Errc::kUnavailable, "remove " + path + ": " + error.message());
  return sync_directory(data);
}

Result<void> rename(const std::string& data, const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error)
    return fail(Errc::kUnavailable, "rename " + from + " to " + to + ": " + error.message());
  return sync_directory(data);
}

Result<void> finish(const std::string& data) {
  if (!is_half_restored(data)) return {};
  if (auto removed = remove(data, journal_path(data)); !removed) return removed;
  if (auto removed = remove(data, store_path(data)); !removed) return removed;
  // An empty one, so that one which gets lost later can be told from one that never was.
  if (const auto journal = RocksJournal::open({.path = journal_path(data)}); !journal)
    return std::unexpected(journal.error());
  return rename(data, restored_path(data), store_path(data));
}

}  // namespace

bool is_half_restored(const std::string& data) {
  std::error_code error;
  return fs::exists(restored_path(data), error);
}

Result<DirectoryLock> take_data(const std::string& data) {
  if (auto made = make_directory(data); !made) return std::unexpected(std::move(made.error()));
  auto lock = DirectoryLock::hold(data);
  if (!lock) return lock;
  if (auto finished = finish(data); !finished) return std::unexpected(std::move(finished.error()));
  if (auto removed = remove(data, restoring_path(data)); !removed)
    return std::unexpected(std::move(removed.error()));
  return lock;
}

Result<void> replace_store(const std::string& data,
                           const std::function<Result<void>(const std::string&)>& make) {
  if (auto made = make(restoring_path(data)); !made) return made;
  if (auto renamed = rename(data, restoring_path(data), restored_path(data)); !renamed)
    return renamed;
  return finish(data);
}

}  // namespace playhead
