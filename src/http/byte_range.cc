// One range of bytes: "bytes=0-499", "bytes=500-" or "bytes=-500".
#include "http/byte_range.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace playhead {
namespace {

/// Digits and nothing else. What is beyond 64 bits is beyond every body, too.
std::optional<std::uint64_t> number_of(std::string_view digits) {
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() ? number : UINT64_MAX;
}

bool take_unit(std::string_view& header) {
  constexpr std::string_view kUnit = "bytes=";
  if (header.size() < kUnit.size()) return false;
  for (std::size_t i = 0; i < kUnit.size(); ++i) {
    const char c = header[i];
    if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != kUnit[i]) return false;
  }
  header.remove_prefix(kUnit.size());
  return true;
}

}  // namespace

ByteRange byte_range(std::string_view header, std::uint64_t size) {
  using Kind = ByteRange::Kind;
  if (!take_unit(header)) return {};
  const std::size_t dash = header.find('-');
  if (dash == std::string_view::npos) return {};
  const auto first = number_of(header.substr(0, dash));
  const auto last = number_of(header.substr(dash + 1));
  if (dash == 0) {  // the last so many bytes
    if (!last) return {};
    if (*last == 0 || size == 0) return {.kind = Kind::kBeyond};
    return {.kind = Kind::kPart, .first = size - std::min(*last, size), .last = size - 1};
  }
  const bool open = dash + 1 == header.size();
  if (!first || (!last && !open) || (last && *last < *first)) return {};
  if (*first >= size) return {.kind = Kind::kBeyond};
  return {
      .kind = Kind::kPart, .first = *first, .last = open ? size - 1 : std::min(*last, size - 1)};
}

}  // namespace playhead
