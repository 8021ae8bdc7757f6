// The titles that the console plays: the files of one directory, read once and kept in memory, so
// that no path is ever opened for a request and no thread of a shard waits for a disk.
// Read-only once it is made.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/reply.h"

namespace playhead {

class DemoFiles {
 public:
  DemoFiles() = default;

  /// Takes the files of `directory` whose names end like those that are served, and nothing below
  /// it. Errors: not_found (there is no titles.json), invalid_argument (more than the limits
  /// below).
  static Result<DemoFiles> read(const std::string& directory);

  bool empty() const { return files_.empty(); }

  /// The answer for a file, or for the part of it that `range` (the header) asks for. A part is
  /// never longer than kPartBytesMax; a longer file is answered in parts only.
  Reply reply(const std::string& name, std::string_view range) const;

  /// So short that it fits into the buffers on its way: a browser opens six connections to a
  /// server, and a player that has enough for now would keep one of them waiting.
  static constexpr std::size_t kPartBytesMax = std::size_t{256} * 1024;
  static constexpr std::size_t kFilesMax = 100;
  static constexpr std::size_t kBytesMax = std::size_t{256} * 1024 * 1024;  ///< of all files

  static constexpr std::string_view kCatalogue = "titles.json";

 private:
  struct File {
    std::string_view type;
    std::string bytes;
  };

  std::map<std::string, File> files_;
};

}  // namespace playhead
