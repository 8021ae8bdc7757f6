// Group commit: one thread that writes all frames that wait with one sync, then answers them.
//
// Concurrency: append() and fail() from any thread; `done` runs on the committer's thread.
// Invariants:
//  1. Answers come in the order of append(), refusals included: callers count on it.
//  2. After the first failed write nothing is written any more, and every answer is unavailable.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "journal/journal.h"
#include "journal/rocksdb/rocks_journal.h"

namespace playhead {

class Committer {
 public:
  struct Limits {
    std::uint64_t group_bytes_max, waiting_bytes_max;
    std::uint32_t waiting_frames_max;
  };
  /// Writes and syncs frames under consecutive numbers from `first` on. Errors: any; all are final.
  using Write = std::function<Result<void>(FrameNumber first, std::span<const std::string> frames)>;

  Committer(Limits limits, FrameNumber last, Write write);
  /// Writes what waits, then stops.
  ~Committer();

  void append(std::string frame, Journal::Done done);
  /// The disk failed elsewhere: from here on as after a failed write.
  void fail(const Error& error);
  std::optional<Error> failure() const;

  /// The newest durable frame.
  FrameNumber last() const { return last_.load(std::memory_order_acquire); }
  RocksJournalFigures figures() const;

 private:
  struct Waiting {
    std::string frame;
    Journal::Done done;
    std::optional<Error> refused;
  };

  void run();
  bool take();
  Result<void> write();
  void answer(const Result<void>& written);

  const Limits limits_;
  const Write write_;
  std::atomic<FrameNumber> last_;

  mutable std::mutex mutex_;  // guards what follows, up to the next comment
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;
  std::uint64_t waiting_bytes_ = 0;
  std::uint32_t waiting_frames_ = 0;
  bool idle_ = false;
  bool stopping_ = false;
  std::optional<Error> failure_;
  RocksJournalFigures figures_;

  // The thread's own.
  std::vector<Waiting> group_;
  std::vector<std::string> frames_;
  std::thread thread_;
};

}  // namespace playhead
