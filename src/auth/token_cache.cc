// Look-ups by the whole token: a hash alone would let one that collides in.
#include "auth/token_cache.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"

namespace playhead {

std::size_t TokenCache::Hash::operator()(std::string_view token) const {
  return hash_bytes(token, seed);
}

TokenCache::TokenCache(std::size_t tokens_max, std::uint64_t seed)
    : hash_{seed}, generation_max_(std::max<std::size_t>(1, tokens_max / kParts / 2)) {
  for (Part& part : parts_) {
    part.young = Tokens(0, hash_);
    part.old = Tokens(0, hash_);
  }
}

// By the top bits: the maps use the lower ones.
TokenCache::Part& TokenCache::part_of(std::string_view token) { return parts_[hash_(token) >> 60]; }

std::shared_ptr<const Caller> TokenCache::find(std::string_view token, std::uint64_t keys,
                                               Instant now) {
  Part& part = part_of(token);
  std::scoped_lock lock(part.mutex);
  const auto is_good = [&](const Entry& entry) {
    return entry.keys == keys && now < entry.caller->expires_at;
  };
  if (const auto found = part.young.find(token); found != part.young.end())
    return is_good(found->second) ? found->second.caller : nullptr;
  const auto found = part.old.find(token);
  if (found == part.old.end()) return nullptr;
  auto node = part.old.extract(found);
  if (!is_good(node.mapped())) return nullptr;
  auto caller = node.mapped().caller;
  insert(part, std::move(node.key()), std::move(node.mapped()));
  return caller;
}

void TokenCache::put(std::string_view token, std::uint64_t keys,
                     std::shared_ptr<const Caller> caller) {
  Part& part = part_of(token);
  std::scoped_lock lock(part.mutex);
  insert(part, std::string(token), {.caller = std::move(caller), .keys = keys});
}

void TokenCache::insert(Part& part, std::string token, Entry entry) {
  if (part.young.size() >= generation_max_ && !part.young.contains(token))
    part.old = std::exchange(part.young, Tokens(0, hash_));
  part.young.insert_or_assign(std::move(token), std::move(entry));
}

std::size_t TokenCache::size() const {
  std::size_t tokens = 0;
  for (const Part& part : parts_) {
    std::scoped_lock lock(part.mutex);
    tokens += part.young.size() + part.old.size();
  }
  return tokens;
}

}  // namespace playhead
