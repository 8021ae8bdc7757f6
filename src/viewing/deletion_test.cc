// What a deleted view leaves behind must not depend on whether a checkpoint came before the
// deletion.
#include <gtest/gtest.h>

#include "viewing/title.h"
#include "viewing/view.h"

namespace playhead {
namespace {

TEST(Deletion, ClearsThePositionOnlySoThatACheckpointBeforeItChangesNothing) {
  View view;
  view.moved = Instant{2'000};
  view.position_order = {.at = Instant{2'000}};
  view.playhead = 60'000;
  view.qualified_at = Instant{1'000};
  view.finished_at = Instant{1'500};
  const ViewTexts texts{.view = "v1", .device = "tv-1"};
  const TitleState before = contribution(view, texts);
  view.deleted = true;
  const TitleState after = contribution(view, texts);
  TitleState row = before;  // as a checkpoint had left it
  row.merge(after);
  EXPECT_EQ(row, after);
  EXPECT_FALSE(row.position.known());
  EXPECT_TRUE(row.watched.value);
}

}  // namespace
}  // namespace playhead
