// An owner of a profile who keeps a cache beside his store while everything goes wrong that can,
// and compares each hit with what the store said. For tests only; one seed gives one run.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "cache/cache_test_kit.h"

namespace playhead {

/// How often each thing happened, over all runs.
struct OwnerCounts {
  int fresh = 0;  ///< hits at the version that the owner knows
  int older = 0;  ///< hits at another one
  int unknown = 0;
  int misses = 0, dropped = 0, late = 0, erased = 0, unforgotten = 0, flushed = 0, restarted = 0;
  int damaged = 0, owners = 0, prolonged = 0, by_others = 0;

  void expect_all_happened() const {
    EXPECT_GT(fresh, 100) << "there must be hits, or this test shows nothing";
    const std::pair<const char*, int> all[] = {{"older", older},
                                               {"unknown", unknown},
                                               {"misses", misses},
                                               {"dropped", dropped},
                                               {"late", late},
                                               {"erased", erased},
                                               {"unforgotten", unforgotten},
                                               {"flushed", flushed},
                                               {"restarted", restarted},
                                               {"damaged", damaged},
                                               {"owners", owners},
                                               {"prolonged", prolonged},
                                               {"by_others", by_others}};
    for (const auto& [name, count] : all) {
      EXPECT_GT(count, 0) << name << ": each must really happen";
      std::cout << name << " " << count << ", ";
    }
    std::cout << "fresh " << fresh << "\n";
  }
};

template <typename Harness>
class OwnerModel {
 public:
  struct World {
    Harness& harness;
    Cache& cache;
    ShiftedClock& clock;
    std::string cluster;
    ProfileRef profile;
  };

  OwnerModel(World world, Prng prng, OwnerCounts& counts)
      : world_(std::move(world)), prng_(prng), counts_(counts) {
    snapshots_[known_] = {};
  }

