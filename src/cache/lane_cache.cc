// Hands each call to its lane, and counts what came of it as its caller saw it.
#include "cache/lane_cache.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/ids.h"
#include "cache/page.h"

namespace playhead {
namespace {

constexpr std::uint32_t kLanesMax = 64;
constexpr Millis kSpanMsMax = 7 * 86'400'000;  ///< of a page's times: Memcached's end at 30 days

template <typename Counts, typename Outcome>
void count(Counts& counts, Outcome outcome) {
  counts[static_cast<std::size_t>(outcome)].fetch_add(1, std::memory_order_relaxed);
}

template <std::size_t N>
std::array<std::uint64_t, N> snapshot(const std::array<std::atomic<std::uint64_t>, N>& counts) {
  std::array<std::uint64_t, N> out{};
  for (std::size_t i = 0; i < N; ++i) out[i] = counts[i].load(std::memory_order_relaxed);
  return out;
}

}  // namespace

CacheState::CacheState(const Clock& its_clock, CacheOptions its_options, std::size_t servers)
    : clock(its_clock), options(std::move(its_options)) {
  for (std::size_t i = 0; i < servers; ++i)
    breakers.push_back(std::make_unique<Breaker>(options.failures_max, options.silence_ms));
}

Millis CacheState::left_ms(const CallTime& call) const {
  return std::max<Millis>(1, call.deadline.at_ms - clock.monotonic_ms());
}

Result<void> check(const CacheOptions& options) {
  const auto wrong = [](std::string what) { return fail(Errc::kInvalidArgument, std::move(what)); };
  if (!is_id(options.name)) return wrong("the cache's name is no id");
  if (options.page_rows_max < 1 || options.page_rows_max > kPageRowsMax)
    return wrong("page_rows_max is not 1 to " + std::to_string(kPageRowsMax));
  if (options.page_ttl_ms < 1'000 || options.page_ttl_ms > options.page_life_ms_max ||
      options.page_life_ms_max > kSpanMsMax)
    return wrong("page_ttl_ms is not from 1 s to page_life_ms_max, or that is over 7 days");
  if (options.lanes < 1 || options.lanes > kLanesMax)
    return wrong("lanes is not 1 to " + std::to_string(kLanesMax));
  if (options.waiting_max < 1 || options.failures_max < 1 || options.silence_ms < 1 ||
      options.connect_ms_max < 1)
    return wrong("waiting_max, failures_max, silence_ms and connect_ms_max are at least 1");
  return {};
}

LaneCache::LaneCache(std::unique_ptr<CacheState> state, const MakeClient& make)
    : state_(std::move(state)),
      lanes_(state_->clock, state_->options.lanes, state_->options.waiting_max) {
  for (std::uint32_t i = 0; i < state_->options.lanes; ++i) clients_.push_back(make(*state_));
}

std::size_t LaneCache::lane_of(const ProfileRef& profile) const {
  return hash_bytes(page_identity(state_->options.name, profile)) % lanes_.count();
}

Task<std::expected<Page, Miss>> LaneCache::newest(ProfileRef profile, Deadline deadline) {
  const std::size_t lane = lane_of(profile);
  using Got = std::expected<Page, Miss>;
  std::move_only_function<Got()> work = [this, lane, deadline, profile = std::move(profile)] {
    return clients_[lane]->newest(profile, {.now = state_->clock.now(), .deadline = deadline});
  };
  auto got = co_await lanes_.run<Got>(lane, deadline, std::move(work));
  Got page = std::unexpected(Miss::kLate);
  if (got)
    page = std::move(*got);
  else if (got.error() == Unanswered::kRefused)
    page = std::unexpected(Miss::kRefused);
  if (page)
    hits_.fetch_add(1, std::memory_order_relaxed);
  else
    count(misses_, page.error());
  co_return page;
}

Task<Written> LaneCache::write(ProfileRef profile, Deadline deadline,
                               std::move_only_function<Written(CacheClient&, const CallTime&)> work,
                               Counts<kWrittens>& counts) {
  const std::size_t lane = lane_of(profile);
  std::move_only_function<Written()> job = [this, lane, deadline,
                                            work = std::move(work)]() mutable {
    return work(*clients_[lane], {.now = state_->clock.now(), .deadline = deadline});
  };
  const auto got = co_await lanes_.run<Written>(lane, deadline, std::move(job));
  Written written = Written::kUnknown;
  if (got)
    written = *got;
  else if (got.error() == Unanswered::kRefused)
    written = Written::kRefused;
  count(counts, written);
  co_return written;
}

Task<Written> LaneCache::put(PageChange change, Deadline deadline) {
  ProfileRef profile = change.profile;
  return write(
      std::move(profile), deadline,
      [change = std::move(change)](CacheClient& client, const CallTime& call) {
        return client.put(change, call);
      },
      puts_);
}

Task<Written> LaneCache::fill(ProfileRef profile, Page page, Deadline deadline) {
  ProfileRef whose = profile;
  return write(
      std::move(whose), deadline,
      [profile = std::move(profile), page = std::move(page)](
          CacheClient& client, const CallTime& call) { return client.fill(profile, page, call); },
      fills_);
}

Task<Written> LaneCache::forget(ProfileRef profile, PageVersion at, Deadline deadline) {
  ProfileRef whose = profile;
  return write(
      std::move(whose), deadline,
      [profile = std::move(profile), at](CacheClient& client, const CallTime& call) {
        return client.forget(profile, at, call);
      },
      forgets_);
}

CacheCounters LaneCache::counters() const {
  CacheCounters out{.hits = hits_.load(std::memory_order_relaxed),
                    .misses = snapshot(misses_),
                    .puts = snapshot(puts_),
                    .fills = snapshot(fills_),
                    .forgets = snapshot(forgets_),
                    .refreshed = state_->refreshed.load(std::memory_order_relaxed),
                    .contended = state_->contended.load(std::memory_order_relaxed)};
  for (const auto& breaker : state_->breakers) out.opened += breaker->opened();
  return out;
}

}  // namespace playhead
