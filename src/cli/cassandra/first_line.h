// A secret in a file of its own: its first line.
#pragma once

#include <fstream>
#include <string>

#include "base/result.h"

namespace playhead {

/// Errors: not_found; the detail is `missing`, and where.
inline Result<std::string> first_line(const std::string& path, const std::string& missing) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return fail(Errc::kNotFound, missing + " in '" + path + "'");
  return line;
}

}  // namespace playhead
