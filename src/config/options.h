// The table of all options. Its order is that of the documentation; the default of an option is
// what its struct says, so that there is one place for it. Pure.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"

namespace playhead {

/// Where an option's value lies.
using OptionValue =
    std::variant<std::uint32_t*, std::uint64_t*, Millis*, std::string*, std::vector<std::string>*>;

/// What a number counts. It follows from the key: ..._ms, ..._bytes, ..._percent.
enum class Unit : std::uint8_t { kNone, kMillis, kBytes, kPercent };

struct Option {
  std::string_view section;  ///< empty: the top of the file
  std::string_view key;
  OptionValue (*value)(Config&);
  std::uint64_t min = 0, max = 0;                            ///< of a number
  std::string_view meaning;                                  ///< in one line
  Result<void> (*check)(const std::string& text) = nullptr;  ///< of a text, or of each of a list
  std::string_view form = {};  ///< of a text: what is allowed, in words
  bool secret = false;         ///< of a list: its values are never shown
};

struct Section {
  std::string_view name;
  std::string_view meaning;
};

std::span<const Section> sections();
std::span<const Option> options();

/// "section.key", or the key alone at the top.
std::string full_name(const Option& option);

Unit unit_of(const Option& option);

/// What a value has to be, in words: "a number from 1 to 100 (ms)".
std::string allowed(const Option& option);

/// The option that `name` ("section.key") may have been meant to be; null if none is near.
const Option* nearest(std::string_view name);

}  // namespace playhead
