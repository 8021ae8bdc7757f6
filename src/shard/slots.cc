// Slots that come and go with the leases of a cluster.
//
// A slot is owned, or foreign. Reports for a foreign one are folded into views that begin with
// them: parts, which the slot's owner joins with the views that he has (record/inbox.h). Sweeps
// hand parts to the inbox and forget them. So a slot that is lost, one that is gained by somebody
// else, a journal that is read after a restart, and an owner who can't be reached are all one
// thing.
#include <algorithm>
#include <bitset>

#include "base/assert.h"
#include "record/inbox.h"
#include "record/merge.h"
#include "runtime/side_by_side.h"
#include "shard/shard.h"

namespace playhead {
namespace {

// How old the last look into the inbox may be for an answer that is not stale.
constexpr Millis kLookAgeMaxMs = 2'000;
// How long reports may wait for a slot that is about to be owned. Else they are parts, which stand
// in the way of that once more.
constexpr Millis kSettleMaxMs = 500;
// How long it takes until the owner is known to whom a slot was given.
constexpr Millis kNewOwnerMs = 1'500;
// Views that have changed, of slots that are given away: more would keep them without an owner for
// seconds.
constexpr std::size_t kHandedOverMax = 2'048;
constexpr std::size_t kFoldsAtOnce = 32;  // rows of the inbox, by one shard

}  // namespace

void Shard::gain(const std::vector<SlotEpoch>& slots) {
  for (const auto& [number, epoch] : slots) {
    Slot& slot = slots_[number];
    if (!slot.foreign && slot.epoch == epoch) continue;
    // Somebody else may have had it in between, or the store has been away.
    if (!slot.foreign || std::ranges::find(stepped_, number, &SlotEpoch::slot) != stepped_.end())
      lose({number});
    slot.gaining = epoch;
    slot.given_ms.reset();
    slot.gained_ms = parts_.clock->monotonic_ms();
    slot.looked_ms = 0;
    settle_slot(number);
  }
}

// Owned once nothing is left of the time in which it was foreign: that goes by the inbox, too.
void Shard::settle_slot(std::uint16_t number) {
  Slot& slot = slots_[number];
  if (slot.gaining == 0) return;
  if (slot.foreign) {
    bool empty = !slot.dirty_since && !slot.flushing_since && slot.titles.empty();
    table_.each_in_slot(number, [&](Entry&) { empty = false; });
    if (!empty) return;
  }
  slot.foreign = false;
  slot.epoch = slot.owned_as = std::exchange(slot.gaining, 0);
  // A look that is under way has passed over its rows.
  slot.gained_ms = parts_.clock->monotonic_ms();
  slot.looked_ms = slot.drained_ms = 0;
  slot.covered = false;
  adopt_handed(number);
}

// What memory had of a gained slot is on its way to the inbox.
bool Shard::settles(std::uint16_t number) const {
  const Slot& slot = slots_[number];
  return slot.foreign && slot.gaining != 0 && slot.flushing_since &&
         parts_.clock->monotonic_ms() - slot.gathered_ms < kSettleMaxMs;
}

void Shard::lose(const std::vector<std::uint16_t>& slots) {
  std::bitset<kSlots> lost;
  for (const std::uint16_t number : slots) {
    Slot& slot = slots_[number];
    slot.gaining = 0;
    const bool stepped =
        std::erase_if(stepped_, [&](const SlotEpoch& one) { return one.slot == number; }) > 0;
    if (slot.foreign && !stepped) continue;
    slot.foreign = true;
    slot.epoch = 0;
    mark_slot(number);  // so that the next sweep looks at it
    lost[number] = true;
  }
  if (lost.any()) forget_accounts(lost);
}

// Without a store nobody can own the slot. It is foreign until memory has been handed over, and so
// until the store is back. False: it is foreign already, or there is no cluster.
bool Shard::step_back(std::uint16_t number) {
  Slot& slot = slots_[number];
  if (!in_cluster()) return false;
  if (slot.foreign) return true;
  stepped_.push_back({.slot = number, .epoch = slot.epoch});
  slot.foreign = true;
  slot.epoch = 0;
  mark_slot(number);
  return true;
}

// The rest of it, for all such slots at once.
void Shard::end_step_back() {
  if (stepped_.empty()) return;
  std::vector<SlotEpoch> stepped = std::exchange(stepped_, {});
  std::bitset<kSlots> lost;
  for (const SlotEpoch& one : stepped) lost[one.slot] = true;
  forget_accounts(lost);
  gain(stepped);
}

void Shard::forget_accounts(const std::bitset<kSlots>& lost) {
  table_.each_account([&](Account& account) {
    if (!lost[account.slot]) return;
    account.loaded = false;
    figures_.streams -= account.channels.size();
    for (const auto& channel : std::exchange(account.channels, {})) channel->drop();
  });
}

Task<std::vector<HandedSlot>> Shard::hand_over(std::vector<std::uint16_t> slots) {
  const auto owned_as = [this](std::uint16_t slot) {
    return std::max(slots_[slot].epoch, slots_[slot].gaining);
  };
  std::map<std::uint16_t, std::uint64_t> epochs;
  for (const std::uint16_t slot : slots) epochs[slot] = owned_as(slot);
  const bool few = changed_in(slots) <= kHandedOverMax;
  if (few) {  // to the views' rows, while that is still this node's to do: parts are dearer
    while (sweeping_.under_way) co_await sweeping_.end.wait();
    for (const std::uint16_t slot : slots) slots_[slot].giving = true;
    (void)co_await sweep(sweeping_, slots);
    for (const std::uint16_t slot : slots) slots_[slot].giving = false;
  }
  // It may have taken so long that they are here again.
  std::erase_if(slots, [&](std::uint16_t slot) { return owned_as(slot) != epochs[slot]; });
  // What failed, and what came in meanwhile, goes as parts.
  std::vector<HandedSlot> handed = gather_handed(slots);
  lose(slots);
  settle_end_.wake();
  for (const std::uint16_t slot : slots)  // it may be asked again, until somebody takes them
    if (!slots_[slot].given_ms) slots_[slot].given_ms = parts_.clock->monotonic_ms();
  // What is on its way to the views' rows must not arrive after what the next owner writes there.
  while (storing_through_) co_await through_end_.wait();
  while (sweeping_.under_way) co_await sweeping_.end.wait();
  co_return handed;
}

std::size_t Shard::changed_in(const std::vector<std::uint16_t>& slots) {
  std::size_t out = 0;
  for (const std::uint16_t slot : slots)
    table_.each_in_slot(slot, [&](const Entry& entry) { out += entry.dirty; });
  return out;
}

// Nobody gets a slot from a node whose session lasts before that has handed it over.
bool Shard::may_store(std::uint16_t slot) const {
  return holds_lease(slot) || (slots_[slot].giving && !slots_[slot].foreign &&
                               parts_.clock->monotonic_ms() < parts_.fresh->fresh_until_ms());
}

// As long as nobody is known who takes them, its parts could go to the inbox only.
bool Shard::awaits_owner(const Slot& slot) const {
  return slot.given_ms && parts_.clock->monotonic_ms() - *slot.given_ms < kNewOwnerMs;
}

// Slots that are this node's as soon as the inbox has what memory has of them.
std::vector<std::uint16_t> Shard::parts_in_the_way() const {
  std::vector<std::uint16_t> out;
  for (std::uint16_t number = 0; in_cluster() && number < kSlots; ++number)
    if (slots_[number].foreign && slots_[number].gaining != 0 && slots_[number].dirty_since)
      out.push_back(number);
  return out;
}

Task<Result<void>> Shard::sweep_gained() {
  while (sweeping_.under_way) co_await sweeping_.end.wait();
  co_return co_await sweep(sweeping_, parts_in_the_way());
}

InboxRow Shard::inbox_row(const Entry& entry) {
  std::string id;
  for (int half = 0; half < 2; ++half) {
    const std::uint64_t bits = random_();
    id.append(reinterpret_cast<const char*>(&bits), sizeof bits);
  }
  return {.key = {.slot = entry.slot, .id = std::move(id)}, .record = encode_inbox(stored(entry))};
}

void Shard::gather_foreign(std::uint16_t number, Handing& handing) {
  table_.each_in_slot(number, [&](Entry& entry) {
    // What is on its way through may not arrive: until then the journal keeps it.
    if (entry.through_writing) slots_[number].dirty_since = slots_[number].flushing_since;
    if (entry.dirty) gather_part(entry, handing);
  });
}

void Shard::gather_part(Entry& entry, Handing& handing) {
  entry.dirty = false;
  entry.flushing = true;
  entry.journalled = false;
  handing.numbers.push_back(entry.number);
  handing.rows.push_back(inbox_row(entry));
}

// Takes out of memory what the inbox has, or the store since before the slot was lost.
void Shard::forget_foreign(const std::vector<std::uint16_t>& slots) {
  std::vector<std::uint32_t> gone;
  for (const std::uint16_t number : slots) {
    bool busy = false;
    table_.each_in_slot(number, [&](Entry& entry) {
      const Ids ids = entry.ids.get();
      const Account* account = table_.find_account(ids.tenant, ids.account);
      // What is on its way through may come back, for the inbox may not have got it.
      const bool stays = account->busy > 0 || entry.through_writing;
      busy = busy || stays;
      if (!stays && !entry.dirty && !entry.flushing) gone.push_back(entry.number);
    });
    if (busy) mark_slot(number);  // looked at again
  }
  forget_entries(std::move(gone));
  for (const std::uint16_t number : slots) settle_slot(number);
}

void Shard::forget_entries(std::vector<std::uint32_t> gone) {
  if (gone.empty()) return;
  std::ranges::sort(gone);
  const auto is_gone = [&](std::uint32_t number) {
    return std::ranges::binary_search(gone, number);
  };
  wheel_.forget(is_gone);
  std::erase_if(moved_, is_gone);
  for (const std::uint32_t number : gone) {
    Entry& entry = table_.at(number);
    const Ids ids = entry.ids.get();
    Account* account = table_.find_account(ids.tenant, ids.account);
    set_active(entry, false);
    table_.remove(*account, entry);
    table_.release(*account);
  }
}

bool Shard::has_parts(std::uint16_t slot) {
  bool any = false;
  table_.each_in_slot(slot, [&](const Entry& entry) { any = any || is_part(entry); });
  return any;
}

// The inbox has them, and the next look there joins them with what the store has. Until then
// nobody knows all of them.
void Shard::forget_parts(std::vector<std::uint32_t> parts) {
  std::erase_if(parts, [&](std::uint32_t number) {
    Entry& entry = table_.at(number);
    const Ids ids = entry.ids.get();
    const bool busy = table_.find_account(ids.tenant, ids.account)->busy > 0;
    if (busy) {  // it goes there once more
      mark_dirty(entry);
    } else {
      slots_[entry.slot].unread_ms = parts_.clock->monotonic_ms();
      slots_[entry.slot].looked_ms = 0;
    }
    return busy;
  });
  forget_entries(std::move(parts));
}

bool Shard::holds_lease(std::uint16_t slot) const {
  return !slots_[slot].foreign &&
         parts_.fresh->fresh_epoch(slot, parts_.clock->monotonic_ms()) == slots_[slot].epoch;
}

// Rows that are being folded: many at once, for most accounts are still to be read from the store.
struct Shard::Folding {
  PartsOf of = PartsOf::kInbox;
  std::vector<InboxRow> rows;
  std::size_t next = 0;  ///< the first that nobody has begun with
  std::vector<InboxKey> done;
  std::map<std::uint16_t, std::uint64_t> epochs;  ///< of the slots of `done`
  std::vector<std::uint32_t> unstored;  ///< entries that the store does not have as they are
  std::optional<Error> failure;
};

Task<> Shard::fold_row(InboxRow row, Folding& folding) {
  const std::uint64_t epoch = slots_[row.key.slot].epoch;
  if (epoch == 0) co_return;  // foreign: its owner's matter
  auto partial = decode_inbox(row.record);
  Result<std::optional<std::uint32_t>> folded;
  if (partial)
    folded = co_await fold_partial(*std::move(partial), folding.of);
  else
    folded = std::unexpected(partial.error());
  if (folded && slots_[row.key.slot].epoch != epoch) co_return;  // read again, if it is here then
  if (folded) {
    if (*folded) folding.unstored.push_back(**folded);
    folding.epochs.try_emplace(row.key.slot, epoch);
    folding.done.push_back(std::move(row.key));
  } else if (folded.error().code == Errc::kUnavailable ||
             folded.error().code == Errc::kOverloaded) {
    folding.failure = folded.error();
  } else {  // it stays where it is, and keeps nobody else waiting; the slot is stale
    figures_.inbox_dropped += folded.error().code != Errc::kNotOwner;
    slots_[row.key.slot].unread_ms = parts_.clock->monotonic_ms();
  }
}

Task<Result<std::vector<InboxKey>>> Shard::fold_parts(std::vector<InboxRow> rows, PartsOf of) {
  Folding folding{.of = of};
  folding.rows = std::move(rows);
  co_await side_by_side(std::min(kFoldsAtOnce, folding.rows.size()), [&](std::size_t) -> Task<> {
    while (folding.next < folding.rows.size() && !folding.failure)
      co_await fold_row(std::move(folding.rows[folding.next++]), folding);
  });
  if (folding.failure) co_return std::unexpected(*folding.failure);
  if (auto stored = co_await store_folded(std::move(folding.unstored)); !stored)
    co_return std::unexpected(stored.error());
  // Only what is stored by whom the slot still belonged to may leave the inbox.
  std::erase_if(folding.done, [&](const InboxKey& key) {
    return slots_[key.slot].epoch != folding.epochs.at(key.slot) || !holds_lease(key.slot);
  });
  figures_.inbox_folded += folding.done.size();
  co_return std::move(folding.done);
}

// The entry that the store does not have as it is now, if so.
Task<Result<std::optional<std::uint32_t>>> Shard::fold_partial(StoredView partial, PartsOf of) {
  const Ids ids = partial.ids.get();
  const AccountRef ref{std::string(ids.tenant), std::string(ids.account)};
  auto found = co_await view_in_memory(ref, std::string(ids.view));
  if (!found && found.error().code != Errc::kNotFound) {
    forget_idle(ref);
    co_return std::unexpected(found.error());
  }
  if (found && (*found)->part) {
    forget_idle(ref);
    co_return fail(Errc::kNotOwner, "the view is not whole here yet");
  }
  Account* account = table_.find_account(ref.tenant, ref.account);
  PLAYHEAD_ASSERT(account != nullptr && account->loaded);
  const bool erased =
      !account->erasures.empty() &&
      partial.view.start <= account->erasures.through(ids.tenant, ids.account, ids.profile);
  const bool other = found && !is_same_view(stored(**found), partial);
  if (other && partial.cmcd && (*found)->ids.get().title != ids.title) {
    // As the owner would have done (take): the session's next title is a view of its own.
    const std::string own = other_view_id(ids.view, ids.title);
    if (!ids.view.ends_with(std::string_view(own).substr(own.find('~', own.size() - 17)))) {
      Ids renamed = ids;
      renamed.view = own;
      partial.ids = PackedIds(renamed);
      forget_idle(ref);
      co_return co_await fold_partial(std::move(partial), of);
    }
  }
  // Else it contradicts its view, and would have been refused by whoever knows that.
  std::optional<std::uint32_t> unstored;
  if (erased || other) {
    ++figures_.inbox_dropped;
  } else if (found) {
    merge_into(**found, partial);
    // Also where it brought nothing: what it says may be on its way, or only this node's own
    // heartbeats, which its journal has, may have gone beyond it.
    const Entry& entry = **found;
    const bool beyond = entry.dirty && of == PartsOf::kInbox;
    if (entry.folded || entry.flushing || awaits_store(entry) || beyond) unstored = entry.number;
  } else {
    partial.active = partial.active && !partial.view.ended();
    Entry& entry = adopt(*account, std::move(partial));
    entry.indexed = false;
    entry.folded = true;
    mark_dirty(entry);
    if (entry.active) publish_view(entry);
    unstored = entry.number;
  }
  forget_idle(ref);
  co_return unstored;
}

// As take_entry sees it of a report: what titles are not told of.
bool Shard::only_moves(const Entry& entry, const StoredView& joined) {
  const Ids had = entry.ids.get(), has = joined.ids.get();
  return entry.active && joined.active && joined.view.state != State::kPaused &&
         joined.view.start == entry.view.start && joined.view.finished() == entry.view.finished() &&
         joined.view.deleted == entry.view.deleted && had.series == has.series &&
         had.next_title == has.next_title;
}

// What the journal does not say: the inbox does, until the store has it.
void Shard::merge_into(Entry& entry, const StoredView& partial) {
  const bool was_active = entry.active;
  StoredView joined = stored(entry);
  // Its player has been heard of since the slot is here. What a former owner's journal says is no
  // more than a part of what he acknowledged.
  const Slot& slot = slots_[entry.slot];
  if (partial.last_arrival > now() - (parts_.clock->monotonic_ms() - slot.gained_ms))
    entry.inherited = false;
  if (!merge(joined, partial, Place::kFixed, options_.rules)) return;
  const bool moved_only = only_moves(entry, joined);
  entry.view = joined.view;
  entry.trail = joined.trail ? std::make_unique<Trail>(*joined.trail) : nullptr;
  entry.import = joined.import ? std::make_unique<Import>(*std::move(joined.import)) : nullptr;
  entry.cmcd = joined.cmcd;
  entry.last_arrival = joined.last_arrival;
  entry.interval_ms = joined.interval_ms;
  entry.expired = joined.expired;
  entry.ids = std::move(joined.ids);
  entry.journalled = false;
  entry.folded = true;
  set_active(entry, joined.active);
  if (moved_only)
    mark_moved(entry);
  else
    mark_dirty(entry);
  if (entry.active) set_deadline(entry);
  if (entry.active) expire_overdue(entry);
  if (entry.active)
    publish_view(entry);
  else if (was_active)
    publish_end(entry, entry.view.reason(), entry.view.cursor.at);
}

void Shard::looked(std::uint16_t bucket, Millis began_ms, Instant began) {
  for (unsigned number = bucket; number < kSlots; number += kInboxBuckets) {
    Slot& slot = slots_[number];
    if (!owns(static_cast<std::uint16_t>(number)) || slot.foreign || slot.gained_ms > began_ms)
      continue;
    if (slot.unread_ms >= began_ms || slots_with_parts_[number]) continue;
    slot.looked_ms = began_ms;
    slot.looked_at = began;
    slot.covered = slot.covered || (slot.drained_ms > 0 && slot.drained_ms <= began_ms);
  }
}

void Shard::drained(Millis at_ms) {
  for (Slot& slot : slots_)
    if (!slot.foreign && slot.gained_ms <= at_ms && slot.drained_ms == 0) slot.drained_ms = at_ms;
}

HowFresh Shard::how_fresh(const AccountRef& ref) {
  if (!in_cluster()) return {.freshness = Freshness::kFresh, .as_of = now()};
  const std::uint16_t number = slot_of(ref.tenant, ref.account);
  const Slot& slot = slots_[number];
  // What nobody has looked at is as old as a checkpoint may be.
  HowFresh out{.freshness = Freshness::kForeign, .as_of = now() - options_.checkpoint_interval_ms};
  if (slot.foreign) return out;
  out.freshness = Freshness::kStale;
  const Millis now_ms = parts_.clock->monotonic_ms();
  if (slot.looked_ms == 0 || now_ms - slot.looked_ms > kLookAgeMaxMs || !holds_lease(number))
    return out;
  // A view that was active under another owner may have said more to him than the store knows, also
  // if it has been silent here.
  bool inherits = false;
  if (Account* account = slot.covered ? nullptr : table_.find_account(ref.tenant, ref.account))
    table_.each_of(*account, [&](const Entry& entry) { inherits = inherits || entry.inherited; });
  if (inherits) return out;
  return {.freshness = Freshness::kFresh, .as_of = slot.looked_at};
}

}  // namespace playhead
