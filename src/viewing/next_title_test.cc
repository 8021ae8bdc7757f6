// The next episode after a finished one, where the viewer has never played it.
#include <gtest/gtest.h>

#include "viewing/title.h"

namespace playhead {
namespace {

TEST(NextTitle, IsNotOfferedOnceItWasMarkedWatchedOrHiddenWithoutBeingPlayed) {
  NamedTitle first{.title = "e1", .state = {}};
  first.state.watched = {.at = Instant{1'000}, .act = true, .value = true};
  first.state.series = "s";
  first.state.next_title = "e2";
  first.state.meta_order = {.at = Instant{1'000}};
  EXPECT_EQ(continue_watching({first}, Rules{}).size(), 1u);
  NamedTitle next{.title = "e2", .state = {}};  // an act alone knows no series
  next.state.watched = {.at = Instant{2'000}, .act = true, .value = true};
  EXPECT_TRUE(continue_watching({first, next}, Rules{}).empty());
  next.state.watched = {};
  next.state.hidden = {.at = Instant{2'000}, .act = true, .value = true};
  EXPECT_TRUE(continue_watching({first, next}, Rules{}).empty());
}

}  // namespace
}  // namespace playhead
