// Numbers and times as people read them, and tables of them. Pure, but for the time zone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace playhead {

std::string show_count(std::uint64_t count);  ///< "1,234,567"
std::string show_bytes(std::uint64_t bytes);  ///< "14.2 MiB"

/// An offset into a title or a length of time: "1:02:03", "-" if unknown.
std::string show_position(std::optional<Millis> position);

/// "0:20:34 of 0:55:00"; what is unknown is left out.
std::string show_position(std::optional<Millis> position, std::optional<Millis> duration);

/// `at` in local time, as short as `now` allows: "20:15:30" on the same day, else
/// "2026-11-23 20:15"; "-" if unknown.
std::string show_time(std::optional<Instant> at, Instant now);

/// How long before `now`: "3 s ago", "12 min ago", "5 h ago", "9 d ago"; "-" if unknown.
std::string show_ago(std::optional<Instant> at, Instant now);

/// Columns as wide as their widest cell, two spaces apart, under a line of headings.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> headings) : rows_{std::move(headings)} {}

  /// One cell a heading; empty ones show as "-". Control characters become '?': what is shown may
  /// come from anybody.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.size() == 1; }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace playhead
