// The part of one node in the cluster, as a pure state machine: whether it is a member, which slots
// it owns and until when it may answer for them as fresh. No clock, no I/O, no logging.
//
//   out --(its row names a session that it drew)--> member --(that session has ended)--> out
//
// A node's row and the slot map change by compare-and-set only, and are read at SERIAL. Three rules
// keep two nodes from answering for one slot at one moment; everything else here is about how soon:
//
// 1. A node answers fresh until 3 s after it *sent* a renewal that it knows to be in its row.
// 2. A session ends once. Its node ends it, having stopped to answer; or another does, 3.3 s after
// it
//    has *read* a renewal that is still the same one as the end is written.
// 3. A slot leaves a session that has not ended by its owner's hand only. From then on the owner
// does
//    not answer for it, until it has seen a map newer than the one that the offer was to replace.
//
// So an old map does no harm, and neither does a change that lands late: its condition has gone.
// Which slots go where (cluster/balance.h) and who acts first is a matter of speed, never of
// safety.
//
// Time is boottime: a clock of the node's own that never steps and also runs while suspended. Two
// such clocks may run apart by up to a tenth. One thread at a time.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "cluster/balance.h"
#include "cluster/slot_map.h"

namespace playhead {

/// A node's row. The node renews it; once overdue, anyone may write `over`; then only the node may
/// replace it, by one of another session.
struct NodeRow {
  std::string node;
  std::uint64_t session = 0;
  std::uint64_t renewal = 0;  ///< no other write of the session has it
  bool over = false;          ///< the session has ended: it answers fresh no more
  /// False: give it no slots. Of a session that is over: it left in order, and has nothing that
  /// others lack; true: others ended it, and its journal may.
  bool taking = true;

  friend bool operator==(const NodeRow&, const NodeRow&) = default;
};

/// Read the slot map's row at SERIAL. Answered by map_read().
struct ReadMap {};
/// Read all nodes' rows at SERIAL. Answered by rows_read().
struct ReadRows {};
/// Replace the row of `to.node`, if it is still `from`, or is not there. Answered by changed().
struct ChangeRow {
  std::optional<NodeRow> from;
  NodeRow to;
};
/// Replace the map, if its version is still the one before. Answered by changed().
struct ChangeMap {
  std::shared_ptr<const SlotMap> to;
};
/// Stop folding reports of `slots`, and hand all that is known of them to the store: they are about
/// to be given away. Answered by flushed(). Whoever leaves flushes once before leave(), to be
/// quick.
struct Flush {
  SlotSet slots;
};

/// Each is answered once under its ticket, or not at all if the process ends; what gets no answer
/// in time is answered as uncertain. Later answers, and second ones, are ignored.
struct LeaseOrder {
  std::uint64_t ticket = 0;
  std::variant<ReadMap, ReadRows, ChangeRow, ChangeMap, Flush> what;
};

enum class LeaseChange : std::uint8_t {
  kApplied,
  kRefused,    ///< the condition did not hold
  kUncertain,  ///< it may be applied already, or later, or never
};

struct LeaseOptions {
  Millis renew_interval_ms = 1'000;
  Millis lease_ms = 3'000;       ///< from when a renewal was sent
  Millis take_after_ms = 3'300;  ///< from when it was read: + 10 %, for clocks that run apart
  Millis skew_max_ms = 500;      ///< off the peers' median
  Millis look_interval_ms = 1'000;
  Millis blind_ms = 2'500;          ///< without a look, after which nobody counts as overdue,
  Millis patience_max_ms = 60'000;  ///< nor for as long as there was none, up to this
  Millis retry_ms = 100;            ///< after what was refused or uncertain
  Millis turn_ms = 250;  ///< that each member leaves to those before it, so that few collide
  std::size_t turns_max = 8;
  Millis first_map_after_ms = 3'000;  ///< so that nodes which start together share it
  Millis balance_interval_ms = 5'000;
  Millis leave_interval_ms = 1'500;  ///< so that who gets the parts can read them from the store,
  Millis leave_rest_max_ms = 2'000;  ///< and twice as long as that took to store them, up to this,
  Millis leave_rests_ms = 20'000;    ///< as long as there is time: for so long since leave()
  BalanceOptions balance;
};

class Lease {
 public:
  /// `seed`: of what is drawn, sessions among it; no two processes may have the same.
  Lease(LeaseOptions options, std::string node, std::uint64_t seed)
      : options_(options), node_(std::move(node)), prng_(seed) {}

  // ---- What happens. Each says what is to be done now. `now_ms` is read after the answer came.
  /// At next_ms() at the latest.
  std::vector<LeaseOrder> tick(Millis now_ms);
  /// Nothing: uncertain. Null: there is no map yet.
  std::vector<LeaseOrder> map_read(Millis now_ms, std::uint64_t ticket,
                                   std::optional<std::shared_ptr<const SlotMap>> map);
  std::vector<LeaseOrder> rows_read(Millis now_ms, std::uint64_t ticket,
                                    const std::optional<std::vector<NodeRow>>& rows);
  std::vector<LeaseOrder> changed(Millis now_ms, std::uint64_t ticket, LeaseChange change);
  std::vector<LeaseOrder> flushed(Millis now_ms, std::uint64_t ticket);
  /// Another node says that it has changed the map: what its looks would find by and by.
  std::vector<LeaseOrder> look(Millis now_ms);
  /// Hand over and go: at has_left() the process may end.
  std::vector<LeaseOrder> leave(Millis now_ms);
  /// Whether this node has anything of slots that are not its own: it does not go in order as long
  /// as it has, for others answer as fresh by its word.
  void set_left_behind(bool any) { left_behind_ = any; }
  /// How far this node's wall clock is from its peers' median. Beyond the limit the node stays a
  /// member, but gives its slots away.
  std::vector<LeaseOrder> clock_skew(Millis now_ms, Millis skew_ms);
  /// The loads of all slots, as far as they are known; of use when slots are placed. `may_give`:
  /// whether slots may move for the sake of balance now.
  void set_loads(SlotLoads loads, bool may_give = true) {
    loads_ = std::move(loads);
    may_give_ = may_give;
  }

