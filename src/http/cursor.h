// Where a list goes on: the last row's key and the list it belongs to, as opaque text. A row added
// later never shifts the pages behind a cursor. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace playhead {

/// The key of a list's last row; a list uses what it sorts by.
struct CursorKey {
  Instant at;
  std::string id;
  std::string second = {};  ///< of lists that sort by two ids; else empty
  friend bool operator==(const CursorKey&, const CursorKey&) = default;
};

/// `scope` names the list and all its filters: a cursor fits only the list that it came from.
/// Base64url of version, hash of the scope, key, hash of it all.
std::string write_cursor(std::string_view scope, const CursorKey& key);

/// Errors: invalid_argument (not ours, of another list, or of a newer release).
Result<CursorKey> read_cursor(std::string_view text, std::string_view scope);

}  // namespace playhead
