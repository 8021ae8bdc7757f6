// A store whose newest history is read through a cache. All else goes to the store as it comes, and
// what is answered to a write never depends on the cache.
//
// Operation: what may be used of the cache depends on whose the account's slot is.
//  - This node's, and its lease holds: a page at exactly the version that it knows as the newest.
//    Such rows are as good as the store's. A version that it does not know, as after a take-over,
//    is a miss, for which the cache is not asked.
//  - Another's: a page that is no older than `foreign_age_max_ms`; the rows carry how old they are
//    (HistoryRows::as_of), and whoever answers with them says `stale: true`.
//  - This node's, but its lease does not hold: nothing.
//  After a miss the store is asked, and then the page is filled.
// Concurrency: as the port says. Outlives every Task that it gave.
// Invariants (why they hold: docs/decisions/0027-the-cache-in-reads.md):
//  1. history() misses nothing that a write() had taken which returned before it began, unless its
//     rows carry an as_of.
//  2. No answer waits for the cache for longer than `read_max_ms`, no write() at all.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cache/cache.h"
#include "cache/page_versions.h"
#include "store/store.h"

namespace playhead {

struct CachedStoreOptions {
  Millis read_max_ms = 20;               ///< that a read waits for the cache
  Millis write_max_ms = 200;             ///< of a put, a fill or a forget, for which nobody waits
  Millis foreign_age_max_ms = 120'000;   ///< of a page that others than the owner may use
  std::uint32_t page_rows = 101;         ///< that a page is filled with; as CacheOptions has it
  std::uint32_t versions_max = 100'000;  ///< profiles whose version is known
};

/// How a slot stands to this node.
struct SlotLease {
  std::uint64_t epoch = 0;  ///< under which it is this node's; 0: it is not
  bool holds = false;       ///< the lease allows to answer for it as fresh, now
  friend bool operator==(const SlotLease&, const SlotLease&) = default;
};

/// Why a page that the cache gave, or might have, is not used. The numbers are those of the
/// counters.
enum class Unused : std::uint8_t {
  kUnknown,  ///< this node owns the account and knows no version: it did not ask
  kUnheld,   ///< its lease on the account's slot does not hold: it did not ask
  kVersion,  ///< the page is not at the newest version
  kOld,      ///< the page is too old, or of the future, for who is not the owner
  kShort,    ///< more rows were wanted than the page has
};
inline constexpr std::size_t kUnuseds = 5;

/// What has happened since the start. A snapshot: not all of one moment.
struct CachedStoreFigures {
  std::uint64_t fresh = 0, stale = 0;            ///< reads that a page answered
  std::array<std::uint64_t, kUnuseds> unused{};  ///< by Unused
  std::size_t versions = 0;                      ///< known now
  CacheCounters cache;
};

class CachedStore final : public Store {
 public:
  using LeaseOf = std::function<SlotLease(std::uint16_t slot)>;

  /// `store` and `clock` outlive it.
  CachedStore(Store& store, std::unique_ptr<Cache> cache, const Clock& clock,
              const CachedStoreOptions& options);

  /// Before the first call; until then every slot is another's. `lease_of`: from any thread.
  void set_leases(LeaseOf lease_of) { lease_of_ = std::move(lease_of); }
  CachedStoreFigures figures() const;

  Task<Result<void>> write(std::vector<Change> changes) override;
  Task<Result<HistoryRows>> history(ProfileRef profile, std::optional<HistoryKey> after,
                                    std::size_t rows_max) override;

  // As the store has it.
  Task<Result<void>> settle() override { return store_.settle(); }
  Task<Result<std::size_t>> purge() override { return store_.purge(); }
  Task<Result<std::vector<StoredView>>> active_views(AccountRef account) override {
    return store_.active_views(std::move(account));
  }
  Task<Result<std::optional<StoredView>>> view(AccountRef account, std::string view) override {
    return store_.view(std::move(account), std::move(view));
  }
  Task<Result<std::vector<std::optional<TitleState>>>> titles(
      ProfileRef profile, std::vector<std::string> titles) override {
    return store_.titles(std::move(profile), std::move(titles));
  }
  Task<Result<std::vector<NamedTitle>>> all_titles(ProfileRef profile,
                                                   std::size_t rows_max) override {
    return store_.all_titles(std::move(profile), rows_max);
  }
  Task<Result<std::vector<std::string>>> profiles(AccountRef account,
                                                  std::size_t rows_max) override {
    return store_.profiles(std::move(account), rows_max);
  }
  Task<Result<Erasures>> erasures(AccountRef account) override {
    return store_.erasures(std::move(account));
  }
  bool is_over(const StoredView& view) const override { return store_.is_over(view); }
  std::optional<Result<std::vector<StoredView>>> try_active_views(
      const AccountRef& account) override {
    return store_.try_active_views(account);
  }
  std::optional<Result<Erasures>> try_erasures(const AccountRef& account) override {
    return store_.try_erasures(account);
  }
  std::optional<Result<std::optional<StoredView>>> try_view(const AccountRef& account,
                                                            std::string_view view) override {
    return store_.try_view(account, view);
  }
  std::optional<Result<std::vector<std::optional<TitleState>>>> try_titles(
      const ProfileRef& profile, const std::vector<std::string>& titles) override {
    return store_.try_titles(profile, titles);
  }

 private:
  class Under;  ///< the changes of one write() that are under way
  /// What is to be forgotten after an erasure: a page, and what lies before that version.
  using Forgotten = std::vector<std::pair<ProfileRef, PageVersion>>;
  /// A page's rows; or whether the cache is well enough to be filled.
  using Asked = std::expected<HistoryRows, bool>;

  SlotLease lease_of(const ProfileRef& profile) const;
  Task<Asked> from_cache(ProfileRef profile, std::size_t rows_max);
  Task<Result<HistoryRows>> from_store(ProfileRef profile, std::size_t rows_max, bool fills);
  Task<Result<std::vector<ProfileRef>>> erased_by(const std::vector<Change>& changes);
  void put_all(Under& under, bool stored, const Executor& executor);
  Task<> put(PageChange change);
  Task<> fill(ProfileRef profile, Page page);
  Task<> forget(Forgotten pages);
  Asked unused(Unused why);

  Store& store_;
  const std::unique_ptr<Cache> cache_;
  const Clock& clock_;
  const CachedStoreOptions options_;
  LeaseOf lease_of_;
  PageVersions versions_;
  std::atomic<std::uint64_t> fresh_ = 0, stale_ = 0;
  std::array<std::atomic<std::uint64_t>, kUnuseds> unused_{};
};

}  // namespace playhead
