// The journal on a real directory: what is acknowledged is there after every restart, in order.
#include "journal/rocksdb/rocks_journal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <future>
#include <set>
#include <thread>
#include <vector>

#include "journal/rocksdb/journal_test_kit.h"

namespace playhead {
namespace {

using namespace journal_test;  // NOLINT(google-build-using-namespace)

TEST(RocksJournal, KeepsItsFramesInOrderWhenReopened) {
  const Directory directory;
  {
    const auto journal = open(directory.path());
    EXPECT_EQ(journal->extent().first, 1u);
    EXPECT_EQ(journal->extent().last, 0u);
    append_through(*journal, 50);
  }
  for (int round = 0; round < 3; ++round) {
    const auto journal = open(directory.path());
    EXPECT_EQ(journal->extent().first, 1u);
    EXPECT_EQ(journal->extent().last, 50u);
    EXPECT_GE(journal->bytes(), 50u * 100);
    expect_frames(*journal, 1, 50);
  }
  const auto journal = open(directory.path());
  append_through(*journal, 60);
  expect_frames(*journal, 1, 60);
}

TEST(RocksJournal, PassesOverWhatTheStoreHasWhileThePowerStaysOn) {
  const Directory directory;
  const auto opened = [&](const char* power) {
    auto journal = RocksJournal::open({.path = directory.path(), .power = power});
    EXPECT_TRUE(journal) << journal.error().detail;
    return *std::move(journal);
  };
  const auto first_read = [](const RocksJournal& journal) {
    FrameNumber first = 0;
    EXPECT_TRUE(journal.replay([&](FrameNumber number, std::string_view) -> Result<void> {
      if (first == 0) first = number;
      return {};
    }));
    return first;
  };
  {
    const auto journal = opened("one");
    append_through(*journal, 50);
    ASSERT_TRUE(journal->note_stored(40));
    ASSERT_TRUE(journal->note_stored(30));  // an older word
  }
  for (FrameNumber dropped = 0; dropped < 20; dropped += 10) {
    const auto journal = opened("one");
    EXPECT_EQ(first_read(*journal), 41u);
    EXPECT_EQ(journal->extent().first, dropped + 1) << "kept until they are dropped";
    ASSERT_TRUE(journal->drop_through(dropped + 10));
  }
  EXPECT_EQ(first_read(*opened("another")), 21u);
  EXPECT_EQ(first_read(*opened("")), 21u) << "nobody knows whether the power was cut";
  EXPECT_EQ(first_read(*opened("one")), 41u);
  {
    const auto journal = opened("another");
    append_through(*journal, 60);
    ASSERT_TRUE(journal->note_stored(1'000));  // more than there is
  }
  EXPECT_EQ(first_read(*opened("another")), 0u);
  EXPECT_EQ(first_read(*opened("one")), 21u);
}

TEST(RocksJournal, AnswersInOrderAndGroupsWhatWaits) {
  const Directory directory;
  const auto journal = open(directory.path());
  constexpr FrameNumber kFrames = 2'000;
  std::vector<FrameNumber> answers;  // written by the journal's thread alone
  std::promise<void> done;
  for (FrameNumber n = 1; n <= kFrames; ++n) {
    journal->append(frame_of(n), [&](Result<FrameNumber> number) {
      answers.push_back(number.value_or(0));
      if (answers.size() == kFrames) done.set_value();
    });
  }
  done.get_future().wait();
  for (FrameNumber n = 1; n <= kFrames; ++n) ASSERT_EQ(answers[n - 1], n);
  const RocksJournalFigures figures = journal->figures();
  EXPECT_EQ(figures.frames, kFrames);
  EXPECT_GT(figures.syncs, 0u);
  EXPECT_LT(figures.syncs, kFrames);
  std::uint64_t in_buckets = 0;
  for (const std::uint64_t count : figures.sync_us_buckets) in_buckets += count;
  EXPECT_EQ(in_buckets, figures.syncs);
  expect_frames(*journal, 1, kFrames);
}

TEST(RocksJournal, GivesEachOfSeveralThreadsItsOwnNumbers) {
  const Directory directory;
  const auto journal = open(directory.path());
  std::array<std::vector<FrameNumber>, 4> numbers;
  {
    std::vector<std::jthread> threads;
    for (auto& mine : numbers)
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) mine.push_back(append(*journal, "x").value_or(0));
      });
  }
  std::set<FrameNumber> all;
  for (const auto& mine : numbers) {
    EXPECT_TRUE(std::ranges::is_sorted(mine));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), 200u);
  EXPECT_EQ(*all.begin(), 1u);
  EXPECT_EQ(*all.rbegin(), 200u);
}

