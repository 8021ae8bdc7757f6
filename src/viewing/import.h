// Where things come from that no player reported here, and what is made of them: a view, or what a
// title's row gains. Facts as another service or an export of ours tells them. Texts borrow. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "viewing/report.h"
#include "viewing/view.h"

namespace playhead {

struct TitleState;

/// That something was imported: when, and from where ("netflix", "trakt", ...).
struct Import {
  Instant at = kNever;
  std::string origin;

  friend auto operator<=>(const Import&, const Import&) = default;
};

/// The origin of what players report here, before an import or after it.
inline constexpr std::string_view kOwnOrigin = "playhead";

/// What only an export of ours knows of a view: all of it, as it was. What is absent was never.
struct FoldFacts {
  std::optional<Instant> listed_at;  ///< its place in history; absent: started_at
  std::optional<Instant> moved_at, completed_at;
  std::optional<Instant> position_at, duration_at, credits_at, texts_at;  ///< absent: `at`
  std::optional<Instant> received_at;  ///< when its last report arrived
  std::optional<Millis> shortest;      ///< the smallest duration told; absent: the duration
  Millis clock_offset = 0;
  std::uint32_t interval_ms = 0;
  bool cmcd = false;
};

/// One view, ended.
struct ImportedView {
  std::string_view account, profile, title, series, next_title, view, device, device_type, ended_by,
      origin;
  Instant started_at = kNever;
  std::optional<Instant> at, ended_at;
  std::optional<State> state;
  EndReason end_reason = EndReason::kNone;  ///< kNone: it stopped
  std::optional<Playhead> playhead;
  std::optional<Millis> duration, credits, watched;
  std::optional<Instant> qualified_at, finished_at;  ///< absent without `fold`: by the rules
  Kind kind = Kind::kOnDemand;
  bool record = true, deleted = false;
  bool active = false;  ///< it had not ended when it was exported: from here on it is silent
  std::optional<FoldFacts> fold;
};

/// A mark of "watched" or "hidden".
struct ImportedFlag {
  bool value = false, by_hand = false;
  Instant at;
};

/// What is known of a title without the views that told it.
struct ImportedTitle {
  std::string_view account, profile, title, series, next_title, view, device, origin;
  std::optional<Playhead> playhead;  ///< with `at`
  std::optional<Instant> at;         ///< when it last moved
  std::optional<ImportedFlag> watched, hidden;
  std::optional<Millis> duration, credits;
  std::optional<Millis> played;  ///< the most of its views; absent: up to the playhead
  std::optional<Instant> position_at, duration_at, credits_at, texts_at;  ///< absent: `at`
  bool by_hand = false, at_end = false, cleared = false;                  ///< of the position
};

/// The latest moment that it tells of.
Instant last_moment(const ImportedView& view);
Instant last_moment(const ImportedTitle& title);

/// The view as a fold of reports would have left it, as far as that can be told: never active.
View view_of(const ImportedView& imported, const Rules& rules);

/// What the title's row gains. By its own times: it never takes the place of what is newer.
TitleState contribution(const ImportedTitle& imported);

}  // namespace playhead
