// Bugs stop the process, in release too: going on with a broken invariant could lose positions.
#pragma once

namespace playhead {

/// Prints the broken condition with its place to standard error, and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace playhead

#define PLAYHEAD_ASSERT(condition)                     \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::playhead::assertion_failed(#condition, __FILE__, __LINE__))
