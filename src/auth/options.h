// What callers may do where no token says so. Loaded and range-checked by config/.
#pragma once

#include <string>
#include <vector>

namespace playhead {

struct AuthOptions {
  unsigned stream_limit = 4;  ///< views at a time that PUT allows an account; 0: any number
};

}  // namespace playhead
