// `playhead serve`: runs a node until a signal ends it.
#pragma once

#include "config/config.h"

namespace playhead {

/// Serves until SIGTERM or SIGINT. The exit code: 0 after leaving in order, 1 on an error, which
/// has been logged with what to do.
int serve(const Config& config);

}  // namespace playhead
