// What it costs to know who asks: a token that was seen before, and one that was not.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "auth/token_authenticator.h"
#include "base/assert.h"

namespace playhead {
namespace {

constexpr int kTokens = 10'000;

/// An authenticator with one key, and `count` tokens of it as headers.
struct Fixture {
  Fixture(Algorithm algorithm, int count, std::uint32_t cached, std::uint32_t per_s_max = 0) {
    KeySet keys;
    PLAYHEAD_ASSERT(keys.add(*Key::generate("k1", algorithm)).has_value());
    std::string json = jwks_of(keys, true);
    const std::size_t begin = json.find("\n  ") + 3;
    AuthOptions options{.keys = {json.substr(begin, json.rfind("\n]") - begin)}};
    options.token_cache_max = cached;
    options.account_requests_per_s_max = per_s_max;
    auto made = TokenAuthenticator::open(options, clock);
    PLAYHEAD_ASSERT(made.has_value());
    authenticator = *std::move(made);
    for (int i = 0; i < count; ++i) {
      const Claims claims{.account = "acct-" + std::to_string(i),
                          .profile = "p1",
                          .expires_at = clock.now() + 3'600'000};
      headers.push_back("Bearer " + *mint_token(claims,
                                                {.issuer = "playhead", .audience = "playhead"},
                                                *keys.find("k1"), clock.now()));
    }
  }

  /// Has every token verified, so that what follows is cached.
  const Fixture& warm() const {
    for (std::size_t i = 0; i < headers.size(); ++i) ask(i);
    return *this;
  }

  void ask(std::size_t i) const {
    const auto caller = authenticator->authenticate({.authorization = headers[i % headers.size()]});
    PLAYHEAD_ASSERT(caller.has_value());
  }

  SystemClock clock;
  std::unique_ptr<TokenAuthenticator> authenticator;
  std::vector<std::string> headers;
};

void cached(benchmark::State& state) {
  static const Fixture kFixture(Algorithm::kEs256, kTokens, 10 * kTokens);
  static const Fixture& kWarm = kFixture.warm();
  std::size_t i = static_cast<std::size_t>(state.thread_index());
  for (auto _ : state) kWarm.ask(i += 7);
}
BENCHMARK(cached)->Threads(1)->Threads(2);

void cached_and_counted(benchmark::State& state) {
  static const Fixture kFixture(Algorithm::kEs256, kTokens, 10 * kTokens, 1'000'000);
  static const Fixture& kWarm = kFixture.warm();
  std::size_t i = static_cast<std::size_t>(state.thread_index());
  for (auto _ : state) kWarm.ask(i += 7);
}
BENCHMARK(cached_and_counted)->Threads(1)->Threads(2);

void cached_one_for_all(benchmark::State& state) {
  static const Fixture kFixture(Algorithm::kEs256, 1, 10 * kTokens);
  for (auto _ : state) kFixture.ask(0);
}
BENCHMARK(cached_one_for_all)->Threads(1)->Threads(2);

void verified(benchmark::State& state) {
  // More tokens than the cache holds, in turn: each is verified.
  const Fixture fixture(static_cast<Algorithm>(state.range(0)), 200, 1);
  std::size_t i = 0;
  for (auto _ : state) fixture.ask(++i);
  state.SetLabel(std::string(name_of(static_cast<Algorithm>(state.range(0)))));
}
BENCHMARK(verified)->DenseRange(0, 3);

}  // namespace
}  // namespace playhead

BENCHMARK_MAIN();
