// The port that shards make reports durable through. Adapters: journal/rocksdb, sim/disk.
//
// Operation: a frame is an opaque block of records. Frames are numbered from 1 without gaps, in the
//   order of append(); frames appended together are synced together (group commit).
// Concurrency: append() from any thread; replay() before the first append(); the rest from any.
// Invariants:
//  1. `done` is called with success only when the frame and all before it survive a power cut.
//  2. After the first failed sync every later append fails too: the process must stop.
//  3. drop_through(n) never drops a frame above n.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace playhead {

using FrameNumber = std::uint64_t;

class Journal {
 public:
  /// Called once, on a thread of the journal's: hand over to your own at once.
  /// Errors: unavailable (the sync failed: nothing may be acknowledged any more).
  using Done = std::move_only_function<void(Result<FrameNumber>)>;
  /// Called for each frame in order. An error ends the replay and is its result.
  using Visitor = std::function<Result<void>(FrameNumber, std::string_view)>;

  virtual ~Journal() = default;

  /// Queues `frame` for the next group commit. The caller bounds how many it has in flight.
  virtual void append(std::string frame, Done done) = 0;

  /// Reads every frame that has not been dropped, oldest first, but for those of note_stored(). May
  /// be called from several threads at once, each getting all the frames.
  ///
  /// Errors: corrupt (a gap, or a frame that fails its checksum; `detail` says which and what to
  /// do).
  virtual Result<void> replay(const Visitor& visit) const = 0;

  /// Forgets the frames up to and including `last`. Cheap; repeating it is harmless.
  virtual Result<void> drop_through(FrameNumber last) = 0;

  /// The store has what the frames up to and including `last` say, if perhaps not on its disks yet:
  /// the next replay() passes over them, unless the machine has been without power. They are kept
  /// until they are dropped. Errors: unavailable.
  virtual Result<void> note_stored(FrameNumber last) = 0;

  /// From now on frames go into other files than those before, so that a drop of all of these
  /// leaves nothing of them on the disk. Errors: unavailable.
  virtual Result<void> roll() = 0;

  /// The oldest frame kept and the newest durable one; {1, 0} when empty.
  struct Extent {
    FrameNumber first = 1;
    FrameNumber last = 0;
  };
  virtual Extent extent() const = 0;

  /// Bytes of the frames kept.
  virtual std::uint64_t bytes() const = 0;
};

}  // namespace playhead
