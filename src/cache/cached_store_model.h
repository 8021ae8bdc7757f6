// What cached_store_test.cc is made of: a store and a cache with every fault, nodes that hold
// leases in turn, and a ledger of what was acknowledged. One thread, one seed a run. For tests
// only.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "cache/cache_test_kit.h"
#include "cache/cached_store.h"
#include "cache/page.h"

namespace playhead {

/// How often each thing happened, over all runs.
struct ModelCounts {
  int fresh_checked = 0, stale_checked = 0, hits = 0, pages_of_before = 0, lost = 0, late = 0;
  int twice = 0, flushed = 0, failed = 0, landed_late = 0, erased = 0, owners = 0, lapses = 0;

  void expect_all_happened() const {
    const std::pair<const char*, int> all[] = {{"fresh answers checked", fresh_checked},
                                               {"stale answers checked", stale_checked},
                                               {"hits at the newest version", hits},
                                               {"pages of before", pages_of_before},
                                               {"lost", lost},
                                               {"late", late},
                                               {"twice", twice},
                                               {"flushed", flushed},
                                               {"failed writes", failed},
                                               {"landed late", landed_late},
                                               {"erased", erased},
                                               {"owners", owners},
                                               {"lapses", lapses}};
    for (const auto& [name, count] : all) {
      EXPECT_GT(count, 100) << name << ": each must really happen";
      std::cout << name << " " << count << ", ";
    }
    std::cout << "\n";
  }
};

class ModelClock final : public Clock {
 public:
  Instant now() const override { return Instant{1'800'000'000'000 + ms_}; }
  Millis monotonic_ms() const override { return ms_; }
  void advance(Millis ms) { ms_ += ms; }

 private:
  Millis ms_ = 1'000'000;
};

/// Lets others of the same loop go on, some number of times.
inline Task<> give_way(Prng& prng) {
  for (std::uint64_t turns = prng.below(6); turns > 0; --turns)
    co_await boost::asio::post(boost::asio::use_awaitable);
}

/// Views and erasures only. A view is as new as its playhead, which stands for Cassandra's
/// timestamps: an older one never replaces it, nor what was erased since.
class ModelStore final : public Store {
 public:
  ModelStore(Prng& prng, ModelCounts& counts, bool faulty)
      : prng_(prng), counts_(counts), faulty_(faulty) {}

  void fail_next() { fails_ = true; }
  std::size_t largest_read() const { return largest_read_; }
  void land_something() {
    if (late_.empty()) return;
    const std::size_t which = prng_.below(late_.size());
    late_[which]();
    late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(which));
    ++counts_.landed_late;
  }

  Task<Result<void>> write(std::vector<Change> changes) override {
    if (faulty_) co_await give_way(prng_);
    const bool fails = std::exchange(fails_, false) || (faulty_ && prng_.chance(150));
    counts_.failed += fails;
    for (Change& change : changes) {
      if (faulty_) co_await give_way(prng_);
      const std::uint64_t fate = fails && faulty_ ? prng_.below(3) : 0;
      if (fate == 0) apply(change);
      if (fate == 1)
        late_.push_back(
            [this, kept = std::make_shared<Change>(std::move(change))] { apply(*kept); });
    }
    if (faulty_) co_await give_way(prng_);
    if (fails) co_return fail(Errc::kUnavailable, "perhaps");
    co_return Result<void>{};
  }
  Task<Result<HistoryRows>> history(ProfileRef profile, std::optional<HistoryKey>,
                                    std::size_t rows_max) override {
    if (faulty_) co_await give_way(prng_);
    if (faulty_ && prng_.chance(30)) co_return fail(Errc::kUnavailable, "away");
    largest_read_ = std::max(largest_read_, rows_max);
    HistoryRows out;
    for (const auto& [place, row] : profiles_[name(profile)].rows) {
      out.more = out.views.size() == rows_max;
      if (out.more) break;
      out.views.push_back(row.clone());
    }
    if (faulty_) co_await give_way(prng_);
    co_return out;
  }
  Task<Result<std::vector<std::string>>> profiles(AccountRef account, std::size_t) override {
    if (faulty_) co_await give_way(prng_);
    std::vector<std::string> out;
    for (const auto& [key, rows] : profiles_)
      if (key.first == account.account && !rows.rows.empty()) out.push_back(key.second);
    co_return out;
  }

