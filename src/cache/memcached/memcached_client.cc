// Read, decide, compare-and-set; begun anew when somebody else's write came between.
#include "cache/memcached/memcached_client.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace playhead {
namespace {

constexpr int kTriesMax = 8;  ///< of a write, as others' come between

::time_t seconds_of(Millis ttl_ms) { return std::max<::time_t>(1, (ttl_ms + 999) / 1'000); }

PageEntry floor_at(PageVersion version, Instant now) {
  return {.version = version, .as_of = now, .born = now, .refreshed = now, .floor = true};
}

}  // namespace

Result<std::unique_ptr<Cache>> make_memcached_cache(std::vector<MemcachedServer> servers,
                                                    CacheOptions options, const Clock& clock) {
  if (servers.empty()) return fail(Errc::kInvalidArgument, "no Memcached server");
  if (auto checked = check(options); !checked) return std::unexpected(checked.error());
  auto state = std::make_unique<CacheState>(clock, std::move(options), servers.size());
  return std::make_unique<LaneCache>(std::move(state),
                                     [servers = std::move(servers)](CacheState& shared) {
                                       return std::make_unique<MemcachedClient>(servers, shared);
                                     });
}

MemcachedClient::MemcachedClient(const std::vector<MemcachedServer>& servers, CacheState& state)
    : state_(state), memcached_(memcached_create(nullptr)) {
  PLAYHEAD_ASSERT(memcached_ != nullptr);
  memcached_st* it = memcached_.get();
  const std::pair<memcached_behavior_t, std::uint64_t> behaviours[] = {
      {MEMCACHED_BEHAVIOR_NO_BLOCK, 1},  // or nothing of the limits of time below holds
      {MEMCACHED_BEHAVIOR_TCP_NODELAY, 1},
      {MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1},
      {MEMCACHED_BEHAVIOR_KETAMA, 1},
      // Whether a server is given up is the breaker's business.
      {MEMCACHED_BEHAVIOR_RETRY_TIMEOUT, 0},
      {MEMCACHED_BEHAVIOR_REMOVE_FAILED_SERVERS, 0}};
  for (const auto& [behaviour, value] : behaviours)
    (void)memcached_behavior_set(it, behaviour, value);
  for (const MemcachedServer& server : servers)
    (void)memcached_server_add(it, server.host.c_str(), server.port);
  PLAYHEAD_ASSERT(memcached_server_count(it) == state.breakers.size());
}

MemcachedClient::Key MemcachedClient::key_of(const ProfileRef& profile) {
  Key out{.identity = page_identity(state_.options.name, profile),
          .key = page_key(state_.options.name, profile)};
  const std::uint32_t server =
      memcached_generate_hash(memcached_.get(), out.key.data(), out.key.size());
  out.breaker = state_.breakers.at(server).get();
  return out;
}

bool MemcachedClient::ask(const Key& key, const CallTime& call) {
  if (call.deadline.passed(state_.clock) || !key.breaker->admit(state_.clock.monotonic_ms()))
    return false;
  const auto left = static_cast<std::uint64_t>(state_.left_ms(call));
  const auto connect = static_cast<std::uint64_t>(state_.options.connect_ms_max);
  memcached_behavior_set(memcached_.get(), MEMCACHED_BEHAVIOR_POLL_TIMEOUT, left);
  memcached_behavior_set(memcached_.get(), MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT,
                         std::min(left, connect));
  return true;
}

bool MemcachedClient::answered(const Key& key, memcached_return_t code) {
  switch (code) {
    case MEMCACHED_SUCCESS:
    case MEMCACHED_STORED:
    case MEMCACHED_NOTSTORED:
    case MEMCACHED_DATA_EXISTS:
    case MEMCACHED_NOTFOUND:
    case MEMCACHED_END:
      key.breaker->succeeded();
      return true;
    case MEMCACHED_SERVER_ERROR:
    case MEMCACHED_CLIENT_ERROR:
    case MEMCACHED_E2BIG:
    case MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE:
      key.breaker->succeeded();  // it refuses at once: nobody has to wait for it
      return false;
    default:
      key.breaker->failed(state_.clock.monotonic_ms());
      return false;
  }
}

std::expected<MemcachedClient::Value, Miss> MemcachedClient::get(const Key& key,
                                                                 const CallTime& call) {
  if (!ask(key, call)) return std::unexpected(Miss::kRefused);
  memcached_st* it = memcached_.get();
  const char* keys[] = {key.key.data()};
  const std::size_t sizes[] = {key.key.size()};
  memcached_return_t code = memcached_mget(it, keys, sizes, 1);
  Value out;
  if (code == MEMCACHED_SUCCESS) {
    memcached_result_st* result = memcached_fetch_result(it, nullptr, &code);
    if (result != nullptr) {
      out = {.there = true,
             .bytes = {memcached_result_value(result), memcached_result_length(result)},
             .cas = memcached_result_cas(result)};
      memcached_result_free(result);
      // The end of the answer, which would else be the beginning of the next one.
      result = memcached_fetch_result(it, nullptr, &code);
      if (result != nullptr) memcached_result_free(result);
    }
  }
  if (!answered(key, code)) return std::unexpected(Miss::kFailed);
  return out;
}

std::expected<bool, Miss> MemcachedClient::replace(const Key& key, const Value& found,
                                                   const std::string& bytes, Millis ttl_ms,
                                                   const CallTime& call) {
  if (!ask(key, call)) return std::unexpected(Miss::kRefused);
  memcached_st* it = memcached_.get();
  const ::time_t ttl = seconds_of(ttl_ms);
  const memcached_return_t code =
      found.there
          ? memcached_cas(it, key.key.data(), key.key.size(), bytes.data(), bytes.size(), ttl, 0,
                          found.cas)
          : memcached_add(it, key.key.data(), key.key.size(), bytes.data(), bytes.size(), ttl, 0);
  if (!answered(key, code)) return std::unexpected(Miss::kFailed);
  return code == MEMCACHED_SUCCESS || code == MEMCACHED_STORED;
}

Written MemcachedClient::write(const ProfileRef& profile, const CallTime& call, Decide decide) {
  const Key key = key_of(profile);
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const auto value = get(key, call);
    if (!value) return Written::kRefused;  // nothing was sent that writes
    Found found;
    if (value->there) {
      found = decode_page(value->bytes, key.identity);
      if (*found && !lives(**found, call.now, state_.options))
        found = std::unexpected(Miss::kExpired);
    }
    Decision decision = decide(std::move(found));
    if (!decision.entry) return decision.outcome;
    decision.entry->refreshed = call.now;
    const std::string bytes = encode_page(*decision.entry, key.identity);
    const auto done =
        replace(key, *value, bytes, ttl_of(*decision.entry, call.now, state_.options), call);
    if (!done) return done.error() == Miss::kRefused ? Written::kRefused : Written::kUnknown;
    if (*done) return decision.outcome;
    state_.contended.fetch_add(1, std::memory_order_relaxed);
  }
  return Written::kRefused;
}

std::expected<Page, Miss> MemcachedClient::newest(const ProfileRef& profile, const CallTime& call) {
  const Key key = key_of(profile);
  const auto value = get(key, call);
  if (!value) return std::unexpected(value.error());
  if (!value->there) return std::unexpected(Miss::kAbsent);
  auto entry = decode_page(value->bytes, key.identity);
  if (!entry) return std::unexpected(entry.error());
  if (!lives(*entry, call.now, state_.options)) return std::unexpected(Miss::kExpired);
  auto page = read_page(*entry, profile);
  if (page && call.now - entry->refreshed > state_.options.page_ttl_ms / 2)
    refresh(key, *value, std::move(*entry), call);
  return page;
}

void MemcachedClient::refresh(const Key& key, const Value& found, PageEntry entry,
                              const CallTime& call) {
  entry.refreshed = call.now;
  const std::string bytes = encode_page(entry, key.identity);
  const auto done = replace(key, found, bytes, ttl_of(entry, call.now, state_.options), call);
  if (done && *done) state_.refreshed.fetch_add(1, std::memory_order_relaxed);
}

Written MemcachedClient::put(const PageChange& change, const CallTime& call) {
  const auto rows = page_rows(change.rows);
  if (!rows) return Written::kRefused;
  return write(change.profile, call, [&](Found found) -> Decision {
    if (!found) return {Written::kAbsent, {}};
    const Step step = *found ? put_step(**found, change.before, change.after) : Step::kRemove;
    if (step == Step::kLeave) return {Written::kNewer, {}};
    if (step == Step::kNothing) return {Written::kAbsent, {}};
    if (step == Step::kRemove) return {Written::kGap, floor_at(change.after, call.now)};
    PageEntry entry = std::move(**found);
    entry.version = change.after;
    entry.as_of = change.as_of;
    lay_in(entry, rows->rows, state_.options.page_rows_max);
    return {Written::kApplied, std::move(entry)};
  });
}

Written MemcachedClient::fill(const ProfileRef& profile, const Page& page, const CallTime& call) {
  auto rows = page_rows(page.rows);
  if (!rows) return Written::kRefused;
  PageEntry entry{
      .version = page.version, .as_of = page.as_of, .born = call.now, .whole = page.whole};
  entry.rows = std::move(rows->rows);
  if (entry.rows.size() > state_.options.page_rows_max) {
    entry.rows.resize(state_.options.page_rows_max);
    entry.whole = false;
  }
  return write(profile, call, [&](Found found) -> Decision {
    if (found && *found && !fill_replaces(**found, page.version)) return {Written::kNewer, {}};
    return {Written::kApplied, entry};
  });
}

Written MemcachedClient::forget(const ProfileRef& profile, PageVersion at, const CallTime& call) {
  return write(profile, call, [&](Found found) -> Decision {
    if (found && *found && (*found)->version > at) return {Written::kNewer, {}};
    return {Written::kApplied, floor_at(at, call.now)};
  });
}

}  // namespace playhead
