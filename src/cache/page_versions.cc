// One stripe an account, so that all of an account is under one lock.
#include "cache/page_versions.h"

#include <algorithm>

#include "base/assert.h"
#include "record/ids.h"

namespace playhead {

PageVersions::PageVersions(std::size_t max)
    : stripe_max_(std::max<std::size_t>(1, max / kStripes)) {}

PageVersions::Stripe& PageVersions::stripe_of(const ProfileRef& profile) {
  return stripes_[slot_of(profile.tenant, profile.account) % kStripes];
}

std::optional<PageVersion> PageVersions::known(const ProfileRef& profile, std::uint64_t epoch) {
  Stripe& stripe = stripe_of(profile);
  const std::scoped_lock lock(stripe.mutex);
  const auto entry = stripe.entries.find(key_of(profile));
  if (entry == stripe.entries.end() || entry->second.version.epoch != epoch) return std::nullopt;
  stripe.order.splice(stripe.order.begin(), stripe.order, entry->second.place);
  return entry->second.version;
}

PageVersion PageVersions::take(const ProfileRef& profile, std::uint64_t epoch) {
  Stripe& stripe = stripe_of(profile);
  const std::scoped_lock lock(stripe.mutex);
  const auto [entry, added] = stripe.entries.try_emplace(key_of(profile));
  if (added) {
    stripe.order.push_front(&entry->first);
    entry->second.place = stripe.order.begin();
  } else {
    stripe.order.splice(stripe.order.begin(), stripe.order, entry->second.place);
  }
  // Of an epoch before: this node had the slot, lost it and has it again.
  if (added || entry->second.version.epoch != epoch)
    entry->second.version = {.epoch = epoch, .count = next()};
  const PageVersion version = entry->second.version;
  if (stripe.entries.size() > stripe_max_) {
    stripe.entries.erase(stripe.entries.find(*stripe.order.back()));
    stripe.order.pop_back();
  }
  return version;
}

bool PageVersions::knows(const ProfileRef& profile) {
  Stripe& stripe = stripe_of(profile);
  const std::scoped_lock lock(stripe.mutex);
  return stripe.entries.contains(key_of(profile));
}

void PageVersions::begin(const ProfileRef& profile) {
  Stripe& stripe = stripe_of(profile);
  const std::scoped_lock lock(stripe.mutex);
  Flight& flight = stripe.flights[key_of(profile)];
  flight.mixed = flight.mixed || flight.changes > 0;
  ++flight.changes;
  const ProfileRef account{profile.tenant, profile.account, {}};
  if (!profile.profile.empty()) {
    flight.mixed = flight.mixed || stripe.flights.contains(key_of(account));
    return;
  }
  for (auto it = stripe.flights.lower_bound(key_of(account));
       it != stripe.flights.end() && is_of_account(it->first, account); ++it)
    it->second.mixed = true;
}

std::vector<PageVersions::Raised> PageVersions::end(const ProfileRef& profile) {
  Stripe& stripe = stripe_of(profile);
  const std::scoped_lock lock(stripe.mutex);
  const Key key = key_of(profile);
  const auto flight = stripe.flights.find(key);
  PLAYHEAD_ASSERT(flight != stripe.flights.end());
  const bool alone = !flight->second.mixed;
  if (--flight->second.changes == 0) stripe.flights.erase(flight);
  std::vector<Raised> out;
  auto entry = stripe.entries.lower_bound(key);
  for (; entry != stripe.entries.end() && is_of_account(entry->first, profile); ++entry) {
    if (!profile.profile.empty() && entry->first != key) break;
    out.push_back(raise(entry->first, entry->second, alone));
  }
  return out;
}

PageVersions::Raised PageVersions::raise(const Key& key, Entry& entry, bool alone) {
  const PageVersion before = entry.version;
  entry.version.count = next();
  return {.profile = {std::get<0>(key), std::get<1>(key), std::get<2>(key)},
          .before = before,
          .after = entry.version,
          .alone = alone};
}

std::size_t PageVersions::size() const {
  std::size_t out = 0;
  for (const Stripe& stripe : stripes_) {
    const std::scoped_lock lock(stripe.mutex);
    out += stripe.entries.size();
  }
  return out;
}

}  // namespace playhead
