// One thread's part of the stateful tier: the active views of its slots.
//
// Operation: a report is applied in memory, its record put into the open frame of the journal, and
//   its request waits for that frame's sync. Sweeps hand changed views to the store, slot by slot,
//   so that the journal can be dropped; what is neither active nor changed leaves memory.
// Concurrency: everything on the shard's own thread (its executor); nothing blocks.
// Invariants:
//  1. A ticket is released only when all it accepted is durable in the journal.
//  2. What the store has is never newer than memory for a view that is in memory.
//  3. Frames below low_water() hold nothing that the store has not been given.
//  4. Between reading a view and changing it there is no co_await.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "cluster/fresh_slots.h"
#include "journal/journal.h"
#include "record/frame.h"
#include "runtime/clock.h"
#include "shard/channel.h"
#include "shard/handed.h"
#include "shard/options.h"
#include "shard/outcome.h"
#include "shard/table.h"
#include "shard/ticket.h"
#include "shard/wheel.h"
#include "store/inbox.h"
#include "store/store.h"

namespace playhead {

/// What a shard is made of. `fatal` is called once, when the journal has failed to sync: nothing
/// more may be acknowledged, the process must stop.
struct ShardParts {
  std::uint16_t index = 0;
  std::uint16_t count = 1;  ///< of all shards: slot % count is the index of its shard
  std::uint64_t boot = 0;   ///< differs at each start: view numbers belong to it
  std::uint64_t hash_seed = 0;
  Journal* journal = nullptr;
  Store* store = nullptr;
  const Clock* clock = nullptr;
  // In a cluster only; without them all slots are this process's for good.
  Inbox* inbox = nullptr;
  Inbox* owners = nullptr;  ///< where sweeps put parts; null: into the inbox, as all else
  const FreshSlots* fresh = nullptr;
  Executor executor;
  std::function<void(const Error&)> fatal;
};

/// How a start ended. kReported: the view was active already.
enum class PutResult : std::uint8_t { kStarted, kReported, kRefused };

struct PutAnswer {
  PutResult result = PutResult::kRefused;
  std::optional<Error> error;          ///< kRefused
  std::vector<ViewerItem> in_the_way;  ///< kRefused by the limit
  std::string ended_by;                ///< kRefused by a termination
  bool checked = true;                 ///< false: nobody could look at the limit, or it is exceeded
  bool unstored = false;               ///< as BatchOutcome has it
  ViewerItem item;
  std::uint32_t next_report_ms = 0;
};

/// Profiles whose rows in the store count for nothing.
struct Hidden {
  bool all = false;
  std::vector<std::string> profiles;
  bool covers(std::string_view profile) const {
    return all || std::ranges::find(profiles, profile) != profiles.end();
  }
};

/// Where parts come from. The inbox has what was acknowledged as stored: it is stored again before
/// it leaves there. A node's own journal has what was not, or is stored already.
enum class PartsOf : std::uint8_t { kInbox, kNode };

/// What an answer on an account of a slot is worth. kForeign: memory knows nothing of it but what
/// has just come in; the store and the inbox have the rest.
enum class Freshness : std::uint8_t { kFresh, kStale, kForeign };

struct HowFresh {
  Freshness freshness = Freshness::kFresh;
  Instant as_of;  ///< what others took until then is in the answer, too
};

/// A slot under the epoch of its owner.
struct SlotEpoch {
  std::uint16_t slot = 0;
  std::uint64_t epoch = 0;
};

class Shard {
 public:
  Shard(ShardParts parts, ShardOptions options);

  // ---- Reports -------------------------------------------------------------------------------

  /// Takes one report of `ticket`'s batch. What can't be taken is put into ticket->outcome; what
  /// must wait for the store holds the ticket. Call seal(ticket) after the last one.
  void report(std::string_view tenant, const Report& report, std::uint32_t index,
              const std::shared_ptr<Ticket>& ticket);
  /// Makes `ticket` wait for all that was taken so far.
  void seal(const std::shared_ptr<Ticket>& ticket);
  /// The interval to ask players for now.
  std::uint32_t next_report_ms() const { return interval_ms_; }

