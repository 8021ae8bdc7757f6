// The hash is on disk (slots, the order of equal reports): these literals may never change.
#include "base/hash.h"

#include <gtest/gtest.h>

#include <string>

namespace playhead {
namespace {

// The first two are published by xxHash.
TEST(Hash, GivesTheNumbersThatLieOnDisk) {
  EXPECT_EQ(hash_bytes(""), 0x2d06800538d394c2u);
  EXPECT_EQ(hash_bytes("a"), 0xe6c632b61e964e1fu);
  EXPECT_EQ(hash_bytes("acct-1"), 0x7759e98d6f22e175u);
  EXPECT_EQ(hash_bytes("acct-1", 1), 0x6fa2634880c3ef8bu);
  EXPECT_EQ(hash_bytes(std::string(1000, 'x')), 0xc0a4877b962cba82u);
  EXPECT_EQ(hash_bytes(std::string_view("a\0b", 3)), 0xd5a06cd078125351u);
}

}  // namespace
}  // namespace playhead
