// Disks that fail under a running journal, too many frames at once, and kill -9.
#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "journal/rocksdb/faulty_disk.h"
#include "journal/rocksdb/journal_test_kit.h"

namespace playhead {
namespace {

using namespace journal_test;  // NOLINT(google-build-using-namespace)

class FaultyJournal : public testing::Test {
 protected:
  std::unique_ptr<RocksJournal> open_faulty() {
    auto opened = RocksJournal::open({.path = directory.path(), .env = env_.get()});
    return opened ? std::move(*opened) : nullptr;
  }

  const Directory directory;
  const std::shared_ptr<FaultyDisk> disk_ = std::make_shared<FaultyDisk>(".log");
  const std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(disk_);
};

TEST_F(FaultyJournal, AnswersUnavailableForEverAfterAFailedSync) {
  const auto journal = open_faulty();
  ASSERT_TRUE(journal);
  append_through(*journal, 5);
  disk_->fail_sync = true;
  const auto failed = append(*journal, frame_of(6));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::kUnavailable);
  EXPECT_GT(disk_->faults, 0);
  disk_->fail_sync = false;
  for (int i = 0; i < 3; ++i) {
    const auto after = append(*journal, frame_of(6));
    ASSERT_FALSE(after) << "the disk works again, but nobody knows what it has lost";
    EXPECT_EQ(after.error().code, Errc::kUnavailable);
  }
  const auto dropped = journal->drop_through(3);
  ASSERT_FALSE(dropped);
  EXPECT_EQ(dropped.error().code, Errc::kUnavailable);
  EXPECT_EQ(journal->extent().last, 5u);
  EXPECT_EQ(journal->figures().refused, 4u);
}

TEST_F(FaultyJournal, AnswersUnavailableForEverAfterAFailedWrite) {
  const auto journal = open_faulty();
  ASSERT_TRUE(journal);
  append_through(*journal, 5);
  disk_->fail_append = true;
  EXPECT_FALSE(append(*journal, frame_of(6)));
  EXPECT_GT(disk_->faults, 0);
  disk_->fail_append = false;
  EXPECT_FALSE(append(*journal, frame_of(6)));
}

TEST_F(FaultyJournal, StopsAfterADropMarkThatDidNotReachTheDisk) {
  const auto journal = open_faulty();
  ASSERT_TRUE(journal);
  append_through(*journal, 5);
  disk_->fail_sync = true;
  EXPECT_FALSE(journal->drop_through(3));
  disk_->fail_sync = false;
  EXPECT_FALSE(append(*journal, frame_of(6)));
  EXPECT_EQ(journal->extent().first, 1u);
}

TEST_F(FaultyJournal, KeepsAllThatWasAcknowledgedBeforeTheFault) {
  {
    const auto journal = open_faulty();
    ASSERT_TRUE(journal);
    append_through(*journal, 50);
    disk_->fail_sync = true;
    EXPECT_FALSE(append(*journal, frame_of(51)));
  }
  disk_->fail_sync = false;
  const auto journal = open(directory.path());
  EXPECT_GE(journal->extent().last, 50u);
  expect_frames(*journal, 1, journal->extent().last);
}

TEST(RocksJournal, RefusesMoreFramesThanMayWait) {
  const Directory directory;
  constexpr std::uint32_t kWaitingMax = 8;
  const auto journal =
      RocksJournal::open({.path = directory.path(), .waiting_frames_max = kWaitingMax});
  ASSERT_TRUE(journal);
  // The first answer holds the journal's thread until all the rest wait.
  std::promise<void> go;
  const std::shared_future<void> all_wait = go.get_future().share();
  std::promise<void> held;
  (*journal)->append(frame_of(1), [all_wait, &held](Result<FrameNumber>) {
    held.set_value();
    all_wait.wait();
  });
  held.get_future().wait();  // else some of the rest would go into the first group
  std::vector<Result<FrameNumber>> answers;
  std::promise<void> done;
  constexpr std::size_t kFrames = 30;
  for (std::size_t i = 0; i < kFrames; ++i) {
    (*journal)->append(frame_of(2), [&](Result<FrameNumber> result) {
      answers.push_back(std::move(result));
      if (answers.size() == kFrames) done.set_value();
    });
  }
  go.set_value();
  done.get_future().wait();
  std::size_t taken = 0;
  FrameNumber last = 1;
  for (const auto& answer : answers) {
    if (answer) {
      EXPECT_EQ(*answer, ++last);
      ++taken;
    } else {
      EXPECT_EQ(answer.error().code, Errc::kOverloaded);
    }
  }
  EXPECT_GE(taken, kWaitingMax - 1);
  EXPECT_LE(taken, kWaitingMax);
  EXPECT_TRUE(append(**journal, frame_of(3))) << "it is no failure: the next one is taken";
}

// Run by the test below in a process of its own: appends until it is killed, and says what was
// acknowledged.
TEST(RocksJournalChild, DISABLED_AppendsUntilItIsKilled) {
  const char* path = std::getenv("PLAYHEAD_JOURNAL_CHILD");
  ASSERT_NE(path, nullptr);
  const auto journal = open(path);
  const FrameNumber from = journal->extent().last + 1;
  std::atomic<int> waiting = 0;
  for (FrameNumber n = from;; ++n) {
    while (waiting > 100) std::this_thread::yield();
    ++waiting;
    journal->append(frame_of(n, 500), [&waiting](Result<FrameNumber> number) {
      const std::string line = std::to_string(number.value_or(0)) + "\n";
      if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::abort();
      --waiting;
    });
    if (n % 64 == 0) (void)journal->drop_through(n < 1'000 ? 0 : n - 1'000);
  }
}

// Starts this program as the child, kills it after `lines` acknowledgements; gives the last of
// them.
FrameNumber run_and_kill(const std::string& path, int lines) {
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(pipe[1], STDOUT_FILENO);
    ::close(pipe[0]);
    ::close(pipe[1]);
    ::setenv("PLAYHEAD_JOURNAL_CHILD", path.c_str(), 1);
    ::execl("/proc/self/exe", "child", "--gtest_also_run_disabled_tests", "--gtest_brief=1",
            "--gtest_filter=RocksJournalChild.*", nullptr);
    ::_exit(127);
  }
  ::close(pipe[1]);
  FILE* out = ::fdopen(pipe[0], "r");
  FrameNumber last = 0;
  std::array<char, 256> line{};
  const auto take = [&] {
    const FrameNumber number = std::strtoull(line.data(), nullptr, 10);
    if (number > 0) {
      last = number;
      --lines;
    }
  };
  while (lines > 0 && std::fgets(line.data(), line.size(), out) != nullptr) take();
  ::kill(child, SIGKILL);
  // What it said before it died counts too.
  while (std::fgets(line.data(), line.size(), out) != nullptr)
    if (std::string_view(line.data()).ends_with('\n')) take();
  std::fclose(out);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
  return last;
}

TEST(RocksJournal, HoldsEveryAcknowledgedFrameAfterKill9) {
  const Directory directory;
  FrameNumber before = 0;
  for (int round = 0; round < 10; ++round) {
    SCOPED_TRACE(round);
    const FrameNumber acknowledged = run_and_kill(directory.path(), 100 + 777 * (round % 4));
    ASSERT_GT(acknowledged, before);
    before = acknowledged;
    const auto journal = open(directory.path());
    EXPECT_GE(journal->extent().last, acknowledged);
    EXPECT_LE(journal->extent().first, acknowledged);
    expect_frames(*journal, journal->extent().first, journal->extent().last, 500);
  }
}

}  // namespace
}  // namespace playhead
