// The use cases. Each finds the owner of the account (in embedded mode a shard of this process),
// runs there, and answers on the executor it was awaited from. Knows no HTTP and no tokens: the
// caller has checked that the tenant, the account and the profile are the token's.
//
// Concurrency: every call from any shard thread (Runtime::post reaches them).
// What was acknowledged is in the owner's next answer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cluster/routing.h"
#include "peer/peers.h"
#include "runtime/clock.h"
#include "runtime/task.h"
#include "service/answers.h"
#include "shard/shard_threads.h"
#include "store/store.h"

namespace playhead {

/// A batch on its way: submitted at once, awaited later, so that a pipelining connection can have
/// many in one frame. Belongs to the thread that submitted it; movable.
class Submission {
 public:
  /// Returns when everything that was accepted is durable. Errors: unavailable, overloaded (then
  /// nothing may be taken as acknowledged). Await once.
  Task<Result<BatchOutcome>> outcome();
  /// True if outcome() would return at once.
  bool ready() const;

 private:
  friend class Service;
  explicit Submission(std::shared_ptr<Ticket> ticket) : ticket_(std::move(ticket)) {}
  std::shared_ptr<Ticket> ticket_;
};

/// A subscription to the viewers of one account; ends when destroyed (on the thread that made it).
class Subscription {
 public:
  virtual ~Subscription() = default;
  /// The next event, in order. Errors: overloaded (the reader was too slow and has been dropped:
  /// subscribe anew), unavailable (the server stops). At most one await at a time;
  /// not_found when `until` passes with no event.
  virtual Task<Result<ViewersEvent>> next(Deadline until) = 0;
  /// Ends the wait of next() that is under way, as if `until` had passed.
  virtual void wake() = 0;
};

/// The other nodes, and what is on its way to them. All null in embedded mode: this process answers
/// for all.
struct Others {
  Routing* routing = nullptr;
  Peers* peers = nullptr;
  Inbox* inbox = nullptr;
};

class Service {
 public:
  Service(ShardThreads& shards, Store& store, const Clock& clock, ShardOptions options,
          Others others = {});
  ~Service();

  /// Hands the reports to their owners. `reports` is read before the call returns. To be called on
  /// the shard thread `here`.
  Submission submit(std::size_t here, std::string_view tenant, std::span<const Report> reports);

  /// Reports that another node passes on, for accounts that it thinks this one owns: they are taken
  /// here. To be called on the shard thread `here`. Errors: those of Submission::outcome(), and
  /// invalid_argument.
  Task<Result<std::string>> take_passed_on(std::size_t here, std::string bytes);

  /// Starts or reports a view under a stream limit. `terminate`: a view to take over, or empty.
  /// `report` is read before the call returns.
  Task<std::expected<PutOutcome, PutRefusal>> put_view(std::string tenant, const Report& report,
                                                       std::optional<unsigned> limit,
                                                       std::string terminate);

  Task<Result<Answer<ViewItem>>> view(AccountRef account, std::string view);
  /// Ends a view for good; its last position is kept. Repeating it is harmless.
  /// Errors: not_found.
  Task<Result<void>> terminate(AccountRef account, std::string view, std::string by_device);

  Task<Result<Answer<std::vector<ViewerItem>>>> viewers(AccountRef account);
  /// Begins with a snapshot.
  Task<Result<std::unique_ptr<Subscription>>> subscribe(AccountRef account);

  Task<Result<Answer<std::vector<std::string>>>> profiles(AccountRef account);

  /// The titles that have any progress, in the order asked for.
  Task<Result<Answer<std::vector<ProgressItem>>>> progress(ProfileRef profile,
                                                           std::vector<std::string> titles);
  /// Every title of the profile with progress, of one series if `series` is not empty, in byte
  /// order behind `after`, at most `limit`; `more` tells whether others follow.
  struct ProgressPage {
    std::vector<ProgressItem> items;
    bool more = false;
  };
  Task<Result<Answer<ProgressPage>>> progress_page(ProfileRef profile, std::string series,
                                                   std::string after, std::size_t limit);
  /// The user's own acts; the task returns when they are durable. Times are clamped to arrival.
  /// `acts` are read before the call returns. False: as BatchOutcome::unstored.
  Task<Result<bool>> act(ProfileRef profile, std::span<const TitleAct> acts);

  /// All rows of Continue Watching, latest first; the caller pages them.
  Task<Result<Answer<std::vector<ContinueItem>>>> continue_watching(ProfileRef profile);

  Task<Result<Answer<HistoryPage>>> history(ProfileRef profile, HistoryFilter filter,
                                            std::optional<HistoryNext> after, std::size_t limit);
  Task<Result<Answer<HistoryItem>>> history_item(ProfileRef profile, std::string id);
  /// Removes one entry, and a position that came from it. Errors: not_found.
  Task<Result<void>> delete_history_item(ProfileRef profile, std::string id);
  /// Erases a profile, or, if that is empty, the account; returns when neither memory nor store has
  /// anything of it. Repeating it is safe. Errors: unavailable, overloaded, unprocessable.
  Task<Result<Receipt>> erase(AccountRef account, std::string profile);
  /// Removes every entry that the filter matches.
  Task<Result<void>> delete_history(ProfileRef profile, HistoryFilter filter);

