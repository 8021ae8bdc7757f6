// Time passing: expiry, load, and the steady sweep of changed views to the store, slot by slot in
// key order. See docs/architecture.md, "A checkpoint".
#include <algorithm>

#include "base/assert.h"
#include "shard/shard.h"

namespace playhead {

namespace {
constexpr Millis kIntervalFallsMs = 60'000;
}  // namespace

void Shard::tick() {
  const Millis now_ms = parts_.clock->monotonic_ms();
  wheel_.advance(now_ms, [this](std::uint32_t number) { expire(number); });
  journal_full_ = parts_.journal->bytes() >= options_.journal_bytes_max;
  waiting_recent_ = std::max(waiting_, waiting_recent_ - waiting_recent_ / 8);
  if (now_ms - second_ms_ < 1000) return;
  const auto rate = (figures_.reports - reports_at_tick_) * 1000 /
                    static_cast<std::uint64_t>(now_ms - second_ms_);
  reports_at_tick_ = figures_.reports;
  second_ms_ = now_ms;
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

// The slots of mine whose turn has come: one round over all takes a checkpoint interval, and less
// when the journal is more than half full.
Task<Result<void>> Shard::sweep_due() {
  if (sweeping_) co_return Result<void>{};
  const Millis now_ms = parts_.clock->monotonic_ms();
  Millis interval = options_.checkpoint_interval_ms;
  const std::uint64_t bytes = parts_.journal->bytes();
  if (bytes > options_.journal_bytes_max / 2) interval /= 10;
  const std::uint64_t mine = kSlots / parts_.count + 1;
  const auto due =
      std::min<std::uint64_t>(mine, static_cast<std::uint64_t>(now_ms - round_start_ms_) * mine /
                                        static_cast<std::uint64_t>(std::max<Millis>(interval, 1)));
  // What was imported since an erasure is hidden until the store has been told of it again.
  std::vector<std::uint16_t> slots = std::exchange(replayed_erasures_, {});
  for (; round_next_ < due; ++round_next_) {
    const std::uint32_t slot = round_next_ * parts_.count + parts_.index;
    if (slot < kSlots) slots.push_back(static_cast<std::uint16_t>(slot));
  }
  if (round_next_ >= mine) {
    round_next_ = 0;
    round_start_ms_ = now_ms;
  }
  co_return co_await sweep(std::move(slots));
}

Task<Result<void>> Shard::sweep_all() {
  while (sweeping_) co_await sweep_end();
  std::vector<std::uint16_t> slots;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot)
    if (owns(slot)) slots.push_back(slot);
  co_return co_await sweep(std::move(slots));
}

Task<Result<void>> Shard::sweep(std::vector<std::uint16_t> slots) {
  sweeping_ = true;
  Result<void> result;
  std::size_t next = 0;
  while (next < slots.size() && result) {
    std::vector<Change> changes;
    std::vector<std::uint32_t> numbers;
    std::vector<std::uint16_t> gathered;
    while (next < slots.size() && changes.size() < options_.sweep_rows_max) {
      gather(slots[next], changes, numbers);
      gathered.push_back(slots[next++]);
    }
    if (!changes.empty()) {
      figures_.store_rows += changes.size();
      result = co_await parts_.store->write(std::move(changes));
      figures_.sweep_errors += !result;
    }
    swept(gathered, numbers, result.has_value());
  }
  sweeping_ = false;
  for (const auto& waiter : std::exchange(sweep_waiters_, {})) waiter->signal();
  co_return result;
}

// Takes what has changed in the slot. From here on its views are unchanged, and their next reports
// are journalled with all their identity, so that older frames can go.
void Shard::gather(std::uint16_t number, std::vector<Change>& changes,
                   std::vector<std::uint32_t>& numbers) {
  Slot& slot = slots_[number];
  if (!slot.dirty_since) return;
  PLAYHEAD_ASSERT(!slot.flushing_since);
  slot.flushing_since = std::exchange(slot.dirty_since, std::nullopt);
  slot.flushing_erasures = std::exchange(slot.erasures, {});
  for (const EraseChange& erasure : slot.flushing_erasures) changes.emplace_back(erasure);
  slot.flushing = std::exchange(slot.titles, {});
  for (const auto& [key, change] : slot.flushing) changes.emplace_back(change);
  std::vector<std::uint32_t> changed;
  table_.each_in_slot(number, [&](Entry& entry) {
    if (entry.dirty) changed.push_back(entry.number);
  });
  for (const std::uint32_t id : changed) {
    Entry& entry = table_.at(id);
    entry.dirty = false;
    entry.flushing = true;
    entry.journalled = false;
    const Ids ids = entry.ids.get();
    const TitleState delta = contribution(entry.view, {.view = ids.view,
                                                       .device = ids.device,
                                                       .series = ids.series,
                                                       .next_title = ids.next_title});
    if (delta != TitleState{})
      changes.emplace_back(TitleChange{
          .profile = {std::string(ids.tenant), std::string(ids.account), std::string(ids.profile)},
          .title = std::string(ids.title),
          .delta = delta});
    changes.emplace_back(ViewChange{.view = stored(entry), .first = !entry.indexed});
  }
  numbers.insert(numbers.end(), changed.begin(), changed.end());
}

void Shard::swept(const std::vector<std::uint16_t>& slots,
                  const std::vector<std::uint32_t>& numbers, bool written) {
  for (const std::uint16_t number : slots) {
    Slot& slot = slots_[number];
    if (!slot.flushing_since) continue;
    const FrameNumber since = *std::exchange(slot.flushing_since, std::nullopt);
    if (!written) {
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
  for (const std::uint32_t number : numbers) {
    Entry& entry = table_.at(number);
    entry.flushing = false;
    if (!written) {
      entry.dirty = true;
      continue;
    }
    entry.indexed = true;
    evict_if_idle(entry);
  }
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
