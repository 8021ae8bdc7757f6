// What rows prove of clocks.
#include "cluster/clock_watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>

#include "base/prng.h"

namespace playhead {
namespace {

constexpr std::int64_t kStartMs = 1'700'000'000'000;

// A node that renews, in true time, whose clock is `off_ms` ahead of it.
struct Renewing {
  Millis off_ms = 0;
  Millis every_ms = 1'000;
  Millis next_ms = 0;
  std::function<Millis()> takes_ms = [] { return 20; };
  NodeEntry entry{};  // as readers see it
  std::optional<Millis> answered_ms{};

  std::optional<Millis> span_ms{};  // that the next one takes

  // All that happens until `now_ms`. A renewal is in the row half-way to its answer.
  void go_on(Millis now_ms) {
    for (;; next_ms += every_ms, span_ms.reset()) {
      if (!span_ms) span_ms = takes_ms();
      if (next_ms + *span_ms / 2 > now_ms) return;
      entry.note.sent = {kStartMs + next_ms + off_ms};
      ++entry.row.renewal;
      if (answered_ms) {
        entry.note.answered_renewal = entry.row.renewal - 1;
        entry.note.answered = {kStartMs + *answered_ms + off_ms};
      }
      answered_ms = next_ms + *span_ms;
    }
  }
};

Renewing node(const std::string& name, Millis off_ms, Millis every_ms = 1'000) {
  Renewing out{.off_ms = off_ms, .every_ms = every_ms};
  out.entry.row = {.node = name, .session = 1};
  return out;
}

// Reads them each second or so until `to_ms`, on a clock that is right.
template <std::size_t kCount>
Millis watch(
    ClockWatch& watch, std::array<Renewing, kCount>& peers, Millis from_ms, Millis to_ms,
    const std::function<Millis()>& takes_ms = [] { return 10; }) {
  Millis most_ms = 0;
  for (Millis at_ms = from_ms; at_ms < to_ms; at_ms += 1'013) {
    const Millis span_ms = takes_ms();
    std::vector<NodeEntry> rows;
    for (Renewing& peer : peers) {
      peer.go_on(at_ms + span_ms / 2);
      rows.push_back(peer.entry);
    }
    watch.see(rows, {kStartMs + at_ms}, {kStartMs + at_ms + span_ms});
    const Millis skew_ms = watch.skew_ms();
    most_ms = std::max({most_ms, skew_ms, -skew_ms});
  }
  return most_ms;
}

TEST(ClockWatch, FindsNothingWhereClocksAgree) {
  ClockWatch mine("me");
  std::array peers = {node("a", 0), node("b", 0)};
  EXPECT_EQ(watch(mine, peers, 1'500, 300'000), 0);
}

TEST(ClockWatch, FindsHowFarItIsAheadOfMostOthersAndHowFarBehind) {
  for (const Millis off_ms : {-700, 700, 5'000, -86'400'000}) {
    ClockWatch mine("me");
    std::array peers = {node("a", off_ms), node("b", off_ms)};
    watch(mine, peers, 1'500, 200'000);
    EXPECT_NEAR(static_cast<double>(mine.skew_ms()), static_cast<double>(-off_ms), 60);
  }
}

TEST(ClockWatch, SeesAClockThatIsSecondsOffWithTheFirstChanges) {
  ClockWatch mine("me");
  std::array peers = {node("a", 3'000), node("b", 3'000)};
  watch(mine, peers, 1'500, 6'000);
  EXPECT_LT(mine.skew_ms(), -1'500);
  EXPECT_GE(mine.skew_ms(), -3'000);
}

TEST(ClockWatch, TakesTheWordOfMoreThanHalfOfAllClocks) {
  ClockWatch mine("me");
  std::array one = {node("a", 5'000)};
  watch(mine, one, 1'500, 60'000);
  EXPECT_EQ(mine.skew_ms(), 0) << "one of two: nobody knows which";
  ClockWatch also_mine("me");
  std::array three = {node("a", 5'000), node("b", 5'000), node("c", 0)};
  watch(also_mine, three, 1'500, 60'000);
  EXPECT_EQ(also_mine.skew_ms(), 0) << "two of four";
}

// Goal: delays never make a good clock look bad, nor a bad one worse than it is.
// Method: renewals and reads that take up to their whole time, clocks a little off.
TEST(ClockWatch, NeverFindsMoreThanIsTrueWhateverTakesLong) {
  Prng prng(1);
  for (int round = 0; round < 200; ++round) {
    const Millis off_ms = static_cast<Millis>(prng.below(2'001)) - 1'000;
    const auto slow_ms = [&prng] {
      return static_cast<Millis>(prng.below(prng.chance(300) ? 950 : 30));
    };
    ClockWatch mine("me");
    std::array peers = {node("a", off_ms), node("b", off_ms, 1'007)};
    for (Renewing& peer : peers) peer.takes_ms = slow_ms;
    const Millis most_ms = watch(mine, peers, 1'500, 150'000, slow_ms);
    EXPECT_LE(most_ms, std::max(off_ms, -off_ms)) << "round " << round;
    const Millis skew_ms = mine.skew_ms();
    EXPECT_FALSE(off_ms >= 0 ? skew_ms > 0 : skew_ms < 0) << "round " << round;
  }
}

TEST(ClockWatch, ForgetsWhatWasProvenOfAClockThatHasBeenSet) {
  ClockWatch mine("me");
  std::array peers = {node("a", 5'000), node("b", 5'000)};
  watch(mine, peers, 1'500, 60'000);
  ASSERT_LT(mine.skew_ms(), -4'000);
  for (Renewing& peer : peers) peer.off_ms = 0;
  watch(mine, peers, 60'500, 66'000);
  EXPECT_GT(mine.skew_ms(), -100);
}

TEST(ClockWatch, MakesNothingOfRowsThatTellNoTime) {
  ClockWatch mine("me");
  std::vector<NodeEntry> rows = {{.row = {.node = "a", .session = 1}, .note = {}},
                                 {.row = {.node = "b", .session = 1}, .note = {}}};
  for (const std::int64_t wrong : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1},
                                   std::numeric_limits<std::int64_t>::max()}) {
    for (NodeEntry& entry : rows) {
      entry.note.answered_renewal = entry.row.renewal++;
      entry.note.sent = entry.note.answered = {wrong};
    }
    mine.see(rows, {kStartMs}, {kStartMs + 10});
  }
  EXPECT_EQ(mine.skew_ms(), 0);
  mine.see({}, {kStartMs}, {kStartMs + 10});
  EXPECT_EQ(mine.skew_ms(), 0);
}

}  // namespace
}  // namespace playhead