  Task<Result<void>> settle() override { co_return Result<void>{}; }
  Task<Result<std::size_t>> purge() override { co_return 0; }
  Task<Result<std::vector<StoredView>>> active_views(AccountRef) override {
    co_return std::vector<StoredView>{};
  }
  Task<Result<std::optional<StoredView>>> view(AccountRef, std::string) override {
    co_return std::nullopt;
  }
  Task<Result<std::vector<std::optional<TitleState>>>> titles(ProfileRef,
                                                              std::vector<std::string>) override {
    co_return std::vector<std::optional<TitleState>>{};
  }
  Task<Result<std::vector<NamedTitle>>> all_titles(ProfileRef, std::size_t) override {
    co_return std::vector<NamedTitle>{};
  }
  Task<Result<Erasures>> erasures(AccountRef) override { co_return Erasures{}; }
  std::optional<Result<std::vector<StoredView>>> try_active_views(const AccountRef&) override {
    return std::nullopt;
  }
  std::optional<Result<Erasures>> try_erasures(const AccountRef&) override { return std::nullopt; }
  std::optional<Result<std::optional<StoredView>>> try_view(const AccountRef&,
                                                            std::string_view) override {
    return std::nullopt;
  }
  std::optional<Result<std::vector<std::optional<TitleState>>>> try_titles(
      const ProfileRef&, const std::vector<std::string>&) override {
    return std::nullopt;
  }

 private:
  using Place = std::pair<std::int64_t, std::string>;
  struct Profile {
    std::map<Place, StoredView> rows;
    Playhead erased = 0;
  };
  static std::pair<std::string, std::string> name(const ProfileRef& profile) {
    return {profile.account, profile.profile};
  }

  void apply(const Change& change) {
    if (const auto* erase = std::get_if<EraseChange>(&change)) {
      for (auto& [key, profile] : profiles_) {
        if (key.first != erase->account.account) continue;
        if (!erase->profile.empty() && key.second != erase->profile) continue;
        profile.erased = std::max(profile.erased, Playhead{erase->through.ms});
        std::erase_if(profile.rows,
                      [&](const auto& row) { return row.second.view.playhead <= profile.erased; });
      }
      return;
    }
    const auto& view = std::get<ViewChange>(change);
    if (view.position_only && !view.first) return;  // history does not show it
    const Ids ids = view.view.ids.get();
    Profile& profile = profiles_[{std::string(ids.account), std::string(ids.profile)}];
    const Place place{-view.view.keyed_start.ms, std::string(ids.view)};
    const auto known = profile.rows.find(place);
    const Playhead newer = known == profile.rows.end() ? 0 : known->second.view.playhead;
    if (view.view.view.playhead > std::max(profile.erased, newer))
      profile.rows.insert_or_assign(place, view.view.clone());
  }

  Prng& prng_;
  ModelCounts& counts_;
  const bool faulty_;
  bool fails_ = false;
  std::size_t largest_read_ = 0;
  std::map<std::pair<std::string, std::string>, Profile> profiles_;
  std::vector<std::function<void()>> late_;
};

/// One node's way to the pages that all share.
class ModelCache final : public Cache {
 public:
  struct Pages {
    std::map<std::string, std::string> now;
    std::map<std::string, std::vector<std::string>> before;
    std::vector<std::function<void()>> late;
  };

  ModelCache(Pages& pages, Prng& prng, ModelCounts& counts, std::uint32_t rows_max)
      : pages_(pages), prng_(prng), counts_(counts), rows_max_(rows_max) {}

  void set_faults(bool faulty) { faulty_ = faulty; }
  void die() { dead_ = true; }
  int asked() const { return asked_; }

  Task<std::expected<Page, Miss>> newest(ProfileRef profile, Deadline) override {
    ++asked_;
    if (dead_) co_return std::unexpected(Miss::kRefused);
    if (faulty_) co_await give_way(prng_);
    const std::string identity = page_identity("test", profile);
    std::string bytes = pages_.now[identity];
    if (auto& before = pages_.before[identity]; faulty_ && !before.empty() && prng_.chance(250)) {
      bytes = before[prng_.below(before.size())];
      ++counts_.pages_of_before;
    }
    if (faulty_) co_await give_way(prng_);
    if (bytes.empty()) co_return std::unexpected(Miss::kAbsent);
    const auto entry = decode_page(bytes, identity);
    if (!entry) co_return std::unexpected(entry.error());
    co_return read_page(*entry, profile);
  }
  Task<Written> put(PageChange change, Deadline) override {
    auto kept = std::make_shared<PageChange>(std::move(change));
    return does([this, kept] { return put_now(*kept); });
  }
  Task<Written> fill(ProfileRef profile, Page page, Deadline) override {
    auto kept = std::make_shared<Page>(std::move(page));
    return does([this, profile, kept] { return fill_now(profile, *kept); });
  }
  Task<Written> forget(ProfileRef profile, PageVersion at, Deadline) override {
    return does([this, profile, at] {
      const std::string identity = page_identity("test", profile);
      const auto found = decode_page(pages_.now[identity], identity);
      if (found && found->version > at) return Written::kNewer;
      keep(identity, {.version = at, .floor = true});
      return Written::kApplied;
    });
  }
  CacheCounters counters() const override { return {}; }

