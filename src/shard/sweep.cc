// Time passing: expiry, load, and the steady sweep of changed views to the store, slot by slot in
// key order. See docs/architecture.md, "A checkpoint".
#include <algorithm>
#include <bitset>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <iterator>

#include "shard/shard.h"

namespace playhead {

namespace {
constexpr Millis kIntervalFallsMs = 60'000;
// In a cluster what the store has of a view is at most a checkpoint interval old: a round begins so
// much earlier, for what it writes is not there at once.
constexpr Millis kWriteMsMax = 5'000;
}  // namespace

void Shard::tick() {
  const Millis now_ms = parts_.clock->monotonic_ms();
  wheel_.advance(now_ms, [this](std::uint32_t number) { expire(number); });
  look_after_through();
  end_step_back();
  forget_late_handed();
  settle_end_.wake();  // for some it may have taken too long
  journal_full_ = parts_.journal->bytes() >= options_.journal_bytes_max;
  waiting_recent_ = std::max(waiting_, waiting_recent_ - waiting_recent_ / 8);
  if (now_ms - second_ms_ < 1000) return;
  const auto rate = (figures_.reports - reports_at_tick_) * 1000 /
                    static_cast<std::uint64_t>(now_ms - second_ms_);
  reports_at_tick_ = figures_.reports;
  second_ms_ = now_ms;
  // Also while the node stops, when nothing else is swept any more.
  if (in_cluster() && !giving_parts_.under_way)
    boost::asio::co_spawn(parts_.executor, give_parts(), boost::asio::detached);
  adapt_interval(rate);
  publish_positions();
}

// The interval grows with the load, in whole multiples of what is asked for without any: each
// change is journalled with each view's next report (take_entry). It rises at once, and falls by
// one a minute.
void Shard::adapt_interval(std::uint64_t reports_per_s) {
  const auto base = static_cast<std::uint64_t>(options_.report_interval_ms);
  const std::uint64_t high = std::max<std::uint32_t>(options_.reports_per_s_high, 1);
  const std::uint64_t wanted =
      std::clamp<std::uint64_t>((reports_per_s + high - 1) / high * base, base,
                                static_cast<std::uint64_t>(std::max(options_.report_interval_max_ms,
                                                                    options_.report_interval_ms)));
  if (wanted >= interval_ms_) {
    interval_ms_ = static_cast<std::uint32_t>(wanted);
    interval_since_ms_ = second_ms_;
  } else if (second_ms_ - interval_since_ms_ >= kIntervalFallsMs) {
    interval_ms_ -=
        static_cast<std::uint32_t>(std::min<std::uint64_t>(base, interval_ms_ - wanted));
    interval_since_ms_ = second_ms_;
  }
}

// The slots of mine whose turn has come: one round over all takes a checkpoint interval or a bit
// less, and a tenth when the journal is more than half full.
Task<Result<void>> Shard::sweep_due() {
  if (sweeping_.under_way) co_return Result<void>{};
  const Millis now_ms = parts_.clock->monotonic_ms();
  Millis interval = options_.checkpoint_interval_ms;
  if (in_cluster()) interval -= std::min(kWriteMsMax, interval / 8);
  const std::uint64_t bytes = parts_.journal->bytes();
  if (bytes > options_.journal_bytes_max / 2) interval /= 10;
  const std::uint64_t mine = kSlots / parts_.count + 1;
  const auto due =
      std::min<std::uint64_t>(mine, static_cast<std::uint64_t>(now_ms - round_start_ms_) * mine /
                                        static_cast<std::uint64_t>(std::max<Millis>(interval, 1)));
  // What was imported since an erasure is hidden until the store has been told of it again.
  std::vector<std::uint16_t> slots = std::exchange(replayed_erasures_, {});
  std::ranges::move(parts_in_the_way(), std::back_inserter(slots));
  std::vector<std::uint16_t> with_parts;
  for (std::uint16_t slot = 0; slots_with_parts_.any() && slot < kSlots; ++slot) {
    if (!slots_with_parts_[slot]) continue;
    slots_with_parts_[slot] = has_parts(slot);
    if (slots_with_parts_[slot]) with_parts.push_back(slot);
  }
  for (; round_next_ < due; ++round_next_) {
    const std::uint32_t slot = round_next_ * parts_.count + parts_.index;
    if (slot < kSlots && !slots_[slot].foreign) slots.push_back(static_cast<std::uint16_t>(slot));
  }
  if (round_next_ >= mine) {
    round_next_ = 0;
    round_start_ms_ = now_ms;
  }
  co_return co_await sweep(sweeping_, std::move(slots), std::move(with_parts));
}

Task<Result<void>> Shard::sweep_all() {
  while (sweeping_.under_way || giving_parts_.under_way)
    co_await (sweeping_.under_way ? sweeping_ : giving_parts_).end.wait();
  std::vector<std::uint16_t> slots;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot)
    if (owns(slot)) slots.push_back(slot);
  co_return co_await sweep(sweeping_, std::move(slots));
}

