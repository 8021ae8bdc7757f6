// A frame on the disk: its number, its length, a hash of both and of its bytes, its bytes.
#include "sim/sim_journal.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/hash.h"
#include "record/bytes.h"

namespace playhead::sim {
namespace {

constexpr std::size_t kHeadBytes = 3 * sizeof(std::uint64_t);

std::string with_head(FrameNumber number, std::string_view body) {
  std::string out;
  put_fixed(out, number);
  put_fixed(out, std::uint64_t{body.size()});
  put_fixed(out, hash_bytes(body, hash_bytes(out)));
  out += body;
  return out;
}

}  // namespace

SimJournal::SimJournal(Disk& disk, Timeline& timeline, Faults& faults)
    : disk_(disk), timeline_(timeline), faults_(faults) {
  const std::string& all = disk.read();
  std::size_t at = 0;
  while (all.size() - at >= kHeadBytes) {
    Reader head(std::string_view(all).substr(at, kHeadBytes));
    const auto number = head.fixed<std::uint64_t>();
    const auto size = head.fixed<std::uint64_t>();
    if (size > all.size() - at - kHeadBytes) break;
    std::string body = all.substr(at + kHeadBytes, size);
    if (with_head(number, body) != std::string_view(all).substr(at, kHeadBytes + size)) break;
    PLAYHEAD_ASSERT(frames_.empty() || number == last_ + 1);
    if (frames_.empty()) first_ = number;
    frames_.push_back({number, kHeadBytes + size, std::move(body)});
    last_ = number;
    at += kHeadBytes + size;
  }
  bytes_ = at;
  disk.cut(at);
}

void SimJournal::append(std::string frame, Done done) {
  if (failed_) return done(fail(Errc::kUnavailable, "the simulated journal has failed"));
  waiting_.push_back({std::move(frame), std::move(done)});
  if (syncing_.empty()) start_sync();
}

// Writes all that wait; a crash before the sync's end may tear it.
void SimJournal::start_sync() {
  syncing_ = std::exchange(waiting_, {});
  FrameNumber number = last_;
  for (const Waiting& each : syncing_) disk_.append(with_head(++number, each.bytes));
  Millis takes = static_cast<Millis>(1 + faults_.prng().below(20));
  if (faults_.strikes(Fault::kSlowSync))
    takes = static_cast<Millis>(500 + faults_.prng().below(5'000));
  const bool failed = faults_.strikes(Fault::kFailedSync);
  timeline_.in(takes, [this, alive = alive_, failed] {
    if (*alive) end_sync(failed);
  });
}

void SimJournal::end_sync(bool failed) {
  auto done = std::exchange(syncing_, {});
  failed_ = failed;
  if (!failed) disk_.sync();
  const FrameNumber first = last_ + 1;
  if (!failed) {
    for (const Waiting& each : done) {
      frames_.push_back({++last_, kHeadBytes + each.bytes.size(), {}});
      bytes_ += frames_.back().bytes;
    }
  }
  FrameNumber number = first;
  for (Waiting& each : done) {
    if (failed)
      each.done(fail(Errc::kUnavailable, "the simulated sync failed"));
    else
      each.done(number++);
  }
  if (failed)
    for (Waiting& each : std::exchange(waiting_, {}))
      each.done(fail(Errc::kUnavailable, "the simulated journal has failed"));
  else if (!waiting_.empty())
    start_sync();
}

void SimJournal::kill() {
  *alive_ = false;
  failed_ = true;
  for (auto* list : {&syncing_, &waiting_})
    for (Waiting& each : std::exchange(*list, {}))
      each.done(fail(Errc::kUnavailable, "the process is gone"));
}

Result<void> SimJournal::replay(const Visitor& visit) const {
  for (const Frame& frame : frames_) {
    if (frame.number <= disk_.noted()) continue;
    if (auto visited = visit(frame.number, frame.body); !visited) return visited;
  }
  return {};
}

Result<void> SimJournal::drop_through(FrameNumber last) {
  if (!*alive_) return fail(Errc::kUnavailable, "the process is gone");
  std::size_t bytes = 0;
  // The newest frame stays: it tells the next process its number.
  while (frames_.size() > 1 && frames_.front().number <= last) {
    bytes += frames_.front().bytes;
    frames_.pop_front();
  }
  if (!frames_.empty()) first_ = frames_.front().number;
  bytes_ -= bytes;
  disk_.drop(bytes);
  return {};
}

Result<void> SimJournal::note_stored(FrameNumber last) {
  if (!*alive_) return fail(Errc::kUnavailable, "the process is gone");
  disk_.note(std::max(disk_.noted(), std::min(last, last_)));
  return {};
}

Journal::Extent SimJournal::extent() const { return {.first = first_, .last = last_}; }

}  // namespace playhead::sim
