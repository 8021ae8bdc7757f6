// What a slot's former owner gives to the next one, so that he need not read it from the store.
#pragma once

#include <cstdint>
#include <string>

namespace playhead {

/// The accounts of a slot, as its owner had them in memory when he ended to fold for it. It is of
/// use to whoever owns the slot next, and to nobody after him: `epoch` is his. What is lost of it,
/// or comes late, is read from the store.
struct HandedSlot {
  std::uint16_t slot = 0;
  std::uint64_t epoch = 0;
  std::string accounts;  ///< shard/handed.cc
};

}  // namespace playhead
