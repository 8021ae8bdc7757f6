// The contract over a real Redis, and what only a page of several parts can suffer.
#include "cache/redis/redis_client.h"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <initializer_list>

#include "cache/cache_contract.h"

namespace playhead {
namespace {

class RedisHarness {
 public:
  using Texts = std::vector<std::string>;

  TestServer& server() { return server_; }
  std::unique_ptr<Cache> make(CacheOptions options, const Clock& clock) {
    return value_of(
        make_redis_cache({.host = "127.0.0.1", .port = server_.port()}, std::move(options), clock));
  }
  void flush() { ask({"FLUSHALL"}); }

  /// The head, then the rows; where they belong is remembered for plant().
  Texts texts(std::string_view cluster, const ProfileRef& profile) {
    places_.clear();
    const auto places = ask({"ZRANGE", order_key(cluster, profile), "0", "-1", "WITHSCORES"});
    const auto head = ask({"HGET", hash_key(cluster, profile), ""});
    if (head.empty()) return {};
    Texts out{head};
    for (std::size_t i = 0; i + 1 < places.size(); i += 2) {
      places_.emplace_back(places[i], places[i + 1]);
      for (const std::string& value : ask({"HGET", hash_key(cluster, profile), places[i]}))
        out.push_back(value);
    }
    return out;
  }
  void plant(std::string_view cluster, const ProfileRef& profile, const Texts& texts) {
    const std::string hash = hash_key(cluster, profile), order = order_key(cluster, profile);
    ask({"DEL", hash, order});
    ask({"HSET", hash, "", texts.at(0)});
    for (std::size_t i = 0; i + 1 < texts.size(); ++i) {
      ask({"ZADD", order, places_.at(i).second, places_.at(i).first});
      ask({"HSET", hash, places_.at(i).first, texts[i + 1]});
    }
    shorten(cluster, profile, 60'000);
  }
  static Texts of_newer_release(Texts texts) {
    std::string body = texts.at(0).substr(40);
    body[0] = '0' + kPageFormat + 1;
    texts.at(0) = sha1(body) + body;
    return texts;
  }
  bool damage_parts(std::string_view cluster, const ProfileRef& profile, Prng& prng) {
    const std::string hash = hash_key(cluster, profile), order = order_key(cluster, profile);
    const auto places = ask({"ZRANGE", order, "0", "-1", "WITHSCORES"});
    if (places.empty()) return false;
    const auto some = [&] { return 2 * prng.below(places.size() / 2); };
    const std::string view = places[some()];
    // To where another one is, or a little before or behind it.
    const std::int64_t place =
        std::stoll(places[some() + 1]) + static_cast<std::int64_t>(prng.below(3)) - 1;
    switch (prng.below(6)) {
      case 0:
        ask({"ZREM", order, view});
        break;
      case 1:
        ask({"HDEL", hash, view});
        break;
      case 2:
        ask({"ZADD", order, std::to_string(place), "view-of-nobody"});
        break;
      case 3:
        ask({"ZREM", order, view});
        ask({"ZADD", order, std::to_string(place), "view-of-nobody"});
        break;
      default:
        ask({"ZADD", order, std::to_string(place), view});
        break;
    }
    return true;
  }
  Millis left_ms(std::string_view cluster, const ProfileRef& profile) {
    return std::stoll(ask({"PTTL", hash_key(cluster, profile)}).at(0));
  }
  void shorten(std::string_view cluster, const ProfileRef& profile, Millis ms) {
    for (const std::string& key : {hash_key(cluster, profile), order_key(cluster, profile)})
      ask({"PEXPIRE", key, std::to_string(ms)});
  }

  static std::string hash_key(std::string_view cluster, const ProfileRef& profile) {
    return "{" + page_key(cluster, profile) + "}";
  }
  static std::string order_key(std::string_view cluster, const ProfileRef& profile) {
    return hash_key(cluster, profile) + ":order";
  }

  /// The answer's texts: none if it is nil.
  Texts ask(const std::vector<std::string>& words) {
    redisContext* context = redisConnect("127.0.0.1", server_.port());
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const std::string& word : words) {
      texts.push_back(word.data());
      sizes.push_back(word.size());
    }
    auto* reply = static_cast<redisReply*>(
        redisCommandArgv(context, static_cast<int>(words.size()), texts.data(), sizes.data()));
    Texts out;
    if (reply == nullptr || reply->type == REDIS_REPLY_ERROR)
      ADD_FAILURE() << words[0] << ": " << (reply == nullptr ? context->errstr : reply->str);
    else
      append(out, *reply);
    if (reply != nullptr) freeReplyObject(reply);
    redisFree(context);
    return out;
  }