// What waits for others is in nobody's answer. That they may take long over it keeps no checkpoint
// waiting.
Task<> Shard::give_parts() {
  std::vector<std::uint16_t> slots;
  for (std::uint16_t number = 0; number < kSlots; ++number) {
    const Slot& slot = slots_[number];
    if (slot.foreign && slot.gaining == 0 && slot.dirty_since && !awaits_owner(slot))
      slots.push_back(number);
  }
  if (!slots.empty()) (void)co_await sweep(giving_parts_, std::move(slots));
}

Task<Result<void>> Shard::sweep(Sweep& kind, std::vector<std::uint16_t> slots,
                                std::vector<std::uint16_t> with_parts) {
  kind.under_way = true;
  Result<void> result = co_await sweep_each(with_parts, &Shard::gather_parts);
  if (result) result = co_await sweep_each(slots, &Shard::gather);
  kind.under_way = false;
  kind.end.wake();
  co_return result;
}

Task<Result<void>> Shard::sweep_each(const std::vector<std::uint16_t>& slots, Gather gather) {
  Result<void> result;
  std::size_t next = 0;
  while (next < slots.size() && result) {
    Handing handing;
    while (next < slots.size() &&
           handing.changes.size() + handing.rows.size() < options_.sweep_rows_max)
      (this->*gather)(slots[next++], handing);
    result = co_await hand_in(handing);
    swept(handing, result.has_value());
  }
  co_return result;
}

Task<Result<void>> Shard::hand_in(Handing& handing) {
  Result<void> result;
  if (handing.changes.empty() && handing.rows.empty()) co_return result;
  if (!handing.changes.empty()) {
    figures_.store_rows += handing.changes.size();
    result = co_await parts_.store->write(std::move(handing.changes));
  }
  if (result && !handing.rows.empty()) {
    figures_.inbox_rows += handing.rows.size();
    Inbox* to = parts_.owners != nullptr ? parts_.owners : parts_.inbox;
    result = co_await to->append(std::move(handing.rows));
  }
  figures_.sweep_errors += !result;
  if (result) store_away_ = false;
  co_return result;
}

// Takes what has changed in the slot. From here on its views are unchanged, and their next reports
// are journalled with all their identity, so that older frames can go.
void Shard::gather(std::uint16_t number, Handing& handing) {
  Slot& slot = slots_[number];
  // It may be named twice: as a foreign one, and because its turn has come.
  if (!slot.dirty_since || slot.flushing_since) return;
  // With the lease gone another may own the slot by now, and have newer rows than these.
  if (!slot.foreign && in_cluster() && !may_store(number)) return;
  slot.flushing_since = std::exchange(slot.dirty_since, std::nullopt);
  slot.gathered_ms = parts_.clock->monotonic_ms();
  handing.parts.push_back({.slot = number, .epoch = slot.epoch});
  // An erasure that was cut off was never acknowledged, and only a slot's owner may erase.
  if (slot.foreign) slot.erasures.clear();
  slot.flushing_erasures = std::exchange(slot.erasures, {});
  for (const EraseChange& erasure : slot.flushing_erasures) handing.changes.emplace_back(erasure);
  slot.flushing = std::exchange(slot.titles, {});
  for (auto& [key, change] : slot.flushing) {
    change.unless_erased = slot.foreign;
    handing.changes.emplace_back(change);
  }
  if (slot.foreign) return gather_foreign(number, handing);
  table_.each_in_slot(number, [&](Entry& entry) {
    if (!entry.dirty) return;
    if (entry.part) return gather_part(entry, handing);
    add_changes(entry, handing.changes);
    entry.dirty = false;
    entry.flushing = true;
    entry.journalled = false;
    handing.numbers.push_back(entry.number);
  });
}

// Views of mine that are not whole here, as the store was away: nobody knows them until a look into
// the inbox has joined them, so they do not wait for all else that has changed in their slots.
void Shard::gather_parts(std::uint16_t number, Handing& handing) {
  Slot& slot = slots_[number];
  if (!slot.dirty_since || slot.flushing_since || slot.foreign || !may_store(number)) return;
  slot.flushing_since = slot.dirty_since;  // it stays changed: the rest has its turn
  slot.gathered_ms = parts_.clock->monotonic_ms();
  handing.parts.push_back({.slot = number, .epoch = slot.epoch});
  table_.each_in_slot(number, [&](Entry& entry) {
    if (entry.dirty && entry.part) gather_part(entry, handing);
  });
}

