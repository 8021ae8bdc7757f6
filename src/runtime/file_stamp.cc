// By stat().
#include "runtime/file_stamp.h"

#include <sys/stat.h>

namespace playhead {
namespace {

std::int64_t ns_of(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileStamp stamp_of(const std::string& path) {
  struct stat state{};
  if (path.empty() || ::stat(path.c_str(), &state) != 0) return {};
  return {.modified_ns = ns_of(state.st_mtim),
          .changed_ns = ns_of(state.st_ctim),
          .bytes = static_cast<std::uint64_t>(state.st_size),
          .inode = state.st_ino};
}

}  // namespace playhead
