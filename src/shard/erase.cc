// Erasing an account or a profile: out of memory at once, out of the store before it is answered,
// and for ever after nothing that tells of the time before is taken.
//
// The order is the promise: the journal has the erasure before the store, so a kill in between is
// made good by the replay; and a slot's erasures reach the store before what was reported since.
#include <algorithm>

#include "base/assert.h"
#include "shard/shard.h"

namespace playhead {
namespace {

constexpr std::string_view kChanging = "the account is changing hands; repeat the erasure";

bool covers(const EraseChange& erasure, std::string_view tenant, std::string_view account,
            std::string_view profile) {
  return erasure.account.account == account && erasure.account.tenant == tenant &&
         (erasure.profile.empty() || erasure.profile == profile);
}

// The latest of an account's erasures; 1970 if there was none.
Instant latest_of(const Erasures& erasures) {
  Instant latest = std::max(erasures.account, Instant{});
  for (const auto& [mark, through] : erasures.profiles) latest = std::max(latest, through);
  return latest;
}

}  // namespace

bool Shard::is_hidden(std::string_view tenant, std::string_view account,
                      std::string_view profile) const {
  const Slot& slot = slots_[slot_of(tenant, account)];
  const auto hides = [&](const EraseChange& erasure) {
    return covers(erasure, tenant, account, profile);
  };
  return std::ranges::any_of(slot.erasures, hides) ||
         std::ranges::any_of(slot.flushing_erasures, hides);
}

Hidden Shard::hidden(const AccountRef& ref) const {
  Hidden out;
  const Slot& slot = slots_[slot_of(ref.tenant, ref.account)];
  for (const auto* changes : {&slot.flushing_erasures, &slot.erasures})
    for (const EraseChange& change : *changes) {
      if (change.account != ref) continue;
      if (change.profile.empty())
        out.all = true;
      else
        out.profiles.push_back(change.profile);
    }
  return out;
}

// What the store says of the account, and what it has not been told yet.
void Shard::adopt_erasures(Account& account, Erasures erasures) {
  account.erasures = std::move(erasures);
  const Slot& slot = slots_[account.slot];
  for (const auto* changes : {&slot.flushing_erasures, &slot.erasures})
    for (const EraseChange& change : *changes)
      if (change.account == AccountRef{account.tenant, account.account}) remember(account, change);
}

void Shard::remember(Account& account, const EraseChange& erasure) {
  const Mark profile = mark_of(account.tenant, account.account, erasure.profile);
  account.erasures.add(erasure.profile.empty() ? nullptr : &profile, erasure.through);
}

// Does the report tell of what was erased: seen before that, or in a view that began before?
bool Shard::is_erased(const Account& account, std::string_view profile,
                      const Stamped& stamped) const {
  if (account.erasures.empty()) return false;
  const Instant through = account.erasures.through(account.tenant, account.account, profile);
  return std::min(stamped.order.at, stamped.started_at.value_or(stamped.order.at)) <= through;
}

// Acts of before an erasure, such as those of a device that was offline, change nothing.
void Shard::drop_erased(const ProfileRef& profile, std::vector<NamedTitle>& deltas) {
  const Account* account = table_.find_account(profile.tenant, profile.account);
  PLAYHEAD_ASSERT(account != nullptr && account->loaded);
  if (account->erasures.empty()) return;
  const Instant through =
      account->erasures.through(profile.tenant, profile.account, profile.profile);
  std::erase_if(deltas, [through](const NamedTitle& delta) {
    const TitleState& state = delta.state;
    return std::max({state.position.moved, state.watched.at, state.hidden.at}) <= through;
  });
}

// Takes everything of it out of memory. None of its rows may be on its way to the store.
void Shard::forget_erased(const EraseChange& erasure) {
  const auto& [tenant, account_id] = erasure.account;
  Slot& slot = slots_[slot_of(tenant, account_id)];
  std::erase_if(slot.titles, [&](const auto& title) {
    const ProfileRef& profile = title.second.profile;
    return covers(erasure, profile.tenant, profile.account, profile.profile);
  });
  Account* account = table_.find_account(tenant, account_id);
  if (account == nullptr) return;
  std::vector<std::uint32_t> gone;
  table_.each_of(*account, [&](Entry& entry) {
    if (covers(erasure, tenant, account_id, entry.ids.get().profile)) gone.push_back(entry.number);
  });
  std::ranges::sort(gone);
  const auto is_gone = [&](std::uint32_t number) {
    return std::ranges::binary_search(gone, number);
  };
  wheel_.forget(is_gone);
  std::erase_if(moved_, is_gone);
  for (const std::uint32_t number : gone) {
    Entry& entry = table_.at(number);
    PLAYHEAD_ASSERT(!entry.flushing);
    if (entry.active) {
      set_active(entry, false);
      ++figures_.views_ended;
      publish_end(entry, EndReason::kTerminated, erasure.through);
    }
    table_.remove(*account, entry);
  }
}

Task<Result<Instant>> Shard::erase(AccountRef ref, std::string profile) {
  if (const Result<void> loaded = co_await load(ref); !loaded)
    co_return std::unexpected(loaded.error());
  Account* account = table_.find_account(ref.tenant, ref.account);
  PLAYHEAD_ASSERT(account != nullptr && account->loaded);
  ++account->busy;
  Result<Instant> erased = co_await erase_loaded(*account, std::move(profile));
  --account->busy;
  table_.release(*account);
  co_return erased;
}

Task<Result<Instant>> Shard::erase_loaded(Account& account, std::string profile) {
  // Rows on their way to the store can't be called back: they land first.
  while (sweeping_.under_way) co_await sweeping_.end.wait();
  if (slots_[account.slot].foreign) co_return fail(Errc::kUnavailable, std::string(kChanging));
  if (auto refused = refusal()) co_return std::unexpected(*std::move(refused));
  if (!profile.empty() && account.erasures.profiles.size() >= options_.erased_profiles_max)
    co_return fail(Errc::kUnprocessable,
                   "so many profiles of the account have been erased that no more can be "
                   "remembered; erase the account");
  // Later than every one before it, so that the store can tell it from one told again.
  const EraseChange erasure{.account = {account.tenant, account.account},
                            .profile = profile,
                            .through = std::max(now(), latest_of(account.erasures) + 1)};
  forget_erased(erasure);
  remember(account, erasure);
  mark_slot(account.slot);
  writer().erasure({.tenant = account.tenant,
                    .account = account.account,
                    .profile = profile,
                    .through = erasure.through});
  keep_erasure(account.slot, erasure);
  if (auto synced = co_await durable(); !synced) co_return std::unexpected(synced.error());
  const std::uint64_t epoch = slots_[account.slot].epoch;
  while (is_hidden(account.tenant, account.account, profile)) {
    if (sweeping_.under_way) {
      co_await sweeping_.end.wait();
    } else if (auto swept = co_await sweep(sweeping_, {account.slot}); !swept) {
      co_return std::unexpected(swept.error());
    }
    if (in_cluster() && !holds_lease(account.slot)) break;
  }
  if (slots_[account.slot].epoch != epoch || is_hidden(account.tenant, account.account, profile))
    co_return fail(Errc::kUnavailable, std::string(kChanging));
  co_return erasure.through;
}

// The later of two of the same thing stands for both: while the store is away they don't pile up.
void Shard::keep_erasure(std::uint16_t slot, const EraseChange& erasure) {
  std::vector<EraseChange>& erasures = slots_[slot].erasures;
  std::erase_if(erasures, [&](const EraseChange& known) {
    return known.account == erasure.account && known.profile == erasure.profile;
  });
  erasures.push_back(erasure);
}

// In a replay the entries are in no wheel yet, and the store hears of it with the next sweep.
void Shard::replay_erasure(const ErasureRecord& record) {
  const EraseChange erasure{.account = {std::string(record.tenant), std::string(record.account)},
                            .profile = std::string(record.profile),
                            .through = record.through};
  forget_erased(erasure);
  const std::uint16_t slot = slot_of(record.tenant, record.account);
  mark_slot(slot);
  keep_erasure(slot, erasure);
  replayed_erasures_.push_back(slot);
  if (Account* account = table_.find_account(record.tenant, record.account))
    table_.release(*account);
}

}  // namespace playhead