  /// Starts or reports a view under a limit; returns when durable. `bytes` is encode(Report).
  Task<PutAnswer> put(std::string tenant, std::string bytes, std::optional<unsigned> limit,
                      std::string terminate);
  /// Ends a view for good. Errors: not_found, unavailable.
  Task<Result<void>> terminate(AccountRef account, std::string view, std::string by_device);
  /// Removes views from the profile's history, and a position that came from one. How many were
  /// there to remove. Errors: unavailable.
  Task<Result<std::size_t>> erase_views(ProfileRef profile, std::vector<std::string> views);
  /// Erases a profile, or, if that is empty, the account: returns when the store has done it.
  /// What tells of the time up to the moment that it returns is refused from then on.
  /// Errors: unavailable, overloaded; then a part may be gone: repeating it is safe.
  Task<Result<Instant>> erase(AccountRef account, std::string profile);
  /// Merges `deltas` into the profile's titles; returns when durable. False: in a cluster, only the
  /// journal has them.
  Task<Result<bool>> merge_titles(ProfileRef profile, std::vector<NamedTitle> deltas);

  // ---- Reads: call load() first, then these show everything that was acknowledged ------------

  /// Brings the account's active views into memory. Errors: unavailable, corrupt.
  Task<Result<void>> load(AccountRef account);
  std::vector<ViewerItem> viewers(const AccountRef& account);
  /// A view in memory; nothing if it is not there.
  std::optional<StoredView> find(const AccountRef& account, std::string_view view);
  /// What memory knows of the profile's titles beyond the store; all of them if `only` is null.
  std::map<std::string, TitleState> titles_in_memory(const ProfileRef& profile,
                                                     const std::vector<std::string>* only);
  /// The profile's views in memory that belong in history, unsorted.
  std::vector<StoredView> history_in_memory(const ProfileRef& profile);
  std::vector<std::string> profiles_in_memory(const AccountRef& account);
  /// All of the account's views in memory, also those that no history shows, unsorted.
  std::vector<StoredView> views_in_memory(const AccountRef& account);
  /// Whether the view is in memory, where the store may not have it yet.
  bool holds(const AccountRef& account, std::string_view view);
  /// What of the account was erased that the store does not know yet: the rows that it is asked for
  /// from now on count for nothing. To be called with the look into memory.
  Hidden hidden(const AccountRef& account) const;
  /// To be called after the last read: an account that holds nothing leaves memory.
  void forget_idle(const AccountRef& account);
  /// Starts a stream: a snapshot now, then every change. Errors: overloaded.
  Result<void> subscribe(const AccountRef& account, const std::shared_ptr<Channel>& channel);
  /// Lets go of the account's streams whose readers have gone.
  void forget_closed(const AccountRef& account);

  // ---- Slots that come and go: slots.cc ------------------------------------------------------

