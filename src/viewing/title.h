// What one profile has with one title: three registers, each with its own time, so that hiding
// keeps the position, a rewatch keeps "watched", and a finished title remembers where it was.
//
// Invariants:
//  1. Every field is a join (the greatest of a total order wins), so that views and acts may be
//  merged
//     in any order and any number of times. What a view contributes only grows in that order.
//  2. A view contributes nothing before it has qualified, and a live or unrecorded one never.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viewing/import.h"
#include "viewing/view.h"

namespace playhead {

/// A register of a user's or a view's saying: the latest wins, and at a tie the act does.
struct Flag {
  Instant at = kNever;
  bool act = false;
  bool value = false;

  void merge(const Flag& other);
  friend bool operator==(const Flag&, const Flag&) = default;
};

/// Where the title stands. Order of the register: the fields as they stand here.
struct Position {
  Instant moved = kNever;
  bool act = false;      ///< set by hand: the position comes from no view
  std::string view;      ///< empty for an act
  Order cursor;          ///< of the report of that view that told the playhead
  bool at_end = false;   ///< what moved it last was `completed`
  bool cleared = false;  ///< that view was deleted: there is no position
  std::string device;
  Playhead playhead = kNoPlayhead;

  bool known() const { return moved != kNever && !cleared && playhead != kNoPlayhead; }
  void merge(const Position& other);
  friend bool operator==(const Position&, const Position&) = default;
};

/// One row of `progress`: the title's registers and what its views told of it.
struct TitleState {
  Position position;
  Flag watched, hidden;
  std::string series, next_title;
  Order meta_order;  ///< of series and next_title, which go together
  Millis duration = 0, credits = 0;
  Order duration_order, credits_order;
  Millis played_max = 0;  ///< the greatest of its views' played_ms
  Import import;          ///< the latest import that told something of it, if any

  void merge(const TitleState& other);
  /// Anything that a viewer would call progress: a position, or a mark by hand or by watching.
  bool has_progress() const;
  /// Something of it was said by hand.
  bool has_act() const { return position.act || watched.act || hidden.act; }
  friend bool operator==(const TitleState&, const TitleState&) = default;
};

/// The texts of a view that its title's row needs.
struct ViewTexts {
  std::string_view view, device, series, next_title;
};

/// What `view` has to say about its title; an empty state if nothing.
TitleState contribution(const View& view, const ViewTexts& texts);

/// One of the user's own acts on a title; each field is independent.
struct TitleAct {
  std::string_view title;
  Instant at;  ///< already clamped to arrival
  std::optional<Playhead> playhead;
  std::optional<bool> watched, hidden;
};
TitleState contribution(const TitleAct& act);

/// `finished`: watched, and the position is past the line, was left there by `completed`, or moved
/// no later than `watched_at`.
bool is_finished(const TitleState& title, const Rules& rules);

/// The playhead to resume at; nothing where none is known, or the title is finished.
std::optional<Playhead> resume_position(const TitleState& title, const Rules& rules);

/// A title with its id, as Continue Watching takes them.
struct NamedTitle {
  std::string title;
  TitleState state;
};

enum class RowReason : std::uint8_t { kResume, kNext };

/// A row of Continue Watching. For kNext, `state` is the next title's own, empty if never
/// started, and `at` is when the series was last moved or watched.
struct ContinueRow {
  std::string title;
  std::string series;
  TitleState state;
  RowReason reason = RowReason::kResume;
  Instant at;
};

/// Continue Watching: one row a series (or a lone title), latest first, of all the titles of a
/// profile. Hidden titles are left out, and so are those played neither for
/// rules.resume_min_ms nor for rules.resume_min_percent.
std::vector<ContinueRow> continue_watching(std::vector<NamedTitle> titles, const Rules& rules);

}  // namespace playhead
