// A frame's heartbeat comes back as it was written; damage and cuts are refused.
#include "record/frame.h"

#include <gtest/gtest.h>

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
  FrameWriter writer({.boot = 1, .shard = 2, .arrival = kBeat.arrival});
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

}  // namespace
}  // namespace playhead
