// Versions are taken before the store is asked, and raised before a write is answered.
#include "cache/cached_store.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <map>
#include <set>
#include <tuple>
#include <variant>

#include "record/ids.h"

namespace playhead {

namespace asio = boost::asio;

namespace {

// Of an account that is erased whole; pages of more than these live until their time is up.
constexpr std::size_t kErasedProfilesMax = 1'000;
// How often the cache is told to forget what was erased, if it does not answer; it is left alone
// for longer than a breaker stays open.
constexpr int kForgetTries = 5;
constexpr Millis kForgetPauseMs = 1'500;
// Clocks of nodes differ by less. A page from further ahead does not say how old it is.
constexpr Millis kAheadMsMax = 1'000;

using Key = std::tuple<std::string, std::string, std::string>;

Key key_of(const ProfileRef& profile) { return {profile.tenant, profile.account, profile.profile}; }

ProfileRef profile_of(const StoredView& view) {
  const Ids ids = view.ids.get();
  return {std::string(ids.tenant), std::string(ids.account), std::string(ids.profile)};
}

// What the store need not write into the history is not said to be there.
bool changes_history(const ViewChange& change) { return change.first || !change.position_only; }

bool is_unwell(Miss miss) {
  return miss == Miss::kRefused || miss == Miss::kLate || miss == Miss::kFailed;
}

}  // namespace

// Raises the versions when it goes, whatever has become of the write.
class CachedStore::Under {
 public:
  // `erased`: as erased_by() has them.
  Under(PageVersions& versions, const std::vector<Change>& changes, std::vector<ProfileRef> erased)
      : versions_(versions), erased_(std::move(erased)) {
    for (const Change& change : changes) {
      if (const auto* erase = std::get_if<EraseChange>(&change)) {
        touch({erase->account.tenant, erase->account.account, erase->profile});
      } else if (const auto* view = std::get_if<ViewChange>(&change);
                 view != nullptr && changes_history(*view)) {
        const ProfileRef profile = profile_of(view->view);
        touch(profile);
        if (versions_.knows(profile)) keep(rows_[key_of(profile)], view->view);
      }
    }
  }
  ~Under() { (void)end(); }
  Under(const Under&) = delete;

  const std::vector<ProfileRef>& erased() const { return erased_; }
  /// The rows of a profile whose version was known when the write began.
  std::vector<StoredView>* rows(const ProfileRef& profile) {
    const auto rows = rows_.find(key_of(profile));
    return rows == rows_.end() ? nullptr : &rows->second;
  }
  std::vector<PageVersions::Raised> end() {
    std::vector<PageVersions::Raised> out;
    for (const ProfileRef& profile : std::exchange(touched_, {}))
      std::ranges::move(versions_.end(profile), std::back_inserter(out));
    return out;
  }

 private:
  // Once each, or the profile's change would not be alone.
  void touch(const ProfileRef& profile) {
    if (!seen_.insert(key_of(profile)).second) return;
    versions_.begin(profile);
    touched_.push_back(profile);
  }

  // The later of two of one view.
  static void keep(std::vector<StoredView>& rows, const StoredView& view) {
    std::erase_if(rows,
                  [&](const StoredView& row) { return row.ids.get().view == view.ids.get().view; });
    rows.push_back(view.clone());
  }

