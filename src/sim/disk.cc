// What a crash does to a file.
#include "sim/disk.h"

#include "base/assert.h"

namespace playhead::sim {

void Disk::sync() {
  synced_ += unsynced_;
  unsynced_.clear();
  dropped_.clear();
}

void Disk::drop(std::size_t bytes) {
  PLAYHEAD_ASSERT(bytes <= synced_.size());
  dropped_ += synced_.substr(0, bytes);
  synced_.erase(0, bytes);
}

void Disk::crash() {
  noted_ = 0;
  if (!dropped_.empty() && faults_.strikes(Fault::kDropUndone)) synced_.insert(0, dropped_);
  dropped_.clear();
  if (unsynced_.empty()) return;
  Prng& prng = faults_.prng();
  if (faults_.strikes(Fault::kTornWrite)) {
    unsynced_.resize(prng.below(unsynced_.size()));
  } else if (unsynced_.size() > kBlockBytes && faults_.strikes(Fault::kHole)) {
    const std::size_t block = prng.below(unsynced_.size() / kBlockBytes) * kBlockBytes;
    unsynced_.replace(block, kBlockBytes, std::string(kBlockBytes, '\0'));
  } else if (faults_.strikes(Fault::kKeptUnsynced)) {
    // As it is.
  } else {
    faults_.count(Fault::kLostUnsynced);
    unsynced_.clear();
  }
}

const std::string& Disk::read() {
  synced_ += unsynced_;
  unsynced_.clear();
  return synced_;
}

}  // namespace playhead::sim
