// Bodies of lines. Pure.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

namespace playhead {

/// The next line that is not blank, without its end; nothing if there is none.
inline std::optional<std::string_view> next_line(std::string_view& rest) {
  constexpr std::string_view kBlank = " \t\r";
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t first = line.find_first_not_of(kBlank);
    if (first == std::string_view::npos) continue;
    return line.substr(first, line.find_last_not_of(kBlank) + 1 - first);
  }
  return std::nullopt;
}

}  // namespace playhead
