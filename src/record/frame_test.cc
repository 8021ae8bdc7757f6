// A frame's heartbeat comes back as it was written; damage and cuts are refused.
#include "record/frame.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "record/bytes.h"

namespace playhead {
namespace {

const Heartbeat kBeat{.number = 7,
                      .arrival = {1795464930300},
                      .late = true,
                      .report = {.order = {.at = {1795464930250}, .sequence = 17, .digest = 99},
                                 .state = State::kPlaying,
                                 .still = true,
                                 .beyond = true,
                                 .playhead = 1234567,
                                 .duration = 3300000,
                                 .credits = 3180000,
                                 .watched = 1201000}};

std::string frame() {
  FrameWriter writer({.boot = 1, .shard = 2, .shards = 3, .arrival = kBeat.arrival});
  writer.heartbeat(kBeat);
  return writer.finish();
}

Result<void> read(std::string_view bytes, Heartbeat* out = nullptr) {
  FrameVisitor visitor;
  visitor.heartbeat = [&](const FrameHead&, const Heartbeat& beat) -> Result<void> {
    if (out != nullptr) *out = beat;
    return {};
  };
  return read_frame(bytes, visitor);
}

TEST(Frame, GivesBackTheHeartbeatThatWasWritten) {
  Heartbeat beat;
  ASSERT_TRUE(read(frame(), &beat));
  EXPECT_EQ(beat.report, kBeat.report);
  EXPECT_EQ(beat.number, 7u);
  EXPECT_TRUE(beat.late);
}

TEST(Frame, IsRefusedWithAnyByteChangedOrCutShort) {
  const std::string whole = frame();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string bad = whole;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(read(bad)) << i;
    EXPECT_FALSE(read(whole.substr(0, i))) << i;
  }
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    out += kDigits[static_cast<unsigned char>(byte) >> 4];
    out += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return out;
}

// What is on people's disks: if this fails, the format has changed, and needs a new number.
TEST(Frame, KeepsTheBytesThatDocsFormatsDescribes) {
  EXPECT_EQ(hex(frame().substr(0, frame().size() - sizeof(std::uint64_t))),
            "01"                // format
            "0100000000000000"  // boot
            "02"                // shard
            "03"                // shards
            "f88fe5a0c168"      // arrival
            "00"                // extension
            "887e"              // a heartbeat: playing, late, all but a start; still, beyond
            "07"                // its view's number
            "00"                // arrival, as the frame's
            "63"                // 50 ms before
            "11"                // sequence
            "63000000"          // digest
            "87ad4b"            // playhead
            "a0b5c901"          // duration
            "80d30e"            // 120 s before the end are the credits
            "bd8c04");          // watched: 33,567 less than the playhead
}

TEST(Frame, OfANewerReleaseIsRefusedByName) {
  std::string newer = frame();
  newer.resize(newer.size() - sizeof(std::uint64_t));
  newer[0] = 2;
  put_fixed(newer, hash_bytes(newer));
  const Result<void> read_newer = read(newer);
  ASSERT_FALSE(read_newer);
  EXPECT_EQ(read_newer.error().code, Errc::kCorrupt);
  EXPECT_NE(read_newer.error().detail.find("newer release (format 2)"), std::string::npos)
      << read_newer.error().detail;
}

TEST(Frame, HoldsAHeartbeatInFortyBytes) {
  FrameWriter writer({.boot = 1, .shard = 2, .shards = 3, .arrival = kBeat.arrival});
  const std::size_t head = writer.bytes();
  Heartbeat largest = kBeat;
  constexpr Millis kSpan = 74LL * 3'600'000 - 1, kLate = 99LL * 86'400'000;
  largest.number = (1U << 28) - 1;
  largest.report.order = {.at = largest.arrival - kLate, .sequence = (1U << 21) - 1, .digest = ~0U};
  largest.report.playhead = kSpan;
  largest.report.duration = kSpan;
  largest.report.credits = 0;
  largest.report.watched = 2 * kSpan;
  writer.heartbeat(largest);
  EXPECT_LE(writer.bytes() - head, kHeartbeatBytesMax);
}

TEST(Frame, OfAnotherShardIsPassedOverButForItsChecksum) {
  FrameVisitor visitor;
  FrameHead seen;
  visitor.wanted_frame = [&](const FrameHead& head) {
    seen = head;
    return false;
  };
  visitor.heartbeat = [](const FrameHead&, const Heartbeat&) -> Result<void> {
    ADD_FAILURE() << "it was not wanted";
    return {};
  };
  EXPECT_TRUE(read_frame(frame(), visitor));
  EXPECT_EQ(seen.shard, 2u);
  EXPECT_EQ(seen.shards, 3u);
  std::string damaged = frame();
  damaged[20] = static_cast<char>(damaged[20] ^ 1);
  EXPECT_FALSE(read_frame(damaged, visitor));
}

// Where accounts lie must not change: their rows are found by it.
TEST(Slot, OfAnAccountIsFixed) {
  EXPECT_EQ(slot_of("", "acct-1"), 786u);
  EXPECT_EQ(slot_of("default", "acct-1"), 936u);
  EXPECT_EQ(slot_of("tenant-2", "acct-1"), 3519u);
  EXPECT_EQ(slot_of("default", "b"), 3895u);
}

}  // namespace
}  // namespace playhead
