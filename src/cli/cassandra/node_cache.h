// The cache of a cluster's node, as its configuration names it, and what /metrics says of it.
#pragma once

#include <memory>

#include "cache/cached_store.h"
#include "config/config.h"
#include "http/metrics.h"

namespace playhead {

/// Reads `store` through the cache of `config.cache`. It need not answer yet, nor ever. `store` and
/// `clock` outlive it. Errors: invalid_argument.
Result<std::unique_ptr<CachedStore>> make_cached_store(const Config& config, Store& store,
                                                       const Clock& clock);

void add_cache_figures(MetricsText& out, const CachedStoreFigures& figures);

}  // namespace playhead
