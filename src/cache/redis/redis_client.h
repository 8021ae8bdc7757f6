// Pages in Redis: a time-ordered set of the newest views and a hash of their rows, changed by one
// script on the server (page.lua), which appends, replaces and trims. Whoever writes sends the new
// rows and reads nothing; the server makes one change after the other. Wraps hiredis, which blocks.
//
// One server. Its answers are believed no more than Memcached's: a reader adds up what it got.
#pragma once

#include <hiredis/hiredis.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cache/lane_cache.h"
#include "cache/page.h"

namespace playhead {

struct RedisServer {
  std::string host;
  std::uint16_t port = 6'379;
};

class RedisClient final : public CacheClient {
 public:
  /// The state outlives it, and has one breaker.
  RedisClient(RedisServer server, CacheState& state) : server_(std::move(server)), state_(state) {}

  std::expected<Page, Miss> newest(const ProfileRef& profile, const CallTime& call) override;
  Written put(const PageChange& change, const CallTime& call) override;
  Written fill(const ProfileRef& profile, const Page& page, const CallTime& call) override;
  Written forget(const ProfileRef& profile, PageVersion at, const CallTime& call) override;

 private:
  struct Free {
    void operator()(redisContext* context) const { redisFree(context); }
    void operator()(void* reply) const { freeReplyObject(reply); }
  };
  using Reply = std::unique_ptr<redisReply, Free>;
  using Arguments = std::vector<std::string>;

  /// The script's name, the page's keys and what every call says, for `more` to be appended.
  Arguments arguments_of(std::string_view what, const std::string& identity,
                         const ProfileRef& profile, const CallTime& call) const;
  /// Runs the script. Misses: kRefused (nothing was sent), kFailed.
  std::expected<Reply, Miss> run(Arguments arguments, const CallTime& call);
  Reply send(const Arguments& arguments, const CallTime& call);
  bool connect(const CallTime& call);
  Written write(Arguments arguments, const CallTime& call);

  const RedisServer server_;
  CacheState& state_;
  std::unique_ptr<redisContext, Free> context_;
};

/// Errors: invalid_argument (a limit out of its range). The clock outlives it.
Result<std::unique_ptr<Cache>> make_redis_cache(RedisServer server, CacheOptions options,
                                                const Clock& clock);

/// What a reader makes of the script's answer: `head` and `values`, one behind the other, as
/// page.lua says. Pure. Misses: kAbsent, kDamaged, kForeign, kFormat, kExpired.
std::expected<Page, Miss> read_redis_page(std::string_view head, std::string_view values,
                                          std::string_view identity, const ProfileRef& profile,
                                          Instant now, const CacheOptions& options);

}  // namespace playhead
