// Two folds of one view, of sets of reports that may overlap, become the fold of both together:
// what nodes took that could not reach the view's owner joins what he has. Pure.
//
// Invariants, but for `qualified_at` and `finished_at`, as in view.h:
//  1. merge(fold(A), fold(B)) is fold(A + B), for reports that were stamped alike.
//  2. Commutative, associative and idempotent; a view that has no reports changes nothing.
//  3. Nothing that either side knew is lost: qualified, finished, terminated, deleted.
// Limits:
//  - Trails are bounded. As long as neither has banked anything, and both together fit into one,
//    the joined trail is that of all reports; so it is where one lies wholly behind the other. Else
//    what left it counts as the most that one side shows, or both where they can be told apart,
//    never as the sum of what may be the same: of steady playing no more gets lost than lies
//    between two reports of a side. Such a view may qualify later than all reports in one fold
//    would have let it, or sooner where a seek of one side would have retracted what the other had
//    banked; and the order in which three are joined may tell.
//  - Each side stamped by what it knew (Known::kPart). A side that knew neither duration nor
//  credits
//    has taken no report for one beyond the finish line, and has dropped no playhead beyond the
//    end; and the first `seeking` or `completed` that it gets of a player that repeats it for hours
//    is taken for a movement, once.
#pragma once

#include <optional>

#include "viewing/view.h"

namespace playhead {

/// Joins `from` into `into`; each with its trail, or none. True if that changed anything.
///
/// - A moment of qualifying or finishing that both know is the smaller one: a view sets "watched"
///   and unhides once, when it first did. If only both together come to it, it is the moment that
///   the reports show, as far as they still do.
/// - Clock offset, kind and record are those of the side with the earlier start: it is the likelier
///   to have seen the first report. With equal starts what a report said beats what is assumed when
///   it says nothing (no offset, on demand, recorded). A minimum of a total order, hence a join.
/// - If one side is deleted, it is taken as it is, but for a termination: a deleted view takes no
///   more reports, and must not move the title to "no position" at a later time.
/// - What the other side took after a termination stays: it was acknowledged.
bool merge(View& into, std::optional<Trail>& into_trail, const View& from,
           const std::optional<Trail>& from_trail, const Rules& rules);

}  // namespace playhead
