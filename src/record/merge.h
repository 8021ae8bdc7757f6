// Two stored views of one playback become one: the numbers by viewing/merge.h, and what the shard
// keeps beside them. Pure.
//
// Invariants: as in viewing/merge.h; but `active` and `expired` of three are as they were joined.
#pragma once

#include <cstdint>

#include "record/stored.h"

namespace playhead {

/// Both are of one tenant, account, profile, title and view. A node that does not know a view can't
/// tell that a report contradicts it: then the two are views of their own, and must not be joined.
bool is_same_view(const StoredView& a, const StoredView& b);

/// Who decides which place in history the joined view has.
enum class Place : std::uint8_t {
  kFixed,  ///< the store knows `into`: it stays where it is, for ever
  kOpen,   ///< neither has a place yet: the earlier start
};

/// Joins `from` into `into`, which is_same_view(). True if that changed anything.
///
/// - The side whose last fresh report came later tells the interval, whether it is CMCD, and
/// whether
///   somebody still watches; nobody does of a view that has ended by what both know. If that side
///   had only ended it, and the other knows of a later opening, the other tells.
/// - Series and next title are those of the later `meta_order`; `ended_by` goes with the earlier
///   termination, or else the later end; device and its type are those of the earlier start.
/// - An import stays one.
/// - `granted` is as the owner has it: whatever `from` says of it.
bool merge(StoredView& into, const StoredView& from, Place place, const Rules& rules);

}  // namespace playhead
