// Names of what is counted are those of docs/metrics.md.
#include "cli/cassandra/node_cache.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "cache/memcached/memcached_client.h"
#include "cache/redis/redis_client.h"
#include "cache/servers.h"

namespace playhead {
namespace {

// In the order of their enums.
constexpr std::array<const char*, kMisses> kMissNames{"absent",  "damaged", "foreign", "format",
                                                      "expired", "refused", "late",    "failed"};
constexpr std::array<const char*, kUnuseds> kUnusedNames{"unknown", "unheld", "version", "old",
                                                         "short"};
constexpr std::array<const char*, kWrittens> kWrittenNames{"applied", "absent",  "newer",
                                                           "gap",     "refused", "unknown"};

Result<std::unique_ptr<Cache>> make_cache(const CacheConfig& config, const Clock& clock) {
  auto servers = parse_cache_servers(config.servers);
  if (!servers) return std::unexpected(std::move(servers.error()));
  if (config.kind == "memcached") {
    std::vector<MemcachedServer> out;
    for (CacheServer& server : *servers)
      out.push_back({.host = std::move(server.host), .port = server.port});
    return make_memcached_cache(std::move(out), config.cache, clock);
  }
  if (servers->size() != 1)
    return fail(Errc::kInvalidArgument, "cache.servers: a Redis is one server");
  return make_redis_cache({.host = std::move(servers->front().host), .port = servers->front().port},
                          config.cache, clock);
}

}  // namespace

Result<std::unique_ptr<CachedStore>> make_cached_store(const Config& config, Store& store,
                                                       const Clock& clock) {
  auto cache = make_cache(config.cache, clock);
  if (!cache) return std::unexpected(std::move(cache.error()));
  CachedStoreOptions options = config.cache.reads;
  options.page_rows = config.cache.cache.page_rows_max;
  options.foreign_age_max_ms = config.shard.checkpoint_interval_ms;
  return std::make_unique<CachedStore>(store, *std::move(cache), clock, options);
}

void add_cache_figures(MetricsText& out, const CachedStoreFigures& figures) {
  const auto number = [](auto value) { return static_cast<double>(value); };
  constexpr const char* kHits = "playhead_cache_hits_total";
  constexpr const char* kHitsHelp = "Reads of the newest history that the cache answered.";
  out.counter(kHits, kHitsHelp, number(figures.fresh), {{"answer", "fresh"}});
  out.counter(kHits, kHitsHelp, number(figures.stale), {{"answer", "stale"}});
  const auto miss = [&](const char* reason, std::uint64_t count) {
    out.counter("playhead_cache_misses_total", "Those that the store had to answer, by reason.",
                number(count), {{"reason", reason}});
  };
  for (std::size_t i = 0; i < kMisses; ++i) miss(kMissNames[i], figures.cache.misses[i]);
  for (std::size_t i = 0; i < kUnuseds; ++i) miss(kUnusedNames[i], figures.unused[i]);
  const auto writes = [&](const char* name, const char* help,
                          const std::array<std::uint64_t, kWrittens>& counts) {
    for (std::size_t i = 0; i < kWrittens; ++i)
      out.counter(name, help, number(counts[i]), {{"result", kWrittenNames[i]}});
  };
  writes("playhead_cache_puts_total", "Changes of pages, by what became of them.",
         figures.cache.puts);
  writes("playhead_cache_fills_total", "Pages filled from the store, likewise.",
         figures.cache.fills);
  writes("playhead_cache_forgets_total", "Pages removed for an erasure, likewise.",
         figures.cache.forgets);
  out.counter("playhead_cache_opened_total", "Times that a server of the cache was given up.",
              number(figures.cache.opened));
  out.gauge("playhead_cache_versions", "Profiles of which the newest page is known.",
            number(figures.versions));
}

}  // namespace playhead
