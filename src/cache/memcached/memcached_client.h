// Pages in Memcached: one value a page, spread over the servers by ketama. Every write reads the
// page, changes it and writes it back by compare-and-set, so nobody's write is overwritten unseen.
// Wraps libmemcached, which blocks; its text protocol, for servers give the binary one up.
//
// A server that is down is not replaced by another one: its pages are misses until it is back. Its
// pages then are as old as they look: versions tell.
#pragma once

#include <libmemcached/memcached.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache/lane_cache.h"
#include "cache/page.h"

namespace playhead {

struct MemcachedServer {
  std::string host;
  std::uint16_t port = 11'211;
};

class MemcachedClient final : public CacheClient {
 public:
  /// The state outlives it, and has a breaker for each server, in their order.
  MemcachedClient(const std::vector<MemcachedServer>& servers, CacheState& state);

  std::expected<Page, Miss> newest(const ProfileRef& profile, const CallTime& call) override;
  Written put(const PageChange& change, const CallTime& call) override;
  Written fill(const ProfileRef& profile, const Page& page, const CallTime& call) override;
  Written forget(const ProfileRef& profile, PageVersion at, const CallTime& call) override;

 private:
  struct Free {
    void operator()(memcached_st* memcached) const { memcached_free(memcached); }
  };
  struct Key {
    std::string identity, key;
    Breaker* breaker = nullptr;
  };
  /// What lies under a key: nothing, or bytes. `cas` names this state of it.
  struct Value {
    bool there = false;
    std::string bytes;
    std::uint64_t cas = 0;
  };
  /// What a write is to do with what it found: leave it, or put `entry` there.
  struct Decision {
    Written outcome;
    std::optional<PageEntry> entry;
  };
  /// The entry that was found: nothing if there is none, an error if it can't be read.
  using Found = std::optional<std::expected<PageEntry, Miss>>;
  using Decide = std::move_only_function<Decision(Found)>;

  Key key_of(const ProfileRef& profile);
  /// Misses: kRefused, kFailed.
  std::expected<Value, Miss> get(const Key& key, const CallTime& call);
  /// Writes if the key's state is still `found`. True if so; misses: kRefused, kFailed.
  std::expected<bool, Miss> replace(const Key& key, const Value& found, const std::string& bytes,
                                    Millis ttl_ms, const CallTime& call);
  Written write(const ProfileRef& profile, const CallTime& call, Decide decide);
  void refresh(const Key& key, const Value& found, PageEntry entry, const CallTime& call);

  /// Whether the server may be asked, with its limits of time set; if so, answered() follows.
  bool ask(const Key& key, const CallTime& call);
  /// Whether `code` is an answer, and not its absence.
  bool answered(const Key& key, memcached_return_t code);

  CacheState& state_;
  std::unique_ptr<memcached_st, Free> memcached_;
};

/// Errors: invalid_argument (no server, or a limit out of its range). The clock outlives it. All
/// nodes are given the same servers: they decide where a page lies.
Result<std::unique_ptr<Cache>> make_memcached_cache(std::vector<MemcachedServer> servers,
                                                    CacheOptions options, const Clock& clock);

}  // namespace playhead
