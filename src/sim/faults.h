// Every fault of the simulated world, by name: its chance, and how often it really struck.
//
// A seed draws the chances anew, some of them zero, so that worlds differ in what goes wrong
// together. One thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "base/prng.h"
#include "base/time.h"

namespace playhead::sim {

enum class Fault : std::uint8_t {
  kCrash,               ///< the process is killed: memory is gone
  kSlowSync,            ///< a sync takes seconds
  kFailedSync,          ///< a sync fails: the process must stop
  kLostUnsynced,        ///< at a crash all that was not synced is gone
  kTornWrite,           ///< at a crash a write is cut in its middle
  kHole,                ///< at a crash a later block is kept, an earlier one is not
  kKeptUnsynced,        ///< at a crash something unsynced is kept whole
  kDropUndone,          ///< at a crash dropped frames are there again
  kSlowStore,           ///< a call of the store takes seconds
  kFailedWrite,         ///< a write to the store fails
  kPartlyWritten,       ///< a failed write has landed in part
  kFailedSettle,        ///< the store can't settle
  kFailedRead,          ///< a read of the store fails
  kStoreMiss,           ///< a read of the store is not answered from memory
  kStoreLostUnsettled,  ///< at a crash unsettled rows are gone
  kStoreKeptUnsettled,  ///< at a crash unsettled rows are kept
  kLostRequest,         ///< a request never arrives
  kLostReply,           ///< a reply never arrives
  kDuplicated,          ///< a request arrives twice
  kReordered,           ///< a request overtakes its predecessors
  kOffline,             ///< a device reports late, in a batch
  kSilence,             ///< a device falls silent without an end
  kSameMoment,          ///< two reports of a view have one time
  kLongPause,           ///< a paused device goes on reporting
  kSlowStream,          ///< a subscriber does not read
  kCount,
};

inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::kCount);

inline constexpr std::array<std::string_view, kFaults> kFaultNames = {
    "crash",        "slow sync",    "failed sync",          "lost unsynced",
    "torn write",   "hole",         "kept unsynced",        "drop undone",
    "slow store",   "failed write", "partly written",       "failed settle",
    "failed read",  "store miss",   "store lost unsettled", "store kept unsettled",
    "lost request", "lost reply",   "duplicated",           "reordered",
    "offline",      "silence",      "same moment",          "long pause",
    "slow stream"};

/// Chances in a thousand: of a sync, a call, a request, a player's move, as fits the fault.
struct FaultOptions {
  std::array<unsigned, kFaults> per_mille{};

  unsigned& of(Fault fault) { return per_mille[static_cast<std::size_t>(fault)]; }
  unsigned of(Fault fault) const { return per_mille[static_cast<std::size_t>(fault)]; }

  /// What the seed of `prng` makes of it: each chance between none and twice the usual.
  static FaultOptions draw(Prng& prng) {
    FaultOptions out;
    const auto set = [&](Fault fault, unsigned usual) {
      out.of(fault) = prng.chance(200) ? 0 : static_cast<unsigned>(1 + prng.below(2 * usual));
    };
    set(Fault::kCrash, 8);  // of a second
    set(Fault::kSlowSync, 20);
    set(Fault::kFailedSync, 2);
    set(Fault::kLostUnsynced, 300);
    set(Fault::kTornWrite, 500);
    set(Fault::kHole, 300);
    set(Fault::kKeptUnsynced, 300);
    set(Fault::kDropUndone, 400);
    set(Fault::kSlowStore, 40);
    set(Fault::kFailedWrite, 60);
    set(Fault::kPartlyWritten, 500);
    set(Fault::kFailedSettle, 60);
    set(Fault::kFailedRead, 30);
    set(Fault::kStoreMiss, 300);
    set(Fault::kStoreLostUnsettled, 300);
    set(Fault::kStoreKeptUnsettled, 300);
    set(Fault::kLostRequest, 20);
    set(Fault::kLostReply, 30);
    set(Fault::kDuplicated, 30);
    set(Fault::kReordered, 100);
    set(Fault::kOffline, 20);
    set(Fault::kSilence, 15);
    set(Fault::kSameMoment, 60);
    set(Fault::kLongPause, 60);
    set(Fault::kSlowStream, 10);
    return out;
  }
};

class Faults {
 public:
  Faults(FaultOptions options, std::uint64_t seed) : options_(options), prng_(seed) {}

  /// Decides whether `fault` strikes now, and counts it. Never while calm.
  bool strikes(Fault fault) {
    const unsigned chance = options_.of(fault);
    if (calm_ || chance == 0 || !prng_.chance(chance)) return false;
    count(fault);
    return true;
  }
  void count(Fault fault) { ++counts_[static_cast<std::size_t>(fault)]; }
  /// From now on nothing goes wrong, until it is set false.
  void set_calm(bool calm) { calm_ = calm; }
  bool calm() const { return calm_; }

  Prng& prng() { return prng_; }
  const std::array<std::uint64_t, kFaults>& counts() const { return counts_; }

 private:
  FaultOptions options_;
  Prng prng_;
  bool calm_ = false;
  std::array<std::uint64_t, kFaults> counts_{};
};

}  // namespace playhead::sim
