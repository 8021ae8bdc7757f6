// A backup is the store as it was, and what was erased since is erased when it is restored.
#include "store/rocksdb/backup.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/test_directory.h"
#include "journal/rocksdb/status.h"
#include "record/erasure.h"
#include "store/rocksdb/restore.h"
#include "store/rocksdb/rocks_store.h"
#include "store/store_contract.h"

namespace playhead {
namespace {

namespace fs = std::filesystem;

constexpr const char* kErased = "account-to-erase-6b1ff0c2a7";
constexpr Instant kErasedAt{2'000};

class StoreBackup : public testing::Test {
 protected:
  StoreBackup() {
    store_ = open(path("store"));
    auto backups = store_->open_backups({.directory = path("backups"), .keep = 2});
    if (!backups) throw std::runtime_error(backups.error().detail);
    backups_ = *std::move(backups);
  }

  static std::unique_ptr<RocksStore> open(const std::string& path) {
    auto opened = RocksStore::open({.path = path, .compression = "none"});
    if (!opened) throw std::runtime_error(opened.error().detail);
    return *std::move(opened);
  }
  std::string path(const char* name) const { return (directory_.root() / name).string(); }

  void put(const std::string& account, const std::string& view, const std::string& profile = "p1") {
    std::vector<Change> changes;
    changes.push_back(
        ViewChange{.view = make_view({.view = view, .account = account, .profile = profile})});
    changes.push_back(
        TitleChange{.profile = {"_", account, profile}, .title = "t1", .delta = title_at(1, 2)});
    ASSERT_TRUE(run_to_end(store_->write(std::move(changes))));
  }
  void erase(const std::string& account, const std::string& profile = {}) {
    std::vector<Change> changes;
    changes.push_back(
        EraseChange{.account = {"_", account}, .profile = profile, .through = kErasedAt});
    ASSERT_TRUE(run_to_end(store_->write(std::move(changes))));
  }
  Backup back_up(Instant at = {1'000}) {
    auto made = run_to_end(backups_->make(at));
    if (!made) throw std::runtime_error(made.error().detail);
    return *made;
  }
  std::vector<std::uint32_t> listed() {
    std::vector<std::uint32_t> ids;
    for (const Backup& backup : run_to_end(backups_->list()).value()) ids.push_back(backup.id);
    return ids;
  }

  // A store from the backup, with `marks` done to it.
  std::unique_ptr<RocksStore> restored(std::uint32_t id, const Marks& marks = {}) {
    const auto directory = BackupDirectory::open(path("backups"));
    if (!directory) throw std::runtime_error(directory.error().detail);
    if (auto done = directory->restore(id, path("restored")); !done)
      throw std::runtime_error(done.error().detail);
    auto reapplied = reapply(path("restored"), marks);
    if (!reapplied) throw std::runtime_error(reapplied.error().detail);
    reapplied_ = *reapplied;
    return open(path("restored"));
  }
  static std::size_t views_of(Store& store, const std::string& account,
                              const std::string& profile = "p1") {
    return run_to_end(store.history({"_", account, profile}, std::nullopt, 100))->views.size();
  }

  std::vector<std::string> holders(const std::string& text) const {
    std::vector<std::string> out;
    for (const auto& file : fs::recursive_directory_iterator(path("restored"))) {
      std::ifstream in(file.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), {}};
      if (bytes.find(text) != std::string::npos) out.push_back(file.path().filename());
    }
    return out;
  }

  TestDirectory directory_;
  std::unique_ptr<RocksStore> store_;
  std::unique_ptr<Backups> backups_;
  Reapplied reapplied_;
};

TEST_F(StoreBackup, HoldsAllThatWasWrittenBeforeAndNothingOfAfter) {
  put("a1", "v1");  // not settled
  const Backup backup = back_up({1'234});
  put("a1", "v2");
  EXPECT_EQ(backup.id, 1u);
  EXPECT_EQ(backup.at, Instant{1'234});
  EXPECT_GT(backup.bytes, 0u);
  EXPECT_EQ(backups_->figures().last->at, Instant{1'234});
  auto store = restored(1);
  EXPECT_EQ(views_of(*store, "a1"), 1u);
  EXPECT_EQ(run_to_end(store->active_views({"_", "a1"}))->size(), 1u);
  EXPECT_EQ(run_to_end(store->all_titles({"_", "a1", "p1"}, 10))->size(), 1u);
  EXPECT_EQ(run_to_end(store->profiles({"_", "a1"}, 10)).value(), std::vector<std::string>{"p1"});
}

TEST_F(StoreBackup, KeepsAsManyAsAreWanted) {
  for (int i = 0; i < 4; ++i) {
    put("a1", "v" + std::to_string(i));
    back_up();
  }
  EXPECT_EQ(listed(), (std::vector<std::uint32_t>{3, 4}));
  EXPECT_EQ(backups_->figures().made, 4u);
  EXPECT_EQ(views_of(*restored(3), "a1"), 3u);
}

TEST_F(StoreBackup, IsNotMadeAnyMoreOnceStopped) {
  backups_->stop();
  EXPECT_EQ(run_to_end(backups_->make({1})).error().code, Errc::kUnavailable);
  EXPECT_EQ(listed(), std::vector<std::uint32_t>{});
  EXPECT_EQ(backups_->figures().errors, 1u);
}

TEST_F(StoreBackup, IsNotMadeWhereAnotherMakesThem) {
  const auto lock = DirectoryLock::hold(path("backups"));
  ASSERT_TRUE(lock);
  const auto refused = run_to_end(backups_->make({1}));
  EXPECT_EQ(refused.error().code, Errc::kUnavailable);
  EXPECT_NE(refused.error().detail.find("another server"), std::string::npos);
}

TEST_F(StoreBackup, ThatIsDamagedIsNotRestored) {
  put("a1", "v1");
  back_up();
  for (const auto& file : fs::directory_iterator(path("backups") + "/shared_checksum")) {
    std::fstream table(file.path(), std::ios::binary | std::ios::in | std::ios::out);
    table.seekp(static_cast<std::streamoff>(file.file_size() / 2));
    table.put('\xff').put('\x0');
  }
  const auto directory = BackupDirectory::open(path("backups"));
  ASSERT_TRUE(directory);
  EXPECT_EQ(directory->restore(1, path("restored")).error().code, Errc::kCorrupt);
  EXPECT_FALSE(fs::exists(path("restored")));
}

TEST_F(StoreBackup, LosesWhatWasErasedSinceToTheLastByte) {
  for (int i = 0; i < 20; ++i) {
    put(kErased, "v" + std::to_string(i));
    put("kept", "v" + std::to_string(i));
  }
  back_up();
  erase(kErased);
  back_up();
  const auto directory = BackupDirectory::open(path("backups"));
  const Marks marks = directory->marks(2).value();
  ASSERT_EQ(marks, (Marks{{erasure_key("_", kErased), kErasedAt}}));
  EXPECT_EQ(directory->marks(1).value(), Marks{});
  restored(1);
  EXPECT_FALSE(holders(kErased).empty()) << "else this test shows nothing";
  auto store = restored(1, marks);
  EXPECT_EQ(reapplied_.marks, 1u);
  EXPECT_EQ(reapplied_.erased, 1u);
  EXPECT_EQ(holders(kErased), std::vector<std::string>{});
  EXPECT_EQ(views_of(*store, "kept"), 20u);
  EXPECT_EQ(run_to_end(store->erasures({"_", kErased}))->account, kErasedAt);
}

TEST_F(StoreBackup, LosesAProfileAndKeepsItsSiblings) {
  put("a1", "v1", "profile-to-erase");
  put("a1", "v2", "sibling");
  back_up();
  const Marks marks{{erasure_key("_", "a1", "profile-to-erase"), kErasedAt}};
  auto store = restored(1, marks);
  EXPECT_EQ(reapplied_.erased, 1u);
  EXPECT_EQ(views_of(*store, "a1", "profile-to-erase"), 0u);
  EXPECT_EQ(views_of(*store, "a1", "sibling"), 1u);
  EXPECT_EQ(run_to_end(store->profiles({"_", "a1"}, 10)).value(),
            std::vector<std::string>{"sibling"});
  EXPECT_EQ(holders("profile-to-erase"), std::vector<std::string>{});
}

TEST_F(StoreBackup, RemembersErasuresOfWhatItNeverHeld) {
  put("a1", "v1");
  back_up();
  const Marks marks{{erasure_key("_", "later"), kErasedAt},
                    {erasure_key("_", "later", "p9"), Instant{9'000}}};
  auto store = restored(1, marks);
  EXPECT_EQ(reapplied_.marks, 2u);
  EXPECT_EQ(reapplied_.erased, 0u);
  const Erasures erasures = run_to_end(store->erasures({"_", "later"})).value();
  EXPECT_EQ(erasures.account, kErasedAt);
  EXPECT_EQ(erasures.through("_", "later", "p9"), Instant{9'000});
  EXPECT_EQ(views_of(*store, "a1"), 1u);
}

TEST_F(StoreBackup, IsNotErasedAgainByWhatItKnows) {
  erase("a1");
  put("a1", "v-of-after");
  back_up();
  Marks marks{{erasure_key("_", "a1"), kErasedAt}};
  EXPECT_EQ(views_of(*restored(1, marks), "a1"), 1u);
  EXPECT_EQ(reapplied_.marks, 0u);
  add_mark(marks, erasure_key("_", "a1"), Instant{1});
  EXPECT_EQ(marks.begin()->second, kErasedAt) << "the later one counts";
}

TEST_F(StoreBackup, LeavesNoTraceOfWhatWasErasedBeforeIt) {
  put(kErased, "v1");
  ASSERT_TRUE(run_to_end(store_->settle()));
  erase(kErased);
  back_up();
  restored(1);
  EXPECT_EQ(holders(kErased), std::vector<std::string>{});
}

}  // namespace
}  // namespace playhead