// Whether the store may not have it in its places as what it is: listed, and not over. What is on
// its way may yet fail, and this write is what lets the journal go, or a report be acknowledged.
bool Shard::lacks_places(const Entry& entry, bool active) const {
  return !in_cluster() || !entry.indexed || !entry.listed || !active || entry.view.deleted ||
         entry.through_writing || entry.flushing;
}

Millis Shard::owned_until_ms() const {
  return in_cluster() ? parts_.fresh->fresh_until_ms() : std::numeric_limits<Millis>::max();
}

// What the store gets of a view: what its title takes from it, then itself. In a cluster an active
// view costs one row a checkpoint, and one for most changes of its state: reads lay active views
// over titles and history.
void Shard::add_changes(Entry& entry, std::vector<Change>& changes) {
  StoredView view = stored_for_others(entry);
  const bool places = lacks_places(entry, view.active);
  if (places || entry.title_due) {
    const Ids ids = entry.ids.get();
    const TitleState delta = contribution_of(entry.view, ids);
    if (delta != TitleState{})
      changes.emplace_back(TitleChange{
          .profile = {std::string(ids.tenant), std::string(ids.account), std::string(ids.profile)},
          .title = std::string(ids.title),
          .delta = delta});
  }
  entry.listed = view.active;
  changes.emplace_back(ViewChange{.view = std::move(view),
                                  .first = !entry.indexed,
                                  .position_only = !places,
                                  .until_ms = owned_until_ms()});
  entry.title_due = entry.folded = false;  // until it fails, as below
}

// Of what was on its way nobody knows what has arrived.
void Shard::not_stored(Entry& entry) {
  entry.title_due = entry.folded = true;
  entry.listed = false;
}

// A write by whom the slot has left meanwhile may have come too late for the one who took it: it
// counts for nothing, and what it said goes to the inbox.
void Shard::swept(const Handing& handing, bool written) {
  std::vector<std::uint16_t> foreign;
  std::vector<std::uint32_t> parts;
  std::bitset<kSlots> done_slots;
  for (const auto& [number, epoch] : handing.parts) {
    Slot& slot = slots_[number];
    if (slot.foreign) foreign.push_back(number);
    const bool done = written && (epoch == 0 || (slot.epoch == epoch && may_store(number)));
    done_slots[number] = done;
    const FrameNumber since = *std::exchange(slot.flushing_since, std::nullopt);
    if (!done) {
      slot.dirty_since = std::min(since, slot.dirty_since.value_or(since));
      for (auto& [key, change] : slot.flushing) {
        auto [kept, added] = slot.titles.try_emplace(key, change);
        if (!added) kept->second.delta.merge(change.delta);
      }
      slot.erasures.insert(slot.erasures.begin(), slot.flushing_erasures.begin(),
                           slot.flushing_erasures.end());
    } else {
      figures_.erasures += slot.flushing_erasures.size();
      for (const EraseChange& erasure : slot.flushing_erasures)
        if (Account* account = table_.find_account(erasure.account.tenant, erasure.account.account))
          ++account->purges;
    }
    slot.flushing.clear();
    slot.flushing_erasures.clear();
  }
  for (const std::uint32_t number : handing.numbers) {
    Entry& entry = table_.at(number);
    entry.flushing = false;
    if (!done_slots[entry.slot]) {
      entry.dirty = true;
      not_stored(entry);
      continue;
    }
    if (is_part(entry)) {
      if (!entry.dirty) parts.push_back(number);
      continue;
    }
    entry.indexed = true;
    if (!entry.dirty) entry.through_wanted = entry.unstored = false;
    if (!slots_[entry.slot].foreign) evict_if_idle(entry);
  }
  forget_parts(std::move(parts));
  if (!foreign.empty()) forget_foreign(foreign);
  settle_end_.wake();
}

FrameNumber Shard::low_water() const {
  // What is written from now on gets a number above every durable one.
  FrameNumber low = parts_.journal->extent().last + 1;
  for (const Slot& slot : slots_) {
    if (slot.dirty_since) low = std::min(low, *slot.dirty_since);
    if (slot.flushing_since) low = std::min(low, *slot.flushing_since);
  }
  return low;
}

}  // namespace playhead
