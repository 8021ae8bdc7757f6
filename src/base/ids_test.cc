// What an id may be made of: the contract says "1 to 128 bytes of A-Z a-z 0-9 . _ ~ : @ -".
#include "base/ids.h"

#include <gtest/gtest.h>

#include <string>

namespace playhead {
namespace {

TEST(Ids, TakesTheAlphabetOfTheContractAndNothingElse) {
  const std::string alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~:@-";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    EXPECT_EQ(is_id_byte(c), alphabet.find(c) != std::string::npos) << byte;
  }
}

TEST(Ids, AreOneTo128BytesLong) {
  EXPECT_FALSE(is_id(""));
  EXPECT_TRUE(is_id("a"));
  EXPECT_TRUE(is_id(std::string(128, 'a')));
  EXPECT_FALSE(is_id(std::string(129, 'a')));
}

TEST(Ids, AreRefusedForOneBadByteAnywhere) {
  EXPECT_TRUE(is_id("acct-1@brand:eu~1._Z"));
  for (const std::string_view text : {"a b", " a", "a/", "a\n", "\xc3\xa9", "a%"})
    EXPECT_FALSE(is_id(text)) << text;
  EXPECT_FALSE(is_id(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace playhead
