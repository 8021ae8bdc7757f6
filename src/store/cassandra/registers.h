// A title's registers as cells of Cassandra, which keeps the cell with the greatest (timestamp,
// bytes). So both say the register's order: the timestamp its time, the bytes all of it, in a form
// whose bytes sort as the register does. Why: docs/decisions/0020-registers-in-cassandra.md.
// Layout: docs/formats.md. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "viewing/title.h"

namespace playhead {

/// The columns of `progress` that hold registers.
enum class Register : std::uint8_t {
  kPosition,
  kWatched,
  kHidden,
  kMeta,
  kDuration,
  kCredits,
  kPlayed,
  kImported
};
inline constexpr std::array kRegisters = {
    Register::kPosition, Register::kWatched, Register::kHidden, Register::kMeta,
    Register::kDuration, Register::kCredits, Register::kPlayed, Register::kImported};

/// The column's name.
std::string_view name_of(Register which);

/// What to write into a column.
struct Cell {
  std::int64_t timestamp_us = 0;
  std::string bytes;

  friend bool operator==(const Cell&, const Cell&) = default;
};

/// The register of `title` as a cell; nothing if it holds nothing.
std::optional<Cell> encode_register(Register which, const TitleState& title);

/// Merges a cell's bytes into `title`. Errors: corrupt (cut short, or by a newer release).
Result<void> merge_register(Register which, std::string_view bytes, TitleState& title);

}  // namespace playhead
