// A cache over clients that block: each lane's thread has one of its own, and a profile always goes
// the same lane, so its calls are done in their order. Adapters give the clients.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cache/breaker.h"
#include "cache/cache.h"
#include "cache/lanes.h"

namespace playhead {

/// When a call is made, and until when it has to be answered.
struct CallTime {
  Instant now;
  Deadline deadline;
};

/// What all clients of one cache share. Any thread.
struct CacheState {
  /// `servers`: how many there are; each has a breaker.
  CacheState(const Clock& its_clock, CacheOptions its_options, std::size_t servers);

  /// What is left until the deadline, at least 1 ms.
  Millis left_ms(const CallTime& call) const;

  const Clock& clock;
  const CacheOptions options;
  std::vector<std::unique_ptr<Breaker>> breakers;
  std::atomic<std::uint64_t> refreshed = 0, contended = 0;
};

/// One lane's way to the servers. One thread at a time. Each call ends near its deadline.
class CacheClient {
 public:
  virtual ~CacheClient() = default;
  virtual std::expected<Page, Miss> newest(const ProfileRef& profile, const CallTime& call) = 0;
  virtual Written put(const PageChange& change, const CallTime& call) = 0;
  virtual Written fill(const ProfileRef& profile, const Page& page, const CallTime& call) = 0;
  virtual Written forget(const ProfileRef& profile, PageVersion at, const CallTime& call) = 0;
};

/// Errors: invalid_argument (a limit out of its range).
Result<void> check(const CacheOptions& options);

class LaneCache final : public Cache {
 public:
  using MakeClient = std::function<std::unique_ptr<CacheClient>(CacheState&)>;

  /// `make` is called once for each lane.
  LaneCache(std::unique_ptr<CacheState> state, const MakeClient& make);

  Task<std::expected<Page, Miss>> newest(ProfileRef profile, Deadline deadline) override;
  Task<Written> put(PageChange change, Deadline deadline) override;
  Task<Written> fill(ProfileRef profile, Page page, Deadline deadline) override;
  Task<Written> forget(ProfileRef profile, PageVersion at, Deadline deadline) override;
  CacheCounters counters() const override;

 private:
  template <std::size_t N>
  using Counts = std::array<std::atomic<std::uint64_t>, N>;

  std::size_t lane_of(const ProfileRef& profile) const;
  Task<Written> write(ProfileRef profile, Deadline deadline,
                      std::move_only_function<Written(CacheClient&, const CallTime&)> work,
                      Counts<kWrittens>& counts);

  const std::unique_ptr<CacheState> state_;
  std::vector<std::unique_ptr<CacheClient>> clients_;
  std::atomic<std::uint64_t> hits_ = 0;
  Counts<kMisses> misses_{};
  Counts<kWrittens> puts_{}, fills_{}, forgets_{};
  Lanes lanes_;  // last: its threads use all of the above
};

}  // namespace playhead
