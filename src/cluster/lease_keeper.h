// Carries out what a node's lease machine (cluster/lease.h) orders: on the rows that the cluster
// shares, and on whoever works on the slots; and tells all threads what the lease allows.
//
// Operation: run() on the executor, from the join to leave() or stop(). What run() does between its
//   waits is step(), which tests with a clock of their own call themselves.
// Concurrency: the executor runs one thing at a time; the listener is called on it. From any
//   thread: look(), leave(), stop(), set_loads(), set_left_behind(), fresh() and status(). It
//   outlives run(); the rows, the listener, the clock and the executor's loop outlive it.
// Invariants:
//  1. What a lease does not allow any more is withdrawn before its next order is carried out.
//  2. An order to the rows is answered to the machine once: with what came of it, or as uncertain
//     when `order_timeout_ms` are over. Later answers are counted and forgotten.
//  3. A flush is answered only when the listener has done it; one that fails is repeated.
// Limits: at most `in_flight_max` calls to the rows are under way, forgotten ones among them: more
//   are not sent, and uncertain. One flush is repeated: that of the latest order.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/clock_watch.h"
#include "cluster/fresh_slots.h"
#include "cluster/lease.h"
#include "cluster/lease_rows.h"
#include "runtime/clock.h"
#include "runtime/event.h"
#include "runtime/task.h"

namespace playhead {

/// Who works on the slots. Must not call the keeper back but by what any thread may call.
///
/// A slot is gained, perhaps flushed, and lost; one that was flushed and not given away after all
/// is gained again. All of that is about whose work it is; what may be answered is FreshSlots'
/// matter.
class LeaseListener {
 public:
  virtual ~LeaseListener() = default;

  /// Slots to load and to fold for, each under the epoch that `map` has for it.
  virtual void gained(const SlotSet& slots, const SlotMap& map) = 0;
  /// Slots that are another's by now, or nobody's: what is not in the store is not to go there any
  /// more. A flush of them may be under way.
  virtual void lost(const SlotSet& slots) = 0;
  /// Lets go of slots that are about to be given away, which FreshSlots does not say any more: ends
  /// the folding of their reports and hands all that is known of them to the store. When it returns
  /// nobody may still answer for them on the word of an earlier look at FreshSlots. After an error
  /// it is asked again.
  virtual Task<Result<void>> flush(SlotSet slots) = 0;
  /// This node has made `map`, to give slots to others or to take some. Who is told looks at once
  /// (LeaseKeeper::look), and else within LeaseOptions::look_interval_ms.
  virtual void changed_map(const SlotMap& map) = 0;
};

struct LeaseKeeperOptions {
  LeaseOptions lease;
  std::string node;  ///< an id, the same after a restart; no two processes of a cluster share it
  std::string http_address, peer_address;  ///< see NodeNote
  Millis order_timeout_ms = 1'000;         ///< after which an order's fate is uncertain
  std::size_t in_flight_max = 16;
  Millis flush_retry_ms = 500;
  Millis leave_max_ms = 50'000;  ///< the handing over of all slots in order; then it just goes,
  Millis leave_without_lease_ms = 5'000;  ///< and so it does when it has had no lease for so long
  /// The longest wait of run(): its timer stands still while the machine sleeps, leases don't.
  Millis wake_max_ms = 250;
};

/// What is known of the cluster. Immutable.
struct LeaseStatus {
  std::shared_ptr<const SlotMap> map;                   ///< as last read or changed
  std::shared_ptr<const std::vector<NodeEntry>> nodes;  ///< as last read, this node's among them
  std::uint64_t session = 0;                            ///< 0: not a member
  Millis skew_ms = 0;                                   ///< ClockWatch::skew_ms
  std::uint64_t uncertain = 0;                          ///< orders that were answered so
  std::uint64_t late = 0;                               ///< answers that came after that
  std::string last_error;  ///< of the rows or a flush; empty: there was none yet
};

class LeaseKeeper {
 public:
  /// `seed`: as Lease has it; no two processes may have the same.
  LeaseKeeper(LeaseKeeperOptions options, LeaseRows& rows, LeaseListener& listener,
              const Clock& clock, Executor executor, std::uint64_t seed);
  LeaseKeeper(const LeaseKeeper&) = delete;

