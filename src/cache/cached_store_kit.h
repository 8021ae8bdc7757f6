// The contract of a store over RocksDB and a real cache: each node that is started anew owns all
// slots under a new epoch, and finds in the cache whatever the one before left there. For test
// programs only.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/test_directory.h"
#include "cache/cached_store.h"
#include "cache/test_server.h"
#include "runtime/clock.h"
#include "store/rocksdb/rocks_store.h"
#include "store/store_contract.h"

namespace playhead {

/// `Maker` has `static TestServer::Command command()` and `static Result<std::unique_ptr<Cache>>
/// make(std::uint16_t port, const Clock&)`.
template <typename Maker>
class CachedStoreHarness {
 public:
  Store& store() { return *cached_; }
  CachedStoreFigures figures() const { return cached_->figures(); }
  TestServer& server() { return server_; }

  template <typename T>
  T run(Task<T> task) {
    return run_to_end(std::move(task));
  }

  /// As a restart: RocksDB's own test shows what a crash of it takes.
  void crash() {
    cached_.reset();
    store_.reset();
    open();
  }

  CachedStoreHarness() { open(); }

 private:
  static constexpr Millis kPatienceMs = 60'000;  // no test waits for it to pass

  void open() {
    store_ = value_of(RocksStore::open({.path = (directory_.root() / "store").string()}));
    cached_ = std::make_unique<CachedStore>(
        *store_, value_of(Maker::make(server_.port(), clock_)), clock_,
        CachedStoreOptions{.read_max_ms = kPatienceMs, .write_max_ms = kPatienceMs});
    cached_->set_leases(
        [epoch = ++epoch_](std::uint16_t) -> SlotLease { return {.epoch = epoch, .holds = true}; });
  }

  SystemClock clock_;
  TestDirectory directory_;
  TestServer server_{Maker::command()};
  std::uint64_t epoch_ = 0;
  std::unique_ptr<RocksStore> store_;
  std::unique_ptr<CachedStore> cached_;
};

/// What a read of a profile without a history gives at each step.
template <typename Harness>
void expect_hits_and_survival(Harness& harness) {
  const ProfileRef profile{"_", "a1", "p1"};
  const auto put = [&](const std::string& view, Playhead playhead) {
    std::vector<Change> changes;
    changes.push_back(ViewChange{.view = make_view({.view = view, .playhead = playhead})});
    ASSERT_TRUE(harness.run(harness.store().write(std::move(changes))));
  };
  const auto playheads = [&] {
    const auto rows = harness.run(harness.store().history(profile, std::nullopt, 10));
    std::vector<Playhead> out;
    if (!rows) {
      ADD_FAILURE() << rows.error().detail;
      return out;
    }
    EXPECT_FALSE(rows->as_of || rows->more);
    for (const StoredView& row : rows->views) out.push_back(row.view.playhead);
    return out;
  };
  using Rows = std::vector<Playhead>;
  EXPECT_EQ(playheads(), Rows{});
  EXPECT_EQ(harness.figures().fresh, 0u);
  EXPECT_EQ(playheads(), Rows{});
  EXPECT_EQ(harness.figures().fresh, 1u) << "that there is nothing is known as well";
  put("v1", 1'000);
  put("v2", 2'000);
  put("v1", 3'000);
  EXPECT_EQ(playheads(), (Rows{3'000, 2'000}));
  EXPECT_EQ(harness.figures().fresh, 2u) << "three puts kept the page at the newest version";
  EXPECT_EQ(harness.figures().cache.put(Written::kApplied), 3u);
  harness.server().kill();
  EXPECT_EQ(playheads(), (Rows{3'000, 2'000}));
  put("v2", 4'000);
  EXPECT_EQ(playheads(), (Rows{3'000, 4'000}));
  EXPECT_EQ(harness.figures().fresh, 2u);
  harness.server().start();
  for (int reads = 0; harness.figures().fresh == 2 && reads < 1'000'000; ++reads) {
    EXPECT_EQ(playheads(), (Rows{3'000, 4'000}));
  }
  EXPECT_EQ(harness.figures().fresh, 3u) << "it is filled again";
  std::vector<Change> erase;
  erase.push_back(EraseChange{.account = {"_", "a1"}, .through = Instant{1'800'000'000'000}});
  ASSERT_TRUE(harness.run(harness.store().write(std::move(erase))));
  EXPECT_EQ(playheads(), Rows{});
  harness.crash();
  EXPECT_EQ(playheads(), Rows{});
}

}  // namespace playhead
