// The life of one view, as a pure fold of its reports: no I/O, no clock, no logging.
//
//   starting --> playing <--> paused | seeking | rebuffering | ad --> ended --> (reopened)
//
// Invariants:
//  1. View is a function of the set of stamped reports applied, whatever their order or repetition;
//     but for `qualified_at` and `finished_at`, which are taken once, as folded, from exact but
//     bounded evidence (see Trail, and docs/decisions/0010-what-the-fold-guarantees.md).
//  2. View and Trail are trivially copyable; ids live beside them (record/ids.h).
//  3. Expiry is no part of it: that is derived from arrival, by the shard.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "viewing/report.h"

namespace playhead {

/// Why a view ended. The numbers are on disk: append, never renumber.
enum class EndReason : std::uint8_t {
  kNone = 0,
  kStopped = 1,
  kCompleted = 2,
  kFailed = 3,
  kExpired = 4,     ///< no report for three intervals; derived, never folded
  kReplaced = 5,    ///< its device started another view
  kTerminated = 6,  ///< ended from elsewhere; can never be reopened
};

/// "stopped", "expired", …; empty for kNone.
std::string_view name_of(EndReason reason);

/// A watched stretch, as extremes of reports: the smaller of the two spans was surely played.
struct Stretch {
  Instant first{std::numeric_limits<std::int64_t>::max()};
  Instant last = kNever;
  Playhead low = std::numeric_limits<Playhead>::max();
  Playhead high = -1;

  void add(Instant at, Playhead playhead);
  /// The smaller of time span and playhead span; 0 when empty.
  Millis span() const;
  friend bool operator==(const Stretch&, const Stretch&) = default;
};

inline constexpr Playhead kNoPlayhead = -1;

/// What is known of one view. A field merges in its own way: see apply().
struct View {
  Instant start{std::numeric_limits<std::int64_t>::max()};  ///< minimum
  Order cursor;                                             ///< the latest report
  Order state_order;                    ///< the latest report that named a state
  Order position_order;                 ///< the latest report with a playhead, ads excluded
  Order ended_order, opened_order;      ///< the latest ending and opening reports
  Order duration_order, credits_order;  ///< the latest reports that knew these
  Order meta_order;                     ///< the latest report that named series or next title
  Order still_order;                    ///< the latest report with a playhead that stands still
  Playhead playhead = kNoPlayhead;
  Playhead still = kNoPlayhead;   ///< of `still_order`
  Millis duration = 0;            ///< 0: unknown
  Millis credits = 0;             ///< 0: unknown
  Millis shortest = 0;            ///< the smallest duration seen; 0: none
  Instant moved = kNever;         ///< when the playhead last moved: maximum
  Instant completed_at = kNever;  ///< the part of `moved` that `completed` has: maximum
  Millis watched = 0;             ///< media played, by the client's own count: maximum
  Stretch played;                 ///< of `playing` reports with a playhead
  Instant bare_first{std::numeric_limits<std::int64_t>::max()};  ///< `playing` ones without
  Instant bare_last = kNever;
  Stretch beyond;                  ///< of `playing` reports stamped as beyond the finish line
  Instant qualified_at = kNever;   ///< of the report that first qualified it, frozen
  Instant finished_at = kNever;    ///< of the report that first crossed the line, frozen
  Instant terminated_at = kNever;  ///< minimum of the terminations
  Millis clock_offset = 0;         ///< fixed at the first report
  State state = State::kStarting;
  EndReason end_reason = EndReason::kNone;  ///< of `ended_order`
  Kind kind = Kind::kOnDemand;              ///< fixed at the first report
  bool record = true;                       ///< fixed at the first report
  bool completed = false;                   ///< a `completed` was seen: or
  bool opened_by_start = false;             ///< the opening of `opened_order` was a `starting`
  bool deleted = false;                     ///< removed from history by its viewer: or

  /// Where its player says that it is: also where nothing has shown yet that the view moved there,
  /// as of one whose start a node took that knew nothing else of it. kNoPlayhead: nobody knows.
  Playhead shown() const { return playhead != kNoPlayhead ? playhead : still; }
  bool qualified() const { return qualified_at != kNever; }
  bool finished() const { return finished_at != kNever; }
  bool terminated() const { return terminated_at != kNever; }
  /// Ended by a report or an act, and not reopened since. Expiry is not in it.
  bool ended() const { return terminated() || ended_order > opened_order; }
  EndReason reason() const;
  /// Media surely played: the greater of the client's count and what the reports show, ms.
  Millis played_ms() const;

