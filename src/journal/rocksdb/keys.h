// The keys and the drop mark of the journal. Source: docs/formats.md, "Keys". Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "journal/journal.h"

namespace playhead {

inline constexpr std::uint8_t kJournalFormat = 1;
inline constexpr std::size_t kFrameKeyBytes = 8;
/// No frame has this number: its key holds the drop mark, and sorts before all frames.
inline constexpr FrameNumber kDropMark = 0;

/// The frame's number, big-endian, so that keys sort as numbers do.
inline std::string frame_key(FrameNumber number) {
  std::string key(kFrameKeyBytes, '\0');
  for (std::size_t i = 0; i < kFrameKeyBytes; ++i)
    key[i] = static_cast<char>(static_cast<unsigned char>(number >> (56 - 8 * i)));
  return key;
}

inline std::optional<FrameNumber> read_frame_key(std::string_view key) {
  if (key.size() != kFrameKeyBytes) return std::nullopt;
  FrameNumber number = 0;
  for (const char byte : key) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

/// The mark's value: the format's version, then the number of the last frame dropped.
inline std::string drop_mark(FrameNumber through) {
  return static_cast<char>(kJournalFormat) + frame_key(through);
}

/// Errors: corrupt (cut short, or a newer format).
inline Result<FrameNumber> read_drop_mark(std::string_view value) {
  if (value.empty()) return fail(Errc::kCorrupt, "the drop mark is empty");
  const auto version = static_cast<std::uint8_t>(value.front());
  if (version > kJournalFormat)
    return fail(Errc::kCorrupt, "written in format " + std::to_string(version) +
                                    " by a newer playhead, and this one reads up to " +
                                    std::to_string(kJournalFormat) + "; run the newer one");
  const auto through = read_frame_key(value.substr(1));
  if (version == 0 || !through) return fail(Errc::kCorrupt, "the drop mark is malformed");
  return *through;
}

}  // namespace playhead
