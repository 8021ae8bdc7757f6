// What was erased is in no file any more once the store has been purged: not in rows, not in the
// manifest's key ranges, not in a log.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/test_directory.h"
#include "store/rocksdb/rocks_store.h"
#include "store/store_contract.h"

namespace playhead {
namespace {

namespace fs = std::filesystem;

constexpr const char* kErased = "account-to-erase-6b1ff0c2a7";

class Purge : public testing::Test {
 protected:
  Purge() {
    auto opened = RocksStore::open({.path = path(), .compression = "none"});
    if (!opened) throw std::runtime_error(opened.error().detail);
    store_ = std::move(*opened);
  }
  std::string path() const { return (directory_.root() / "store").string(); }

  void write(std::vector<Change> changes) {
    ASSERT_TRUE(run_to_end(store_->write(std::move(changes))));
    ASSERT_TRUE(run_to_end(store_->settle()));
  }
  void put(const std::string& account, const std::string& view) {
    std::vector<Change> changes;
    changes.push_back(ViewChange{.view = make_view({.view = view, .account = account})});
    changes.push_back(
        TitleChange{.profile = {"_", account, "p1"}, .title = "t1", .delta = title_at(1, 2)});
    write(std::move(changes));
  }
  void erase(const std::string& account) {
    std::vector<Change> changes;
    changes.push_back(EraseChange{.account = {"_", account}, .through = Instant{2'000}});
    write(std::move(changes));
  }

  // The files that hold `text`. RocksDB deletes files in the background.
  std::vector<std::string> holders(const std::string& text) const {
    std::vector<std::string> out;
    for (const auto& file : fs::recursive_directory_iterator(path())) {
      std::ifstream in(file.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), {}};
      if (bytes.find(text) != std::string::npos) out.push_back(file.path().filename());
    }
    return out;
  }
  std::vector<std::string> holders_at_last(const std::string& text) const {
    constexpr int kTries = 500;
    std::vector<std::string> found = holders(text);
    for (int i = 0; i < kTries && !found.empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      found = holders(text);
    }
    return found;
  }

  TestDirectory directory_;
  std::unique_ptr<RocksStore> store_;
};

TEST_F(Purge, LeavesNothingOfWhatWasErasedInAnyFile) {
  for (int i = 0; i < 50; ++i) {
    put(kErased, "v" + std::to_string(i));
    put("kept", "v" + std::to_string(i));
  }
  EXPECT_GT(holders(kErased).size(), 10u) << "else this test shows nothing";
  erase(kErased);
  EXPECT_FALSE(holders(kErased).empty()) << "an erasure alone leaves it in files";
  EXPECT_EQ(run_to_end(store_->purge()).value(), 1u);
  EXPECT_EQ(holders_at_last(kErased), std::vector<std::string>{});
  EXPECT_FALSE(holders("kept").empty());
  EXPECT_EQ(run_to_end(store_->history({"_", "kept", "p1"}, std::nullopt, 100))->views.size(), 50u);
  EXPECT_EQ(run_to_end(store_->purge()).value(), 0u) << "there is nothing left to do";
}

TEST_F(Purge, IsMadeUpForAfterARestart) {
  put(kErased, "v1");
  erase(kErased);
  store_.reset();
  store_ = *RocksStore::open({.path = path(), .compression = "none"});
  EXPECT_EQ(run_to_end(store_->purge()).value(), 1u);
  EXPECT_EQ(holders_at_last(kErased), std::vector<std::string>{});
  EXPECT_EQ(store_->figures().slots_purged, 1u);
}

}  // namespace
}  // namespace playhead
