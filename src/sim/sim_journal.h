// The Journal port over the simulated disk: frames in one file, one sync for all that wait.
// One process's handle: once killed, nothing it does reaches the disk any more. One thread.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "sim/disk.h"
#include "sim/timeline.h"

namespace playhead::sim {

class SimJournal final : public Journal {
 public:
  /// Reads the disk; a torn tail is cut.
  SimJournal(Disk& disk, Timeline& timeline, Faults& faults);

  void append(std::string frame, Done done) override;
  Result<void> replay(const Visitor& visit) const override;
  Result<void> drop_through(FrameNumber last) override;
  Result<void> note_stored(FrameNumber last) override;
  Result<void> roll() override { return {}; }  // it has no files
  Extent extent() const override;
  std::uint64_t bytes() const override { return bytes_; }

  /// The process is gone: whatever waits is refused, so that its coroutines end.
  void kill();

 private:
  struct Waiting {
    std::string bytes;
    Done done;
  };
  struct Frame {
    FrameNumber number;
    std::size_t bytes;  ///< with its head
    std::string body;   ///< as read at the start; empty for those written since
  };

  void start_sync();
  void end_sync(bool failed);

  Disk& disk_;
  Timeline& timeline_;
  Faults& faults_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::deque<Frame> frames_;  ///< durable ones
  FrameNumber last_ = 0;
  FrameNumber first_ = 1;
  std::uint64_t bytes_ = 0;
  std::vector<Waiting> waiting_, syncing_;
  bool failed_ = false;
};

}  // namespace playhead::sim
