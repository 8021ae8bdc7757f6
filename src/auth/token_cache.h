// Tokens that were believed, and who they made: checking one again costs a look-up instead of a
// signature. Only what was verified comes in, so strangers can't fill it.
//
// Operation: two generations a part; when the young one is full it becomes the old one, and the old
//   one goes. What is asked for while it is old becomes young again.
// Concurrency: any thread; each part has a mutex that is held for a look-up.
// Invariant: never more than `tokens_max` tokens (rounded up to kParts).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "auth/caller.h"
#include "base/time.h"

namespace playhead {

class TokenCache {
 public:
  /// `seed`: random, for the texts are chosen by others.
  TokenCache(std::size_t tokens_max, std::uint64_t seed);

  /// Null if it is not there, was believed under another set of keys than `keys`, or has expired
  /// at `now` by its caller's `expires_at`.
  std::shared_ptr<const Caller> find(std::string_view token, std::uint64_t keys, Instant now);
  void put(std::string_view token, std::uint64_t keys, std::shared_ptr<const Caller> caller);
  std::size_t size() const;

  static constexpr std::size_t kParts = 16;

 private:
  struct Entry {
    std::shared_ptr<const Caller> caller;
    std::uint64_t keys = 0;
  };
  struct Hash {
    using is_transparent = void;
    std::uint64_t seed;
    std::size_t operator()(std::string_view token) const;
  };
  using Tokens = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;
  struct alignas(64) Part {
    mutable std::mutex mutex;
    Tokens young, old;
  };

  Part& part_of(std::string_view token);
  void insert(Part& part, std::string token, Entry entry);

  Hash hash_;
  std::size_t generation_max_;  ///< tokens of one generation of one part
  std::array<Part, kParts> parts_;
};

}  // namespace playhead
