// Keys of erasures: on disk and in receipts, so they never change.
#include "record/erasure.h"

#include <gtest/gtest.h>

#include <string>

#include "record/ids.h"

namespace playhead {
namespace {

constexpr const char* kAccount = "04464b5ce3c0949651b2235471a4d528792c";
constexpr const char* kProfile =
    "04464b5ce3c0949651b2235471a4d528792ca36665d6f436f02ac4f4d1c03d92df49";

TEST(ErasureKey, IsWhatItHasAlwaysBeen) {
  EXPECT_EQ(show_erasure_key(erasure_key("_", "acct-1")), kAccount);
  EXPECT_EQ(show_erasure_key(erasure_key("_", "acct-1", "p1")), kProfile);
}

TEST(ErasureKey, NamesTheSlotAndTheProfile) {
  const std::string key = erasure_key("_", "acct-1", "p1");
  EXPECT_EQ(static_cast<unsigned char>(key[0]) << 8 | static_cast<unsigned char>(key[1]),
            slot_of("_", "acct-1"));
  EXPECT_EQ(read_erasure_key(key), mark_of("_", "acct-1", "p1"));
  EXPECT_EQ(read_erasure_key(erasure_key("_", "acct-1")), std::nullopt);
}

TEST(ErasureKey, IsReadBackFromItsDigitsAndFromNothingElse) {
  for (const std::string digits : {kAccount, kProfile})
    EXPECT_EQ(show_erasure_key(parse_erasure_key(digits).value()), digits);
  const std::string account = kAccount;
  for (const std::string& wrong :
       {std::string(), account + "0", account + "00", account.substr(2), "g" + account.substr(1),
        "A" + account.substr(1), "1" + account.substr(1)})  // the last: beyond all slots
    EXPECT_EQ(parse_erasure_key(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace playhead
