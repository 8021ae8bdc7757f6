// One seed's cluster around its lease machines (cluster/lease.h): nodes, their clocks, and the two
// rows that they compare and set, with all that can go wrong between; and the checks of what leases
// are for.
//
// Operation: run() plays some faulty time, then a calm one in which the cluster must settle. After
//   each step no two nodes may answer for one slot as fresh; see World::check for the rest.
// Invariant: the same seed makes the same run: trace_hash tells. One thread.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/prng.h"
#include "cluster/lease.h"
#include "sim/timeline.h"

namespace playhead::sim {

enum class LeaseFault : std::uint8_t {
  kLostRequest,    ///< a request never arrives
  kLateRequest,    ///< it arrives seconds after it was given up
  kLostAnswer,     ///< it was done, and the answer is lost
  kDoubledAnswer,  ///< the answer comes again, seconds later
  kSlowRequest,    ///< it takes most of its time
  kSlowFlush,      ///< handing slots over takes seconds
  kSlowGrant,      ///< storing a grant takes seconds
  kCutOff,         ///< a node does not reach the rows
  kRowsAway,       ///< nobody does
  kPaused,         ///< SIGSTOP: time passes, answers wait, the process does nothing
  kSuspended,      ///< the machine sleeps: answers are lost too
  kCrashed,        ///< a process is killed, and started again later
  kTwin,           ///< a process hangs, another is started under its name, and the first wakes up
  kLeft,           ///< a node leaves in order, and comes back
  kSkewed,         ///< a wall clock jumps away from its peers'
  kDrift,          ///< a node's boottime runs 2 % or more off the true time
  kShift,          ///< the audience moves to other slots
  kCount,
};

inline constexpr std::size_t kLeaseFaults = static_cast<std::size_t>(LeaseFault::kCount);

inline constexpr std::array<std::string_view, kLeaseFaults> kLeaseFaultNames = {
    "lost request", "late request", "lost answer", "doubled answer", "slow request", "slow flush",
    "slow grant",   "cut off",      "rows away",   "paused",         "suspended",    "crashed",
    "twin",         "left",         "skewed",      "drift",          "shift"};

struct LeaseOutcome {
  std::array<std::uint64_t, kLeaseFaults> faults{};
  std::vector<std::string> broken;  ///< promises, each with its moment; empty if all is well
  std::uint64_t trace_hash = 0;
  std::uint64_t maps = 0, ended_by_others = 0, left = 0, sessions = 0;
  std::uint64_t answered_grants = 0, unchecked_grants = 0;
  Millis settled_ms = 0;  ///< after the faults stopped
};

/// Of a node that is lost: when it owned nothing any more and all slots were answered for, and how
/// long that slot was not which had to wait the longest.
struct LostNode {
  Millis over_ms = 0, slot_ms_longest = 0;
};

struct LeaseWorldOptions {
  std::uint64_t seed = 1;
  std::size_t nodes = 3;
  Millis faulty_ms = 22'000;
  LeaseOptions lease;
  bool verbose = false;
};

class LeaseWorld {
 public:
  explicit LeaseWorld(LeaseWorldOptions options);

  /// Faults, then calm, until all is settled.
  LeaseOutcome run();
  /// One node of a calm, settled cluster is killed, or leaves in order.
  LostNode lose_one(bool in_order);

 private:
  /// What an answer makes of the lease that it comes to.
  using Answer = std::function<std::vector<LeaseOrder>(Lease&, Millis)>;
  enum class From : std::uint8_t { kHere, kRows };

  static constexpr std::size_t kWatched = 8;  // slots 0 to 7: those that grants are asked for

  // One process, and the machine under it. Some share a name.
  struct Node {
    std::string name;
    std::unique_ptr<Lease> lease;  // null: not running
    std::uint64_t life = 0;        // tells answers to a process that is gone
    Millis clock_ms = 0;           // boottime at the world's start
    std::int64_t drift_per_mille = 0;
    Millis armed_ms = -1;  // the tick that is planned; -1: none
    bool paused = false, suspended = false, twin = false, leaving = false;
    Millis cut_until_ms = 0;
    std::vector<std::move_only_function<void()>> waiting;  // for it to wake up
    std::uint64_t map_version = 0, session = 0;            // as of the last check
    std::array<std::uint64_t, kWatched> loaded{};  // the epoch that it has loaded a slot for
    SlotSet loading;
  };
  struct Grant {
    std::uint16_t slot;
    std::uint64_t epoch;
    Millis stored_ms = 0;
  };
  struct Load {
    std::uint64_t epoch;
    Millis at_ms;
  };

  // lease_world.cc: nodes, what befalls them, what must hold
  void start(Node& node);
  void stop(Node& node);
  void pause(Node& node, Millis span_ms, bool suspended);
  void wake(Node& node);
  void fate();
  void befall(LeaseFault fault, Node& node);
  void replace(Node& node);
  void calm();
  void shift_loads();
  bool run_until_settled(Millis within_ms);
  bool is_settled() const;
  SlotSet answered() const;
  Millis local_ms(const Node& node) const;
  Node& any_node();
  void after(Node& node, const std::vector<LeaseOrder>& orders);
  void arm(Node& node);
  void check(Node& node);
  void trace(const Node& node, const char* what, std::uint64_t value);
  void break_promise(const std::string& what);

  // lease_rows.cc: the two rows, the way to them, and grants
  void send(Node& node, const LeaseOrder& order);
  void arrive(Node& node, std::uint64_t life, const LeaseOrder& order);
  Answer apply(const LeaseOrder& order);
  bool apply(const ChangeRow& change);
  bool apply(const ChangeMap& change);
  void deliver(Node& node, std::uint64_t life, From from, Millis in_ms, Answer answer);
  void flush(Node& node, std::uint64_t ticket);
  void load(Node& node, std::uint16_t slot);
  void ask_grant();
  void answer_grant(Node& node, const Grant& grant);

  bool strikes(LeaseFault fault);
  void count(LeaseFault fault) { ++outcome_.faults[static_cast<std::size_t>(fault)]; }
  Millis now_ms() const { return timeline_.monotonic_ms(); }
  Millis span(Millis least_ms, Millis most_ms) {
    return least_ms +
           static_cast<Millis>(prng_.below(static_cast<std::uint64_t>(most_ms - least_ms)));
  }

  const LeaseWorldOptions options_;
  Prng prng_;
  Timeline timeline_;
  std::array<unsigned, kLeaseFaults> per_mille_{};
  bool calm_ = false;
  Millis away_until_ms_ = 0;
  std::vector<std::unique_ptr<Node>> nodes_;
  SlotLoads loads_ = SlotLoads(kSlots);
  std::map<std::string, NodeRow> rows_;
  std::shared_ptr<const SlotMap> map_ = std::make_shared<const SlotMap>();
  std::array<std::vector<Load>, kWatched> loads_of_;
  LeaseOutcome outcome_;
};

}  // namespace playhead::sim
