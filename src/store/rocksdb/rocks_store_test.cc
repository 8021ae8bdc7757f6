// The contract that every store passes, and what is RocksDB's own: a crash that takes what was not
// flushed, reads that must not block, faults, limits, other formats, the check.
#include "store/rocksdb/rocks_store.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/test_directory.h"
#include "journal/rocksdb/faulty_disk.h"
#include "runtime/threads.h"
#include "store/rocksdb/families.h"
#include "store/rocksdb/keys.h"
#include "store/rocksdb/work_queue.h"
#include "store/store_contract.h"

namespace playhead {
namespace {

namespace fs = std::filesystem;

// A directory that goes away with the test.
class Directory : public TestDirectory {
 public:
  std::string path() const { return (root() / "store").string(); }
};

std::unique_ptr<RocksStore> open(const std::string& path) {
  auto opened = RocksStore::open({.path = path});
  if (!opened) throw std::runtime_error(opened.error().detail);
  return std::move(*opened);
}

// A crash is a copy of the files as they lie while the store runs: memtables are lost.
class RocksHarness {
 public:
  Store& store() { return *store_; }

  template <typename T>
  T run(Task<T> task) {
    return run_to_end(std::move(task));
  }

  // Files that a flush replaced go in the background: a copy of them all was made at one moment
  // only if the same ones were there before and after.
  void crash() {
    std::unique_ptr<Directory> after;
    for (std::error_code gone; !after || gone;) {
      const auto files = names();
      after = std::make_unique<Directory>();
      fs::copy(directory_->path(), after->path(), fs::copy_options::recursive, gone);
      if (!gone && files != names()) gone = std::make_error_code(std::errc::interrupted);
    }
    store_.reset();
    directory_ = std::move(after);
    store_ = open(directory_->path());
  }

 private:
  std::set<std::string> names() const {
    std::set<std::string> out;
    std::error_code gone;
    for (fs::directory_iterator file(directory_->path(), gone), end; !gone && file != end;
         file.increment(gone))
      out.insert(file->path().filename().string());
    return out;
  }

