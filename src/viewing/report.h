// What a player says about one view at one moment, and the stamped form that is folded.
//
// A Report borrows its text from the request it came in; a Stamped holds numbers only. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace playhead {

/// Offset into the title, from its first frame. Source: CMCD key `pt` (CTA-5004-B), on demand.
using Playhead = Millis;

/// What the player was doing. The numbers are on disk: append, never renumber.
/// `kKeep` is a report that names no state (CMCD without `sta`): it keeps the state there is.
enum class State : std::uint8_t {
  kStarting = 0,
  kPlaying = 1,
  kPaused = 2,
  kSeeking = 3,
  kRebuffering = 4,
  kAd = 5,
  kStopped = 6,
  kCompleted = 7,
  kFailed = 8,
  kKeep = 9,
};

/// The numbers are on disk: append, never renumber.
enum class Kind : std::uint8_t { kOnDemand = 0, kLive = 1 };

/// Names as they stand in JSON ("playing", "on_demand"); "starting" for kKeep.
std::string_view name_of(State state);
std::string_view name_of(Kind kind);
std::optional<State> state_from(std::string_view name);
std::optional<Kind> kind_from(std::string_view name);

/// True for the states that end a view.
constexpr bool is_ending(State state) {
  return state == State::kStopped || state == State::kCompleted || state == State::kFailed;
}

/// True for the states that reopen an ended view.
constexpr bool is_opening(State state) {
  return state == State::kStarting || state == State::kPlaying || state == State::kSeeking;
}

/// True for the states that move a title's progress.
constexpr bool is_moving(State state) {
  return state == State::kPlaying || state == State::kSeeking || state == State::kCompleted;
}

/// One report as its sender wrote it. Text borrows from the request: it lives until the parser's
/// next call. An absent text field is empty. Times are the sender's own clock.
struct Report {
  std::string_view account, profile, title, series, next_title, view, device, device_type;
  Instant at;
  std::optional<Instant> sent_at, started_at;
  std::optional<Playhead> playhead;
  std::optional<Millis> duration, credits, watched;
  std::uint32_t sequence = 0;  ///< 0 when absent
  State state = State::kKeep;
  Kind kind = Kind::kOnDemand;
  bool record = true;  ///< false: counts for viewers and limits only
  bool cmcd = false;   ///< came over CMCD: expires after 90 s, whatever interval was sent
};

/// The order of reports within a view: effective time, then sequence, then a hash of the content,
/// so that a missing or restarted sequence is harmless and equal reports are one report.
struct Order {
  Instant at = kNever;
  std::uint32_t sequence = 0;
  std::uint32_t digest = 0;

  friend constexpr auto operator<=>(const Order&, const Order&) = default;
};

/// A report as it is journalled and folded: what depends on when it came was fixed by the owner,
/// once.
struct Stamped {
  Order order;
  State state = State::kKeep;
  bool still = false;   ///< its playhead tells of no movement: see stamp()
  bool beyond = false;  ///< `playing` at or past the finish line, as far as that was known
  std::optional<Instant> started_at;
  std::optional<Playhead> playhead;
  std::optional<Millis> duration, credits, watched;

  friend bool operator==(const Stamped&, const Stamped&) = default;
};

/// How far the device's clock lies behind ours: arrival minus `sent_at` if that is more than
/// 60 s either way, else zero. Fixed once for a view, at its first report.
Millis clock_offset(std::optional<Instant> sent_at, Instant arrival);

}  // namespace playhead
