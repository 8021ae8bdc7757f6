// The journal on a real directory: what is acknowledged is there after every restart, and what
// can't be is refused with a clear message.
#include "journal/rocksdb/rocks_journal.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <set>
#include <thread>

#include "journal/rocksdb/faulty_disk.h"

namespace playhead {
namespace {

namespace fs = std::filesystem;

// A directory that goes away with the test.
class Directory {
 public:
  Directory() {
    std::string path = (fs::temp_directory_path() / "playhead-journal-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    path_ = path;
  }
  ~Directory() { fs::remove_all(path_); }
  std::string path() const { return (path_ / "journal").string(); }

  // The files of one kind, oldest first.
  std::vector<fs::path> files(std::string_view extension) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(path()))
      if (entry.path().extension() == extension) found.push_back(entry.path());
    std::ranges::sort(found);
    return found;
  }

 private:
  fs::path path_;
};

std::unique_ptr<RocksJournal> open(const std::string& path) {
  auto opened = RocksJournal::open({.path = path});
  if (!opened) throw std::runtime_error(opened.error().detail);
  return std::move(*opened);
}

std::string frame_of(std::uint64_t n, std::size_t bytes = 100) {
  std::string frame = "frame " + std::to_string(n) + " ";
  while (frame.size() < bytes) frame += static_cast<char>('a' + (frame.size() * 7 + n) % 26);
  return frame;
}

Result<FrameNumber> append(Journal& journal, std::string frame) {
  std::promise<Result<FrameNumber>> promise;
  auto answer = promise.get_future();
  journal.append(std::move(frame),
                 [&](Result<FrameNumber> result) { promise.set_value(std::move(result)); });
  return answer.get();
}

// Appends frames up to number `last`, each as frame_of() says.
void append_through(Journal& journal, FrameNumber last, std::size_t bytes = 100) {
  for (FrameNumber n = journal.extent().last + 1; n <= last; ++n) {
    const auto number = append(journal, frame_of(n, bytes));
    ASSERT_TRUE(number) << number.error().detail;
    ASSERT_EQ(*number, n);
  }
}

Result<std::map<FrameNumber, std::string>> frames_of(const Journal& journal) {
  std::map<FrameNumber, std::string> frames;
  auto read = journal.replay([&](FrameNumber number, std::string_view bytes) -> Result<void> {
    frames.emplace(number, bytes);
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return frames;
}

// That the journal holds exactly frames `first` to `last`, as frame_of() made them.
void expect_frames(const Journal& journal, FrameNumber first, FrameNumber last,
                   std::size_t bytes = 100) {
  const auto frames = frames_of(journal);
  ASSERT_TRUE(frames) << frames.error().detail;
  EXPECT_EQ(frames->size(), last + 1 - first);
  for (FrameNumber n = first; n <= last; ++n) {
    ASSERT_TRUE(frames->contains(n)) << n;
    EXPECT_EQ(frames->at(n), frame_of(n, bytes)) << n;
  }
}

void flip(const fs::path& path, std::uint64_t offset) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  const int byte = file.get();
  ASSERT_NE(byte, EOF);
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(byte ^ 0x20));
}

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

// Every byte of the log is flipped in turn: a frame may be refused, or lost with all that follow it
// if the flip looks like a torn tail, but never lost from the middle and never altered.
TEST_F(CutJournal, NeverServesAnAlteredOrPartialJournalWhateverByteFlips) {
  crash_after(6, 40);
  const std::uint64_t whole = log_bytes();
  const Directory original;
  fs::copy(directory.path(), original.path(), fs::copy_options::recursive);
  int refused = 0;
  int shortened = 0;
  for (std::uint64_t at = 0; at < whole; ++at) {
    SCOPED_TRACE(at);
    fs::remove_all(directory.path());
    fs::copy(original.path(), directory.path(), fs::copy_options::recursive);
    flip(log_, at);
    const auto journal = RocksJournal::open({.path = directory.path()});
    if (!journal) {
      ++refused;
      EXPECT_EQ(journal.error().code, Errc::kCorrupt) << journal.error().detail;
      continue;
    }
    const FrameNumber last = (*journal)->extent().last;
    shortened += last < 6;
    expect_frames(**journal, 1, last, 40);
  }
  RecordProperty("refused", refused);
  RecordProperty("shortened", shortened);
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace playhead
