// The newest versions of pages, as the owner of their accounts knows them: of those profiles whose
// history was read of late.
//
// Operation: who reads a history takes its version before he asks the store, and fills a page at
//   that version. Who changes one begins before he asks the store, and ends when the store has
//   taken the change, or may have: that raises the version, if it is known.
// Concurrency: every call from any thread. Invariants:
//  1. A version is given once: counts only grow in a process, and an epoch has one process.
//  2. At most `max` profiles are known. One that was dropped gets another version when it is read
//     again, so a page of before is no hit any more.
//  3. A change that was not alone is never laid into a page: which of two the store took first is
//     not known. One is alone if no other change of the profile was under way meanwhile.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>
#include <vector>

#include "cache/cache.h"

namespace playhead {

class PageVersions {
 public:
  explicit PageVersions(std::size_t max);

  /// The newest version under `epoch`; nothing if none was given, or it was dropped.
  std::optional<PageVersion> known(const ProfileRef& profile, std::uint64_t epoch);
  /// The same; where there is none it is given now.
  PageVersion take(const ProfileRef& profile, std::uint64_t epoch);
  /// One that is nobody's, above all that were given under `epoch`.
  PageVersion above_all(std::uint64_t epoch) { return {.epoch = epoch, .count = next()}; }
  bool knows(const ProfileRef& profile);

  struct Raised {
    ProfileRef profile;
    PageVersion before, after;
    bool alone = false;
  };
  /// A change of the profile's history is under way; without a profile, of all of the account.
  void begin(const ProfileRef& profile);
  /// It has been made, or may have been, or may be yet. Once for each begin().
  std::vector<Raised> end(const ProfileRef& profile);

  std::size_t size() const;

 private:
  using Key = std::tuple<std::string, std::string, std::string>;  ///< tenant, account, profile
  struct Entry {
    PageVersion version;
    std::list<const Key*>::iterator place;
  };
  /// Changes under way.
  struct Flight {
    std::uint32_t changes = 0;
    bool mixed = false;  ///< there was more than one, or one of the whole account
  };
  struct Stripe {
    mutable std::mutex mutex;  // guards what follows
    std::map<Key, Entry> entries;
    std::list<const Key*> order;  // of the entries: the one read last comes first
    std::map<Key, Flight> flights;
  };

  static constexpr std::size_t kStripes = 16;

  static Key key_of(const ProfileRef& profile) {
    return {profile.tenant, profile.account, profile.profile};
  }
  static bool is_of_account(const Key& key, const ProfileRef& account) {
    return std::get<0>(key) == account.tenant && std::get<1>(key) == account.account;
  }
  /// All profiles of an account have the same.
  Stripe& stripe_of(const ProfileRef& profile);
  std::uint64_t next() { return count_.fetch_add(1, std::memory_order_relaxed) + 1; }
  Raised raise(const Key& key, Entry& entry, bool alone);

  const std::size_t stripe_max_;
  std::atomic<std::uint64_t> count_ = 0;
  std::array<Stripe, kStripes> stripes_;
};

}  // namespace playhead
