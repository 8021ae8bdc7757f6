// A simulated disk that outlives its processes: one file of journal frames.
//
// Operation: what is appended is lost at a crash unless it was synced; of what was not, a crash
//   keeps nothing, a part torn at any byte, or blocks out of order. Dropped frames may come back
//   until the next sync.
// Invariant: synced bytes never change.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "sim/faults.h"

namespace playhead::sim {

class Disk {
 public:
  explicit Disk(Faults& faults) : faults_(faults) {}

  void append(std::string_view bytes) { unsynced_ += bytes; }
  void sync();
  /// Forgets the first `bytes`; sure only after the next sync.
  void drop(std::size_t bytes);
  void crash();
  /// All that a new process reads. It has been synced then.
  const std::string& read();
  /// Of a journal's frames, up to which they need not be read (Journal::note_stored). Gone with a
  /// crash, which is a power cut.
  void note(std::uint64_t frame) { noted_ = frame; }
  std::uint64_t noted() const { return noted_; }
  /// Cuts what lies behind `size`, the remains of a crash.
  void cut(std::size_t size) { synced_.resize(size); }

 private:
  static constexpr std::size_t kBlockBytes = 64;

  Faults& faults_;
  std::string synced_, unsynced_;
  std::string dropped_;  ///< may come back at a crash
  std::uint64_t noted_ = 0;
};

}  // namespace playhead::sim
