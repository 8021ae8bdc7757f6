// Records into frames, frames into the journal, and the tickets that wait for them.
#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/assert.h"
#include "shard/shard.h"

namespace playhead {

FrameWriter& Shard::writer() {
  if (!open_.writer)
    open_.writer = std::make_unique<FrameWriter>(FrameHead{
        .boot = parts_.boot, .shard = parts_.index, .shards = parts_.count, .arrival = now()});
  return *open_.writer;
}

// Asked before memory is changed: what memory has, the journal must get.
std::optional<Error> Shard::refusal() const {
  if (failed_) return Error{Errc::kUnavailable, "the journal has failed; the server stops"};
  if (journal_full_)
    return Error{Errc::kOverloaded, "the journal is full; retry when it has been written"};
  const std::uint64_t open_bytes = open_.writer ? open_.writer->bytes() : 0;
  if (in_flight_.size() >= options_.waiting_frames_max ||
      in_flight_bytes_ + open_bytes >= options_.waiting_bytes_max)
    return Error{Errc::kOverloaded, "the disk is too far behind; retry later"};
  return std::nullopt;
}

// The record that is about to be written lies in a frame above every frame known durable.
void Shard::mark_slot(std::uint16_t slot) {
  if (!slots_[slot].dirty_since) slots_[slot].dirty_since = durable_ + 1;
}

void Shard::mark_dirty(Entry& entry) {
  entry.title_due = true;
  mark_moved(entry);
}

// Nothing has changed but where it stands, and what follows from that.
void Shard::mark_moved(Entry& entry) {
  entry.dirty = true;
  mark_slot(entry.slot);
}

void Shard::journal_snapshot(Entry& entry) {
  writer().snapshot(entry.number, entry.slot, stored(entry));
  entry.journalled = true;
}

void Shard::journal_heartbeat(Entry& entry, const Stamped& stamped, Instant arrival, bool late) {
  writer().heartbeat({.number = entry.number, .arrival = arrival, .late = late, .report = stamped});
}

// A ticket whose reports changed nothing still waits for the frames that hold what they repeat.
void Shard::wait_for_frame(const std::shared_ptr<Ticket>& ticket) {
  if (failed_) {
    ticket->hold();
    return ticket->release(Error{Errc::kUnavailable, "the journal has failed; the server stops"});
  }
  if (!open_.writer && in_flight_.empty()) return;
  ticket->hold();
  ++waiting_;
  waiting_recent_ = std::max(waiting_recent_, waiting_);
  if (!open_.writer) {
    in_flight_.back().waiters.push_back(ticket);
    return;
  }
  open_.waiters.push_back(ticket);
  if (open_.writer->records() >= options_.frame_records_max) return close_frame();
  // While a sync is under way the frame would only wait for it: it fills up meanwhile.
  if (in_flight_.empty()) close_soon();
}

// Now if the frame holds half of what is in flight, else after the reads that are ready: that is
// when it has all it will get.
void Shard::close_soon() {
  const bool half = open_.waiters.size() >= std::max<std::size_t>(1, waiting_recent_ / 2);
  if (half) return close_frame();
  if (close_posted_) return;
  close_posted_ = true;
  boost::asio::post(parts_.executor, [this] {
    close_posted_ = false;
    if (open_.writer && in_flight_.empty()) close_frame();
  });
}

void Shard::close_frame() {
  PLAYHEAD_ASSERT(open_.writer != nullptr);
  std::string bytes = open_.writer->finish();
  open_.writer.reset();
  ++figures_.frames;
  figures_.frame_bytes += bytes.size();
  in_flight_bytes_ += bytes.size();
  in_flight_.push_back({bytes.size(), std::exchange(open_.waiters, {})});
  parts_.journal->append(std::move(bytes), [this](Result<FrameNumber> result) mutable {
    boost::asio::post(parts_.executor, [this, result = std::move(result)]() mutable {
      on_durable(std::move(result));
    });
  });
}

// Frames become durable in the order in which they were appended.
void Shard::on_durable(Result<FrameNumber> result) {
  PLAYHEAD_ASSERT(!in_flight_.empty());
  const auto [bytes, waiters] = std::move(in_flight_.front());
  in_flight_.pop_front();
  in_flight_bytes_ -= bytes;
  waiting_ -= static_cast<std::uint32_t>(waiters.size());
  if (result) {
    durable_ = std::max(durable_, *result);
    for (const auto& ticket : waiters) ticket->release();
    if (!open_.waiters.empty() && in_flight_.empty()) close_soon();
    return;
  }
  const bool first = !failed_;
  failed_ = true;
  for (const auto& ticket : waiters) ticket->release(result.error());
  // The open frame will never be written.
  for (const auto& ticket : std::exchange(open_.waiters, {})) {
    --waiting_;
    ticket->release(result.error());
  }
  if (first && parts_.fatal) parts_.fatal(result.error());
}

// Waits until everything that was written so far is durable.
Task<Result<void>> Shard::durable() {
  auto ticket = std::make_shared<Ticket>();
  wait_for_frame(ticket);
  co_await ticket->wait();
  if (ticket->failure()) co_return std::unexpected(*ticket->failure());
  co_return Result<void>{};
}

}  // namespace playhead
