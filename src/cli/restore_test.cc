// What a directory is after a restore that was cut short at any step, and what counts as a receipt.
#include "cli/restore.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/test_directory.h"
#include "cli/data.h"
#include "record/erasure.h"

namespace playhead {
namespace {

namespace fs = std::filesystem;

class DataDirectory : public testing::Test {
 protected:
  std::string data() const { return (directory_.root() / "data").string(); }
  void put(const std::string& name, const std::string& text) {
    fs::create_directories(data() + "/" + name);
    std::ofstream(data() + "/" + name + "/file") << text;
  }
  std::string in(const std::string& name) const {
    std::ifstream file(data() + "/" + name + "/file");
    std::string text;
    file >> text;
    return text;
  }
  bool there(const std::string& name) const { return fs::exists(data() + "/" + name); }

  TestDirectory directory_;
};

TEST_F(DataDirectory, IsMadeAndLocked) {
  const auto lock = take_data(data());
  ASSERT_TRUE(lock);
  EXPECT_EQ(take_data(data()).error().code, Errc::kUnavailable);
}

TEST_F(DataDirectory, StaysAsItWasWhenARestoreWasCutShort) {
  put("store", "old");
  put("journal", "old");
  put("restoring", "half");
  ASSERT_TRUE(take_data(data()));
  EXPECT_EQ(in("store"), "old");
  EXPECT_EQ(in("journal"), "old");
  EXPECT_FALSE(there("restoring"));
}

// From the renaming on: with both of the old, without the journal, without both.
TEST_F(DataDirectory, IsTheRestoredOneOnceThatIsWhole) {
  for (int removed = 0; removed <= 2; ++removed) {
    SCOPED_TRACE(removed);
    fs::remove_all(data());
    put("restored", "new");
    if (removed < 1) put("journal", "old");
    if (removed < 2) put("store", "old");
    EXPECT_TRUE(is_half_restored(data()));
    ASSERT_TRUE(take_data(data()));
    EXPECT_EQ(in("store"), "new");
    EXPECT_EQ(in("journal"), "");
    EXPECT_TRUE(there("journal")) << "an empty one";
    EXPECT_FALSE(is_half_restored(data()));
  }
}

TEST_F(DataDirectory, KeepsTheOldOneIfTheNewCanNotBeMade) {
  put("store", "old");
  put("journal", "old");
  const auto lock = take_data(data());
  ASSERT_TRUE(lock);
  const auto failed = replace_store(data(), [](const std::string& path) -> Result<void> {
    fs::create_directories(path);
    return fail(Errc::kCorrupt, "no");
  });
  EXPECT_EQ(failed.error().detail, "no");
  EXPECT_EQ(in("store"), "old");
  EXPECT_EQ(in("journal"), "old");
  ASSERT_TRUE(replace_store(data(), [this](const std::string& path) -> Result<void> {
    put(fs::path(path).filename().string(), "new");
    return {};
  }));
  EXPECT_EQ(in("store"), "new");
  EXPECT_EQ(in("journal"), "");
}

std::string receipt(const std::string& account, const std::string& at) {
  return R"({"mark":")" + show_erasure_key(erasure_key("_", account)) + R"(","erased_at":")" + at +
         R"(","gone_by":"2026-11-23T20:25:31.000Z"})";
}

TEST(Receipts, AreReadOneAfterAnotherAndFromArrays) {
  const std::string first = receipt("a1", "2026-11-23T20:15:31.000Z");
  const std::string later = receipt("a1", "2026-11-23T20:15:32.000Z");
  const std::string other = receipt("a2", "2026-11-23T20:15:31.000Z");
  Marks marks;
  EXPECT_EQ(
      read_receipts(first + "\n" + later + other + "\n[" + first + ",\n" + other + "]", marks), 5u);
  ASSERT_EQ(marks.size(), 2u);
  EXPECT_EQ(marks[erasure_key("_", "a1")], *parse_rfc3339("2026-11-23T20:15:32.000Z"));
  EXPECT_EQ(read_receipts("", marks), 0u);
}

TEST(Receipts, AreRefusedByTheNumberOfTheirDocument) {
  Marks marks;
  const auto refused =
      read_receipts(receipt("a1", "2026-11-23T20:15:31.000Z") + R"({"mark":"00"})", marks);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kInvalidArgument);
  EXPECT_NE(refused.error().detail.find("document 2"), std::string::npos) << refused.error().detail;
}

}  // namespace
}  // namespace playhead