  /// These are this node's from now on: what memory has of them goes to the inbox first.
  void gain(const std::vector<SlotEpoch>& slots);
  /// These are not any more: what the store does not have goes to the inbox.
  void lose(const std::vector<std::uint16_t>& slots);
  /// The same for slots about to be given away. When it returns nothing is on its way to the store
  /// as from their owner, and the store has all of it, unless that is much. What it does not have,
  /// or did not take, goes to whoever gets the slots, a little later. What is given to him,
  /// under this node's epochs: his are not known yet.
  Task<std::vector<HandedSlot>> hand_over(std::vector<std::uint16_t> slots);
  /// What a slot's former owner gave; of use when the slot is gained under that epoch.
  void take_handed(HandedSlot handed);
  /// Folds parts, and hands what has changed to the store. Those that may be removed where they
  /// were now. Errors: unavailable; repeating it is safe.
  Task<Result<std::vector<InboxKey>>> fold_parts(std::vector<InboxRow> rows, PartsOf of);
  /// All of the inbox's rows of the slots that were mine since `began_ms`, when it was `began`,
  /// have been folded.
  void looked(std::uint16_t bucket, Millis began_ms, Instant began);
  /// At `at_ms` no node had anything of any slot in its memory or journal that was not in the
  /// inbox.
  void drained(Millis at_ms);
  /// To be asked with the answer complete.
  HowFresh how_fresh(const AccountRef& account);
  bool in_cluster() const { return parts_.inbox != nullptr; }
  bool is_foreign(std::uint16_t slot) const { return slots_[slot].foreign; }
  bool is_foreign(const AccountRef& account) const {
    return is_foreign(slot_of(account.tenant, account.account));
  }
  /// Hands what lies in slots that have been gained to the inbox: it stands in the way. Errors:
  /// unavailable; then sweep_due() makes up for it.
  Task<Result<void>> sweep_gained();

  // ---- Time, checkpoints, start-up -----------------------------------------------------------

  /// To be called about every 100 ms: expiry, positions to streams, load.
  void tick();
  /// Hands the slots that are due to the store. Errors: unavailable; what failed stays changed.
  Task<Result<void>> sweep_due();
  /// Hands everything that has changed to the store, once a sweep that is under way has ended.
  Task<Result<void>> sweep_all();
  /// The oldest frame that still holds something the store was not given.
  FrameNumber low_water() const;
  /// Reads the journal's frames into memory. Before anything else; on any thread.
  /// Errors: corrupt. `progress` is called now and then with the frame just read.
  Result<void> replay(const std::function<void(FrameNumber)>& progress);

  const ShardFigures& figures();
  void slot_figures(std::vector<SlotFigures>& out) const;
  bool owns(std::uint16_t slot) const { return slot % parts_.count == parts_.index; }

 private:
  enum class Taken : std::uint8_t { kDone, kRejected, kNeedsAccount, kNeedsView };
  struct Taking {
    Taken taken = Taken::kDone;
    Entry* entry = nullptr;
    std::optional<Rejected> rejected;
    std::string view;            ///< kNeedsView: which
    bool write_through = false;  ///< the store must have it before it is acknowledged
    bool follows = false;        ///< only because it lacks what was before
  };
  struct Slot {
    std::optional<FrameNumber> dirty_since, flushing_since;
    std::map<std::string, TitleChange> titles;  ///< acts that the store has not been given
    std::map<std::string, TitleChange> flushing;
    std::vector<EraseChange> erasures, flushing_erasures;  ///< before all else of the slot
    std::uint64_t reports = 0;
    std::uint32_t active = 0;
    // In a cluster. Foreign: whoever owns it folds; here reports only wait for their way to him.
    bool foreign = false;
    bool giving = false;         ///< about to be lost in order, and not yet anybody else's
    std::uint64_t epoch = 0;     ///< for which it is owned; 0: it is foreign
    std::uint64_t owned_as = 0;  ///< the last epoch for which it was owned
    std::uint64_t gaining = 0;   ///< foreign until memory has nothing of it; then the epoch
    Millis gained_ms = 0;
    std::optional<Millis>
        given_ms;            ///< when it was given with much left behind, until it is gained
    Millis gathered_ms = 0;  ///< when the parts that stand in the way of `gaining` were sent off
    Millis drained_ms = 0;   ///< when nobody had anything any more that is not in the inbox
    bool covered = false;    ///< all that former owners acknowledged has been folded
    Millis looked_ms = 0;    ///< when the last whole look into the inbox began; 0: there was none
    Instant looked_at;       ///< the same on the wall clock
    Millis unread_ms = 0;    ///< when a row of the inbox was last passed over, or put there
  };
  /// One of a kind at a time.
  struct Sweep {
    bool under_way = false;
    Waiters end;
  };
  struct Frame {
    std::unique_ptr<FrameWriter> writer;
    std::vector<std::shared_ptr<Ticket>> waiters;
  };

