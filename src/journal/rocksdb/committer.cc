// One loop: take all that waits, write it with one sync, answer in order.
#include "journal/rocksdb/committer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/assert.h"

namespace playhead {

Committer::Committer(Limits limits, FrameNumber last, Write write)
    : limits_(limits), write_(std::move(write)), last_(last) {
  thread_ = std::thread([this] { run(); });
}

Committer::~Committer() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Committer::append(std::string frame, Journal::Done done) {
  PLAYHEAD_ASSERT(!frame.empty());
  bool wake = false;
  {
    const std::scoped_lock lock(mutex_);
    PLAYHEAD_ASSERT(!stopping_);
    Waiting waiting{.frame = std::move(frame), .done = std::move(done), .refused = std::nullopt};
    const std::uint64_t bytes = waiting.frame.size();
    if (failure_) {
      waiting.refused = failure_;
    } else if (waiting_frames_ >= limits_.waiting_frames_max ||
               waiting_bytes_ + bytes > limits_.waiting_bytes_max) {
      waiting.refused = Error{Errc::kOverloaded, "too many frames wait for the journal's disk"};
    }
    if (waiting.refused) {
      waiting.frame = {};
    } else {
      waiting_bytes_ += bytes;
      ++waiting_frames_;
    }
    waiting_.push_back(std::move(waiting));
    wake = std::exchange(idle_, false);
  }
  if (wake) wake_.notify_one();
}

void Committer::fail(const Error& error) {
  const std::scoped_lock lock(mutex_);
  if (failure_) return;
  failure_ = Error{Errc::kUnavailable,
                   "the journal has failed, nothing is acknowledged any more: " + error.detail};
}

std::optional<Error> Committer::failure() const {
  const std::scoped_lock lock(mutex_);
  return failure_;
}

RocksJournalFigures Committer::figures() const {
  const std::scoped_lock lock(mutex_);
  return figures_;
}

void Committer::run() {
  while (take()) answer(write());
}

// Takes the next group; false when there is none and none will come.
bool Committer::take() {
  std::unique_lock lock(mutex_);
  while (waiting_.empty()) {
    if (stopping_) return false;
    idle_ = true;
    wake_.wait(lock, [this] { return !waiting_.empty() || stopping_; });
  }
  idle_ = false;
  std::uint64_t bytes = 0;
  while (!waiting_.empty()) {
    Waiting& next = waiting_.front();
    if (!group_.empty() && bytes + next.frame.size() > limits_.group_bytes_max) break;
    bytes += next.frame.size();
    if (!next.refused) frames_.push_back(std::move(next.frame));
    group_.push_back(std::move(next));
    waiting_.pop_front();
  }
  return true;
}

Result<void> Committer::write() {
  if (frames_.empty()) return {};
  if (const auto failed = failure()) return std::unexpected(*failed);
  // Only for the figures: nothing is decided by this clock.
  const auto start = std::chrono::steady_clock::now();
  const Result<void> written = write_(last() + 1, frames_);
  const auto spent = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - start);
  if (!written) {
    fail(written.error());
    return std::unexpected(*failure());
  }
  const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(spent.count(), 0));
  const auto bucket = std::ranges::lower_bound(RocksJournalFigures::kSyncUsBounds, us) -
                      RocksJournalFigures::kSyncUsBounds.begin();
  const std::scoped_lock lock(mutex_);
  ++figures_.syncs;
  figures_.sync_us += us;
  ++figures_.sync_us_buckets[static_cast<std::size_t>(bucket)];
  figures_.frames += frames_.size();
  for (const std::string& frame : frames_) figures_.bytes += frame.size();
  return {};
}

void Committer::answer(const Result<void>& written) {
  std::uint64_t bytes = 0;
  for (const std::string& frame : frames_) bytes += frame.size();
  std::uint64_t refused = group_.size() - (written ? frames_.size() : 0);
  FrameNumber number = last();
  if (written) last_.store(number + frames_.size(), std::memory_order_release);
  {
    const std::scoped_lock lock(mutex_);
    waiting_bytes_ -= bytes;
    waiting_frames_ -= static_cast<std::uint32_t>(frames_.size());
    figures_.refused += refused;
  }
  for (Waiting& each : group_) {
    if (each.refused) {
      each.done(std::unexpected(*std::move(each.refused)));
    } else if (written) {
      each.done(++number);
    } else {
      each.done(std::unexpected(written.error()));
    }
  }
  group_.clear();
  frames_.clear();
}

}  // namespace playhead