 private:
  static void append(Texts& out, const redisReply& reply) {
    if (reply.type == REDIS_REPLY_INTEGER) out.push_back(std::to_string(reply.integer));
    if (reply.type == REDIS_REPLY_STRING) out.emplace_back(reply.str, reply.len);
    if (reply.type == REDIS_REPLY_ARRAY)
      for (std::size_t i = 0; i < reply.elements; ++i) append(out, *reply.element[i]);
  }
  static std::string sha1(std::string_view text) {
    unsigned char sum[SHA_DIGEST_LENGTH];
    ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), sum);
    std::string out;
    for (const unsigned char byte : sum)
      for (const int digit : {byte >> 4, byte & 15}) out.push_back("0123456789abcdef"[digit]);
    return out;
  }

  TestServer server_{redis_command()};
  std::vector<std::pair<std::string, std::string>> places_;  // view, score
};

INSTANTIATE_TYPED_TEST_SUITE_P(Redis, CacheContract, RedisHarness);

class RedisPage : public testing::Test {
 protected:
  RedisPage() {
    Page page{.version = {1, 1}, .whole = true};
    for (const int number : {2, 4, 6}) page.rows.push_back(make_row(profile_, number));
    EXPECT_EQ(run_to_end(cache_->fill(profile_, std::move(page), patient())), Written::kApplied);
  }
  Deadline patient() { return Deadline::after(clock_, 60'000); }
  Miss miss() { return miss_of(newest()); }
  std::expected<Page, Miss> newest() { return run_to_end(cache_->newest(profile_, patient())); }
  Written put(std::initializer_list<int> numbers, Playhead playhead = 5'000) {
    return put(numbers, {1, 1}, playhead);
  }
  Written put(std::initializer_list<int> numbers, PageVersion before, Playhead playhead = 5'000) {
    PageChange change{.profile = profile_, .before = before};
    change.after = {before.epoch, before.count + 1};
    for (const int number : numbers) change.rows.push_back(make_row(profile_, number, playhead));
    return run_to_end(cache_->put(std::move(change), patient()));
  }
  std::string view(int number) { return std::string(make_row(profile_, number).ids.get().view); }

  const ProfileRef profile_{"_", "a1", "p1"};
  ShiftedClock clock_;
  RedisHarness harness_;
  const std::unique_ptr<Cache> cache_ = harness_.make({.name = "test", .lanes = 1}, clock_);
  const std::string hash_ = RedisHarness::hash_key("test", profile_);
  const std::string order_ = RedisHarness::order_key("test", profile_);
};

TEST_F(RedisPage, ThatLostARowIsAMiss) {
  harness_.ask({"HDEL", hash_, view(4)});
  EXPECT_EQ(miss(), Miss::kDamaged);
}

TEST_F(RedisPage, ThatLostAPlaceIsAMissAlsoAfterAPut) {
  harness_.ask({"ZREM", order_, view(4)});
  EXPECT_EQ(miss(), Miss::kDamaged);
  EXPECT_EQ(put({8}), Written::kGap);
  EXPECT_EQ(miss(), Miss::kAbsent);
}

TEST_F(RedisPage, ThatLostItsOrderIsAMiss) {
  harness_.ask({"DEL", order_});
  EXPECT_EQ(miss(), Miss::kDamaged);
}

TEST_F(RedisPage, ThatLostItsHeadIsAMiss) {
  harness_.ask({"HDEL", hash_, ""});
  EXPECT_EQ(miss(), Miss::kAbsent);
}

TEST_F(RedisPage, WithARowInAnothersPlaceIsAMiss) {
  harness_.ask({"ZADD", order_, "1", view(6)});
  EXPECT_EQ(miss(), Miss::kDamaged);
}

// The set says which row is the oldest. Where it lies, the page must not lose another one.
TEST_F(RedisPage, WithARowInAnothersPlaceLosesNoOtherOneByATrim) {
  const auto small = harness_.make({.name = "test", .page_rows_max = 3}, clock_);
  const auto put_newest = [&] {
    PageChange change{.profile = profile_, .before = {1, 1}, .after = {1, 2}};
    change.rows.push_back(make_row(profile_, 8));
    return run_to_end(small->put(std::move(change), patient()));
  };
  const std::string oldest = harness_.ask({"ZSCORE", order_, view(2)}).at(0);
  const std::string middle = harness_.ask({"ZSCORE", order_, view(4)}).at(0);
  harness_.ask({"ZADD", order_, std::to_string(std::stoll(oldest) + 1), view(6)});
  EXPECT_EQ(put_newest(), Written::kGap) << "it would have cut off the newest";
  Page page{.version = {1, 1}, .whole = true};
  harness_.flush();
  for (const int number : {2, 4, 6}) page.rows.push_back(make_row(profile_, number));
  EXPECT_EQ(run_to_end(small->fill(profile_, std::move(page), patient())), Written::kApplied);
  harness_.ask({"ZADD", order_, std::to_string(std::stoll(middle) - 1), view(2)});
  EXPECT_EQ(put_newest(), Written::kGap) << "it would have kept the oldest";
}

class RedisPageThatIsNotWhole : public RedisPage {
 protected:
  RedisPageThatIsNotWhole() {
    Page page{.version = {1, 1}, .whole = false};
    for (const int number : {2, 6, 8}) page.rows.push_back(make_row(profile_, number));
    EXPECT_EQ(run_to_end(cache_->fill(profile_, std::move(page), patient())), Written::kApplied);
  }
  void misplace(int number, std::int64_t place) {
    harness_.ask({"ZADD", order_, std::to_string(place), view(number)});
  }
  std::int64_t place(int number) { return -make_row(profile_, number).keyed_start.ms; }
};

TEST_F(RedisPageThatIsNotWhole, LeavesNoRowOutByTheWordOfAMisplacedLastOne) {
  misplace(2, place(4) - 1);
  EXPECT_TRUE(newest()) << "all is in order still";
  EXPECT_EQ(put({4}), Written::kGap) << "but 4 lies before 2, and belongs into it";
  EXPECT_EQ(miss(), Miss::kAbsent);
}

TEST_F(RedisPageThatIsNotWhole, IsNotPutRightAfterARowWasTakenInByAMisplacedOne) {
  misplace(2, place(1) + 1);
  EXPECT_EQ(put({1}), Written::kApplied);
  EXPECT_EQ(miss(), Miss::kDamaged) << "what lies between 2 and 1 is not known";
  EXPECT_EQ(put({2}, {1, 2}), Written::kGap);
  EXPECT_EQ(miss(), Miss::kAbsent);
}

TEST_F(RedisPageThatIsNotWhole, IsNotMadeWholeByDamageToItsHeadAndAPut) {
  auto texts = harness_.texts("test", profile_);
  std::size_t at = 40;  // behind the checksum: format, version, as of, born, whole
  for (int word = 0; word < 4; ++word) at = texts[0].find(' ', at) + 1;
  ASSERT_EQ(texts[0].substr(at, 2), "0 ");
  texts[0][at] = '1';
  harness_.plant("test", profile_, texts);
  EXPECT_EQ(miss(), Miss::kDamaged);
  EXPECT_EQ(put({10}), Written::kGap);
  EXPECT_EQ(miss(), Miss::kAbsent);
}

TEST_F(RedisPage, WithARowOfAnotherTimeIsAMiss) {
  const auto old = harness_.ask({"HGET", hash_, view(4)}).at(0);
  EXPECT_EQ(put({4}, 9'000), Written::kApplied);
  EXPECT_TRUE(newest());
  harness_.ask({"HSET", hash_, view(4), old});
  EXPECT_EQ(miss(), Miss::kDamaged) << "the sum of all rows tells";
}

TEST_F(RedisPage, WithARowTooManyIsAMiss) {
  harness_.ask({"ZADD", order_, "-9999999999999", "view-of-nobody"});
  EXPECT_EQ(miss(), Miss::kDamaged);
}

TEST_F(RedisPage, WhoseKeysHoldOtherThingsIsAMissAndCanBeFilledAgain) {
  for (const std::string& key : {hash_, order_}) {
    harness_.ask({"SET", key, "something else"});
    EXPECT_FALSE(newest());
    Page page{.version = {1, 1}, .whole = true};
    page.rows.push_back(make_row(profile_, 2));
    EXPECT_EQ(run_to_end(cache_->fill(profile_, std::move(page), patient())), Written::kApplied);
    EXPECT_TRUE(newest());
    harness_.ask({"SET", key, "something else"});
    EXPECT_NE(put({8}), Written::kApplied);
    EXPECT_FALSE(newest());
  }
}

TEST_F(RedisPage, IsWorkedOnByAServerThatForgotTheScript) {
  harness_.ask({"SCRIPT", "FLUSH"});
  EXPECT_TRUE(newest());
  harness_.ask({"SCRIPT", "FLUSH"});
  EXPECT_EQ(put({8}), Written::kApplied);
  EXPECT_EQ(newest()->rows.size(), 4u);
}

TEST_F(RedisPage, LeavesNothingBehindInTheServer) {
  EXPECT_EQ(harness_.ask({"DBSIZE"}).at(0), "2");
  EXPECT_GT(harness_.left_ms("test", profile_), 0);
  EXPECT_NE(harness_.ask({"PTTL", order_}).at(0), "-1") << "both keys have a time";
  EXPECT_EQ(run_to_end(cache_->forget(profile_, {1, 2}, patient())), Written::kApplied);
  EXPECT_EQ(harness_.ask({"DBSIZE"}).at(0), "1") << "the floor";
  EXPECT_EQ(harness_.ask({"HLEN", hash_}).at(0), "1");
}

}  // namespace
}  // namespace playhead