  /// What one write hands to the store, and to the inbox for foreign slots.
  struct Handing {
    struct Part {
      std::uint16_t slot = 0;
      std::uint64_t epoch = 0;  ///< the store's word counts only if it is still the slot's
    };
    std::vector<Part> parts;
    std::vector<Change> changes;
    std::vector<InboxRow> rows;
    std::vector<std::uint32_t> numbers;  ///< the entries among them
  };

  /// Who waits for the store to have an entry. Impatient: until that has taken a while.
  struct ThroughWait {
    std::uint32_t number = 0;
    std::shared_ptr<Ticket> ticket;  ///< null: nobody any more
    bool patient = false;
    Millis since_ms = 0;
  };
  using Through = std::vector<ThroughWait>;

  /// A frame that the journal has not answered yet.
  struct InFlight {
    std::uint64_t bytes = 0;
    std::vector<std::shared_ptr<Ticket>> waiters;
  };

  // report.cc
  Taking take(std::string_view tenant, const Report& report, Instant arrival);
  static std::string other_view_id(std::string_view sid, std::string_view title);
  Taking take_entry(Entry& entry, const Report& report, Instant arrival);
  Taking find_or_load(std::string_view tenant, const Report& report, std::string_view view);
  Taking begin_view(std::string_view tenant, const Report& report, std::string_view view,
                    Instant arrival);
  bool fold(Entry& entry, const Stamped& stamped, Instant arrival, bool late, bool is_new);
  bool update_texts(Entry& entry, const Report& report, const Order& order);
  void live_on(Entry& entry, Instant arrival);
  Known known(std::uint16_t slot, bool part) const {
    return part || slots_[slot].foreign ? Known::kPart : Known::kAll;
  }
  Instant now() const { return parts_.clock->now(); }
  void park(Account& account, const Report& report, std::uint32_t index,
            const std::shared_ptr<Ticket>& ticket);
  Task<> unpark(AccountRef account);
  Task<std::optional<Error>> bring(AccountRef account, Taking needed);

  // acts.cc
  struct Meeting;
  Meeting meet(const Account& account, const Entry* own, std::string_view device,
               std::string_view terminate);
  bool starts(const Report& report, const Entry* own) const;
  bool has_looked(std::uint16_t slot) const;
  bool has_place(const Account& account, Entry& entry, std::optional<unsigned> limit);
  void add_untold_ends(const Account& account, std::vector<std::uint32_t>& changed);
  PutAnswer decide_put(const AccountRef& ref, const Report& report, std::optional<unsigned> limit,
                       std::string_view terminate, std::vector<std::uint32_t>& changed);
  Task<Result<void>> keep_grant(std::uint16_t slot, std::vector<std::uint32_t> numbers);
  Task<PutAnswer> put_unchecked(std::string tenant, const Report& report, bool unread = false);
  void keep_title(std::uint16_t slot, TitleChange change);

  // erase.cc
  bool is_hidden(std::string_view tenant, std::string_view account, std::string_view profile) const;
  Task<Result<Instant>> erase_loaded(Account& account, std::string profile);
  void forget_erased(const EraseChange& erasure);
  void adopt_erasures(Account& account, Erasures erasures);
  void remember(Account& account, const EraseChange& erasure);
  bool is_erased(const Account& account, std::string_view profile, const Stamped& stamped) const;
  void drop_erased(const ProfileRef& profile, std::vector<NamedTitle>& deltas);
  void keep_erasure(std::uint16_t slot, const EraseChange& erasure);
  void replay_erasure(const ErasureRecord& record);

