// Journals that a crash, a disk or a hand has damaged: a torn tail is cut, all else is refused with
// a clear message.
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "journal/rocksdb/database.h"
#include "journal/rocksdb/journal_test_kit.h"
#include "journal/rocksdb/keys.h"

namespace playhead {
namespace {

using namespace journal_test;  // NOLINT(google-build-using-namespace)

// A WAL as a crash leaves it: the process is gone, nothing was flushed.
class CutJournal : public testing::Test {
 protected:
  // Copies the directory while the journal is open, as a crash would leave it.
  void crash_after(FrameNumber last, std::size_t bytes = 100) {
    const Directory running;
    const auto journal = open(running.path());
    append_through(*journal, last, bytes);
    fs::copy(running.path(), directory.path(), fs::copy_options::recursive);
    log_ = directory.files(".log").back();
  }
  // The WAL's bytes that are no preallocation.
  std::uint64_t log_bytes() const { return fs::file_size(log_); }

  const Directory directory;
  fs::path log_;
};

TEST_F(CutJournal, LosesNothingWhenOnlyTheProcessDied) {
  crash_after(20);
  expect_frames(*open(directory.path()), 1, 20);
}

TEST_F(CutJournal, KeepsAllBeforeATornTail) {
  crash_after(20);
  const std::uint64_t whole = log_bytes();
  const Directory original;
  fs::copy(directory.path(), original.path(), fs::copy_options::recursive);
  int kept_all_but_last = 0;
  for (std::uint64_t cut = 1; cut < 140; cut += 3) {
    SCOPED_TRACE(cut);
    fs::remove_all(directory.path());
    fs::copy(original.path(), directory.path(), fs::copy_options::recursive);
    fs::resize_file(log_, whole - cut);
    const auto journal = open(directory.path());
    const FrameNumber last = journal->extent().last;
    EXPECT_GE(last, cut < 100 ? 19u : 18u);
    kept_all_but_last += last == 19;
    expect_frames(*journal, 1, last);
    EXPECT_EQ(append(*journal, frame_of(last + 1)), last + 1);
  }
  EXPECT_GT(kept_all_but_last, 10);
}

TEST_F(CutJournal, RefusesAFlippedByteInTheMiddleOfTheLog) {
  crash_after(200);
  flip(log_, log_bytes() / 2);
  const auto journal = RocksJournal::open({.path = directory.path()});
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, Errc::kCorrupt);
  EXPECT_NE(journal.error().detail.find("playhead check"), std::string::npos)
      << journal.error().detail;
}

TEST_F(CutJournal, RefusesAFlippedByteInTheLastRecordToo) {
  crash_after(20);
  flip(log_, log_bytes() - 30);
  const auto journal = RocksJournal::open({.path = directory.path()});
  ASSERT_FALSE(journal) << "frame 20 was acknowledged";
  EXPECT_EQ(journal.error().code, Errc::kCorrupt);
}

TEST_F(CutJournal, CutsATailOfWhichSomeSectorsNeverReachedTheDisk) {
  crash_after(20, 5'000);
  const std::uint64_t whole = log_bytes();
  {
    std::fstream file(log_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>((whole - 3'000) / 512 * 512));
    file << std::string(512, '\0');
  }
  const auto journal = open(directory.path());
  EXPECT_EQ(journal->extent().last, 19u);
  expect_frames(*journal, 1, 19, 5'000);
}

TEST_F(CutJournal, CutsATailThatTheFileSystemFilledWithZeros) {
  crash_after(20);
  const std::uint64_t whole = log_bytes();
  fs::resize_file(log_, whole - 100);
  fs::resize_file(log_, whole + 70'000);
  const auto journal = open(directory.path());
  EXPECT_EQ(journal->extent().last, 19u);
  expect_frames(*journal, 1, 19);
}

TEST_F(CutJournal, CutsATornGroupThatSpansBlocks) {
  crash_after(3, 100'000);
  const std::uint64_t whole = log_bytes();
  const Directory original;
  fs::copy(directory.path(), original.path(), fs::copy_options::recursive);
  for (const std::uint64_t cut : {1u, 20'000u, 40'000u, 65'536u, 99'000u}) {
    SCOPED_TRACE(cut);
    fs::remove_all(directory.path());
    fs::copy(original.path(), directory.path(), fs::copy_options::recursive);
    fs::resize_file(log_, whole - cut);
    const auto journal = open(directory.path());
    EXPECT_EQ(journal->extent().last, 2u);
    expect_frames(*journal, 1, 2, 100'000);
  }
}

// Every bit of the log is flipped in turn: that is refused, or takes the last frame if it looks
// like a torn tail (its length then reaches past the end), but no other frame is ever lost or
// altered.
TEST_F(CutJournal, RefusesEveryFlippedBitThatCanBeTold) {
  crash_after(5, 40);
  const std::uint64_t whole = log_bytes();
  const Directory original;
  fs::copy(directory.path(), original.path(), fs::copy_options::recursive);
  std::uint64_t refused = 0;
  for (std::uint64_t at = 0; at < whole; ++at) {
    SCOPED_TRACE(at);
    fs::remove_all(directory.path());
    fs::copy(original.path(), directory.path(), fs::copy_options::recursive);
    flip(log_, at, static_cast<int>(at % 8));
    const auto journal = RocksJournal::open({.path = directory.path()});
    if (!journal) {
      ++refused;
      EXPECT_EQ(journal.error().code, Errc::kCorrupt) << journal.error().detail;
      EXPECT_NE(journal.error().detail.find("playhead check"), std::string::npos);
      continue;
    }
    EXPECT_EQ((*journal)->extent().last, 4u);
    expect_frames(**journal, 1, 4, 40);
  }
  EXPECT_GT(refused, whole - 3) << "the length of the last record has two bytes";
}

// A journal in files: it was closed, or its memtable was full.
TEST(RocksJournal, RefusesAFlippedByteInAFile) {
  const Directory directory;
  append_through(*open(directory.path()), 2'000);
  {
    open(directory.path());
  }
  const auto files = directory.files(".sst");
  ASSERT_FALSE(files.empty());
  const auto largest = *std::ranges::max_element(
      files, {}, [](const fs::path& file) { return fs::file_size(file); });
  flip(largest, fs::file_size(largest) / 3);
  const auto journal = RocksJournal::open({.path = directory.path()});
  std::string detail;
  if (!journal) {
    EXPECT_EQ(journal.error().code, Errc::kCorrupt);
    detail = journal.error().detail;
  } else {
    const auto frames = frames_of(**journal);
    ASSERT_FALSE(frames);
    EXPECT_EQ(frames.error().code, Errc::kCorrupt);
    detail = frames.error().detail;
  }
  EXPECT_NE(detail.find("playhead check"), std::string::npos) << detail;
}

TEST(RocksJournal, RefusesALostFile) {
  const Directory directory;
  append_through(*open(directory.path()), 100);
  {
    open(directory.path());
  }
  fs::remove(directory.files(".sst").front());
  const auto journal = RocksJournal::open({.path = directory.path()});
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, Errc::kCorrupt) << journal.error().detail;
}

// Takes keys out of, or puts them into, a closed journal behind its back.
void with_database(const std::string& path, const std::function<void(rocksdb::DB&)>& change) {
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(journal_database_options({.path = path}), path, &db).ok());
  change(*db);
  delete db;
}

// RocksDB would take the directory for an empty one, and delete the frames.
TEST(RocksJournal, RefusesFilesWithoutTheOneThatLeadsToThem) {
  const Directory directory;
  append_through(*open(directory.path()), 30);
  ASSERT_TRUE(fs::remove(directory.path() + "/CURRENT"));
  for (int start = 0; start < 2; ++start) {
    const auto journal = RocksJournal::open({.path = directory.path()});
    ASSERT_FALSE(journal);
    EXPECT_EQ(journal.error().code, Errc::kCorrupt);
    EXPECT_NE(journal.error().detail.find("CURRENT"), std::string::npos);
  }
}

TEST(RocksJournal, RefusesAGapInTheMiddle) {
  const Directory directory;
  append_through(*open(directory.path()), 30);
  with_database(directory.path(),
                [](rocksdb::DB& db) { ASSERT_TRUE(db.Delete({}, frame_key(17)).ok()); });
  const auto frames = frames_of(*open(directory.path()));
  ASSERT_FALSE(frames);
  EXPECT_EQ(frames.error().code, Errc::kCorrupt);
  EXPECT_NE(frames.error().detail.find("frame 17 is missing"), std::string::npos)
      << frames.error().detail;
}

TEST(RocksJournal, RefusesAGapAtTheFront) {
  const Directory directory;
  append_through(*open(directory.path()), 30);
  with_database(directory.path(), [](rocksdb::DB& db) {
    ASSERT_TRUE(db.Delete({}, frame_key(1)).ok());
    ASSERT_TRUE(db.Delete({}, frame_key(2)).ok());
  });
  const auto journal = RocksJournal::open({.path = directory.path()});
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, Errc::kCorrupt);
  EXPECT_NE(journal.error().detail.find("frames 1 to 2 are missing"), std::string::npos)
      << journal.error().detail;
}

TEST(RocksJournal, RefusesAJournalOfANewerFormat) {
  const Directory directory;
  append_through(*open(directory.path()), 3);
  with_database(directory.path(), [](rocksdb::DB& db) {
    std::string mark = drop_mark({});
    mark[0] = kJournalFormat + 1;
    ASSERT_TRUE(db.Put({}, frame_key(kDropMark), mark).ok());
  });
  const auto journal = RocksJournal::open({.path = directory.path()});
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, Errc::kCorrupt);
  EXPECT_NE(journal.error().detail.find("newer playhead"), std::string::npos)
      << journal.error().detail;
}

}  // namespace
}  // namespace playhead
