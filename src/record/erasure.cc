// Two chains of hashes with different seeds: 128 bits, so that no two ids share a mark by chance.
#include "record/erasure.h"

#include <cstdio>

#include "base/hash.h"

namespace playhead {
namespace {

constexpr std::uint64_t kHighSeed = 0x6572617365642d68;  // "erased-h"
constexpr std::uint64_t kLowSeed = 0x6572617365642d6c;   // "erased-l"

std::uint64_t chain(std::uint64_t seed, std::string_view tenant, std::string_view account,
                    std::string_view profile) {
  return hash_bytes(profile, hash_bytes(account, hash_bytes(tenant, seed)));
}

}  // namespace

Mark mark_of(std::string_view tenant, std::string_view account, std::string_view profile) {
  return {.high = chain(kHighSeed, tenant, account, profile),
          .low = chain(kLowSeed, tenant, account, profile)};
}

std::string name_of(const Mark& mark) {
  char name[33];
  std::snprintf(name, sizeof name, "%016llx%016llx", static_cast<unsigned long long>(mark.high),
                static_cast<unsigned long long>(mark.low));
  return name;
}

}  // namespace playhead
