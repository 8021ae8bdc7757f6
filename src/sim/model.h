// What the players of a world have said and what they were promised: the truth that answers are
// held against. Knows nothing of viewing/'s fold: it looks at the reports themselves. One thread.
//
// A report is `acked` once the server has said so, `maybe` while an attempt is without an answer.
// What a server shows must lie between all that was acked and all that was acked or may have been.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "viewing/report.h"
#include "viewing/view.h"

namespace playhead::sim {

inline constexpr std::string_view kTenant = "_";

/// The order of reports within a view, told apart from Order so as to be another opinion.
using Rank = std::tuple<std::int64_t, std::uint32_t, std::uint32_t>;

/// One report.
struct Said {
  Instant at;
  std::uint32_t sequence = 0;
  State state = State::kPlaying;
  std::optional<Playhead> playhead;
  std::optional<Millis> watched;
  bool acked = false;
  bool given_up = false;     ///< its player does not try it any more
  unsigned maybe = 0;        ///< attempts that arrived and have no answer
  Rank rank;                 ///< set by ViewTold::say
  Instant arrived = kNever;  ///< the last attempt
  Instant acked_at = kNever;
};

/// One view, as its player knows it.
struct ViewTold {
  std::string account, profile, title, view, device;
  Instant started_at;
  Millis duration = 0;
  bool record = true, live = false;
  bool over = false;  ///< its player has left it
  Millis played = 0;  ///< media really played
  std::deque<Said> said;
  bool terminating = false, terminated = false;
  bool deleting = false, deleted = false;

  Report report_of(const Said& one) const;
  Said& say(Said next);
};

/// An act of a viewer's own on a title.
struct ActTold {
  std::string account, profile, title;
  Instant at;
  std::optional<Playhead> playhead;
  std::optional<bool> watched, hidden;
  bool acked = false;
};

/// An erasure of a profile or, if that is empty, of an account.
struct EraseTold {
  std::string account, profile;
  /// Of the time up to here nothing is left. While there is no answer: the latest that this may be.
  Instant through{INT64_MAX};
  bool acked = false, over = false;  ///< over: there will be no answer any more

  bool covers(std::string_view of_account, std::string_view of_profile, Instant at) const {
    return account == of_account && (profile.empty() || profile == of_profile) && at <= through;
  }
};

/// What a set of reports says of its view.
struct Facts {
  bool any = false;
  std::int64_t start = INT64_MAX, moved = INT64_MIN, moved_surely = INT64_MIN, watched = 0,
               last_arrival = INT64_MIN;
  Rank cursor{INT64_MIN, 0, 0}, stated = cursor, positioned = cursor, ended = cursor,
                                opened = cursor;
  bool completed = false;

  void add(const ViewTold& view, const Said& said);
};

struct Model {
  std::deque<ViewTold> views;
  std::deque<ActTold> acts;
  std::deque<EraseTold> erasures;

  /// Of all that was acked, and of all that may have been taken.
  static Facts acked(const ViewTold& view);
  static Facts possible(const ViewTold& view);
  /// Everything that was tried has an answer.
  static bool certain(const ViewTold& view);
  const Said* find(const ViewTold& view, const Rank& rank) const;
  /// Is there an erasure of this profile's things from `at`, answered or not?
  bool maybe_erased(std::string_view account, std::string_view profile, Instant at) const;
  /// The same of those that were answered.
  bool erased(std::string_view account, std::string_view profile, Instant at) const;
  bool maybe_erased(const ViewTold& view) const {
    return maybe_erased(view.account, view.profile, view.started_at);
  }
  bool erased(const ViewTold& view) const {
    return erased(view.account, view.profile, view.started_at);
  }
};

}  // namespace playhead::sim
