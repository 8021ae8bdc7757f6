// Base64 for URLs, without padding, as JOSE has it. Source: RFC 4648, 5; RFC 7515, appendix C.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace playhead {

std::string base64url(std::string_view bytes);

/// Nothing if `text` holds another byte, padding or a line's end, or bits that stand for nothing:
/// so there is one text for each sequence of bytes.
std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace playhead
