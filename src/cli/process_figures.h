// What the kernel says of this process, under the names that Prometheus' clients use.
#pragma once

#include "base/time.h"
#include "http/metrics.h"

namespace playhead {

void add_process_figures(MetricsText& out, Instant started_at);

}  // namespace playhead