  // memory.cc
  /// Whose word a view is that memory takes in: this node's own; a former owner's, who gave it with
  /// its slot; or what one left in the store, which may lack what he knew since his checkpoint.
  enum class Word : std::uint8_t { kOwn, kHanded, kLeft };
  Entry& adopt(Account& account, StoredView stored, Word word = Word::kOwn);
  StoredView stored(const Entry& entry) const;
  StoredView stored_for_others(const Entry& entry) const;
  bool try_load(Account& account);
  void adopt_account(Account& account, std::vector<StoredView> views, Erasures erasures);
  Task<Result<Entry*>> view_in_memory(AccountRef account, std::string view);
  void set_active(Entry& entry, bool active);
  Millis deadline_of(const Entry& entry, Instant wall, Millis monotonic_ms) const;
  void set_deadline(Entry& entry);
  void file(Entry& entry);
  Millis silence_ms(const Entry& entry) const;
  Millis expiry_ms(const Entry& entry) const;
  void expire(std::uint32_t number);
  void expire_overdue(Entry& entry);
  void end_silent(Entry& entry);
  void evict_if_idle(Entry& entry);
  void end_from_outside(Entry& entry, EndReason reason, Instant at, std::string_view by_device);
  ViewerItem item_of(const Entry& entry) const;

  // slots.cc
  bool step_back(std::uint16_t slot);
  void end_step_back();
  void forget_accounts(const std::bitset<kSlots>& lost);
  void settle_slot(std::uint16_t slot);
  std::vector<std::uint16_t> parts_in_the_way() const;
  bool settles(std::uint16_t slot) const;
  void forget_foreign(const std::vector<std::uint16_t>& slots);
  /// In an own slot; in a foreign one every entry is.
  bool is_part(const Entry& entry) const { return entry.part && !slots_[entry.slot].foreign; }
  bool has_parts(std::uint16_t slot);
  void forget_parts(std::vector<std::uint32_t> parts);
  void forget_entries(std::vector<std::uint32_t> gone);
  void gather_foreign(std::uint16_t number, Handing& handing);
  void gather_part(Entry& entry, Handing& handing);
  bool holds_lease(std::uint16_t slot) const;
  bool awaits_owner(const Slot& slot) const;
  bool may_store(std::uint16_t slot) const;
  std::size_t changed_in(const std::vector<std::uint16_t>& slots);
  struct Folding;
  Task<> fold_row(InboxRow row, Folding& folding);
  Task<Result<std::optional<std::uint32_t>>> fold_partial(StoredView partial, PartsOf of);
  static bool only_moves(const Entry& entry, const StoredView& joined);
  void merge_into(Entry& entry, const StoredView& partial);

  // handed.cc
  struct Handed {
    HandedSlot handed;
    Millis until_ms = 0;
  };
  bool may_go(const Account& account);
  void put_account(std::string& out, const Account& account);
  std::vector<HandedSlot> gather_handed(const std::vector<std::uint16_t>& slots);
  void adopt_handed(std::uint16_t slot);
  void forget_handed(std::uint16_t slot);
  void forget_late_handed();

  // through.cc
  void write_through(std::uint32_t number, const std::shared_ptr<Ticket>& ticket,
                     bool follows = false);
  bool awaits_store(const Entry& entry) const;
  void join_through(ThroughWait one);
  Task<Result<void>> store_folded(std::vector<std::uint32_t> numbers);
  Task<> write_all_through();
  void end_through(Through& batch, bool stored);
  void end_wait(ThroughWait& one, bool stored);
  bool has_waited(const Ticket& ticket) const;
  void answer_overdue(Through& batch);
  void lose_patience(Through& batch);
  static void end_part(Entry& entry, bool appended);
  void look_after_through();
  Task<bool> store_now(std::vector<std::uint32_t> numbers);
  InboxRow inbox_row(const Entry& entry);

  // replay.cc
  void end_replay();
  void replay_heartbeat(Entry& entry, const Heartbeat& heartbeat);
  Entry& replay_snapshot(StoredView&& view);

