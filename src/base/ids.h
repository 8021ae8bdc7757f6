// Ids as clients choose them: what they may be made of, wherever they come from. Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace playhead {

inline constexpr std::size_t kIdBytesMax = 128;  ///< of any one id

/// True for the bytes that ids are made of: A-Z a-z 0-9 . _ ~ : @ -
bool is_id_byte(char byte);

/// True for 1 to kIdBytesMax such bytes.
bool is_id(std::string_view text);

}  // namespace playhead
