// What the tests of viewing/ share: one view under hand, told what its player says, and the rows of
// the titles that it and others contribute to. Times are seconds after a fixed evening.
#pragma once

#include <optional>
#include <string>

#include "viewing/title.h"
#include "viewing/view.h"

namespace playhead::testing {

inline constexpr Instant kEvening{1795464930250};  // 2026-11-23T20:15:30.250Z
inline constexpr Millis kSecond = 1000;
inline constexpr Millis kMinute = 60 * kSecond;
inline constexpr Millis kHour = 60 * kMinute;

/// `seconds` after the evening began.
constexpr Instant at(double seconds) {
  return kEvening + static_cast<Millis>(seconds * static_cast<double>(kSecond));
}
/// An offset into a title, in seconds.
constexpr Playhead sec(double seconds) {
  return static_cast<Playhead>(seconds * static_cast<double>(kSecond));
}

/// A report of `state` at `when` seconds.
inline Report say(State state, double when, std::optional<Playhead> playhead = std::nullopt) {
  Report report{
      .account = "acct-1", .profile = "p1", .title = "got-s01e01", .view = "v1", .device = "tv-1"};
  report.at = at(when);
  report.state = state;
  report.playhead = playhead;
  return report;
}
inline Report with_duration(Report report, Millis duration) {
  report.duration = duration;
  return report;
}
inline Report with_credits(Report report, Millis credits) {
  report.credits = credits;
  return report;
}
inline Report with_watched(Report report, Millis watched) {
  report.watched = watched;
  return report;
}

/// One view as its owner keeps it: stamps what a player says as it arrives, and folds it.
class Player {
 public:
  explicit Player(std::string id = "v1", std::string device = "tv-1")
      : id_(std::move(id)), device_(std::move(device)) {}

  /// Takes a report that arrives the moment it was made, or at `arrival`.
  Transition tell(const Report& report, std::optional<Instant> arrival = std::nullopt) {
    const Instant arrived = arrival.value_or(report.at);
    if (fresh_) {
      view.clock_offset = clock_offset(report.sent_at, arrived);
      view.kind = report.kind;
      view.record = report.record;
      fresh_ = false;
    }
    last = stamp(report, view, arrived, rules, &dropped, known);
    return apply(view, &trail, last, rules);
  }
  /// Plays from `from` to `to` seconds, with a heartbeat every ten and one at the end.
  void play(double from, double to, Playhead playhead,
            std::optional<Millis> duration = std::nullopt) {
    for (double when = from;; when = std::min(when + 10, to)) {
      Report report = say(State::kPlaying, when, playhead + sec(when - from));
      report.duration = duration;
      tell(report);
      if (when >= to) return;
    }
  }

  TitleState gives(std::string_view series = "", std::string_view next_title = "") const {
    return contribution(
        view, {.view = id_, .device = device_, .series = series, .next_title = next_title});
  }

  Rules rules;
  Known known = Known::kAll;
  View view;
  Trail trail;
  Stamped last;          ///< the last report as it was stamped
  bool dropped = false;  ///< its playhead lay beyond the duration

 private:
  std::string id_, device_;
  bool fresh_ = true;
};

/// The row of a title that all of `parts` were merged into.
template <typename... Parts>
TitleState row_of(const Parts&... parts) {
  TitleState row;
  (row.merge(parts), ...);
  return row;
}

/// Where the row says to resume, by the rules as they stand; nothing where it says so.
inline std::optional<Playhead> resume(const TitleState& row) {
  return resume_position(row, Rules{});
}

}  // namespace playhead::testing