 private:
  // Now, never, later, or now and later.
  Task<Written> does(std::function<Written()> work) {
    if (dead_) co_return Written::kRefused;
    if (!faulty_) co_return work();
    co_await give_way(prng_);
    const std::uint64_t fate = prng_.below(10);
    if (fate == 0) {
      ++counts_.lost;
      co_return Written::kApplied;  // which it claims; nobody may rely on it
    }
    if (fate <= 2) pages_.late.emplace_back(work);
    counts_.late += fate == 1;
    counts_.twice += fate == 2;
    if (fate == 1) co_return Written::kNewer;
    co_return work();
  }

  Written put_now(const PageChange& change) {
    const std::string identity = page_identity("test", change.profile);
    const std::string bytes = pages_.now[identity];
    auto found = decode_page(bytes, identity);
    if (!found) return Written::kAbsent;
    const auto rows = page_rows(change.rows);
    switch (put_step(*found, change.before, change.after)) {
      case Step::kLeave:
        return Written::kNewer;
      case Step::kNothing:
        return Written::kAbsent;
      case Step::kRemove:
        keep(identity, {.version = change.after, .floor = true});
        return Written::kGap;
      case Step::kChange:
        break;
    }
    found->version = change.after;
    found->as_of = change.as_of;
    lay_in(*found, rows->rows, rows_max_);
    keep(identity, *found);
    return Written::kApplied;
  }
  Written fill_now(const ProfileRef& profile, const Page& page) {
    const std::string identity = page_identity("test", profile);
    const auto found = decode_page(pages_.now[identity], identity);
    if (found && !fill_replaces(*found, page.version)) return Written::kNewer;
    const auto rows = page_rows(page.rows);
    PageEntry entry{
        .version = page.version, .as_of = page.as_of, .whole = page.whole, .rows = rows->rows};
    if (entry.rows.size() > rows_max_) {
      entry.rows.resize(rows_max_);
      entry.whole = false;
    }
    keep(identity, entry);
    return Written::kApplied;
  }
  void keep(const std::string& identity, const PageEntry& entry) {
    std::string bytes = encode_page(entry, identity);
    pages_.before[identity].push_back(bytes);
    pages_.now[identity] = std::move(bytes);
  }

  Pages& pages_;
  Prng& prng_;
  ModelCounts& counts_;
  const std::uint32_t rows_max_;
  bool faulty_ = true, dead_ = false;
  int asked_ = 0;
};

