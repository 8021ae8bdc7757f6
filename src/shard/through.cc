// In a cluster the store has every start, pause, change of state and end before it is acknowledged,
// so that none of them hangs on one node's disk. Heartbeats wait for a checkpoint.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "shard/shard.h"

namespace playhead {
namespace {

// A store that has not answered for so long is away: the journal's word is enough, until a sweep
// has found it again. Nor does a report wait longer that has to wait for its turn before.
// Less than another node waits that has passed something on (kPassingMs).
constexpr Millis kThroughMaxMs = 500;
// For all that a report waits for, at all nodes: with what it takes to pass it on, and a tick, it
// is acknowledged within a second.
constexpr Millis kWaitMaxMs = 550;
// Of what was folded, in one write: reports that come meanwhile wait for it.
constexpr std::size_t kFoldedMax = 64;

}  // namespace

// An entry of the slot's owner stays changed: a sweep writes it once more, which is what lets the
// journal go. A part is the inbox's when it is there.
void Shard::write_through(std::uint32_t number, const std::shared_ptr<Ticket>& ticket,
                          bool follows) {
  if (!in_cluster()) return;
  Entry& entry = table_.at(number);
  entry.through_wanted = true;
  // What follows on something unstored is stored with it, by a checkpoint: a store that has just
  // come back has enough to do.
  if (store_away_ || is_part(entry) || (follows && entry.unstored)) {
    ++figures_.through_errors;
    ticket->outcome.unstored = entry.unstored = true;
    return;
  }
  join_through({.number = number, .ticket = ticket, .since_ms = parts_.clock->monotonic_ms()});
}

bool Shard::has_waited(const Ticket& ticket) const {
  return parts_.clock->monotonic_ms() - ticket.began_ms() >= kWaitMaxMs;
}

void Shard::join_through(ThroughWait one) {
  one.ticket->hold();
  if (!one.patient && has_waited(*one.ticket)) end_wait(one, false);
  through_.push_back(std::move(one));
  if (std::exchange(writing_through_, true)) return;
  boost::asio::co_spawn(parts_.executor, write_all_through(), boost::asio::detached);
}

// What came out of the inbox, and stays there until this has returned: nobody waits for an answer,
// and so this waits for the store's word as long as that takes. Errors: unavailable.
Task<Result<void>> Shard::store_folded(std::vector<std::uint32_t> numbers) {
  std::ranges::sort(numbers);
  numbers.erase(std::ranges::unique(numbers).begin(), numbers.end());
  for (std::size_t begin = 0; begin < numbers.size(); begin += kFoldedMax) {
    const auto ticket = std::make_shared<Ticket>();
    for (std::size_t i = begin; i < std::min(begin + kFoldedMax, numbers.size()); ++i)
      join_through({.number = numbers[i], .ticket = ticket, .patient = true});
    co_await ticket->wait();
    if (ticket->outcome.unstored)
      co_return fail(Errc::kUnavailable, "the store did not take what was folded");
  }
  co_return Result<void>{};
}

// Whoever repeats what is on its way, or could not be stored, waits for it as well.
bool Shard::awaits_store(const Entry& entry) const {
  return entry.through_wanted || entry.through_writing;
}

// One write at a time; what comes meanwhile goes with the next.
Task<> Shard::write_all_through() {
  co_await boost::asio::post(parts_.executor, boost::asio::use_awaitable);
  while (!through_.empty()) {
    through_now_ = std::exchange(through_, {});
    through_began_ms_ = parts_.clock->monotonic_ms();
    std::vector<std::uint32_t> numbers;
    for (const ThroughWait& one : through_now_) numbers.push_back(one.number);
    std::ranges::sort(numbers);
    numbers.erase(std::ranges::unique(numbers).begin(), numbers.end());
    figures_.through_rows += numbers.size();
    storing_through_ = true;
    const bool stored = co_await store_now(std::move(numbers));
    storing_through_ = false;
    through_end_.wake();
    if (stored) store_away_ = false;
    end_through(through_now_, stored);
  }
  writing_through_ = false;
}

void Shard::end_through(Through& batch, bool stored) {
  for (ThroughWait& one : std::exchange(batch, {})) end_wait(one, stored);
}

void Shard::end_wait(ThroughWait& one, bool stored) {
  if (!one.ticket) return;
  figures_.through_errors += !stored;
  if (!stored) table_.at(one.number).unstored = true;
  one.ticket->outcome.unstored = one.ticket->outcome.unstored || !stored;
  std::exchange(one.ticket, nullptr)->release();
}

// Those who wait for an answer get it.
void Shard::lose_patience(Through& batch) {
  Through patient, others;
  for (ThroughWait& one : std::exchange(batch, {}))
    (one.patient ? patient : others).push_back(std::move(one));
  batch = std::move(patient);
  end_through(others, false);
}

// A report that has waited too long gets an answer; the entry keeps its turn. Of acts none says
// "unstored": they wait for their own write as well.
void Shard::answer_overdue(Through& batch) {
  const Millis now_ms = parts_.clock->monotonic_ms();
  for (ThroughWait& one : batch)
    if (!one.patient && one.ticket && one.ticket->began_ms() != kNobodyWaits &&
        (now_ms - one.since_ms >= kThroughMaxMs || has_waited(*one.ticket)))
      end_wait(one, false);
}

void Shard::look_after_through() {
  if (!storing_through_) return;
  answer_overdue(through_now_);
  answer_overdue(through_);
  if (parts_.clock->monotonic_ms() - through_began_ms_ < kThroughMaxMs) return;
  store_away_ = true;
  lose_patience(through_now_);
  lose_patience(through_);
}

// Its slot has been dirty all the while (gather), so the journal has what did not arrive.
void Shard::end_part(Entry& entry, bool appended) {
  if (!entry.through_writing) return;  // another view's by now
  entry.flushing = false;
  entry.dirty = entry.dirty || !appended;
}

// False: the store is away, or said so when the slot had left; the journal has it all, and a sweep
// brings it in. An entry that has gone meanwhile has been stored by a sweep, or erased.
Task<bool> Shard::store_now(std::vector<std::uint32_t> numbers) {
  std::vector<Change> changes;
  std::vector<InboxRow> rows;
  std::vector<SlotEpoch> slots;
  std::vector<std::uint32_t> owned, parts;
  for (const std::uint32_t number : numbers) {
    Entry& entry = table_.at(number);
    if (entry.hash == 0 || is_part(entry)) continue;  // a part never waits: this was another view
    entry.through_wanted = false;
    if (slots_[entry.slot].foreign || !holds_lease(entry.slot)) {
      entry.through_writing = true;
      rows.push_back(inbox_row(entry));
      if (!slots_[entry.slot].foreign) continue;
      parts.push_back(number);
      entry.dirty = entry.journalled = false;
      entry.flushing = true;
      continue;
    }
    slots.push_back({entry.slot, slots_[entry.slot].epoch});
    owned.push_back(number);
    add_changes(entry, changes);
    entry.through_writing = true;
  }
  bool stored = true;
  if (!changes.empty()) stored = (co_await parts_.store->write(std::move(changes))).has_value();
  if (!rows.empty()) {
    const bool appended = (co_await parts_.inbox->append(std::move(rows))).has_value();
    for (const std::uint32_t number : parts) end_part(table_.at(number), appended);
    stored = stored && appended;
  }
  for (const auto& [slot, epoch] : slots)
    stored = stored && slots_[slot].epoch == epoch && holds_lease(slot);
  // An entry whose number is another view's by now is not being written.
  for (const std::uint32_t number : owned) {
    Entry& entry = table_.at(number);
    if (!entry.through_writing) continue;
    entry.indexed = entry.indexed || stored;
    if (!stored) not_stored(entry);
  }
  for (const std::uint32_t number : numbers) {
    Entry& entry = table_.at(number);
    entry.through_wanted = entry.through_wanted || (entry.through_writing && !stored);
    if (entry.through_writing && stored) entry.unstored = false;
    entry.through_writing = false;
  }
  co_return stored;
}

}  // namespace playhead
