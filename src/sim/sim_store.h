// The Store port in memory, over rows that outlive a process only once they are settled. One
// thread.
//
// Operation: Rows is what lies on the disk and survives; a SimStore is one process's handle on it,
//   slow and unreliable as the faults say. At a crash some of what was not settled is kept, in the
//   order in which it was written, and the rest is gone.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "runtime/event.h"
#include "sim/faults.h"
#include "sim/timeline.h"
#include "store/store.h"

namespace playhead::sim {

/// The store's content, and what of it is not sure yet.
class Rows {
 public:
  using ViewKey = std::tuple<std::string, std::string, std::string>;  ///< tenant, account, view
  using ProfileKey = std::tuple<std::string, std::string, std::string>;
  using Place = std::pair<std::int64_t, std::string>;  ///< negated keyed start, view

  struct Tables {
    std::map<ViewKey, std::string> views;  ///< encode(StoredView)
    /// As last written whole; in a cluster's store it is what is read, else the view's row is.
    std::map<ProfileKey, std::map<Place, std::string>> history;
    bool copies = false;
    std::map<std::tuple<std::string, std::string, std::string, std::string>, TitleState> titles;
    std::set<ProfileKey> profiles;
    std::map<std::pair<std::string, std::string>, Erasures> erasures;  ///< by tenant, account

    void apply(const Change& change);

   private:
    void erase(const EraseChange& change);
  };

  explicit Rows(Faults& faults) : faults_(faults) {}

  void write(Change change);
  /// How much has been written: settle() makes so much of it sure.
  std::size_t written() const { return settled_ + unsettled_.size(); }
  void settle(std::size_t written);
  void crash();
  const Tables& now() const { return now_; }

  // ---- Of a cluster's store ------------------------------------------------------------------
  void share() { shared_ = now_.copies = true; }
  bool shared() const { return shared_; }
  /// While it is away each call fails.
  void set_away(bool away) { away_ = away; }
  bool away() const { return away_; }
  /// Each write arrives so much later, and is answered then. 0: as the faults say.
  void set_write_ms(Millis takes) { write_ms_ = takes; }
  Millis write_ms() const { return write_ms_; }
  /// Rows of Cassandra's tables that landing changes have touched, each time that they did.
  std::uint64_t changed() const { return changed_; }
  std::uint64_t next_stamp() { return ++stamps_; }
  /// A write that was sent at `stamp` arrives.
  void land(const Change& change, std::uint64_t stamp);

 private:
  Faults& faults_;
  bool shared_ = false, away_ = false;
  Millis write_ms_ = 0;
  std::uint64_t changed_ = 0;
  std::uint64_t stamps_ = 0;
  std::map<ViewKey, std::uint64_t> stamp_of_;
  Tables now_, sure_;
  std::vector<std::shared_ptr<const Change>> unsettled_;
  std::size_t settled_ = 0;
};

class SimStore final : public Store {
 public:
  SimStore(Rows& rows, Timeline& timeline, Faults& faults)
      : rows_(rows), timeline_(timeline), faults_(faults) {}

  Task<Result<void>> write(std::vector<Change> changes) override;
  Task<Result<void>> settle() override;
  Task<Result<std::size_t>> purge() override { co_return 0; }  // it has no files
  Task<Result<std::vector<StoredView>>> active_views(AccountRef account) override;
  Task<Result<std::optional<StoredView>>> view(AccountRef account, std::string view) override;
  Task<Result<std::vector<std::optional<TitleState>>>> titles(
      ProfileRef profile, std::vector<std::string> titles) override;
  Task<Result<std::vector<NamedTitle>>> all_titles(ProfileRef profile,
                                                   std::size_t rows_max) override;
  Task<Result<HistoryRows>> history(ProfileRef profile, std::optional<HistoryKey> after,
                                    std::size_t rows_max) override;
  Task<Result<std::vector<std::string>>> profiles(AccountRef account,
                                                  std::size_t rows_max) override;
  Task<Result<Erasures>> erasures(AccountRef account) override;
  std::optional<Result<std::vector<StoredView>>> try_active_views(
      const AccountRef& account) override;
  std::optional<Result<Erasures>> try_erasures(const AccountRef& account) override;
  std::optional<Result<std::optional<StoredView>>> try_view(const AccountRef& account,
                                                            std::string_view view) override;
  std::optional<Result<std::vector<std::optional<TitleState>>>> try_titles(
      const ProfileRef& profile, const std::vector<std::string>& titles) override;

  /// The process is gone: whatever waits goes on at once, and fails.
  void kill();

 private:
  Millis delay();
  Task<> pause();
  Task<> pause(Millis takes);
  Task<Result<void>> write_shared(std::vector<Change> changes);
  Task<Result<void>> read_pause();
  std::vector<StoredView> active_now(const AccountRef& account) const;
  Erasures erasures_now(const AccountRef& account) const;
  std::optional<StoredView> view_now(const AccountRef& account, std::string_view view) const;
  std::vector<std::optional<TitleState>> titles_now(const ProfileRef& profile,
                                                    const std::vector<std::string>& titles) const;

  Rows& rows_;
  Timeline& timeline_;
  Faults& faults_;
  bool alive_ = true;
  std::list<std::shared_ptr<Event>> pauses_;
};

}  // namespace playhead::sim
