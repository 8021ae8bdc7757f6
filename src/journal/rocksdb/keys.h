// The keys and the drop mark of the journal. Source: docs/formats.md, "Keys". Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "journal/journal.h"

namespace playhead {

inline constexpr std::uint8_t kJournalFormat = 2;
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

/// What the mark says.
struct DropMark {
  FrameNumber dropped = 0;  ///< the last frame dropped
  FrameNumber stored = 0;   ///< up to here a start need not read, while `power` is still the same
  std::string power;        ///< what the machine calls the time since it was switched on
};

/// The mark's value: the format's version, then `dropped`; in format 2 also `stored` and `power`.
inline std::string drop_mark(const DropMark& mark) {
  const bool stored = mark.stored > mark.dropped && !mark.power.empty();
  std::string out(1, static_cast<char>(stored ? kJournalFormat : 1));
  out += frame_key(mark.dropped);
  if (stored) out += frame_key(mark.stored) + mark.power;
  return out;
}

/// Errors: corrupt (cut short, or a newer format).
inline Result<DropMark> read_drop_mark(std::string_view value) {
  if (value.empty()) return fail(Errc::kCorrupt, "the drop mark is empty");
  const auto version = static_cast<std::uint8_t>(value.front());
  if (version > kJournalFormat)
    return fail(Errc::kCorrupt, "written in format " + std::to_string(version) +
                                    " by a newer playhead, and this one reads up to " +
                                    std::to_string(kJournalFormat) + "; run the newer one");
  value.remove_prefix(1);
  const std::size_t numbers = version == 1 ? 1 : 2;
  if (version == 0 || value.size() < numbers * kFrameKeyBytes ||
      (version == 1 && value.size() > kFrameKeyBytes))
    return fail(Errc::kCorrupt, "the drop mark is malformed");
  DropMark out{
      .dropped = *read_frame_key(value.substr(0, kFrameKeyBytes)), .stored = 0, .power = {}};
  if (version == 1) return out;
  out.stored = *read_frame_key(value.substr(kFrameKeyBytes, kFrameKeyBytes));
  out.power = value.substr(2 * kFrameKeyBytes);
  return out;
}

}  // namespace playhead