  friend bool operator==(const View&, const View&) = default;
};

/// The last reports of a view that has not qualified, in order: exact evidence of what was played,
/// so that a seek, or a pause before it, is never taken for watching. What leaves a full trail is
/// banked, pair by pair; everything between `oldest` and the first point is. A report that comes
/// later and belongs there is no evidence any more.
inline constexpr std::size_t kTrailMax = 8;

struct Trail {
  struct Point {
    Order order;
    Playhead playhead = kNoPlayhead;
    State state = State::kStarting;
    friend bool operator==(const Point&, const Point&) = default;
  };
  std::array<Point, kTrailMax> points{};
  std::uint8_t count = 0;
  Millis banked = 0;
  Point oldest;  ///< the first point banked; its order is unset while there is none

  /// Puts the report into its place. False if that changes nothing.
  bool add(const Stamped& report);
  /// Takes in what another trail of the same view tells. Of what leaves or has left, where the two
  /// may speak of the same time, that counts which shows most.
  void merge(const Trail& other);
  /// Media surely played by these reports, ms.
  Millis evidence() const;
  /// When they first show that `enough` was played; nothing if they don't.
  std::optional<Instant> reached_at(Millis enough) const;
  friend bool operator==(const Trail&, const Trail&) = default;
};

/// The numbers of the rules, all configurable. Units in the names.
struct Rules {
  Millis qualify_ms = 10'000;       ///< media played that makes a view count; half a short title
  unsigned finish_percent = 95;     ///< of the duration, where no credits position is known
  Millis finish_span_ms = 5'000;    ///< how long `playing` must last beyond the finish line
  Millis resume_min_ms = 120'000;   ///< Continue Watching shows titles played this long …
  unsigned resume_min_percent = 3;  ///< … or this much of their duration
};

/// What a node knows of a view that it stamps a report for.
enum class Known : std::uint8_t {
  kAll,   ///< it is the owner
  kPart,  ///< others may know more, as of a view that is folded here for its owner (merge.h)
};

/// Stamps `report`, which arrived at `arrival`, for `view`: fixes all that depends on when it came.
///
/// - The effective time adds the view's clock offset, and is never ahead of arrival.
/// - A playhead beyond the duration, the report's own or else the view's, is dropped;
///   `*playhead_dropped` tells, if not null. Live views have none.
/// - `beyond` takes duration and credits from the report, or else from the view.
/// - `still` marks, in a view that has moved: a repeated `seeking` or `completed` at the same place
///   (players send them as heartbeats, for hours); a `starting`; and what follows a `starting`
///   until something plays, seeks or completes (the player has not yet found its resume point).
///   A view that is known in part counts as one that has moved: a player that starts it again at 0
///   and quits must not take from it the position that others know.
Stamped stamp(const Report& report, const View& view, Instant arrival, const Rules& rules,
              bool* playhead_dropped, Known known = Known::kAll);

/// What one report changed. The caller makes the view and its trail durable, then acts on the rest.
struct Transition {
  bool changed = false;         ///< the view or its trail; a repeat changes nothing
  bool just_qualified = false;  ///< this report made the view count
  bool just_finished = false;   ///< this report crossed the finish line
  bool refused = false;         ///< after a termination: nothing was changed
};

/// Folds `report` into `view`. Pure and total. `trail` may be null once the view has qualified.
/// A repeated report changes nothing, an older one all but the cursor; neither is an error.
Transition apply(View& view, Trail* trail, const Stamped& report, const Rules& rules);

/// The media that must be played before the view counts, ms.
Millis enough_to_qualify(const View& view, const Rules& rules);
/// What is known of the view makes it count, by the rules as they are. `trail` may be null.
bool has_qualified(const View& view, const Trail* trail, const Rules& rules);
/// The same of its end; a view that is live or does not count has none.
bool crossed_finish(const View& view, const Rules& rules);

/// Ends `view` from outside at `at`: kTerminated (for ever) or kReplaced (may be reopened).
/// Repeating it changes nothing. True if it changed anything.
bool end_view(View& view, EndReason reason, Instant at);

/// `percent` of `span`, without running over.
constexpr Millis percent_of(Millis span, unsigned percent) {
  return span / 100 * percent + span % 100 * percent / 100;
}

/// Where `view`'s title counts as finished: its credits, else rules.finish_percent of its
/// duration; nothing while neither is known.
std::optional<Playhead> finish_line(Millis duration, Millis credits, const Rules& rules);

}  // namespace playhead
