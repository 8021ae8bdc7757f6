// The contract over a real Memcached, and what only several servers show.
#include "cache/memcached/memcached_client.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "cache/cache_contract.h"

namespace playhead {
namespace {

class MemcachedHarness {
 public:
  using Texts = std::vector<std::string>;

  TestServer& server() { return server_; }
  std::unique_ptr<Cache> make(CacheOptions options, const Clock& clock) {
    return value_of(make_memcached_cache({{.host = "127.0.0.1", .port = server_.port()}},
                                         std::move(options), clock));
  }
  void flush() { ASSERT_EQ(LoopbackSocket(server_.port()).ask("flush_all"), "OK"); }

  Texts texts(std::string_view cluster, const ProfileRef& profile) {
    const std::string key = page_key(cluster, profile);
    const Raw raw(server_.port());
    std::size_t size = 0;
    std::uint32_t flags = 0;
    memcached_return_t code;
    char* value = memcached_get(raw.get(), key.data(), key.size(), &size, &flags, &code);
    if (value == nullptr) return {};
    Texts out{{value, size}};
    ::free(value);
    return out;
  }
  void plant(std::string_view cluster, const ProfileRef& profile, const Texts& texts) {
    const std::string key = page_key(cluster, profile);
    const Raw raw(server_.port());
    ASSERT_EQ(memcached_set(raw.get(), key.data(), key.size(), texts.at(0).data(),
                            texts.at(0).size(), 60, 0),
              MEMCACHED_SUCCESS);
  }
  static Texts of_newer_release(Texts texts) {
    texts.at(0).at(0) = kPageFormat + 1;
    return texts;
  }
  static bool damage_parts(std::string_view, const ProfileRef&, Prng&) { return false; }
  Millis left_ms(std::string_view cluster, const ProfileRef& profile) {
    // "HD t57": in seconds.
    const std::string answer =
        LoopbackSocket(server_.port()).ask("mg " + page_key(cluster, profile) + " t");
    return answer.starts_with("HD t") ? std::stoll(answer.substr(4)) * 1'000 : -1;
  }
  void shorten(std::string_view cluster, const ProfileRef& profile, Millis ms) {
    const std::string answer =
        LoopbackSocket(server_.port())
            .ask("touch " + page_key(cluster, profile) + " " + std::to_string(ms / 1'000));
    ASSERT_EQ(answer, "TOUCHED");
  }

 private:
  class Raw {
   public:
    explicit Raw(std::uint16_t port) { memcached_server_add(it_, "127.0.0.1", port); }
    ~Raw() { memcached_free(it_); }
    Raw(const Raw&) = delete;
    memcached_st* get() const { return it_; }

   private:
    memcached_st* it_ = memcached_create(nullptr);
  };

  TestServer server_{memcached_command()};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memcached, CacheContract, MemcachedHarness);

TEST(MemcachedServers, OneThatIsDeadCostsItsOwnPagesOnly) {
  constexpr int kProfiles = 90;
  ShiftedClock clock;
  std::array<TestServer, 3> servers{TestServer(memcached_command()),
                                    TestServer(memcached_command()),
                                    TestServer(memcached_command())};
  std::vector<MemcachedServer> addresses;
  for (const TestServer& server : servers) addresses.push_back({"127.0.0.1", server.port()});
  const auto make = [&] {
    return value_of(
        make_memcached_cache(addresses, {.failures_max = 1, .silence_ms = 3'600'000}, clock));
  };
  const auto patient = [&] { return Deadline::after(clock, 60'000); };
  const auto writer = make(), reader = make();
  const auto profile = [](int i) { return ProfileRef{"_", "a1", "p" + std::to_string(i)}; };
  for (int i = 0; i < kProfiles; ++i) {
    Page page{.version = {1, 1}, .whole = true};
    page.rows.push_back(make_row(profile(i), i));
    EXPECT_EQ(run_to_end(writer->fill(profile(i), std::move(page), patient())), Written::kApplied);
  }
  const auto hits = [&](Cache& cache) {
    std::set<int> out;
    for (int i = 0; i < kProfiles; ++i)
      if (run_to_end(cache.newest(profile(i), patient()))) out.insert(i);
    return out;
  };
  EXPECT_EQ(hits(*reader).size(), std::size_t{kProfiles}) << "all nodes look in the same place";
  servers[1].kill();
  const std::set<int> kept = hits(*reader);
  EXPECT_GT(kept.size(), std::size_t{kProfiles / 3});
  EXPECT_LT(kept.size(), std::size_t{kProfiles}) << "it had some of them";
  EXPECT_EQ(reader->counters().opened, 1u);
  EXPECT_EQ(reader->counters().missed(Miss::kFailed), 1u) << "asked once, then not for a while";
  EXPECT_EQ(hits(*reader), kept) << "and the others' breakers are closed";
}

TEST(MemcachedServers, AreNeededAndLimitsChecked) {
  const SystemClock clock;
  EXPECT_FALSE(make_memcached_cache({}, {}, clock));
  const auto with = [&](CacheOptions options) {
    return make_memcached_cache({{.host = "127.0.0.1"}}, std::move(options), clock).has_value();
  };
  EXPECT_TRUE(with({}));
  EXPECT_FALSE(with({.name = "no id"}));
  EXPECT_FALSE(with({.page_rows_max = 0}));
  EXPECT_FALSE(with({.page_rows_max = kPageRowsMax + 1}));
  EXPECT_FALSE(with({.page_ttl_ms = 999}));
  EXPECT_FALSE(with({.page_ttl_ms = 2'000, .page_life_ms_max = 1'000}));
  EXPECT_FALSE(with({.lanes = 0}));
  EXPECT_FALSE(with({.waiting_max = 0}));
}

}  // namespace
}  // namespace playhead
