// A view as it lies in the store and in the journal's snapshots: ids, numbers, and what the shard
// needs to go on with it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "record/ids.h"
#include "viewing/title.h"
#include "viewing/view.h"

namespace playhead {

/// A view with its texts and the shard's own facts. Owns its ids.
struct StoredView {
  PackedIds ids;
  View view;
  std::optional<Trail> trail;     ///< while the view has not qualified
  std::optional<Import> import;   ///< no player reported it here
  Instant keyed_start;            ///< its start as first folded: its place in history, for ever
  Instant last_arrival;           ///< of its last fresh report: expiry is derived from it
  std::uint32_t interval_ms = 0;  ///< the report interval last sent to it
  bool cmcd = false;              ///< expires after 90 s, whatever the interval
  bool active = false;            ///< counts for viewers and limits
  /// It fell silent and no opening report has come since. With `active`: so says an owner after
  /// whom a former one's journal may tell more of it (Shard::stored_for_others).
  bool expired = false;
  bool granted = false;  ///< it is active, and has a place within the account's limit

  StoredView clone() const;
};

/// What the view has to say about its title; an empty state if nothing.
TitleState contribution_of(const View& view, const Ids& ids);

/// Bytes of a view: a format version, then fields. Source: docs/formats.md.
void encode(std::string& out, const StoredView& view);
/// Errors: corrupt (cut short, or written by a newer release; the detail says which).
Result<StoredView> decode_view(std::string_view bytes);

void encode(std::string& out, const TitleState& title);
/// Errors: corrupt.
Result<TitleState> decode_title(std::string_view bytes);

}  // namespace playhead
