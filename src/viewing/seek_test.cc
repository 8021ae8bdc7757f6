// A seek that names no target moves nothing, but what follows it tells where the viewer is.
#include <gtest/gtest.h>

#include "viewing/viewing_test_kit.h"

namespace playhead::testing {
namespace {

TEST(Seek, WithoutAPlayheadDoesNotHideThePlaceOfThePauseAndTheStopThatFollow) {
  Player player;
  player.tell(say(State::kPlaying, 0, sec(0)));
  player.tell(say(State::kPlaying, 20, sec(20)));
  player.tell(say(State::kSeeking, 21));
  player.tell(say(State::kPaused, 22, sec(500)));
  EXPECT_EQ(player.view.playhead, sec(500));
  player.tell(say(State::kStopped, 30, sec(501)));
  EXPECT_EQ(player.view.playhead, sec(501));
}

}  // namespace
}  // namespace playhead::testing
