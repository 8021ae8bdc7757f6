// What a Range header asks for. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace playhead {

/// Of a body of so many bytes: all of it, the bytes `first` to `last`, or none that there are.
struct ByteRange {
  enum class Kind : std::uint8_t { kWhole, kPart, kBeyond } kind = Kind::kWhole;
  std::uint64_t first = 0, last = 0;  ///< of kPart: both are in it
};

/// `header`: the Range header, empty for none. Source: RFC 9110, 14.1 and 14.2: a range that is
/// malformed, in other units or a list of several is passed over, as if there were none.
ByteRange byte_range(std::string_view header, std::uint64_t size);

}  // namespace playhead
