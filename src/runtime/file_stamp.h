// What tells one state of a file from another without reading it: for whoever goes by a file that
// may be replaced under him. Any thread.
#pragma once

#include <cstdint>
#include <string>

namespace playhead {

struct FileStamp {
  std::int64_t modified_ns = 0, changed_ns = 0;
  std::uint64_t bytes = 0, inode = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// Of the file that `path` leads to; all zero where there is none. Blocks for the look. Take it
/// before the file is read: then what changes meanwhile is seen by the next look.
FileStamp stamp_of(const std::string& path);

}  // namespace playhead