  PageVersions& versions_;
  std::set<Key> seen_;
  std::vector<ProfileRef> touched_, erased_;
  std::map<Key, std::vector<StoredView>> rows_;
};

CachedStore::CachedStore(Store& store, std::unique_ptr<Cache> cache, const Clock& clock,
                         const CachedStoreOptions& options)
    : store_(store),
      cache_(std::move(cache)),
      clock_(clock),
      options_(options),
      versions_(options.versions_max) {}

CachedStoreFigures CachedStore::figures() const {
  CachedStoreFigures out{.fresh = fresh_, .stale = stale_};
  for (std::size_t i = 0; i < kUnuseds; ++i) out.unused[i] = unused_[i];
  out.versions = versions_.size();
  out.cache = cache_->counters();
  return out;
}

SlotLease CachedStore::lease_of(const ProfileRef& profile) const {
  return lease_of_ ? lease_of_(slot_of(profile.tenant, profile.account)) : SlotLease{};
}

CachedStore::Asked CachedStore::unused(Unused why) {
  ++unused_[static_cast<std::size_t>(why)];
  return std::unexpected(why != Unused::kUnheld);
}

Task<Result<HistoryRows>> CachedStore::history(ProfileRef profile, std::optional<HistoryKey> after,
                                               std::size_t rows_max) {
  if (after || rows_max == 0) co_return co_await store_.history(profile, after, rows_max);
  auto asked = co_await from_cache(profile, rows_max);
  if (asked) co_return std::move(*asked);
  co_return co_await from_store(std::move(profile), rows_max, asked.error());
}

Task<CachedStore::Asked> CachedStore::from_cache(ProfileRef profile, std::size_t rows_max) {
  const SlotLease lease = lease_of(profile);
  const bool mine = lease.epoch != 0;
  if (mine && !lease.holds) co_return unused(Unused::kUnheld);
  if (mine && !versions_.known(profile, lease.epoch)) co_return unused(Unused::kUnknown);
  auto page = co_await cache_->newest(profile, Deadline::after(clock_, options_.read_max_ms));
  if (!page) co_return std::unexpected(!is_unwell(page.error()));
  const Instant now = clock_.now();
  if (mine) {
    // As both are now, so that nothing that was erased meanwhile is shown.
    if (lease_of(profile) != lease || versions_.known(profile, lease.epoch) != page->version)
      co_return unused(Unused::kVersion);
  } else if (page->as_of < now - options_.foreign_age_max_ms || page->as_of > now + kAheadMsMax) {
    co_return unused(Unused::kOld);
  }
  if (!page->whole && page->rows.size() < rows_max) co_return unused(Unused::kShort);
  HistoryRows out{.views = std::move(page->rows), .more = !page->whole};
  if (out.views.size() > rows_max) {
    out.views.erase(out.views.begin() + static_cast<std::ptrdiff_t>(rows_max), out.views.end());
    out.more = true;
  }
  if (!mine) out.as_of = std::min(page->as_of, now);
  ++(mine ? fresh_ : stale_);
  co_return out;
}

Task<Result<HistoryRows>> CachedStore::from_store(ProfileRef profile, std::size_t rows_max,
                                                  bool fills) {
  const SlotLease lease = lease_of(profile);
  fills = fills && lease.holds == (lease.epoch != 0);
  if (!fills) co_return co_await store_.history(profile, std::nullopt, rows_max);
  const PageVersion version = lease.holds ? versions_.take(profile, lease.epoch) : PageVersion{};
  const Instant as_of = clock_.now();
  auto rows = co_await store_.history(profile, std::nullopt,
                                      std::max<std::size_t>(rows_max, options_.page_rows));
  if (!rows) co_return rows;
  const bool current =
      lease_of(profile) == lease &&
      (!lease.holds || versions_.known(profile, lease.epoch) == std::optional(version));
  if (current) {
    Page page{.version = version, .as_of = as_of, .whole = !rows->more};
    page.rows.reserve(rows->views.size());
    for (const StoredView& view : rows->views) page.rows.push_back(view.clone());
    asio::co_spawn(co_await asio::this_coro::executor, fill(profile, std::move(page)),
                   asio::detached);
  }
  if (rows->views.size() > rows_max) {
    rows->views.erase(rows->views.begin() + static_cast<std::ptrdiff_t>(rows_max),
                      rows->views.end());
    rows->more = true;
  }
  co_return rows;
}

// Profiles, and accounts that are erased whole: those with no profile, and before them all that the
// store lists of them as long as it does.
Task<Result<std::vector<ProfileRef>>> CachedStore::erased_by(const std::vector<Change>& changes) {
  std::vector<ProfileRef> out;
  for (const Change& change : changes) {
    const auto* erase = std::get_if<EraseChange>(&change);
    if (erase == nullptr) continue;
    const auto& [tenant, account] = erase->account;
    if (!erase->profile.empty()) {
      out.push_back({tenant, account, erase->profile});
      continue;
    }
    auto listed = co_await store_.profiles(erase->account, kErasedProfilesMax);
    if (!listed) co_return std::unexpected(std::move(listed.error()));
    for (std::string& profile : *listed) out.push_back({tenant, account, std::move(profile)});
    out.push_back({tenant, account, {}});
  }
  co_return out;
}

Task<Result<void>> CachedStore::write(std::vector<Change> changes) {
  auto erased = co_await erased_by(changes);
  if (!erased) co_return std::unexpected(std::move(erased.error()));
  const auto executor = co_await asio::this_coro::executor;
  Under under(versions_, changes, *std::move(erased));
  auto written = co_await store_.write(std::move(changes));
  put_all(under, written.has_value(), executor);
  co_return written;
}

// A put says that the page holds all that the store had when the lease was looked at: so it did
// until then, as nobody else may change it.
void CachedStore::put_all(Under& under, bool stored, const Executor& executor) {
  const auto raised = under.end();
  std::map<Key, PageVersion> forgotten;
  for (const ProfileRef& profile : under.erased()) {
    const std::uint64_t epoch = lease_of(profile).epoch;
    if (epoch != 0) forgotten[key_of(profile)] = versions_.above_all(epoch);
  }
  const Instant as_of = clock_.now();
  for (const PageVersions::Raised& one : raised) {
    if (forgotten.contains(key_of(one.profile)) ||
        forgotten.contains({one.profile.tenant, one.profile.account, {}})) {
      PageVersion& at = forgotten[key_of(one.profile)];
      if (one.after.epoch >= at.epoch) at = one.after;
      continue;
    }
    auto* rows = under.rows(one.profile);
    const SlotLease lease = lease_of(one.profile);
    if (!stored || !one.alone || rows == nullptr || !lease.holds || lease.epoch != one.after.epoch)
      continue;
    PageChange change{.profile = one.profile,
                      .before = one.before,
                      .after = one.after,
                      .as_of = as_of,
                      .rows = std::move(*rows)};
    asio::co_spawn(executor, put(std::move(change)), asio::detached);
  }
  if (forgotten.empty()) return;
  Forgotten pages;
  for (const auto& [key, at] : forgotten)
    if (const auto& [tenant, account, profile] = key; !profile.empty())
      pages.emplace_back(ProfileRef{tenant, account, profile}, at);
  asio::co_spawn(executor, forget(std::move(pages)), asio::detached);
}

Task<> CachedStore::put(PageChange change) {
  (void)co_await cache_->put(std::move(change), Deadline::after(clock_, options_.write_max_ms));
}

Task<> CachedStore::fill(ProfileRef profile, Page page) {
  (void)co_await cache_->fill(std::move(profile), std::move(page),
                              Deadline::after(clock_, options_.write_max_ms));
}

Task<> CachedStore::forget(Forgotten pages) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (int tries = 0; tries < kForgetTries && !pages.empty(); ++tries) {
    if (tries > 0) {
      timer.expires_after(std::chrono::milliseconds(kForgetPauseMs));
      co_await timer.async_wait(asio::use_awaitable);
    }
    Forgotten left;
    for (auto& [profile, at] : pages) {
      const Written done =
          co_await cache_->forget(profile, at, Deadline::after(clock_, options_.write_max_ms));
      if (done == Written::kRefused || done == Written::kUnknown)
        left.emplace_back(std::move(profile), at);
    }
    pages = std::move(left);
  }
}

}  // namespace playhead