  // ---- What holds.
  /// Whether an answer for `slot` given at `now_ms` may say `stale: false`, and a grant `checked`;
  /// for a grant, `now_ms` is read after it was stored.
  bool may_answer_fresh(std::uint16_t slot, Millis now_ms) const {
    return now_ms < fresh_until_ms_ && answering_[slot];
  }
  /// The slots to answer for as long as the lease lasts. What joins the set is to be loaded first;
  /// what leaves it is lost.
  const SlotSet& answering() const { return answering_; }
  Millis fresh_until_ms() const { return fresh_until_ms_; }
  /// Slots of this node that are on their way to others: flushed, or being flushed.
  SlotSet giving() const { return giving_ ? giving_->slots : SlotSet(); }
  /// With the slots' epochs. Never null.
  const std::shared_ptr<const SlotMap>& map() const { return map_; }
  /// 0 while it is not a member.
  std::uint64_t session() const { return session_; }
  bool has_left() const { return left_; }
  /// When tick() has something to do next.
  Millis next_ms() const;

 private:
  // A row of ours that was sent, and may have been written.
  struct Attempt {
    NodeRow row;
    Millis sent_ms;
  };
  // When each node's row was first read as it is.
  struct Seen {
    std::uint64_t session, renewal;
    Millis since_ms;
  };
  // Slots on their way to others.
  struct Giving {
    SlotSet slots;
    Millis since_ms = 0;
    std::uint64_t flush = 0;               // the ticket; 0: done
    std::optional<std::uint64_t> offered;  // the version that an offer was to replace
  };
  // One order at a time, and when the next one is due.
  struct Lane {
    std::uint64_t ticket = 0;  // 0: none under way
    Millis due_ms = 0;
  };

  std::uint64_t order(decltype(LeaseOrder::what) what);
  std::vector<LeaseOrder> go_on(Millis now_ms);
  void step_own(Millis now_ms);
  void write_own(Millis now_ms);
  bool may_join(Millis now_ms) const;
  bool is_bare() const;
  void see_rows(const std::vector<NodeRow>& rows, Millis now_ms);
  void see_own(std::optional<NodeRow> row, Millis now_ms);
  void end_session();
  void adopt(std::shared_ptr<const SlotMap> map);
  void refresh();
  void decide(const std::vector<NodeRow>& rows, Millis now_ms);
  bool end_overdue(const std::vector<NodeRow>& rows, Millis turn_ms, Millis now_ms);
  bool rehome(const std::vector<NodeRow>& rows, Millis turn_ms, Millis now_ms);
  void begin_giving(Millis now_ms);
  SlotSet part_of_all() const;
  void offer();
  bool may_take() const { return !leaving_ && !skewed_; }
  bool is_overdue(const NodeRow& row, Millis now_ms) const;
  Millis overdue_ms(const Seen& seen) const;
  Owner self() const { return {.node = node_, .session = session_}; }

  const LeaseOptions options_;
  const std::string node_;
  Prng prng_;
  std::vector<LeaseOrder> orders_;
  std::uint64_t last_ticket_ = 0;
  SlotLoads loads_ = SlotLoads(kSlots);
  bool may_give_ = true;

  // The own row: written each second, read when there is doubt.
  Lane own_;
  bool doubt_ = true;              // what was read or answered last does not tell what the row is
  std::uint64_t own_settled_ = 0;  // reads with smaller tickets may be older than the last write
  std::optional<NodeRow> known_;   // the row, when there is no doubt
  std::vector<Attempt> attempts_;  // since then
  std::uint64_t last_renewal_ = 0;
  std::uint64_t session_ = 0;
  Millis fresh_until_ms_ = 0;
  bool leaving_ = false, skewed_ = false, left_ = false, left_behind_ = false;

  // Everything else: the map, then the rows, then at most one change.
  Lane look_;
  bool look_again_ = false;  // once the look that is under way is over
  std::shared_ptr<const SlotMap> map_ = std::make_shared<const SlotMap>();
  std::shared_ptr<const SlotMap> next_map_;  // under way
  std::map<std::string, Seen> seen_;
  std::optional<Millis> rows_read_ms_;
  Millis patient_until_ms_ = 0;  // until then nobody's session is ended
  std::vector<Owner> takers_;    // but this node
  std::optional<Millis> homeless_since_ms_;
  Millis give_due_ms_ = 0;
  Millis rests_until_ms_ = 0;  // when it leaves
  std::optional<Giving> giving_;
  SlotSet answering_;
};

}  // namespace playhead