  void step() {
    const std::uint64_t what = prng_.below(1'000);
    if (what < 450)
      change();
    else if (what < 800)
      read();
    else if (what < 870)
      deliver_something_late();
    else if (what < 900)
      erase();
    else if (what < 940)
      fault(counts_.damaged, [this] { damage(); });
    else if (what < 955)
      fault(counts_.flushed, [this] { world_.harness.flush(); });
    else if (what < 958)
      fault(counts_.restarted, [this] {
        world_.harness.server().kill();
        world_.harness.server().start();
        wait_for_answers();
      });
    else if (what < 970)
      fault(counts_.owners, [this] { become_another_owner(); });
    else if (what < 985)
      fault(counts_.prolonged, [this] { world_.clock.shift(31'000); });
    else
      fault(counts_.by_others, [this] { fill_by_another_node(); });
    compare();
  }

 private:
  using Place = std::pair<std::int64_t, std::string>;      // minus the keyed start, view
  using Rows = std::map<Place, std::pair<int, Playhead>>;  // what the view is made of

  Deadline patient() { return Deadline::after(world_.clock, 60'000); }

  template <typename Work>
  void fault(int& count, Work work) {
    ++count;
    work();
  }

  std::vector<StoredView> views(const Rows& rows) const {
    std::vector<StoredView> out;
    for (const auto& [place, made] : rows)
      out.push_back(make_row(world_.profile, made.first, made.second));
    return out;
  }

  PageVersion raise() {
    const PageVersion before = known_;
    ++known_.count;
    snapshots_[known_] = store_;
    return before;
  }

  void change() {
    PageChange change{.profile = world_.profile, .as_of = world_.clock.now()};
    for (std::uint64_t i = 0; i <= prng_.below(3); ++i) {
      const int number = static_cast<int>(prng_.below(16));
      StoredView view = make_row(world_.profile, number, ++playhead_);
      store_[{-view.keyed_start.ms, std::string(view.ids.get().view)}] = {number, playhead_};
      if (!change.rows.empty() && change.rows.back().ids.get().view == view.ids.get().view)
        change.rows.pop_back();
      change.rows.push_back(std::move(view));
    }
    change.before = raise();
    change.after = known_;
    if (prng_.chance(80)) {
      ++counts_.dropped;
      return;
    }
    const auto send = [this](const PageChange& which) {
      PageChange copy{.profile = which.profile,
                      .before = which.before,
                      .after = which.after,
                      .as_of = which.as_of};
      for (const StoredView& view : which.rows) copy.rows.push_back(view.clone());
      (void)run_to_end(world_.cache.put(std::move(copy), patient()));
    };
    if (prng_.chance(900)) send(change);
    // Late, or a second time.
    if (prng_.chance(150))
      late_.push_back(
          [send, kept = std::make_shared<PageChange>(std::move(change))] { send(*kept); });
  }

  void read() {
    if (run_to_end(world_.cache.newest(world_.profile, patient()))) return;
    ++counts_.misses;
    const auto fill = [this, version = known_, rows = store_] { fill_with(version, rows); };
    if (prng_.chance(100))
      late_.push_back(fill);
    else
      fill();
  }

  void fill_with(PageVersion version, const Rows& rows) {
    Page page{.version = version, .as_of = world_.clock.now(), .whole = true, .rows = views(rows)};
    (void)run_to_end(world_.cache.fill(world_.profile, std::move(page), patient()));
  }

  // It may have read the store at any time, and finds no page as often as not.
  void fill_by_another_node() {
    if (prng_.chance(500)) world_.harness.flush();
    auto snapshot = snapshots_.begin();
    std::advance(snapshot, static_cast<std::int64_t>(prng_.below(snapshots_.size())));
    fill_with({}, snapshot->second);
  }

  void deliver_something_late() {
    if (late_.empty()) return;
    ++counts_.late;
    const std::size_t which = prng_.below(late_.size());
    late_[which]();
    if (prng_.chance(500)) late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  void erase() {
    ++counts_.erased;
    store_.clear();
    (void)raise();
    if (prng_.chance(200)) {
      ++counts_.unforgotten;
      return;
    }
    const Written forgotten = run_to_end(world_.cache.forget(world_.profile, known_, patient()));
    if (forgotten != Written::kApplied) return;  // the server has just been started anew
    const auto page = run_to_end(world_.cache.newest(world_.profile, patient()));
    EXPECT_FALSE(page) << "a page outlived its erasure";
  }

  void become_another_owner() {
    known_ = {.epoch = known_.epoch + 1, .count = 0};
    snapshots_[known_] = store_;
  }

  // Until the cache has found the server again.
  void wait_for_answers() {
    for (const Deadline deadline = patient(); !deadline.passed(world_.clock);) {
      const auto page = run_to_end(world_.cache.newest(world_.profile, patient()));
      if (page || (page.error() != Miss::kFailed && page.error() != Miss::kRefused)) return;
    }
  }

  void damage() {
    auto texts = world_.harness.texts(world_.cluster, world_.profile);
    if (texts.empty()) return;
    if (prng_.chance(700) && world_.harness.damage_parts(world_.cluster, world_.profile, prng_))
      return;
    std::string& text = texts[prng_.below(texts.size())];
    if (text.empty()) return;
    char& byte = text[prng_.below(text.size())];
    byte = static_cast<char>(byte ^ 1 << prng_.below(8));
    world_.harness.plant(world_.cluster, world_.profile, texts);
  }

  // A hit holds all up to its version, and nothing but the newest rows, without a gap.
  void compare() {
    const auto page = run_to_end(world_.cache.newest(world_.profile, patient()));
    if (!page) return;
    if (page->version == PageVersion{}) {
      ++counts_.unknown;
      return;
    }
    ++(page->version == known_ ? counts_.fresh : counts_.older);
    const auto snapshot = snapshots_.find(page->version);
    ASSERT_NE(snapshot, snapshots_.end()) << "a version that nobody gave";
    std::vector<std::string> said = bytes_of(views(snapshot->second));
    ASSERT_LE(page->rows.size(), said.size());
    if (page->whole) {
      EXPECT_EQ(page->rows.size(), said.size());
    }
    said.resize(page->rows.size());
    EXPECT_EQ(bytes_of(page->rows), said);
  }

  const World world_;
  Prng prng_;
  OwnerCounts& counts_;
  Rows store_;
  PageVersion known_{1, 0};
  Playhead playhead_ = 0;
  std::map<PageVersion, Rows> snapshots_;
  std::vector<std::function<void()>> late_;
};

}  // namespace playhead
