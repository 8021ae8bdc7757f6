// Where a broken invariant ends: one line on standard error, then abort.
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace playhead {

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "playhead: assertion failed: %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace playhead