  std::unique_ptr<Directory> directory_ = std::make_unique<Directory>();
  std::unique_ptr<RocksStore> store_ = open(directory_->path());
};

INSTANTIATE_TYPED_TEST_SUITE_P(Rocks, StoreContract, RocksHarness);

std::vector<Change> changes_of(const ViewSpec& spec) {
  std::vector<Change> changes;
  changes.push_back(ViewChange{.view = make_view(spec), .first = true});
  return changes;
}

Result<void> put(Store& store, const ViewSpec& spec) {
  return run_to_end(store.write(changes_of(spec)));
}

TEST(RocksStore, LosesWhatWasNotSettledInACrash) {
  RocksHarness harness;
  ASSERT_TRUE(put(harness.store(), {.view = "v1"}));
  harness.crash();
  const auto view = run_to_end(harness.store().view({"_", "a1"}, "v1"));
  ASSERT_TRUE(view);
  EXPECT_FALSE(*view) << "else the contract's crash tests show nothing";
}

TEST(RocksStore, KeepsEverythingWhenClosedInOrder) {
  const Directory directory;
  ASSERT_TRUE(put(*open(directory.path()), {.view = "v1"}));
  const auto store = open(directory.path());
  const auto view = run_to_end(store->view({"_", "a1"}, "v1"));
  ASSERT_TRUE(view);
  EXPECT_TRUE(*view);
}

TEST(RocksStore, ReadsFromMemoryWhatWasWrittenOrReadBefore) {
  const Directory directory;
  const AccountRef account{"_", "a1"};
  const ProfileRef profile{"_", "a1", "p1"};
  {
    const auto store = open(directory.path());
    ASSERT_TRUE(put(*store, {.view = "v1"}));
    ASSERT_TRUE(store->try_view(account, "v1")) << "it is in the memtable";
    ASSERT_TRUE(store->try_active_views(account));
    ASSERT_TRUE(store->try_titles(profile, {"t1"}));
  }
  const auto store = open(directory.path());
  const auto cold = store->try_view(account, "v1");
  EXPECT_FALSE(cold) << "its block has not been read yet";
  EXPECT_GT(store->figures().try_misses, 0u);
  ASSERT_TRUE(run_to_end(store->view(account, "v1")));
  ASSERT_TRUE(run_to_end(store->active_views(account)));
  const auto warm = store->try_view(account, "v1");
  ASSERT_TRUE(warm && *warm);
  EXPECT_TRUE(**warm);
  const auto active = store->try_active_views(account);
  ASSERT_TRUE(active && *active);
  EXPECT_EQ((*active)->size(), 1u);
}

TEST(RocksStore, KnowsFromMemoryThatAViewWasNeverWritten) {
  const Directory directory;
  {
    const auto store = open(directory.path());
    for (int i = 0; i < 1'000; ++i)
      ASSERT_TRUE(put(*store, {.view = "v" + std::to_string(i), .account = std::to_string(i)}));
  }
  const auto store = open(directory.path());
  for (int i = 0; i < 1'000; ++i)
    ASSERT_TRUE(run_to_end(store->view({"_", std::to_string(i)}, "v" + std::to_string(i))));
  int known = 0;
  for (int i = 0; i < 1'000; ++i)
    if (const auto none = store->try_view({"_", "other" + std::to_string(i)}, "never")) {
      ASSERT_TRUE(*none);
      EXPECT_FALSE(**none);
      ++known;
    }
  EXPECT_GT(known, 950)
      << "the filters are in memory: few reads of what is not there touch a block";
}

TEST(RocksStore, ResumesATaskOnTheExecutorItWasAwaitedFrom) {
  const Directory directory;
  const auto store = open(directory.path());
  Threads threads(2);
  threads.run();
  std::atomic<int> right = 0;
  std::vector<std::future<void>> done;
  const auto ask = [](Store* asked, std::size_t index, Threads* all,
                      std::atomic<int>* matches) -> Task<> {
    for (int i = 0; i < 50; ++i) {
      std::thread::id mine = std::this_thread::get_id();
      (void)co_await asked->write(changes_of({.view = "v" + std::to_string(index)}));
      *matches += std::this_thread::get_id() == mine;
      (void)co_await asked->view({"_", "a1"}, "v1");
      *matches += std::this_thread::get_id() == mine &&
                  all->context(index).get_executor().running_in_this_thread();
    }
  };
  for (std::size_t i = 0; i < 2; ++i)
    done.push_back(boost::asio::co_spawn(threads.executor(i), ask(store.get(), i, &threads, &right),
                                         boost::asio::use_future));
  for (auto& each : done) each.get();
  EXPECT_EQ(right, 200);
  threads.stop();
  threads.join();
}

TEST(RocksStore, SharesOneFlushAmongSettlesThatWait) {
  const Directory directory;
  const auto store = open(directory.path());
  boost::asio::io_context context;
  constexpr int kSettles = 100;
  int settled = 0;
  for (int i = 0; i < kSettles; ++i)
    boost::asio::co_spawn(context, store->settle(), [&](std::exception_ptr, Result<void> result) {
      settled += result.has_value();
    });
  context.run();
  EXPECT_EQ(settled, kSettles);
  const RocksStoreFigures figures = store->figures();
  EXPECT_EQ(figures.settles, 100u);
  EXPECT_GE(figures.flushes, 1u);
  EXPECT_LT(figures.flushes, 100u);
}

TEST(WorkQueue, RefusesMoreWorkThanMayWait) {
  boost::asio::io_context context;
  std::promise<void> go;
  const std::shared_future<void> released = go.get_future().share();
  std::promise<void> begun;
  WorkQueue queue("reads", 1, 3);
  std::vector<Result<int>> answers;
  const auto add = [&](std::move_only_function<Result<int>()> work) {
    boost::asio::co_spawn(
        context, queue.run<int>(std::move(work)),
        [&](std::exception_ptr, Result<int> result) { answers.push_back(std::move(result)); });
  };
  add([&]() -> Result<int> {
    begun.set_value();
    released.wait();
    return 1;
  });
  context.poll();
  begun.get_future().wait();  // it no longer waits
  for (int i = 0; i < 5; ++i) add([]() -> Result<int> { return 2; });
  context.poll();
  ASSERT_EQ(answers.size(), 2u) << "the two beyond the limit are answered at once";
  for (const auto& answer : answers) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kOverloaded);
  }
  EXPECT_EQ(queue.refused(), 2u);
  go.set_value();
  context.run();
  EXPECT_EQ(answers.size(), 6u);
}

// A store on a disk whose files fail, in `directory`.
struct FaultyStore {
  explicit FaultyStore(const Directory& directory) {
    auto opened = RocksStore::open({.path = directory.path(), .env = env.get()});
    if (opened) store = std::move(*opened);
  }
  std::shared_ptr<FaultyDisk> disk = std::make_shared<FaultyDisk>(".sst");
  std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(disk);
  std::unique_ptr<RocksStore> store;
};

// An import may write a view while its player begins it: the view then is listed once.
TEST(RocksStore, MovesAViewThatIsStoredAnewToItsOtherPlace) {
  const Directory directory;
  const auto store = open(directory.path());
  const auto put = [&](std::int64_t start_ms) {
    std::vector<Change> changes;
    changes.push_back(ViewChange{.view = make_view({.view = "v1", .start_ms = start_ms})});
    ASSERT_TRUE(run_to_end(store->write(std::move(changes))));
  };
  put(1'700'000'000'000);
  put(1'700'000'060'000);
  const auto rows = run_to_end(store->history({"_", "a1", "p1"}, std::nullopt, 10));
  ASSERT_EQ(rows->views.size(), 1u);
  EXPECT_EQ(rows->views[0].keyed_start.ms, 1'700'000'060'000);
}

TEST(RocksStore, FailsASettleWhoseFlushFails) {
  const Directory directory;
  FaultyStore faulty(directory);
  ASSERT_TRUE(faulty.store);
  ASSERT_TRUE(put(*faulty.store, {.view = "v1"}));
  faulty.disk->fail_sync = true;
  const auto failed = run_to_end(faulty.store->settle());
  ASSERT_FALSE(failed) << "the journal would be dropped on this word";
  EXPECT_EQ(failed.error().code, Errc::kUnavailable);
  EXPECT_GT(faulty.disk->faults, 0);
  faulty.disk->fail_sync = false;
  EXPECT_FALSE(run_to_end(faulty.store->settle())) << "what was lost is not known";
  EXPECT_FALSE(put(*faulty.store, {.view = "v2"}));
  const auto view = run_to_end(faulty.store->view({"_", "a1"}, "v1"));
  ASSERT_TRUE(view) << "it can still be read";
  EXPECT_TRUE(*view);
}

TEST(RocksStore, RefusesASecondProcessClearly) {
  const Directory directory;
  const auto store = open(directory.path());
  const auto second = RocksStore::open({.path = directory.path()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kUnavailable);
  EXPECT_NE(second.error().detail.find("in use by another playhead"), std::string::npos);
  const auto check = check_store(directory.path());
  ASSERT_FALSE(check);
  EXPECT_EQ(check.error().code, Errc::kUnavailable);
}

// Changes a closed store behind its back.
void with_families(const std::string& path, const std::function<void(const Families&)>& change) {
  const auto families = Families::open({.path = path}, Families::Access::kWrite);
  ASSERT_TRUE(families) << families.error().detail;
  change(*families);
}

rocksdb::WriteOptions unlogged() {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return options;
}

TEST(RocksStore, RefusesAStoreOfANewerFormat) {
  const Directory directory;
  {
    open(directory.path());
  }
  with_families(directory.path(), [](const Families& families) {
    const char version = kStoreFormat + 1;
    ASSERT_TRUE(families.db()
                    .Put(unlogged(), families.meta(), kStoreFormatKey, rocksdb::Slice(&version, 1))
                    .ok());
  });
  const auto store = RocksStore::open({.path = directory.path()});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Errc::kCorrupt);
  EXPECT_NE(store.error().detail.find("newer playhead"), std::string::npos);
}

// RocksDB would take the directory for an empty one, and delete the rows.
TEST(RocksStore, RefusesFilesWithoutTheOneThatLeadsToThem) {
  const Directory directory;
  {
    const auto store = open(directory.path());
    std::vector<Change> changes;
    changes.push_back(ViewChange{.view = make_view({.view = "v1"})});
    ASSERT_TRUE(run_to_end(store->write(std::move(changes))));
    ASSERT_TRUE(run_to_end(store->settle()));
  }
  ASSERT_TRUE(fs::remove(directory.path() + "/CURRENT"));
  for (int start = 0; start < 2; ++start) {
    const auto store = RocksStore::open({.path = directory.path()});
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Errc::kCorrupt);
    EXPECT_NE(store.error().detail.find("CURRENT"), std::string::npos);
  }
}

TEST(RocksStore, SaysCorruptForARowThatCannotBeDecoded) {
  const Directory directory;
  {
    ASSERT_TRUE(put(*open(directory.path()), {.view = "v1"}));
  }
  with_families(directory.path(), [](const Families& families) {
    ASSERT_TRUE(
        families.db()
            .Put(unlogged(), families.views(), account_key("_", "a1", "v1"), "\xff\xffnonsense")
            .ok());
  });
  const auto store = open(directory.path());
  const auto view = run_to_end(store->view({"_", "a1"}, "v1"));
  ASSERT_FALSE(view);
  EXPECT_EQ(view.error().code, Errc::kCorrupt);
}

TEST(StoreKeys, ComeApartAsTheyWerePutTogether) {
  const std::string odd = std::string("a\0b", 3) + "\xff";
  const std::string longest(300, 'x');
  for (const std::string& text : {std::string(), std::string("a"), odd, longest}) {
    const ProfileRef profile{text, text + "1", text + "2"};
    const std::string key = history_key(profile, Instant{-5}, text);
    const auto parts = read_key(KeyKind::kHistory, key);
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->tenant, profile.tenant);
    EXPECT_EQ(parts->account, profile.account);
    EXPECT_EQ(parts->profile, profile.profile);
    EXPECT_EQ(parts->keyed_start, Instant{-5});
    EXPECT_EQ(parts->last, text);
    EXPECT_EQ(parts->slot, slot_of(profile.tenant, profile.account));
    EXPECT_EQ(key.substr(0, profile_prefix_bytes(key)), profile_prefix(profile));
    EXPECT_EQ(key.substr(0, account_prefix_bytes(key)),
              account_prefix(profile.tenant, profile.account));
    EXPECT_FALSE(read_key(KeyKind::kHistory, std::string_view(key).substr(0, 4)));
  }
}

TEST(StoreKeys, SortNewerStartsFirst) {
  const ProfileRef profile{"_", "a", "p"};
  const std::vector<std::int64_t> starts = {
      std::numeric_limits<std::int64_t>::max(), 1'000, 1, 0, -1,
      std::numeric_limits<std::int64_t>::min()};
  for (std::size_t i = 1; i < starts.size(); ++i)
    EXPECT_LT(history_key(profile, Instant{starts[i - 1]}, "v"),
              history_key(profile, Instant{starts[i]}, "v"));
}

TEST(CheckStore, CountsTheRowsOfASoundStore) {
  const Directory directory;
  {
    const auto store = open(directory.path());
    ASSERT_TRUE(put(*store, {.view = "v1"}));
    ASSERT_TRUE(put(*store, {.view = "v2", .profile = "p2", .active = false}));
    ASSERT_TRUE(put(*store, {.view = "v3", .profile = "p2", .record = false}));
    std::vector<Change> changes;
    changes.push_back(TitleChange{{"_", "a1", "p1"}, "t1", title_at(1, 2)});
    ASSERT_TRUE(run_to_end(store->write(std::move(changes))));
  }
  const auto report = check_store(directory.path());
  ASSERT_TRUE(report) << report.error().detail;
  EXPECT_TRUE(report->sound()) << (report->damage.empty() ? "" : report->damage.front());
  EXPECT_EQ(report->views, 3u);
  EXPECT_EQ(report->active, 2u);
  EXPECT_EQ(report->history, 2u);
  EXPECT_EQ(report->profiles, 2u);
  EXPECT_EQ(report->titles, 1u);
  EXPECT_GT(report->disk_bytes, 0u);
}

TEST(CheckStore, ReportsEachKindOfDamage) {
  const Directory directory;
  {
    const auto store = open(directory.path());
    for (const char* view : {"v1", "v2", "v3", "v4"}) ASSERT_TRUE(put(*store, {.view = view}));
  }
  const ProfileRef profile{"_", "a1", "p1"};
  const std::int64_t start = ViewSpec{}.start_ms;
  with_families(directory.path(), [&](const Families& families) {
    rocksdb::DB& db = families.db();
    ASSERT_TRUE(
        db.Put(unlogged(), families.views(), account_key("_", "a1", "v1"), "\xff\xff").ok());
    ASSERT_TRUE(db.Delete(unlogged(), families.active(), account_key("_", "a1", "v2")).ok());
    ASSERT_TRUE(
        db.Delete(unlogged(), families.history(), history_key(profile, Instant{start}, "v3")).ok());
    ASSERT_TRUE(db.Put(unlogged(), families.active(), account_key("_", "a1", "v9"), "").ok());
    ASSERT_TRUE(db.Put(unlogged(), families.views(), "short", "").ok());
  });
  const auto report = check_store(directory.path());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->damaged, 5u);
  std::string all;
  for (const std::string& what : report->damage) all += what + "\n";
  for (const char* part :
       {"not listed as such", "not in history", "its view is missing", "its key is malformed"})
    EXPECT_NE(all.find(part), std::string::npos) << all;
}

TEST(CheckStore, ReportsAFlippedByte) {
  const Directory directory;
  {
    const auto store = open(directory.path());
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(put(*store, {.view = "v" + std::to_string(i)}));
  }
  fs::path largest;
  for (const auto& entry : fs::directory_iterator(directory.path()))
    if (entry.path().extension() == ".sst" &&
        (largest.empty() || entry.file_size() > fs::file_size(largest)))
      largest = entry.path();
  ASSERT_FALSE(largest.empty());
  {
    std::fstream file(largest, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(100);
    const int byte = file.get();
    file.seekp(100);
    file.put(static_cast<char>(byte ^ 1));
  }
  const auto report = check_store(directory.path());
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->sound());
}

TEST(CheckStore, SaysThatThereIsNoStore) {
  const Directory directory;
  const auto report = check_store(directory.path());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace playhead