  /// Until the node has left, or was stopped; then nothing is answered for any more and nothing is
  /// under way. True: it left in order, and others have its slots or may take them at once.
  Task<bool> run();
  /// Does what is due. Once it is done() that is nothing.
  void step();
  bool done() const { return left_ || stopped_; }
  /// When step() has something to do next.
  Millis next_ms() const;

  /// As Lease has it.
  void look();
  /// Hands all slots over, and ends run().
  void leave();
  /// Ends run() without a word to others, who wait for the lease to run out.
  void stop();
  /// These two as Lease has them.
  void set_left_behind(bool any);
  void set_loads(SlotLoads loads, bool may_give = true);

  const FreshSlots& fresh() const { return fresh_; }
  std::shared_ptr<const LeaseStatus> status() const;

 private:
  enum class Kind : std::uint8_t { kReadMap, kReadRows, kChange };
  // An order to the rows that has no answer yet.
  struct Pending {
    Millis until_ms;
    Kind kind;
  };
  // A flush that is not done; `due_ms`: to be asked again, if it is not under way.
  struct Flushing {
    std::uint64_t ticket;
    SlotSet slots;
    bool under_way = false;
    Millis due_ms = 0;
  };

  void handle(std::vector<LeaseOrder> orders);
  void publish();
  void tell_listener(const SlotSet& owned);
  void update_status();
  void begin(LeaseOrder order);
  void expire();
  static Kind kind_of(const LeaseOrder& order);
  void answer_uncertain(std::uint64_t ticket, Kind kind);
  bool settle(std::uint64_t ticket);
  void begin_flush();
  void end(bool& how);
  Millis leave_by_ms() const;
  void wake() { timer_.cancel(); }
  void spawn(Task<> task);

  Task<> perform(LeaseOrder order);
  Task<> read_map(std::uint64_t ticket);
  Task<> read_rows(std::uint64_t ticket);
  Task<> change_row(std::uint64_t ticket, ChangeRow change);
  Task<> change_map(std::uint64_t ticket, ChangeMap change);
  Task<> flush(std::uint64_t ticket, SlotSet slots);
  NodeNote note_of(const NodeRow& row) const;
  void answer_change(std::uint64_t ticket, const Result<bool>& made);
  void judge_clock();
  template <typename T>
  void remember(const Result<T>& result) {
    if (!result) last_error_ = result.error().detail;
  }
  Millis now_ms() const { return clock_.monotonic_ms(); }

  const LeaseKeeperOptions options_;
  LeaseRows& rows_;
  LeaseListener& listener_;
  const Clock& clock_;
  const Executor executor_;

  // On the executor.
  Lease lease_;
  ClockWatch watch_;
  boost::asio::steady_timer timer_;
  Event idle_;
  std::deque<LeaseOrder> todo_;
  bool beginning_ = false;
  std::map<std::uint64_t, Pending> pending_;  // by ticket
  std::optional<Flushing> flushing_;
  std::size_t in_flight_ = 0, spawned_ = 0;
  std::optional<Millis> leaving_since_ms_;
  bool left_ = false, stopped_ = false;
  Millis told_skew_ms_ = 0;
  std::uint64_t answered_session_ = 0, answered_renewal_ = 0;  // see NodeNote
  Instant answered_ = kNever;
  std::shared_ptr<const std::vector<NodeEntry>> nodes_;
  std::vector<std::uint64_t> epochs_;  // of the slots that the listener knows to be this node's
  SlotSet working_;                    // those of them that are not flushed
  std::uint64_t uncertain_ = 0, late_ = 0;
  std::string last_error_;

  FreshSlots fresh_;
  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const LeaseStatus> status_;
};

}  // namespace playhead