  Task<std::vector<ShardFigures>> figures();
  Task<std::vector<SlotFigures>> slots();

  const Clock& clock() const { return clock_; }

 private:
  struct Outbox;
  // What is told at once, and what has to wait, for its account or view to be read or for the store
  // to have it: the former must not wait for that, too.
  enum class Lane : std::uint8_t { kPrompt, kPatient };
  static Lane lane_of(State state);
  // What one thread has for one other node, in a lane, until one of its messages is answered.
  struct Passing {
    struct Item {
      std::shared_ptr<Ticket> ticket;
      std::uint32_t index = 0;
    };
    std::vector<Item> items;
    std::string bytes;               ///< a tenant and encode(Report) of each, one after the other
    Millis began_ms = kNobodyWaits;  ///< Ticket::began_ms() of the eldest
    std::uint32_t under_way = 0;
    bool posted = false;
  };

  template <typename T>
  Task<T> on_owner(std::size_t owner, Task<T> task);
  Shard& shard_of(const AccountRef& account);
  void hand(std::size_t here, std::string_view tenant, const Report& report, std::uint32_t index,
            const std::shared_ptr<Ticket>& ticket, bool& own);
  void send(std::size_t here, std::size_t owner);
  void pass_on(std::size_t here, PeerNode& owner, Lane lane, std::string_view tenant,
               const Report& report, std::uint32_t index, const std::shared_ptr<Ticket>& ticket);
  Task<> send_on(std::size_t here, PeerNode& owner, Lane lane);
  void settle(std::size_t here, PeerNode& other, Passing& sent, BatchOutcome outcome);
  void take_back(std::size_t here, Passing& passing);
  void take_here(std::size_t here, std::string_view tenant, const Report& report,
                 std::uint32_t index, const std::shared_ptr<Ticket>& ticket);

  Task<std::expected<PutOutcome, PutRefusal>> put_on_owner(std::size_t owner, Task<PutAnswer> put,
                                                           std::optional<unsigned> limit);

  // Each runs on its owner's thread.
  Task<Result<Answer<ViewItem>>> read_view(AccountRef account, std::string view);
  Task<Result<std::optional<StoredView>>> find_view(Shard& shard, AccountRef account,
                                                    std::string view);
  Task<Result<Answer<std::vector<ViewerItem>>>> read_viewers(AccountRef account);
  Task<Result<void>> open_stream(AccountRef account, std::shared_ptr<Channel> channel);
  Task<Result<Answer<std::vector<std::string>>>> read_profiles(AccountRef account);
  struct Titles {
    Instant began;
    HowFresh how;
    std::map<std::string, TitleState> states;
  };
  Task<Result<Titles>> read_titles(ProfileRef profile, std::vector<std::string> titles);
  Task<Result<Titles>> read_all_titles(ProfileRef profile);
  // elsewhere.cc
  Task<Result<std::vector<StoredView>>> parts_of(AccountRef account, std::string only);
  Task<Result<std::vector<StoredView>>> views_elsewhere(AccountRef account, std::string only);
  Task<Result<std::optional<StoredView>>> view_elsewhere(AccountRef account, std::string view);
  Task<Result<std::vector<ViewerItem>>> viewers_elsewhere(AccountRef account);
  Task<Result<std::vector<StoredView>>> views_to_lay_over(ProfileRef profile);
  Task<Result<void>> lay_active_views(Shard& shard, ProfileRef profile,
                                      const std::vector<std::string>* only,
                                      std::map<std::string, TitleState>& states);
  Task<Result<void>> load(Shard& shard, AccountRef account);
  Task<Result<void>> load_in_cluster(Shard& shard, AccountRef account);
  Task<Result<Answer<HistoryPage>>> read_history(ProfileRef profile, HistoryFilter filter,
                                                 std::optional<HistoryNext> after,
                                                 std::size_t limit);
  Task<Result<HistoryPage>> read_history_page(ProfileRef profile, HistoryFilter filter,
                                              std::optional<HistoryNext> after, std::size_t limit);
  Task<Result<Answer<HistoryItem>>> read_history_item(ProfileRef profile, std::string id);

  ShardThreads& shards_;
  Store& store_;
  const Clock& clock_;
  ShardOptions options_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  ///< for those that may outlive this
  Others others_;
  /// By thread; each on it.
  std::vector<std::map<std::pair<PeerNode*, Lane>, Passing>> passing_;
  std::vector<std::unique_ptr<Outbox>> outboxes_;  ///< by (from, to); each on its sender's thread
};

}  // namespace playhead
