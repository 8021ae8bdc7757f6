// What is in memory, how it comes there from the store, and how it leaves.
#include <algorithm>

#include "base/assert.h"
#include "runtime/side_by_side.h"
#include "shard/shard.h"

namespace playhead {
namespace {

// How often a view that has ended is looked at whose former owner may know more of it.
constexpr Millis kInheritedLookMs = 2'000;
constexpr std::string_view kNotMine = "the account's owner can't be reached; retry in a moment";

}  // namespace

Shard::Shard(ShardParts parts, ShardOptions options)
    : parts_(std::move(parts)),
      options_(options),
      table_(parts_.hash_seed),
      wheel_(parts_.clock->monotonic_ms()),
      durable_(parts_.journal->extent().last),
      interval_ms_(static_cast<std::uint32_t>(options.report_interval_ms)),
      second_ms_(parts_.clock->monotonic_ms()),
      round_start_ms_(second_ms_) {
  // Slots are gained by a lease; what a journal holds may be another node's by now.
  for (Slot& slot : slots_) slot.foreign = in_cluster();
  random_.seed(parts_.hash_seed ^ parts_.boot);
}

// Of one that plays.
Millis Shard::silence_ms(const Entry& entry) const {
  return entry.cmcd ? options_.cmcd_expiry_ms : Millis{3} * entry.interval_ms;
}

Millis Shard::expiry_ms(const Entry& entry) const {
  const Millis silence = silence_ms(entry);
  return entry.view.state == State::kPaused ? std::max(silence, options_.paused_expiry_ms)
                                            : silence;
}

// Silence is counted from the last fresh arrival, by what the view is now: what is stored says it.
Millis Shard::deadline_of(const Entry& entry, Instant wall, Millis monotonic_ms) const {
  // An arrival in the future, of before the clock was set back, is taken for now.
  const Millis age = std::max<Millis>(wall - entry.last_arrival, 0);
  return monotonic_ms + expiry_ms(entry) - age;
}

// A report may have moved the deadline. It is only written; the wheel looks later.
void Shard::set_deadline(Entry& entry) {
  if (replaying_) return;                  // end_replay() sets all
  if (slots_[entry.slot].foreign) return;  // it leaves with the next sweep
  entry.deadline_ms = deadline_of(entry, now(), parts_.clock->monotonic_ms());
  if (!entry.filed) file(entry);
}

// A deadline may come nearer, as when a paused view plays on: none is looked at later than the
// shortest silence that ends a view.
void Shard::file(Entry& entry) {
  const Millis shortest = std::min(3 * options_.report_interval_ms, options_.cmcd_expiry_ms);
  entry.filed = true;
  wheel_.file(entry.number, std::min(entry.deadline_ms, parts_.clock->monotonic_ms() + shortest));
}

void Shard::set_active(Entry& entry, bool active) {
  if (entry.active == active) return;
  entry.active = active;
  entry.granted = false;
  figures_.views_active += active ? 1 : -1;
  slots_[entry.slot].active += active ? 1 : -1;
}

// The wheel has fired: ended, alive, or silent for too long.
void Shard::expire(std::uint32_t number) {
  Entry& entry = table_.at(number);
  entry.filed = false;
  if (slots_[entry.slot].foreign) return;
  if (!entry.active) return evict_if_idle(entry);
  if (entry.deadline_ms > parts_.clock->monotonic_ms()) return file(entry);
  end_silent(entry);
}

// Before anything is said or decided by whether the view is active: the wheel looks but once a
// second, and later where the deadline has come nearer, as by what the inbox says of it.
// A foreign slot's entries have no deadline.
void Shard::expire_overdue(Entry& entry) {
  if (slots_[entry.slot].foreign) return;
  if (entry.active && entry.deadline_ms <= parts_.clock->monotonic_ms()) end_silent(entry);
}

// Not journalled: it follows from the reports' arrivals, and a replay comes to the same.
void Shard::end_silent(Entry& entry) {
  entry.expired = true;
  set_active(entry, false);
  mark_dirty(entry);
  ++figures_.views_expired;
  ++figures_.views_ended;
  publish_end(entry, EndReason::kExpired, entry.view.cursor.at);
}

void Shard::evict_if_idle(Entry& entry) {
  if (slots_[entry.slot].foreign) return;  // the sweep sees to it
  if (entry.dirty || entry.flushing || entry.active || entry.filed || entry.moved_since) return;
  if (entry.inherited && !slots_[entry.slot].covered) {  // what is missing of it is not forgotten
    entry.filed = true;
    return wheel_.file(entry.number, parts_.clock->monotonic_ms() + kInheritedLookMs);
  }
  if (entry.listed) return mark_dirty(entry);  // only now it is sure to be over
  const Ids ids = entry.ids.get();
  Account* account = table_.find_account(ids.tenant, ids.account);
  PLAYHEAD_ASSERT(account != nullptr);
  if (account->busy > 0) {  // looked at again, or it would stay for ever
    entry.filed = true;
    return wheel_.file(entry.number, parts_.clock->monotonic_ms());
  }
  table_.remove(*account, entry);
  table_.release(*account);
}

StoredView Shard::stored(const Entry& entry) const {
  StoredView out;
  out.ids = PackedIds(entry.ids.get());
  out.view = entry.view;
  if (entry.trail) out.trail = *entry.trail;
  if (entry.import) out.import = *entry.import;
  out.keyed_start = entry.keyed_start;
  out.last_arrival = entry.last_arrival;
  out.interval_ms = entry.interval_ms;
  out.cmcd = entry.cmcd;
  out.active = entry.active;
  out.expired = entry.expired;
  out.granted = entry.granted;
  return out;
}

// What the next owner is told. That an inherited view fell silent is no more than this node's word,
// as long as a former owner's journal may tell more of it: it stays listed, for him to inherit.
StoredView Shard::stored_for_others(const Entry& entry) const {
  StoredView out = stored(entry);
  if (entry.expired && entry.inherited && !slots_[entry.slot].covered)
    out.active = !entry.view.ended();
  return out;
}

// Takes a view that memory did not have. Its deadline runs from its last arrival; but of one that a
// former owner left active the store may know less than he did, by a checkpoint. Unless what it
// knows leaves the player time to be heard of, two reports, he gets all of it since the slot is
// here, whenever the account is asked for.
Entry& Shard::adopt(Account& account, StoredView stored, Word word) {
  Entry& entry = table_.add(account, stored.ids.get());
  entry.view = stored.view;
  if (stored.trail) entry.trail = std::make_unique<Trail>(*stored.trail);
  if (stored.import) entry.import = std::make_unique<Import>(*std::move(stored.import));
  entry.keyed_start = stored.keyed_start;
  entry.last_arrival = stored.last_arrival;
  entry.interval_ms = stored.interval_ms;
  entry.cmcd = stored.cmcd;
  entry.expired = stored.expired;
  entry.indexed = true;
  entry.listed = stored.active;
  entry.title_due = false;  // whoever stored it had stored its title before
  set_active(entry, stored.active && !stored.expired);
  entry.granted = stored.granted && !account.loaded;  // a place comes with its account
  if (replaying_) return entry;
  entry.deadline_ms = parts_.clock->monotonic_ms();  // what is not active leaves at the next look
  if (entry.active) entry.deadline_ms = deadline_of(entry, now(), entry.deadline_ms);
  entry.inherited = word != Word::kOwn && stored.active;
  const Millis gained_ms = slots_[entry.slot].gained_ms, silence = silence_ms(entry);
  if (word == Word::kLeft && entry.active && entry.deadline_ms < gained_ms + silence * 2 / 3 &&
      entry.deadline_ms + options_.checkpoint_interval_ms > gained_ms)
    entry.deadline_ms = gained_ms + silence;
  file(entry);
  expire_overdue(entry);
  return entry;
}

void Shard::adopt_account(Account& account, std::vector<StoredView> views, Erasures erasures) {
  ++figures_.loads;
  for (StoredView& view : views) {
    const Ids ids = view.ids.get();
    if (table_.find(account, ids.view) == nullptr &&
        !is_hidden(ids.tenant, ids.account, ids.profile))
      adopt(account, std::move(view),
            in_cluster() && !slots_[account.slot].covered ? Word::kLeft : Word::kOwn);
  }
  adopt_erasures(account, std::move(erasures));
  account.loaded = true;
}

Task<Result<void>> Shard::load(AccountRef ref) {
  const std::uint16_t slot = slot_of(ref.tenant, ref.account);
  if (slots_[slot].foreign) co_return fail(Errc::kUnavailable, std::string(kNotMine));
  Account& account = table_.account(ref.tenant, ref.account);
  if (account.loaded) co_return Result<void>{};
  if (try_load(account)) co_return Result<void>{};
  Result<void> result;
  ++account.busy;
  while (result && !account.loaded) {
    const std::uint32_t purges = account.purges;
    const std::uint64_t epoch = slots_[slot].epoch;
    Result<std::vector<StoredView>> views;
    Result<Erasures> erasures;
    co_await side_by_side(2, [&](std::size_t which) -> Task<> {
      if (which == 0)
        views = co_await parts_.store->active_views(ref);
      else
        erasures = co_await parts_.store->erasures(ref);
    });
    // Also if the slot is here again: somebody else may have had it since it was read.
    if (slots_[slot].foreign || slots_[slot].epoch != epoch)
      result = fail(Errc::kUnavailable, std::string(kNotMine));
    else if (!views || !erasures)
      result = std::unexpected(views ? erasures.error() : views.error());
    else if (!account.loaded && account.purges == purges)
      adopt_account(account, std::move(*views), std::move(*erasures));
  }
  --account.busy;
  if (!result) table_.release(account);
  co_return result;
}

// From what the store has in memory. False if that does not say all.
bool Shard::try_load(Account& account) {
  const AccountRef ref{account.tenant, account.account};
  auto views = parts_.store->try_active_views(ref);
  if (!views || !*views) return false;
  auto erasures = parts_.store->try_erasures(ref);
  if (!erasures || !*erasures) return false;
  adopt_account(account, std::move(**views), std::move(**erasures));
  return true;
}

// The view's entry, read from the store if need be. Its account stays in memory: call
// forget_idle(). Errors: not_found, and the store's.
Task<Result<Entry*>> Shard::view_in_memory(AccountRef ref, std::string view) {
  if (const Result<void> loaded = co_await load(ref); !loaded)
    co_return std::unexpected(loaded.error());
  Account* account = table_.find_account(ref.tenant, ref.account);
  PLAYHEAD_ASSERT(account != nullptr && account->loaded);
  ++account->busy;
  Result<Entry*> result = nullptr;
  while (result && *result == nullptr) {
    if (slots_[account->slot].foreign) {
      result = fail(Errc::kUnavailable, std::string(kNotMine));
      break;
    }
    if (Entry* entry = table_.find(*account, view)) {
      result = entry;
      break;
    }
    const std::uint32_t purges = account->purges;
    const std::uint64_t epoch = slots_[account->slot].epoch;
    Result<std::optional<StoredView>> stored = co_await parts_.store->view(ref, view);
    // It may have been given up and gained again under the same epoch.
    if (slots_[account->slot].foreign || slots_[account->slot].epoch != epoch || !account->loaded)
      result = fail(Errc::kUnavailable, std::string(kNotMine));
    else if (!stored)
      result = std::unexpected(stored.error());
    else if (account->purges != purges || table_.find(*account, view) != nullptr)
      continue;
    else if (*stored && !is_hidden(ref.tenant, ref.account, (*stored)->ids.get().profile))
      result = &adopt(*account, std::move(**stored));
    else
      result = fail(Errc::kNotFound, "view '" + view + "'");
  }
  --account->busy;
  co_return result;
}

ViewerItem Shard::item_of(const Entry& entry) const {
  const Ids ids = entry.ids.get();
  ViewerItem item{.view = std::string(ids.view),
                  .profile = std::string(ids.profile),
                  .title = std::string(ids.title),
                  .series = std::string(ids.series),
                  .device = std::string(ids.device),
                  .device_type = std::string(ids.device_type),
                  .kind = entry.view.kind,
                  .state = entry.view.state,
                  .playhead = std::nullopt,
                  .duration = std::nullopt,
                  .started_at = entry.view.start,
                  .at = entry.view.cursor.at};
  if (entry.view.shown() != kNoPlayhead) item.playhead = entry.view.shown();
  if (entry.view.duration > 0) item.duration = entry.view.duration;
  return item;
}

std::vector<ViewerItem> Shard::viewers(const AccountRef& ref) {
  std::vector<ViewerItem> items;
  Account* account = table_.find_account(ref.tenant, ref.account);
  if (account == nullptr) return items;
  table_.each_of(*account, [&](Entry& entry) {
    expire_overdue(entry);
    if (entry.active) items.push_back(item_of(entry));
  });
  std::ranges::sort(items, [](const ViewerItem& a, const ViewerItem& b) {
    return std::tie(a.started_at, a.view) < std::tie(b.started_at, b.view);
  });
  return items;
}

void Shard::forget_idle(const AccountRef& ref) {
  if (Account* account = table_.find_account(ref.tenant, ref.account)) table_.release(*account);
}

std::optional<StoredView> Shard::find(const AccountRef& ref, std::string_view view) {
  Entry* entry = table_.find(slot_of(ref.tenant, ref.account), ref.tenant, ref.account, view);
  if (entry == nullptr) return std::nullopt;
  expire_overdue(*entry);
  return stored(*entry);
}

std::map<std::string, TitleState> Shard::titles_in_memory(const ProfileRef& profile,
                                                          const std::vector<std::string>* only) {
  std::map<std::string, TitleState> out;
  const auto wanted = [&](std::string_view title) {
    return only == nullptr || std::ranges::find(*only, title) != only->end();
  };
  const Slot& slot = slots_[slot_of(profile.tenant, profile.account)];
  for (const auto* changes : {&slot.flushing, &slot.titles})
    for (const auto& [key, change] : *changes)
      if (change.profile == profile && wanted(change.title)) out[change.title].merge(change.delta);
  Account* account = table_.find_account(profile.tenant, profile.account);
  if (account == nullptr) return out;
  table_.each_of(*account, [&](Entry& entry) {
    const Ids ids = entry.ids.get();
    if (ids.profile != profile.profile || !wanted(ids.title)) return;
    out[std::string(ids.title)].merge(contribution_of(entry.view, ids));
  });
  return out;
}

std::vector<StoredView> Shard::history_in_memory(const ProfileRef& profile) {
  std::vector<StoredView> out;
  Account* account = table_.find_account(profile.tenant, profile.account);
  if (account == nullptr) return out;
  table_.each_of(*account, [&](Entry& entry) {
    if (entry.view.record && entry.ids.get().profile == profile.profile)
      out.push_back(stored(entry));
  });
  return out;
}

std::vector<std::string> Shard::profiles_in_memory(const AccountRef& ref) {
  std::vector<std::string> out;
  const Slot& slot = slots_[slot_of(ref.tenant, ref.account)];
  for (const auto* changes : {&slot.flushing, &slot.titles})
    for (const auto& [key, change] : *changes)
      if (change.profile.tenant == ref.tenant && change.profile.account == ref.account)
        out.push_back(change.profile.profile);
  if (Account* account = table_.find_account(ref.tenant, ref.account))
    table_.each_of(*account, [&](Entry& entry) { out.emplace_back(entry.ids.get().profile); });
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

const ShardFigures& Shard::figures() {
  figures_.views_in_memory = table_.views();
  figures_.accounts_in_memory = table_.accounts();
  figures_.undrained = 0;
  // Who was paused may not have noticed yet that his slots are others'.
  for (std::uint16_t slot = 0; in_cluster() && slot < kSlots; ++slot)
    if (!holds_lease(slot)) table_.each_in_slot(slot, [&](Entry&) { ++figures_.undrained; });
  return figures_;
}

void Shard::slot_figures(std::vector<SlotFigures>& out) const {
  for (std::uint16_t slot = 0; slot < kSlots; ++slot)
    if (owns(slot))
      out.push_back(
          {.slot = slot, .reports = slots_[slot].reports, .views_active = slots_[slot].active});
}

}  // namespace playhead
