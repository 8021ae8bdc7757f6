// One text for each sequence of bytes, and back.
#include "auth/base64url.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace playhead {
namespace {

TEST(Base64url, WritesWhatTheStandardShows) {
  EXPECT_EQ(base64url(""), "");
  EXPECT_EQ(base64url("f"), "Zg");
  EXPECT_EQ(base64url("fo"), "Zm8");
  EXPECT_EQ(base64url("foo"), "Zm9v");
  EXPECT_EQ(base64url("\xff\xef\xbe"), "_---");
}

RC_GTEST_PROP(Base64url, ReadsBackWhateverItWrote, (const std::string& bytes)) {
  RC_ASSERT(base64url_decode(base64url(bytes)) == bytes);
}

RC_GTEST_PROP(Base64url, ReadsNoTextButTheOneItWouldWrite, (const std::string& text)) {
  const auto bytes = base64url_decode(text);
  if (bytes) RC_ASSERT(base64url(*bytes) == text);
}

TEST(Base64url, RefusesPaddingOtherAlphabetsAndBitsThatStandForNothing) {
  for (const char* text :
       {"Zg==", "Zg=", "Zm8=", "+/+/", "Zm9v\n", " Zm9v", "Z", "Zm9vY", "Zh", "Zm9"})
    EXPECT_FALSE(base64url_decode(text).has_value()) << text;
}

}  // namespace
}  // namespace playhead
