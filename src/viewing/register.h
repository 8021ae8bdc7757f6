// The join of a register: a value, and the order of the report that set it.
#pragma once

#include <tuple>

#include "viewing/report.h"

namespace playhead {

/// The later of the two stays. Reports of two views may be equal in all that their order knows;
/// then the greater value wins, so that it does not matter which side is which.
template <typename T>
void join_register(Order& mine, T& value, const Order& theirs, const T& other) {
  if (std::tie(theirs, other) <= std::tie(mine, value)) return;
  mine = theirs;
  value = other;
}

}  // namespace playhead
