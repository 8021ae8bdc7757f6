// Order, times and outcome of a replay; its progress; server addresses; pages of lists.
#include "cli/replay.h"

#include <gtest/gtest.h>

#include "cli/progress_bar.h"
#include "cli/query.h"

namespace playhead {
namespace {

Post post_at(std::int64_t ms, std::string body, std::string type = "application/cmcd") {
  return {.at = {ms},
          .target = "/v1/cmcd",
          .content_type = std::move(type),
          .body = std::move(body),
          .reports = 3};
}

constexpr const char* kNdjson = "application/x-ndjson";

TEST(Replay, InterleavesFilesByTimeAndKeepsTheOrderOfEquals) {
  std::vector<Post> posts = {post_at(5, "a"), post_at(9, "b"), post_at(5, "c"), post_at(1, "d")};
  interleave(posts);
  std::string order;
  for (const Post& post : posts) order += post.body;
  EXPECT_EQ(order, "dacb");
}

TEST(Replay, BeginsNowOrEndsNowWhenFast) {
  const std::vector<Post> posts = {post_at(100, "a"), post_at(400, "b")};
  EXPECT_EQ(span_to(posts, Instant{1'000}, false), 900);
  EXPECT_EQ(span_to(posts, Instant{1'000}, true), 600);
}

TEST(Replay, CountsCmcdRecordsThatWereNotTakenAsIgnored) {
  Tally tally;
  EXPECT_EQ(count(tally, post_at(0, ""), {.status = 204, .accepted = 1}), "");
  EXPECT_EQ(tally.accepted, 1u);
  EXPECT_EQ(tally.ignored, 2u);
  EXPECT_TRUE(tally.good());
}

TEST(Replay, CountsAndExplainsRejectedReports) {
  Tally tally;
  const std::string said = count(
      tally, post_at(0, "", kNdjson),
      {.status = 200,
       .body = R"({"accepted":1,"rejected":[{"index":0,"problem":{"title":"No","detail":"why"}},)"
               R"({"index":2,"problem":{"title":"No"}}]})"});
  EXPECT_EQ(said, "refused: No: why (and 1 more)");
  EXPECT_EQ(tally.accepted, 1u);
  EXPECT_EQ(tally.rejected, 2u);
  EXPECT_FALSE(tally.good());
}

TEST(Replay, CountsAllReportsWhenNoneIsRejected) {
  Tally tally;
  EXPECT_EQ(count(tally, post_at(0, "", kNdjson), {.status = 204}), "");
  EXPECT_EQ(tally.accepted, 3u);
  EXPECT_TRUE(tally.good());
}

TEST(Replay, ExplainsRequestsThatFailed) {
  Tally tally;
  EXPECT_EQ(count(tally, post_at(0, ""),
                  {.status = 404, .body = R"({"title":"Not found","detail":"no such path"})"}),
            "POST /v1/cmcd: 404 Not found: no such path");
  EXPECT_EQ(count(tally, post_at(0, ""), {.status = 200, .body = "hello"}),
            "POST /v1/cmcd: 200 hello")
      << "some other server";
  EXPECT_EQ(tally.failed, 2u);
  EXPECT_FALSE(tally.good());
}

TEST(Replay, IsNotGoodWhenNothingWasTakenAndSaysWhatToDo) {
  Tally tally;
  EXPECT_EQ(count(tally, post_at(0, ""), {.status = 204, .accepted = 0}), "");
  EXPECT_FALSE(tally.good());
  EXPECT_NE(summary(tally, 1'000).find("--account"), std::string::npos);
}

TEST(Replay, SumsUpInOneLine) {
  const Tally tally{.requests = 1'234, .records = 2'000, .accepted = 1'990, .ignored = 10};
  EXPECT_EQ(
      summary(tally, 66'870),
      "1,234 requests with 2,000 records in 66.9 s: 1,990 accepted, 10 ignored, 0 rejected, 0 "
      "requests failed\n");
}

TEST(Replay, BacksOffLongerEachTimeUpToABound) {
  EXPECT_EQ(back_off_ms(1, std::nullopt), 100);
  EXPECT_EQ(back_off_ms(3, std::nullopt), 400);
  EXPECT_EQ(back_off_ms(60, std::nullopt), 5'000);
  EXPECT_EQ(back_off_ms(1, 2'000), 2'000) << "as the server wishes";
  EXPECT_EQ(back_off_ms(1, 3'600'000), 5'000) << "within reason";
}

TEST(ProgressBar, ShowsPartCountAndTime) {
  EXPECT_EQ(bar_text({.done = 12, .total = 36, .elapsed_ms = 21'000, .whole_ms = 66'000}),
            "[##########--------------------]  33 %  12 of 36 requests  0:00:21 of 0:01:06");
  EXPECT_EQ(bar_text({.done = 1'000, .total = 1'000}),
            "[##############################] 100 %  1,000 of 1,000 requests");
  EXPECT_EQ(bar_text({}), "[------------------------------]   0 %  0 of 0 requests");
}

TEST(ServerUrl, TakesPlainHttpToThisMachine) {
  const auto url = parse_server_url("http://127.0.0.1:8080/");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "127.0.0.1");
  EXPECT_EQ(url->port, 8080);
  EXPECT_EQ(parse_server_url("http://localhost")->port, 80);
  EXPECT_EQ(parse_server_url("http://[::1]:9")->host, "::1");
  EXPECT_FALSE(url->secure);
}

TEST(ServerUrl, TakesHttpsToAnyMachine) {
  const auto url = parse_server_url("https://playhead.example");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "playhead.example");
  EXPECT_EQ(url->port, 443);
  EXPECT_TRUE(url->secure);
  EXPECT_EQ(parse_server_url("https://10.0.0.1:8443/")->port, 8443);
}

TEST(ServerUrl, SaysWhatToDoInsteadOfPlainHttpToOtherMachines) {
  EXPECT_NE(parse_server_url("http://10.0.0.1:80").error().detail.find("ssh -L"),
            std::string::npos);
  for (const char* url :
       {"", "127.0.0.1:8080", "http://", "http://127.0.0.1:99999", "http://127.0.0.1:8080/v1",
        "http://u@localhost", "http://localhost:x", "https://", "ftp://localhost"})
    EXPECT_FALSE(parse_server_url(url)) << url;
}

TEST(Listing, JoinsPagesUpToTheLimit) {
  Listing listing;
  ASSERT_TRUE(
      add_page(listing, R"({"items":[{"a":1},{"a":2}],"next":"c","as_of":"t1","stale":true})", 3));
  EXPECT_EQ(listing.next, "c");
  ASSERT_TRUE(add_page(listing,
                       R"({"items":[{"a":3},{"a":4}],"next":null,"as_of":"t2","stale":false})", 3));
  EXPECT_EQ(
      listing_json(listing),
      "{\"items\":[{\"a\":1},{\"a\":2},{\"a\":3}],\"next\":null,\"as_of\":\"t2\",\"stale\":true}"
      "\n");
}

TEST(Listing, RefusesWhatIsNoList) {
  Listing listing;
  EXPECT_FALSE(add_page(listing, "hello", 3));
  EXPECT_FALSE(add_page(listing, R"({"items":1})", 3));
  EXPECT_FALSE(add_page(listing, R"({"items":[1]})", 3));
}

TEST(Listing, SaysWhenThereIsMoreAndWhenItIsStale) {
  const Look look{
      .headings = {"TITLE"},
      .row = [](const Item& item, Instant) { return std::vector<std::string>{item.text("title")}; },
      .empty = "Nothing."};
  Listing listing;
  EXPECT_EQ(listing_text(listing, look, Instant{}), "Nothing.\n");
  ASSERT_TRUE(add_page(listing, R"({"items":[{"title":"t1"}],"next":"c","stale":true})", 3));
  EXPECT_EQ(listing_text(listing, look, Instant{}),
            "TITLE\nt1\nThere is more: raise --limit.\nThis may be out of date: it is how things "
            "were at -.\n");
}

TEST(Targets, AppendParametersInOrder) {
  EXPECT_EQ(target_of("/v1/x", {}), "/v1/x");
  EXPECT_EQ(target_of("/v1/x", {{"a", "1"}, {"b", "2"}}), "/v1/x?a=1&b=2");
}

}  // namespace
}  // namespace playhead
