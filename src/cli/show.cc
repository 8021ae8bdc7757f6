// Formats.
#include "cli/show.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "base/assert.h"

namespace playhead {
namespace {

std::tm local(Instant at) {
  const auto seconds = static_cast<std::time_t>(at.ms / 1000 - (at.ms % 1000 < 0 ? 1 : 0));
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return parts;
}

/// Code points, for UTF-8; what a terminal shows of an id or a name.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string show_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t end = digits.size(); end > 3;) digits.insert(end -= 3, ",");
  return digits;
}

std::string show_bytes(std::uint64_t bytes) {
  static constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  double size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; size >= 1024 && unit + 1 < kUnits.size(); ++unit) size /= 1024;
  return fmt::format("{:.1f} {}", size, kUnits[unit]);
}

std::string show_position(std::optional<Millis> position) {
  if (!position) return "-";
  const Millis s = *position / 1000;
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string show_position(std::optional<Millis> position, std::optional<Millis> duration) {
  if (!duration) return show_position(position);
  return show_position(position) + " of " + show_position(duration);
}

std::string show_time(std::optional<Instant> at, Instant now) {
  if (!at) return "-";
  const std::tm then = local(*at), today = local(now);
  if (then.tm_year == today.tm_year && then.tm_yday == today.tm_yday)
    return fmt::format("{:02}:{:02}:{:02}", then.tm_hour, then.tm_min, then.tm_sec);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", then.tm_year + 1900, then.tm_mon + 1,
                     then.tm_mday, then.tm_hour, then.tm_min);
}

std::string show_ago(std::optional<Instant> at, Instant now) {
  if (!at) return "-";
  const Millis s = std::max<Millis>(now - *at, 0) / 1000;
  if (s < 120) return fmt::format("{} s ago", s);
  if (s < Millis{120} * 60) return fmt::format("{} min ago", s / 60);
  if (s < Millis{48} * 3600) return fmt::format("{} h ago", s / 3600);
  return fmt::format("{} d ago", s / 86'400);
}

void TextTable::add(std::vector<std::string> cells) {
  PLAYHEAD_ASSERT(cells.size() == rows_.front().size());
  for (std::string& cell : cells) {
    std::ranges::replace_if(
        cell, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    if (cell.empty()) cell = "-";
  }
  rows_.push_back(std::move(cells));
}

std::string TextTable::text() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] + 2 - width_of(row[i]), ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace playhead