TEST(RocksJournal, ReplaysToSeveralThreadsAtOnce) {
  const Directory directory;
  append_through(*open(directory.path()), 300);
  const auto journal = open(directory.path());
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back([&] { expect_frames(*journal, 1, 300); });
}

TEST(RocksJournal, EndsAReplayWithTheVisitorsError) {
  const Directory directory;
  const auto journal = open(directory.path());
  append_through(*journal, 5);
  FrameNumber seen = 0;
  const auto read = journal->replay([&](FrameNumber number, std::string_view) -> Result<void> {
    seen = number;
    if (number == 3) return fail(Errc::kCorrupt, "enough");
    return {};
  });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().detail, "enough");
  EXPECT_EQ(seen, 3u);
}

TEST(RocksJournal, GoesOnNumberingAfterItWasEmptied) {
  const Directory directory;
  {
    const auto journal = open(directory.path());
    append_through(*journal, 7);
    ASSERT_TRUE(journal->drop_through(7));
    EXPECT_EQ(journal->extent().first, 8u);
    EXPECT_EQ(journal->extent().last, 7u);
    EXPECT_EQ(journal->bytes(), 0u);
    expect_frames(*journal, 8, 7);
  }
  for (int round = 0; round < 3; ++round) {
    const auto journal = open(directory.path());
    EXPECT_EQ(journal->extent().first, 8u);
    EXPECT_EQ(journal->extent().last, 7u);
    expect_frames(*journal, 8, 7);
  }
  const auto journal = open(directory.path());
  EXPECT_EQ(append(*journal, "next"), 8u);
}

TEST(RocksJournal, NeverDropsAboveTheGivenFrame) {
  const Directory directory;
  {
    const auto journal = open(directory.path());
    append_through(*journal, 20);
    ASSERT_TRUE(journal->drop_through(5));
    ASSERT_TRUE(journal->drop_through(5));
    ASSERT_TRUE(journal->drop_through(3));
    EXPECT_EQ(journal->extent().first, 6u);
    expect_frames(*journal, 6, 20);
  }
  const auto journal = open(directory.path());
  EXPECT_EQ(journal->extent().first, 6u);
  EXPECT_EQ(journal->extent().last, 20u);
  expect_frames(*journal, 6, 20);
  ASSERT_TRUE(journal->drop_through(1'000));
  EXPECT_EQ(append(*journal, "next"), 21u) << "frames that were never there can't be dropped";
}

TEST(RocksJournal, FreesTheDiskOfDroppedFrames) {
  const Directory directory;
  const auto journal =
      RocksJournal::open({.path = directory.path(), .write_buffer_bytes = 1 << 20});
  ASSERT_TRUE(journal);
  constexpr std::size_t kBytes = 100'000;
  std::size_t files_max = 0;
  for (FrameNumber last = 20; last <= 1'000; last += 20) {
    append_through(**journal, last, kBytes);
    files_max = std::max(files_max, directory.files(".sst").size());
    ASSERT_TRUE((*journal)->drop_through(last - 10));
  }
  // 100 MB went through; each memtable of 1 MiB became a file.
  EXPECT_GT(files_max, 0u);
  EXPECT_LT(files_max, 15u);
  EXPECT_LE((*journal)->bytes(), 11 * kBytes + (2 << 20));
  expect_frames(**journal, 991, 1'000, kBytes);
}

TEST(RocksJournal, KeepsTheDropMarkWhenAllItsFilesAreFreed) {
  const Directory directory;
  constexpr std::size_t kBytes = 300'000;
  FrameNumber last = 0;
  for (int round = 0; round < 20; ++round) {
    const auto journal =
        RocksJournal::open({.path = directory.path(), .write_buffer_bytes = 1 << 20});
    ASSERT_TRUE(journal) << journal.error().detail;
    ASSERT_EQ((*journal)->extent().last, last);
    ASSERT_EQ((*journal)->extent().first, last + 1);
    last += static_cast<FrameNumber>(round % 6);
    append_through(**journal, last, kBytes);
    ASSERT_TRUE((*journal)->drop_through(last));
  }
  open(directory.path());
  EXPECT_LE(directory.files(".sst").size(), 2u);
}

TEST(RocksJournal, RefusesASecondProcessClearly) {
  const Directory directory;
  const auto journal = open(directory.path());
  const auto second = RocksJournal::open({.path = directory.path()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kUnavailable);
  EXPECT_NE(second.error().detail.find("in use by another playhead"), std::string::npos)
      << second.error().detail;
}

TEST(RocksJournal, RefusesADirectoryItCannotMake) {
  const auto journal = RocksJournal::open({.path = "/proc/no/journal"});
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, Errc::kUnavailable);
}

}  // namespace
}  // namespace playhead
