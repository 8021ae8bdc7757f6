// The console's files, and what keeps a page from doing what it should not.
#include "http/console.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace playhead {
namespace {

TEST(Console, SendsEveryFileWithTheHeadersThatKeepThePageIn) {
  EXPECT_EQ(console_files().size(), 4u);
  std::set<std::string_view> names;
  for (const ConsoleFile& file : console_files()) {
    SCOPED_TRACE(file.name);
    const Reply reply = console_reply(file);
    EXPECT_EQ(reply.status, 200u);
    EXPECT_FALSE(reply.body.empty());
    names.insert(file.name);
    std::string bytes;
    render(bytes, reply, Frame{});
    const std::string head = bytes.substr(0, bytes.find("\r\n\r\n") + 2);
    for (const char* wanted : {
             "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; ",
             "frame-ancestors 'none'",
             "base-uri 'none'",
             "\r\nX-Content-Type-Options: nosniff\r\n",
             "\r\nReferrer-Policy: no-referrer\r\n",
             "\r\nX-Frame-Options: DENY\r\n",
         })
      EXPECT_NE(head.find(wanted), std::string::npos) << wanted << " in\n" << head;
    EXPECT_EQ(head.find("unsafe"), std::string::npos);
    EXPECT_EQ(head.find("http:"), std::string::npos);
    EXPECT_EQ(head.find("Cache-Control"), head.rfind("Cache-Control")) << "said once";
  }
  EXPECT_EQ(names.size(), console_files().size());
}

TEST(Console, MayKeepPartsForEverBecauseThePageNamesThemByTheirContents) {
  const auto files = console_files();
  EXPECT_NE(console_reply(files.front()).headers.find("no-cache"), std::string::npos);
  const std::string_view page = files.front().bytes;
  for (const ConsoleFile& file : files.subspan(1)) {
    EXPECT_NE(console_reply(file).headers.find("immutable"), std::string::npos) << file.name;
    const std::string named = "\"/console/" + std::string(file.name) + "?v=";
    EXPECT_NE(page.find(named), std::string_view::npos) << named;
  }
}

TEST(Console, HoldsNoInlineScriptOrStyleAndNoOutsideAddress) {
  const std::string_view page = console_files().front().bytes;
  for (const char* wrong : {"<style", " style=", " onclick", "javascript:", "http://", "https://"})
    EXPECT_EQ(page.find(wrong), std::string_view::npos) << wrong;
  EXPECT_EQ(page.find("<script>"), std::string_view::npos);
}

}  // namespace
}  // namespace playhead
