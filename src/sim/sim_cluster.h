// What the nodes of a simulated cluster have between them: the inbox, and the way to each other.
// Each is one node's handle: once killed, what waits goes on at once, and fails. One thread.
//
// A cluster's own troubles have chances and counts of their own: they strike while the world's
// faults are not calm.
#pragma once

#include <array>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "peer/peers.h"
#include "runtime/event.h"
#include "sim/faults.h"
#include "sim/timeline.h"
#include "store/inbox.h"

namespace playhead::sim {

enum class Trouble : std::uint8_t {
  kKill,             ///< a node is killed, and is back in seconds
  kStaysAway,        ///< it is back in minutes
  kNotedFirst,       ///< its journal has a note of what the store has, and the power stays on
  kPause,            ///< nothing of a node runs for seconds
  kCutOff,           ///< a node's lease is not renewed, and all else goes on
  kHandOver,         ///< a slot moves in order
  kStoreAway,        ///< store and inbox fail all calls for a while
  kSlowInbox,        ///< a call of the inbox takes seconds
  kFailedAppend,     ///< rows are not appended, and nobody can know
  kFailedLate,       ///< rows are appended, and nobody can know
  kHalfAppended,     ///< every other row is
  kFailedInboxRead,  ///< a read of the inbox fails
  kFailedRemove,     ///< rows are not removed, or are, and nobody can know
  kLostCall,         ///< what a node asks another never arrives
  kLostAnswer,       ///< the other's answer does not
  kDoubledCall,      ///< it arrives twice
  kLateCall,         ///< it takes seconds
  kLateNews,         ///< a node hears of the slots' changes seconds later
  kCount,
};
inline constexpr std::size_t kTroubles = static_cast<std::size_t>(Trouble::kCount);
inline constexpr std::array<std::string_view, kTroubles> kTroubleNames = {
    "kill",          "stays away",        "noted first",   "pause",         "cut off",
    "hand-over",     "store away",        "slow inbox",    "failed append", "failed late",
    "half appended", "failed inbox read", "failed remove", "lost call",     "lost answer",
    "doubled call",  "late call",         "late news"};

class Troubles {
 public:
  Troubles(Faults& faults, Prng& prng);
  bool strikes(Trouble trouble);
  const std::array<std::uint64_t, kTroubles>& counts() const { return counts_; }
  Faults& faults() { return faults_; }
  Prng& prng() { return faults_.prng(); }

 private:
  Faults& faults_;
  std::array<unsigned, kTroubles> per_mille_{};
  std::array<std::uint64_t, kTroubles> counts_{};
};

/// Coroutines of one node that wait for a time to pass.
class Pauses {
 public:
  explicit Pauses(Timeline& timeline) : timeline_(timeline) {}
  Task<> pause(Millis takes);
  /// What `event` tells of, or the end.
  Task<> wait(std::shared_ptr<Event> event);
  void kill();
  bool alive() const { return alive_; }

 private:
  Timeline& timeline_;
  bool alive_ = true;
  std::list<std::shared_ptr<Event>> waiting_;
};

/// What all nodes share.
struct InboxRows {
  std::map<InboxKey, std::string> rows;
  bool away = false;
};

class SimInbox final : public Inbox {
 public:
  SimInbox(InboxRows& table, Timeline& timeline, Troubles& troubles)
      : table_(table), timeline_(timeline), troubles_(troubles), pauses_(timeline) {}

  Task<Result<void>> append(std::vector<InboxRow> rows) override;
  Task<Result<std::vector<InboxRow>>> read(std::uint16_t bucket, std::optional<InboxKey> after,
                                           std::size_t rows_max) override;
  Task<Result<void>> remove(std::vector<InboxKey> rows) override;
  void kill() { pauses_.kill(); }

 private:
  Millis delay();

  InboxRows& table_;
  Timeline& timeline_;
  Troubles& troubles_;
  Pauses pauses_;
};

/// Takes a call at a node; to be answered once, or never.
using SimHandler = std::function<void(PeerCall call, std::string bytes, PeerAnswer answer)>;

/// The nodes that can be reached, by address.
using SimWires = std::map<std::string, SimHandler>;

class SimPeers final : public Peers {
 public:
  SimPeers(SimWires& wires, Timeline& timeline, Troubles& troubles)
      : wires_(wires), timeline_(timeline), troubles_(troubles), pauses_(timeline) {}

  Task<Result<std::string>> ask(std::string address, PeerCall call, std::string bytes,
                                Deadline until) override;
  void kill() { pauses_.kill(); }

 private:
  Millis delay();

  SimWires& wires_;
  Timeline& timeline_;
  Troubles& troubles_;
  Pauses pauses_;
};

}  // namespace playhead::sim
