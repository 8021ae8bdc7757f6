// What nodes say of themselves, as bytes.
#include "service/load_exchange.h"

#include <gtest/gtest.h>

namespace playhead {
namespace {

const NodeFigures kFigures{.views_active = 50'000,
                           .load = 1'666'000,
                           .undrained = 3,
                           .slots = {{0, 1}, {17, 900'000}, {4'095, 4'000'000'000}}};

TEST(NodeFigures, AreWhatTheyWereAfterTheWay) {
  std::string bytes;
  encode(bytes, kFigures);
  const auto read = decode_figures(bytes);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, kFigures);
}

TEST(NodeFigures, ThatAreCutShortOrOfAnotherReleaseAreNone) {
  std::string bytes;
  encode(bytes, kFigures);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_figures(std::string_view(bytes).substr(0, size)).has_value()) << size;
  bytes[0] = 2;
  EXPECT_FALSE(decode_figures(bytes).has_value());
}

TEST(NodeFigures, NameNoSlotThatThereIsNot) {
  std::string bytes;
  encode(bytes, {.views_active = 0, .load = 0, .undrained = 0, .slots = {{kSlots, 1}}});
  EXPECT_FALSE(decode_figures(bytes).has_value());
}

}  // namespace
}  // namespace playhead
