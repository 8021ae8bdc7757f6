// Lanes: calls that end in time, hang, wait too long or are too many.
#include "cache/lanes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <vector>

#include "cache/cache_test_kit.h"

namespace playhead {
namespace {

constexpr Millis kPatienceMs = 60'000;  ///< no test waits for it to pass
const SystemClock kClock;

using Got = std::expected<int, Unanswered>;

Deadline soon() { return Deadline::after(kClock, 20); }
Deadline patient() { return Deadline::after(kClock, kPatienceMs); }

TEST(Lanes, GiveBackWhatCameOfTheWork) {
  Lanes lanes(kClock, 2, 4);
  EXPECT_EQ(run_to_end(lanes.run<int>(1, patient(), [] { return 7; })), Got(7));
}

TEST(Lanes, DoTheWorkOfOneLaneInItsOrder) {
  Lanes lanes(kClock, 1, 100);
  boost::asio::io_context context;
  std::vector<int> done;  // of the lane's thread, until the loop has ended
  int answers = 0;
  for (int i = 0; i < 50; ++i)
    boost::asio::co_spawn(context,
                          lanes.run<int>(0, patient(),
                                         [&done, i] {
                                           done.push_back(i);
                                           return i;
                                         }),
                          [&](std::exception_ptr, Got got) { answers += got.has_value() ? 1 : 0; });
  context.run();
  EXPECT_EQ(answers, 50);
  EXPECT_TRUE(std::ranges::is_sorted(done));
}

TEST(Lanes, LeaveWorkThatHangsAtItsDeadline) {
  auto hang = std::make_shared<std::latch>(1);
  Lanes lanes(kClock, 1, 4);
  const Got got = run_to_end(lanes.run<int>(0, soon(), [hang] {
    hang->wait();
    return 1;
  }));
  EXPECT_EQ(got, Got(std::unexpected(Unanswered::kLate)));
  // Its caller's loop is gone by now: what comes of it goes nowhere.
  hang->count_down();
  EXPECT_EQ(run_to_end(lanes.run<int>(0, patient(), [] { return 2; })), Got(2));
}

TEST(Lanes, NeverBeginWorkWhoseDeadlineHasPassed) {
  auto hang = std::make_shared<std::latch>(1);
  auto begun = std::make_shared<std::atomic<int>>(0);
  Lanes lanes(kClock, 1, 4);
  // On a busy machine the first may be too late itself.
  const auto hangs = std::make_shared<std::atomic<bool>>(false);
  while (!*hangs)
    (void)run_to_end(lanes.run<int>(0, soon(), [hang, hangs] {
      *hangs = true;
      hang->wait();
      return 1;
    }));
  const Got late = run_to_end(lanes.run<int>(0, soon(), [begun] { return ++*begun; }));
  EXPECT_EQ(late, Got(std::unexpected(Unanswered::kLate)));
  hang->count_down();
  EXPECT_EQ(run_to_end(lanes.run<int>(0, patient(), [] { return 2; })), Got(2));
  EXPECT_EQ(begun->load(), 0);
}

TEST(Lanes, RefuseWorkBeyondWhatMayWait) {
  auto hang = std::make_shared<std::latch>(1);
  Lanes lanes(kClock, 1, 2);
  boost::asio::io_context context;
  int refused = 0, done = 0;
  for (int i = 0; i < 10; ++i)
    boost::asio::co_spawn(context,
                          lanes.run<int>(0, patient(),
                                         [hang, i] {
                                           hang->wait();
                                           return i;
                                         }),
                          [&](std::exception_ptr, Got got) {
                            if (got)
                              ++done;
                            else if (++refused == 7)
                              hang->count_down();  // the last one to be refused for sure
                          });
  context.run();
  // One may be under way and two wait; whether the first was begun before the third came is luck.
  EXPECT_GE(refused, 7);
  EXPECT_EQ(refused + done, 10);
}

TEST(Lanes, EndWithoutWhatStillWaits) {
  auto hang = std::make_shared<std::latch>(1);
  auto begun = std::make_shared<std::atomic<int>>(0);
  {
    Lanes lanes(kClock, 1, 4);
    (void)run_to_end(lanes.run<int>(0, soon(), [hang, begun] {
      hang->wait();
      return ++*begun;
    }));
    (void)run_to_end(lanes.run<int>(0, soon(), [begun] { return ++*begun; }));
    hang->count_down();
  }
  EXPECT_EQ(begun->load(), 1) << "what is under way ends, what waits does not begin";
}

}  // namespace
}  // namespace playhead