  // frames.cc
  FrameWriter& writer();
  /// Why nothing can be made durable now, if so.
  std::optional<Error> refusal() const;
  void mark_dirty(Entry& entry);
  void mark_moved(Entry& entry);
  void mark_slot(std::uint16_t slot);
  void journal_snapshot(Entry& entry);
  void journal_heartbeat(Entry& entry, const Stamped& stamped, Instant arrival, bool late);
  void wait_for_frame(const std::shared_ptr<Ticket>& ticket);
  Task<Result<void>> durable();
  void close_soon();
  void close_frame();
  void on_durable(Result<FrameNumber> result);

  // publish.cc
  void publish(const Entry& entry, const ViewersEvent& event);
  void publish_view(const Entry& entry);
  void publish_end(const Entry& entry, EndReason reason, Instant at);
  void publish_positions();

  // sweep.cc
  void adapt_interval(std::uint64_t reports_per_s);
  using Gather = void (Shard::*)(std::uint16_t, Handing&);
  Task<Result<void>> sweep(Sweep& kind, std::vector<std::uint16_t> slots,
                           std::vector<std::uint16_t> with_parts = {});
  Task<Result<void>> sweep_each(const std::vector<std::uint16_t>& slots, Gather gather);
  Task<> give_parts();
  Task<Result<void>> hand_in(Handing& handing);
  void gather(std::uint16_t slot, Handing& handing);
  void gather_parts(std::uint16_t number, Handing& handing);
  bool lacks_places(const Entry& entry, bool active) const;
  Millis owned_until_ms() const;
  void add_changes(Entry& entry, std::vector<Change>& changes);
  static void not_stored(Entry& entry);
  void swept(const Handing& handing, bool written);

  ShardParts parts_;
  ShardOptions options_;
  Table table_;
  Wheel wheel_;
  std::vector<Slot> slots_{kSlots};
  ShardFigures figures_;

  Frame open_;
  std::deque<InFlight> in_flight_;  ///< oldest first
  std::uint64_t in_flight_bytes_ = 0;
  bool close_posted_ = false;
  bool failed_ = false;
  std::uint32_t waiting_ = 0;         ///< tickets that wait for frames
  std::uint32_t waiting_recent_ = 0;  ///< the most of late: half of it fills a frame
  FrameNumber durable_ = 0;           ///< the newest frame known durable

  std::size_t parked_ = 0;
  std::string absent_;        ///< a view that the store was just found not to have
  bool hurried_ = false;      ///< the report that is taken has waited long enough
  std::string unread_;        ///< a view of which the store, that is away, may have something
  SlotSet slots_with_parts_;  ///< of such views: to be swept first
  std::uint32_t interval_ms_;
  Millis interval_since_ms_ = 0;  ///< when the interval was last as long as the load asks for
  std::uint64_t reports_at_tick_ = 0;
  Millis second_ms_ = 0;
  bool journal_full_ = false;
  bool replaying_ = false;
  Millis round_start_ms_ = 0;  ///< of the sweep over all slots
  std::uint32_t round_next_ = 0;
  Sweep sweeping_;                                ///< to the store
  Sweep giving_parts_;                            ///< to other nodes
  std::vector<std::uint16_t> replayed_erasures_;  ///< slots that the store is told of first
  Waiters settle_end_;                            ///< of slots that are about to be owned
  std::map<std::uint16_t, Handed> handed_;        ///< by slot, until that is gained
  std::size_t handed_bytes_ = 0;
  std::vector<SlotEpoch> stepped_;  ///< slots that are foreign because the store is away
  Through through_, through_now_;   ///< to be stored next; on their way
  Millis through_began_ms_ = 0;     ///< `through_now_`
  bool writing_through_ = false;
  bool storing_through_ = false;  ///< `through_now_`, also when nobody waits for it any more
  Waiters through_end_;           ///< the end of that
  bool store_away_ = false;
  std::mt19937_64 random_;            ///< for ids of the inbox's rows
  std::vector<std::uint32_t> moved_;  ///< entries whose position streams have not seen
};

}  // namespace playhead
