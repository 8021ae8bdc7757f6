// What check_journal() finds in sound and damaged journals, without changing them.
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <filesystem>
#include <string>

#include "journal/rocksdb/database.h"
#include "journal/rocksdb/journal_test_kit.h"
#include "journal/rocksdb/keys.h"
#include "record/frame.h"

namespace playhead {
namespace {

using namespace journal_test;  // NOLINT(google-build-using-namespace)

// A real frame, of one title's record.
std::string real_frame(int n) {
  FrameWriter writer({.boot = 1, .shard = 0, .arrival = Instant{1'000}});
  const std::string title = "t" + std::to_string(n) + std::string(100, 'x');
  writer.title({.tenant = "_", .account = "a1", .profile = "p1", .title = title, .delta = {}});
  return writer.finish();
}

void append_real(Journal& journal, int count) {
  for (int n = 0; n < count; ++n) ASSERT_TRUE(append(journal, real_frame(n)));
}

std::string all_of(const JournalReport& report) {
  std::string out;
  for (const std::string& what : report.damage) out += what + "\n";
  return out;
}

TEST(CheckJournal, CountsTheFramesOfASoundJournal) {
  const Directory directory;
  {
    const auto journal = open(directory.path());
    append_real(*journal, 20);
    ASSERT_TRUE(journal->drop_through(5));
  }
  const auto report = check_journal(directory.path());
  ASSERT_TRUE(report) << report.error().detail;
  EXPECT_TRUE(report->sound()) << all_of(*report);
  EXPECT_EQ(report->dropped_through, 5u);
  EXPECT_EQ(report->first, 6u);
  EXPECT_EQ(report->last, 20u);
  EXPECT_EQ(report->frames, 15u);
  EXPECT_EQ(report->titles, 15u);
  EXPECT_EQ(report->heartbeats + report->snapshots, 0u);
  EXPECT_GT(report->bytes, 15u * 100);
}

TEST(CheckJournal, ReadsWhatACrashLeftAndChangesNothing) {
  const Directory directory;
  {
    const Directory running;
    const auto journal = open(running.path());
    append_real(*journal, 10);
    fs::copy(running.path(), directory.path(), fs::copy_options::recursive);
  }
  const auto log = directory.files(".log").back();
  const auto bytes = fs::file_size(log);
  for (int round = 0; round < 2; ++round) {
    const auto report = check_journal(directory.path());
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->sound()) << all_of(*report);
    EXPECT_EQ(report->frames, 10u);
    EXPECT_EQ(fs::file_size(log), bytes);
  }
}

TEST(CheckJournal, ReportsDamageInTheLogAndReadsTheRest) {
  const Directory directory;
  {
    const Directory running;
    const auto journal = open(running.path());
    append_real(*journal, 10);
    fs::copy(running.path(), directory.path(), fs::copy_options::recursive);
  }
  const auto log = directory.files(".log").back();
  flip(log, fs::file_size(log) / 2);
  const auto report = check_journal(directory.path());
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->sound());
  EXPECT_GE(report->frames, 4u) << all_of(*report);
  EXPECT_LT(report->frames, 10u);
}

TEST(CheckJournal, ReportsDamageInAFileAndReadsTheRest) {
  const Directory directory;
  constexpr int kFrames = 5'000;
  {
    const auto journal = open(directory.path());
    std::vector<std::future<void>> answers;
    for (int n = 0; n < kFrames; ++n) {
      auto answer = std::make_shared<std::promise<void>>();
      answers.push_back(answer->get_future());
      journal->append(real_frame(n), [answer](Result<FrameNumber>) { answer->set_value(); });
    }
    for (auto& answer : answers) answer.wait();
  }
  {
    open(directory.path());
  }
  const auto files = directory.files(".sst");
  ASSERT_FALSE(files.empty());
  const auto largest = *std::ranges::max_element(
      files, {}, [](const fs::path& file) { return fs::file_size(file); });
  flip(largest, fs::file_size(largest) / 2);
  const auto report = check_journal(directory.path());
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->sound());
  EXPECT_EQ(report->last, static_cast<FrameNumber>(kFrames)) << all_of(*report);
  EXPECT_GT(report->frames, kFrames / 2u);
  EXPECT_LT(report->frames, static_cast<std::uint64_t>(kFrames));
  EXPECT_NE(all_of(*report).find("are missing"), std::string::npos) << all_of(*report);
}

TEST(CheckJournal, ReportsAFrameThatFailsItsOwnChecksum) {
  const Directory directory;
  {
    const auto journal = open(directory.path());
    append_real(*journal, 3);
    std::string wrong = real_frame(4);
    wrong[wrong.size() / 2] ^= 1;
    ASSERT_TRUE(append(*journal, wrong));
  }
  const auto report = check_journal(directory.path());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->damaged, 1u);
  EXPECT_NE(all_of(*report).find("frame 4"), std::string::npos) << all_of(*report);
  EXPECT_EQ(report->frames, 4u);
}

TEST(CheckJournal, ReportsAGap) {
  const Directory directory;
  append_real(*open(directory.path()), 9);
  {
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(journal_database_options({.path = directory.path()}),
                                  directory.path(), &db)
                    .ok());
    const std::unique_ptr<rocksdb::DB> owned(db);
    ASSERT_TRUE(owned->Delete({}, frame_key(4)).ok());
    ASSERT_TRUE(owned->Delete({}, frame_key(5)).ok());
  }
  const auto report = check_journal(directory.path());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->damaged, 1u);
  EXPECT_EQ(all_of(*report), "frames 4 to 5 are missing\n");
  EXPECT_EQ(report->frames, 7u);
}

TEST(CheckJournal, RefusesAJournalInUseAndSaysWhenThereIsNone) {
  const Directory directory;
  const auto none = check_journal(directory.path());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::kNotFound);
  const auto journal = open(directory.path());
  const auto used = check_journal(directory.path());
  ASSERT_FALSE(used);
  EXPECT_EQ(used.error().code, Errc::kUnavailable);
}

}  // namespace
}  // namespace playhead
