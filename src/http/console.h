// The files of the console (console/ at the project's root), which are in the binary. Pure.
#pragma once

#include <span>
#include <string_view>

#include "http/reply.h"

namespace playhead {

/// One file; `bytes` live for ever.
struct ConsoleFile {
  std::string_view name, type, bytes;
  bool gzipped = false;  ///< as it lies in the binary: every browser takes it so
};

/// The page itself is the first, and has no name.
std::span<const ConsoleFile> console_files();

/// The answer for a file, with the headers that keep a page from doing what it should not.
Reply console_reply(const ConsoleFile& file);

}  // namespace playhead
