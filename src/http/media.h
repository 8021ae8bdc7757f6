// Media types: what a request's body is, and what its sender wants back. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace playhead {

/// What a Content-Type says. kOther: anything that is not taken anywhere, or a charset other
/// than UTF-8.
enum class BodyType : std::uint8_t { kNone, kJson, kNdjson, kText, kCmcd, kOther };

/// `value`: the Content-Type header; empty for none.
BodyType body_type_of(std::string_view value);

/// True if `accept` (the Accept header; everything when empty) allows `type`, as in "text/csv".
/// RFC 9110, 12.5.1: the most specific range decides, and q=0 forbids.
bool accepts(std::string_view accept, std::string_view type);

/// True if `accept` names `type` or its "text/*", with a weight that no lower one for `other` has:
/// the sender would rather have `type`.
bool prefers(std::string_view accept, std::string_view type, std::string_view other);

}  // namespace playhead
