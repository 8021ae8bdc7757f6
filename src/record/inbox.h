// What the inbox holds (store/inbox.h): a view as far as a node could fold it that is not the owner
// of its account, and could not reach him. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "record/stored.h"

namespace playhead {

/// Bytes of an inbox's row: format, view, checksum. Source: docs/formats.md.
std::string encode_inbox(const StoredView& view);
/// Errors: corrupt (checksum, cut short, or written by a newer release; the detail says which).
Result<StoredView> decode_inbox(std::string_view bytes);

}  // namespace playhead