/// A run: nodes that act at once, over one store and one cache.
class CachedModel {
 public:
  CachedModel(std::uint64_t seed, ModelCounts& counts) : prng_(seed + 1), counts_(counts) {
    for (std::size_t i = 0; i < kNodes; ++i) {
      nodes_.push_back(std::make_unique<CachedStore>(
          store_, std::make_unique<ModelCache>(pages_, prng_, counts_, kPageRows), clock_,
          CachedStoreOptions{.page_rows = kPageRows,
                             .versions_max = seed % 2 == 0 ? 16u : 1'000u}));
      nodes_[i]->set_leases([this, i](std::uint16_t) { return lease_of(i); });
    }
  }

  void play() {
    for (int i = 0; i < kActors; ++i) boost::asio::co_spawn(context_, act(), boost::asio::detached);
    context_.run();
    for (const auto& node : nodes_) counts_.hits += static_cast<int>(node->figures().fresh);
  }

 private:
  static constexpr std::size_t kNodes = 3;
  static constexpr int kActors = 6, kSteps = 60, kViews = 12;
  static constexpr std::uint32_t kPageRows = 6;

  struct Acknowledged {
    Instant at;
    Playhead playhead;
  };
  struct Known {
    std::map<int, std::vector<Acknowledged>> views;  ///< by number
    Playhead erased = 0;                             ///< nothing up to here may be shown
  };

  SlotLease lease_of(std::size_t node) const {
    return node == owner_ ? SlotLease{.epoch = epoch_, .holds = holds_} : SlotLease{};
  }
  ProfileRef some_profile() { return {"_", "a1", prng_.chance(700) ? "p1" : "p2"}; }

  Task<> act() {
    for (int step = 0; step < kSteps; ++step) {
      clock_.advance(1 + static_cast<Millis>(prng_.below(3)));
      const std::uint64_t what = prng_.below(1'000);
      if (what < 350)
        co_await write();
      else if (what < 870)
        co_await read(prng_.chance(750) ? owner_ : prng_.below(kNodes));
      else if (what < 890)
        co_await erase();
      else
        fault(what);
      co_await give_way(prng_);
    }
  }

  void fault(std::uint64_t what) {
    if (what < 910) {
      owner_ = prng_.below(kNodes);
      ++epoch_;
      holds_ = true;
      ++counts_.owners;
    } else if (what < 930) {
      holds_ = !holds_;
      ++counts_.lapses;
    } else if (what < 945) {
      pages_.now.clear();
      ++counts_.flushed;
    } else if (what < 975) {
      if (pages_.late.empty()) return;
      const std::size_t which = prng_.below(pages_.late.size());
      pages_.late[which]();
    } else {
      store_.land_something();
    }
  }

  // As a shard does: counts only if the lease was held before and after.
  Task<> write() {
    const std::size_t node = owner_;
    const SlotLease lease = lease_of(node);
    if (!lease.holds) co_return;
    const ProfileRef profile = some_profile();
    std::vector<Change> changes;
    std::vector<std::pair<int, Playhead>> said;
    for (std::uint64_t i = 0; i <= prng_.below(3); ++i) {
      const int number = static_cast<int>(prng_.below(kViews));
      said.emplace_back(number, ++playhead_);
      changes.push_back(ViewChange{.view = make_row(profile, number, playhead_)});
    }
    const auto written = co_await nodes_[node]->write(std::move(changes));
    if (!written || lease_of(node) != lease) co_return;
    for (const auto& [number, playhead] : said)
      known_[profile.profile].views[number].push_back({clock_.now(), playhead});
  }

  Task<> erase() {
    const std::size_t node = owner_;
    const SlotLease lease = lease_of(node);
    if (!lease.holds) co_return;
    const std::string profile = prng_.chance(500) ? "" : some_profile().profile;
    const Playhead through = playhead_;
    std::vector<Change> changes;
    changes.push_back(
        EraseChange{.account = {"_", "a1"}, .profile = profile, .through = Instant{through}});
    // From now on, and for ever if nobody hears what became of it.
    std::vector<std::string> which{profile};
    if (profile.empty()) which = {"p1", "p2"};
    for (const std::string& each : which)
      maybe_erased_[each] = std::max(maybe_erased_[each], through);
    const auto written = co_await nodes_[node]->write(std::move(changes));
    if (written && lease_of(node) == lease)
      for (const std::string& each : which)
        known_[each].erased = std::max(known_[each].erased, through);
    ++counts_.erased;
  }

  Task<> read(std::size_t node) {
    const ProfileRef profile = some_profile();
    const SlotLease lease = lease_of(node);
    const Known before = known_[profile.profile];
    const std::size_t rows_max = 1 + prng_.below(kViews + 2);
    const auto rows = co_await nodes_[node]->history(profile, std::nullopt, rows_max);
    if (!rows) co_return;
    EXPECT_LE(rows->views.size(), rows_max);
    const bool fresh = lease.holds && lease_of(node) == lease && !rows->as_of;
    if (fresh)
      check(profile, before, *rows, clock_.now());
    else if (rows->as_of)
      check(profile, before, *rows, *rows->as_of);
    ++(fresh ? counts_.fresh_checked : counts_.stale_checked);
    if (fresh) {
      for (const StoredView& row : rows->views) {
        EXPECT_GT(row.view.playhead, before.erased) << "it was erased";
      }
    }
  }

  // What was acknowledged before the read began, and before `as_of`, is there unless it was erased.
  void check(const ProfileRef& profile, const Known& before, const HistoryRows& rows,
             Instant as_of) {
    const auto shown = [&](const StoredView& wanted) -> const StoredView* {
      for (const StoredView& row : rows.views)
        if (row.ids.get().view == wanted.ids.get().view) return &row;
      return nullptr;
    };
    for (const auto& [number, acknowledged] : before.views) {
      Playhead least = 0;
      for (const Acknowledged& one : acknowledged)
        if (one.at < as_of) least = std::max(least, one.playhead);
      if (least <= maybe_erased_[profile.profile]) continue;
      const StoredView wanted = make_row(profile, number);
      if (rows.more && !comes_first(wanted, rows.views.back())) continue;
      const StoredView* row = shown(wanted);
      if (row == nullptr) {
        ADD_FAILURE() << "view " << number << " at " << least << " is not there";
        continue;
      }
      EXPECT_GE(row->view.playhead, least) << "view " << number;
    }
  }
  static bool comes_first(const StoredView& a, const StoredView& b) {
    return std::tuple(b.keyed_start, a.ids.get().view) <=
           std::tuple(a.keyed_start, b.ids.get().view);
  }

  Prng prng_;
  ModelCounts& counts_;
  ModelClock clock_;
  boost::asio::io_context context_;
  ModelStore store_{prng_, counts_, true};
  ModelCache::Pages pages_;
  std::vector<std::unique_ptr<CachedStore>> nodes_;
  std::size_t owner_ = 0;
  std::uint64_t epoch_ = 1;
  bool holds_ = true;
  Playhead playhead_ = 0;
  std::map<std::string, Known> known_;
  std::map<std::string, Playhead> maybe_erased_;
};

}  // namespace playhead
